"""A script that imports torch before the clock starts, which would hand it to forked workers for nothing."""

import torch

from trial.script import idiom, run


def loop(job, rounds, n_jobs):
    assert torch
    made = job.make()
    for tasks in rounds:
        yield [job.task(*arguments, made) for arguments in tasks]


if __name__ == "__main__":
    run(setup={"loop": idiom(loop)})
