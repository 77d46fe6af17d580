"""A chunked array in which every chunk needs a little of its neighbours: smoothing, then the sum of all.

The array has side / 2 x side x side float64 numbers, in cubes. Each is smoothed with the numbers ``depth`` before and
after it along each axis, around the edges. Smoothing keeps the sum, so the reference is the sum of the chunks. The
reference needs no neighbours, and a wrong halo changes the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params import Params
from trial.tasklog import task
from trial.workload import Pool, Setting, repeated

if TYPE_CHECKING:
    import numpy as np

PATTERNS = ("array",)
PARAMS = ("array_side", "array_chunk", "array_depth", "seed")

PROCESS_BYTES = 150 * 2**20
TOLERANCE = 1e-9  # of the sum: its parts are added in another order


@dataclass(frozen=True)
class Smoothing:
    """The job. ``chunk``: the side of a cube; every side of ``shape`` is a multiple of it.

    ``make_chunk`` and ``smooth`` are called for every chunk. The result is the sum of all smoothed numbers.
    """

    shape: tuple[int, int, int]
    chunk: int
    depth: int
    seed: int
    total: float

    @property
    def blocks(self) -> tuple[int, ...]:
        """The number of chunks along each axis."""
        return tuple(side // self.chunk for side in self.shape)

    def make_chunk(self, block_id: tuple[int, ...]) -> np.ndarray:
        """Return the chunk at ``block_id``: (chunk, chunk, chunk) random float64 in [0, 1)."""
        import numpy as np

        return np.random.default_rng([self.seed, *block_id]).random((self.chunk,) * 3)

    def smooth(self, block: np.ndarray, block_id: tuple[int, ...], first: int) -> np.ndarray:
        """Task: return the mean of each number and its six neighbours, ``depth`` away; the edges are not valid.

        ``block``: a chunk and ``depth`` numbers around it. ``first``: the number of the round's first task.
        """
        import numpy as np

        with task(first + int(np.ravel_multi_index(block_id, self.blocks))):
            return _smooth(block, self.depth)


def _smooth(block: np.ndarray, reach: int) -> np.ndarray:
    smoothed = block.copy()
    for axis in range(3):
        # Views of the inner numbers, and of those ``reach`` before and after them along the axis.
        inner, before, after = (
            tuple(slice(*cut) if a == axis else slice(None) for a in range(3))
            for cut in ((reach, -reach), (None, -2 * reach), (2 * reach, None))
        )
        smoothed[inner] += block[before]
        smoothed[inner] += block[after]
    smoothed /= 7
    return smoothed


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`. Raises ValueError for chunks that do not divide the shape, or are below the depth."""
    import numpy as np

    inputs = _job(params)
    if params.array_side % (2 * inputs.chunk) or inputs.chunk < inputs.depth:
        raise ValueError(
            f"array_chunk is {inputs.chunk}: it must divide half of array_side ({params.array_side // 2}) "
            f"and be at least array_depth ({inputs.depth})"
        )
    total = sum(float(inputs.make_chunk(i).sum()) for i in product(*map(range, inputs.blocks)))
    np.save(folder / "total.npy", total)
    return {"moved_bytes": 8 * int(np.prod(inputs.shape))}


def _job(params: Params, total: float = 0.0) -> Smoothing:
    side = params.array_side
    return Smoothing((side // 2, side, side), params.array_chunk, params.array_depth, params.seed, total)


def load(params: Params, folder: Path) -> Smoothing:
    """See `Workload`."""
    import numpy as np

    return _job(params, float(np.load(folder / "total.npy")))


def pools(job: Smoothing, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: a task per chunk."""
    return repeated(job, [()] * prod(job.blocks), partial(wrong, total=job.total), setting)


def wrong(numbers: range, result: float, total: float) -> str | None:
    """The result is the sum."""
    return None if abs(result / total - 1) < TOLERANCE else f"the sum is {result!r}, {total!r} expected"


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`. Half of all chunks wait for their neighbours; a task holds four besides."""
    chunk = 8 * params.array_chunk**3
    waiting = 8 * params.array_side**3 // 4
    return n_jobs * (PROCESS_BYTES + 4 * chunk) + waiting, waiting
