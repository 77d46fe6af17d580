"""Labels for batches of images by a network that is slow to set up: who can load a model once per worker?"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params import Params
from trial.tasklog import task

# In functions, not here: see workloads/numerical.py.
if TYPE_CHECKING:
    import numpy as np
    import torch

PARAMS = ("hidden_units", "rounds", "batches_per_round", "batch_size", "seed")
NOT_IN_PARENT = ("torch",)

PIXELS, LABELS = 64, 10  # scikit-learn's digits: 8 x 8 pixels
PROCESS_BYTES = 400 * 2**20  # an interpreter with torch
LEAST_ACCURACY = 0.95
EPOCHS = 6


@dataclass(frozen=True)
class Inputs:
    """``rounds`` of (index, images) tasks; images are (batch_size, 64) float32. ``model_path``: the trained network."""

    rounds: list[list[tuple[int, np.ndarray]]]
    model_path: str


def build_model(hidden_units: int) -> torch.nn.Module:
    """Return an untrained network of two hidden layers."""
    from torch import nn

    return nn.Sequential(
        nn.Linear(PIXELS, hidden_units),
        nn.ReLU(),
        nn.Linear(hidden_units, hidden_units),
        nn.ReLU(),
        nn.Linear(hidden_units, LABELS),
    )


def load_model(path: str) -> torch.nn.Module:
    """Import torch, build the network and load its weights: what a worker has to do before its first task."""
    import torch

    weights = torch.load(path, weights_only=True)
    model = build_model(len(weights["0.bias"]))
    model.load_state_dict(weights)
    return model.eval()


def load_model_for_all_cores(path: str) -> torch.nn.Module:
    """Return the network, and compute on as many threads as there are cores: as torch does where nothing limits it."""
    import torch

    model = load_model(path)
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    return model


@functools.cache
def load_model_once(path: str) -> torch.nn.Module:
    """Return the network, loaded at the first call in a process: for libraries without a hook at a worker's start."""
    return load_model(path)


def predict(index: int, images: np.ndarray, model: torch.nn.Module) -> tuple[int, np.ndarray]:
    """Task: return the index and the labels of batch ``index``, (batch_size,) int64."""
    import torch

    with task(index), torch.inference_mode():
        return index, model(torch.from_numpy(images)).argmax(dim=1).numpy()


def load_and_predict(index: int, images: np.ndarray, path: str) -> tuple[int, np.ndarray]:
    """Task of the naive idiom: the same labels, by a network that the task loads for itself."""
    import torch

    with task(index), torch.inference_mode():
        return index, load_model(path)(torch.from_numpy(images)).argmax(dim=1).numpy()


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `contract.Workload`. Raises ValueError where the trained network is not accurate enough to mean anything."""
    import numpy as np
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32)
    split = train_test_split(images, labels, test_size=0.2, random_state=params.seed % 2**32, stratify=labels)
    train_images, test_images, train_labels, test_labels = split
    model = _train(params, train_images, train_labels)
    accuracy = float(np.mean(predict(0, test_images, model)[1] == test_labels))
    if accuracy < LEAST_ACCURACY:
        raise ValueError(
            f"hidden_units is {params.hidden_units}: the network labels only {accuracy:.1%} of the test images right, "
            f"{LEAST_ACCURACY:.0%} is the least; raise it"
        )
    _save(params, model, test_images, folder)
    moved = sum((folder / name).stat().st_size for name in ("model.pt", "batches.npy", "reference.npy"))
    return {"test_accuracy": accuracy, "moved_bytes": moved}


def _train(params: Params, images: np.ndarray, labels: np.ndarray) -> torch.nn.Module:
    import torch

    torch.manual_seed(params.seed)
    model = build_model(params.hidden_units)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    inputs, targets = torch.from_numpy(images), torch.from_numpy(labels)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(inputs[batch]), targets[batch]).backward()
            optimizer.step()
    return model.eval()


def _save(params: Params, model: torch.nn.Module, images: np.ndarray, folder: Path) -> None:
    import numpy as np
    import torch

    torch.set_num_threads(1)  # as in a trial
    rng = np.random.default_rng(params.seed)
    batches = images[rng.integers(len(images), size=(num_tasks(params), params.batch_size))]
    torch.save(model.state_dict(), folder / "model.pt")
    np.save(folder / "batches.npy", batches)
    np.save(folder / "reference.npy", np.stack([predict(i, batch, model)[1] for i, batch in enumerate(batches)]))


def load(params: Params, folder: Path) -> Inputs:
    """See `contract.Workload`."""
    import numpy as np

    tasks = list(enumerate(np.load(folder / "batches.npy")))
    size = params.batches_per_round
    return Inputs([tasks[i : i + size] for i in range(0, len(tasks), size)], str(folder / "model.pt"))


def num_tasks(params: Params) -> int:
    """See `contract.Workload`."""
    return params.rounds * params.batches_per_round


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `contract.Workload`. Loading holds the weights twice: as read, and in the network."""
    model = 4 * params.hidden_units * (params.hidden_units + PIXELS + LABELS)
    return n_jobs * (PROCESS_BYTES + 2 * model), 0


def check(result: Iterable[tuple[int, np.ndarray]], folder: Path) -> str | None:
    """Results are pairs of index and labels, in any order; they must be equal to the reference."""
    import numpy as np

    reference, labels = np.load(folder / "reference.npy"), dict(result)
    if sorted(labels) != list(range(len(reference))):
        return f"labels for {len(labels)} batches, {len(reference)} asked for"
    wrong = [index for index, expected in enumerate(reference) if not np.array_equal(labels[index], expected)]
    if wrong:
        return f"{len(wrong)} of {len(reference)} batches have other labels than the serial reference, first {wrong[0]}"
    return None
