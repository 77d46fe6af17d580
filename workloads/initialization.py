"""Labels for batches of images by a network that is slow to set up: who can load a model once per worker?"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from params import Params
from trial.patterns import Setup
from trial.tasklog import making, task
from trial.workload import Pool, Setting, by_number, plain_loop, repeated

# In functions, not here: see workloads/numerical.py.
if TYPE_CHECKING:
    import numpy as np
    import torch

PATTERNS = ("setup",)
PARAMS = ("hidden_units", "num_batches", "batch_size", "seed")
NOT_IN_PARENT = ("torch",)

PIXELS, LABELS = 64, 10  # scikit-learn's digits: 8 x 8 pixels
PROCESS_BYTES = 400 * 2**20  # an interpreter with torch
LEAST_ACCURACY = 0.95
EPOCHS = 6


class Inputs(NamedTuple):
    """``batches``: (num_batches, batch_size, 64) float32; ``reference``: the labels of each, (num_batches, batch_size).

    ``model_path``: the trained network.
    """

    batches: np.ndarray
    reference: np.ndarray
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


def load_model(source: str | bytes) -> torch.nn.Module:
    """Import torch, build the network and load its weights: what a worker has to do before its first task.

    ``source``: the path of the weights; the file's content for workers that may not have the file.
    """
    with making():
        import torch

        weights = torch.load(BytesIO(source) if isinstance(source, bytes) else source, weights_only=True)
        model = build_model(len(weights["0.bias"]))
        model.load_state_dict(weights)
        return model.eval()


def predict(number: int, images: np.ndarray, model: torch.nn.Module) -> tuple[int, np.ndarray]:
    """Task: return the number and the labels of a batch of images, (batch_size,) int64."""
    import torch

    with task(number), torch.inference_mode():
        return number, model(torch.from_numpy(images)).argmax(dim=1).numpy()


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`. Raises ValueError where the trained network is not accurate enough to mean anything."""
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
    least_s = _save(params, model, test_images, folder)
    moved = sum((folder / name).stat().st_size for name in ("model.pt", "batches.npy", "reference.npy"))
    return {"test_accuracy": accuracy, "moved_bytes": moved, "least_serial_s": least_s}


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


def _save(params: Params, model: torch.nn.Module, images: np.ndarray, folder: Path) -> float:
    """Write the inputs and the reference; return the seconds that all tasks take at least."""
    import numpy as np
    import torch

    torch.set_num_threads(1)  # as in a trial
    rng = np.random.default_rng(params.seed)
    batches = images[rng.integers(len(images), size=(params.num_batches, params.batch_size))]
    torch.save(model.state_dict(), folder / "model.pt")
    np.save(folder / "batches.npy", batches)
    reference, least_s = plain_loop(lambda: np.stack([predict(i, batch, model)[1] for i, batch in enumerate(batches)]))
    np.save(folder / "reference.npy", reference)
    return least_s


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    import numpy as np

    return Inputs(np.load(folder / "batches.npy"), np.load(folder / "reference.npy"), str(folder / "model.pt"))


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`."""
    arguments = [(images,) for images in inputs.batches]
    weights = Path(inputs.model_path).read_bytes() if setting.on_cluster else inputs.model_path
    job = Setup(predict, partial(load_model, weights), imports=("torch",))
    return repeated(job, arguments, partial(wrong, reference=inputs.reference), setting)


def wrong(numbers: range, results: Any, reference: np.ndarray) -> str | None:
    """Labels must be equal to the reference."""
    import numpy as np

    pairs = enumerate(zip(by_number(results, numbers), reference, strict=True))
    differ = [index for index, (labels, expected) in pairs if not np.array_equal(labels, expected)]
    if differ:
        return f"{len(differ)} of {len(reference)} batches have other labels than the serial one, first {differ[0]}"
    return None


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`. Loading holds the weights twice: as read, and in the network."""
    model = 4 * params.hidden_units * (params.hidden_units + PIXELS + LABELS)
    return n_jobs * (PROCESS_BYTES + 2 * model), 0
