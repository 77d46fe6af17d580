"""A chunked array in which every chunk needs a little of its neighbours: smoothing, then the sum of all.

side / 2 x side x side float64 numbers in cubes, smoothed with the numbers ``depth`` before and after along each axis,
around the edges. Smoothing moves numbers about and loses none, so that the sum must be that of the chunks themselves:
a reference that knows nothing of neighbours, and that no wrong halo leaves as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params import Params
from trial.tasklog import task

if TYPE_CHECKING:
    import numpy as np

PARAMS = ("array_side", "array_chunk", "array_depth", "seed")
NOT_IN_PARENT = ()

PROCESS_BYTES = 150 * 2**20
TOLERANCE = 1e-9  # of the sum: its parts are added in another order


@dataclass(frozen=True)
class Inputs:
    """``chunk``: the side of a cube; every side of ``shape`` is a multiple of it."""

    shape: tuple[int, int, int]
    chunk: int
    depth: int
    seed: int

    @property
    def blocks(self) -> tuple[int, ...]:
        """The number of chunks along each axis."""
        return tuple(side // self.chunk for side in self.shape)


def make_chunk(block_id: tuple[int, ...], chunk: int, seed: int) -> np.ndarray:
    """Return the chunk at ``block_id``: (chunk, chunk, chunk) random float64 in [0, 1)."""
    import numpy as np

    return np.random.default_rng([seed, *block_id]).random((chunk, chunk, chunk))


def smooth(block: np.ndarray, block_id: tuple[int, ...], blocks: tuple[int, ...], reach: int) -> np.ndarray:
    """Task: return the mean of each number and its six neighbours, ``reach`` away; the edges are not valid.

    ``block``: a chunk and ``reach`` numbers around it.
    """
    import numpy as np

    with task(int(np.ravel_multi_index(block_id, blocks))):
        smoothed = block.copy()
        for axis in range(3):
            # Views along the axis: what lies before by so much, and what lies after.
            inner, before, after = (
                tuple(slice(*cut) if a == axis else slice(None) for a in range(3))
                for cut in ((reach, -reach), (None, -2 * reach), (2 * reach, None))
            )
            smoothed[inner] += block[before]
            smoothed[inner] += block[after]
        smoothed /= 7
        return smoothed


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `contract.Workload`. Raises ValueError for chunks that do not divide the shape, or are below the depth."""
    import numpy as np

    inputs = _inputs(params)
    if params.array_side % (2 * inputs.chunk) or inputs.chunk < inputs.depth:
        raise ValueError(
            f"array_chunk is {inputs.chunk}: it must divide half of array_side ({params.array_side // 2}) "
            f"and be at least array_depth ({inputs.depth})"
        )
    total = sum(float(make_chunk(i, inputs.chunk, inputs.seed).sum()) for i in product(*map(range, inputs.blocks)))
    np.save(folder / "total.npy", total)
    return {"moved_bytes": 8 * int(np.prod(inputs.shape))}


def _inputs(params: Params) -> Inputs:
    side = params.array_side
    return Inputs((side // 2, side, side), params.array_chunk, params.array_depth, params.seed)


def load(params: Params, _folder: Path) -> Inputs:
    """See `contract.Workload`."""
    return _inputs(params)


def num_tasks(params: Params) -> int:
    """See `contract.Workload`: one per chunk."""
    first, second, third = _inputs(params).blocks
    return first * second * third


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `contract.Workload`. Half of all chunks wait for their neighbours; a task holds four besides."""
    chunk = 8 * params.array_chunk**3
    waiting = 8 * params.array_side**3 // 4
    return n_jobs * (PROCESS_BYTES + 4 * chunk) + waiting, waiting


def check(result: float, folder: Path) -> str | None:
    """The result is the sum."""
    import numpy as np

    expected = float(np.load(folder / "total.npy"))
    return None if abs(result / expected - 1) < TOLERANCE else f"the sum is {result!r}, {expected!r} expected"
