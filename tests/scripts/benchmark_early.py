"""A script that imports torch before the clock starts, which would hand it to forked workers for nothing."""

import torch

from trial.script import run
from workloads import initialization


def loop(inputs, n_jobs):
    assert torch
    model = initialization.load_model(inputs.model_path)
    return [initialization.predict(index, images, model) for tasks in inputs.rounds for index, images in tasks]


if __name__ == "__main__":
    run(initialization={"loop": loop})
