"""Image filters of unequal cost, all on one real image: who can hand a large input to all workers only once?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from params import Params
from record.terms import ARRAY_IN_FILE, SHARED_MEMORY
from trial.patterns import Shared
from trial.tasklog import task
from trial.workload import Pool, Setting, by_number, plain_loop, repeated

# NumPy and scikit-image are imported in functions: under spawn, workers would else pay for them before the first task.
if TYPE_CHECKING:
    import numpy as np

PATTERNS = ("shared",)
PARAMS = ("image_size", "num_filters")
# `sharing` asks in which memory an input may lie, and how else workers may start with it.
LEFT_OUT = {
    ("shares", SHARED_MEMORY): "",
    ("shares", ARRAY_IN_FILE): "",
    ("varies_start", True): "",
    ("varies_scheduler", True): "",
}

PROCESS_BYTES = 150 * 2**20  # an interpreter with scikit-image
CORNER = 64  # pixels a side of a small image
DECIMATION = 5  # a task returns every 5th row and column of the filtered image

# Photographs that ship inside the scikit-image package: nothing is downloaded.
PHOTOGRAPHS = (
    "astronaut", "camera", "coffee", "chelsea", "brick", "grass",
    "gravel", "moon", "coins", "hubble_deep_field", "retina", "rocket",
)  # fmt: skip
TILES = 4  # the image is a mosaic of 4 x 4 of them


class Inputs(NamedTuple):
    """``image``: (image_size, image_size) float32 in [0, 1]. ``reference``: the file of the serial results."""

    image: np.ndarray
    num_filters: int
    reference: Path


@functools.cache
def filter_bank() -> tuple[Callable[[np.ndarray], np.ndarray], ...]:
    """Return the filters, importing scikit-image at the first call in a process."""
    import numpy as np
    from skimage import filters

    return (
        functools.partial(filters.gaussian, sigma=1),
        functools.partial(filters.median, footprint=np.ones((3, 3))),
        filters.sobel,
        functools.partial(filters.gaussian, sigma=8),
        filters.laplace,
        functools.partial(filters.unsharp_mask, radius=5, amount=1),
        filters.scharr,
        functools.partial(filters.difference_of_gaussians, low_sigma=2, high_sigma=8),
        filters.prewitt,
        functools.partial(filters.gaussian, sigma=16),
        filters.farid,
        filters.roberts,
    )


def modules_of_filters() -> tuple[str, ...]:
    """Return where the filters are: `skimage.filters` itself imports none of them before it is asked for one."""
    return tuple(dict.fromkeys(getattr(each, "func", each).__module__ for each in filter_bank()))


def filter_image(number: int, index: int, image: np.ndarray) -> tuple[int, np.ndarray]:
    """Task: apply filter ``index`` of the bank; after its last filter, the first one comes again.

    Returns the number and every 5th pixel each way, as a copy: a view would keep the whole filtered image alive.
    """
    bank = filter_bank()
    with task(number):
        return number, bank[index % len(bank)](image)[::DECIMATION, ::DECIMATION].copy()


def make_image(size: int) -> np.ndarray:
    """Return a mosaic of photographs, (size, size) float32 in [0, 1]."""
    import numpy as np
    from skimage import color, data, transform, util

    def tile(name: str) -> np.ndarray:
        photograph = getattr(data, name)()
        grey = color.rgb2gray(photograph) if photograph.ndim == 3 else util.img_as_float(photograph)
        side = -(-size // TILES)
        return transform.resize(grey, (side, side), anti_aliasing=True)

    tiles = [tile(name) for name in PHOTOGRAPHS]
    rows = [[tiles[(row * TILES + column) % len(tiles)] for column in range(TILES)] for row in range(TILES)]
    return np.ascontiguousarray(np.block(rows)[:size, :size], dtype=np.float32).clip(0, 1)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    import numpy as np

    image = make_image(params.image_size)
    for i in range(len(filter_bank())):  # what a filter loads when it is first called is no part of its time
        filter_image(i, i, image[:CORNER, :CORNER])
    results, least_s = plain_loop(lambda: np.stack([filter_image(i, i, image)[1] for i in range(params.num_filters)]))
    np.save(folder / "image.npy", image)
    np.save(folder / "reference.npy", results)
    moved = image.nbytes + results.nbytes
    facts = {"shared_bytes": image.nbytes, "moved_bytes": moved, "image_std": float(image.std())}
    return {**facts, "least_serial_s": least_s}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`.

    The parent has scikit-image loaded when the clock starts, like any script with its imports at the top. Forked
    workers inherit it; all others import it themselves. A user gets the same.
    """
    import numpy as np

    filter_bank()
    return Inputs(np.load(folder / "image.npy"), params.num_filters, folder / "reference.npy")


def pools(inputs: Inputs, setting: Setting, times: int = 1) -> Iterator[Pool]:
    """See `Workload`. ``times``: how often all filters are applied in a round."""
    arguments = [(index,) for index in range(inputs.num_filters)] * times
    job = Shared(filter_image, inputs.image, inputs.image.nbytes, imports=modules_of_filters())
    return repeated(job, arguments, functools.partial(wrong, reference=inputs.reference), setting)


def wrong(numbers: range, results: Any, reference: Path) -> str | None:
    """Each image must be equal to the reference bit for bit."""
    import numpy as np

    for index, image in enumerate(by_number(results, numbers)):
        # Mapped anew for each image, and released: else the whole file would be in the trial's memory.
        expected = np.load(reference, mmap_mode="r")
        if not np.array_equal(image, expected[index % len(expected)]):
            return f"filter {index % len(expected)}: the image differs from the serial reference"
    return None


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`. A filter holds up to six arrays of float64; naive idioms queue an image per task."""
    image = 4 * params.image_size**2
    queued = params.num_filters * image
    return n_jobs * (PROCESS_BYTES + 13 * image) + queued, queued
