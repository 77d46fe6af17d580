"""`sharing` where the client makes the input and gives it to all workers, each of which then holds it.

Input, tasks and check are those of `sharing`. Here the input is made under the clock, so memory can be read before it
exists, and its maker can let go of it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from params import Params
from trial.patterns import Setup
from trial.workload import Pool, Setting, repeated
from workloads.sharing import PARAMS, checksum, memory_bytes, prepare, wrong

__all__ = ["PARAMS", "PATTERNS", "load", "memory_bytes", "pools", "prepare"]

PATTERNS = ("client_scatter",)


class Inputs(NamedTuple):
    """``make()`` returns the input; ``expected``: the checksums of the tasks, in their order."""

    make: Callable[[], Any]
    expected: list[int]


def make(path: Path) -> Any:
    """Return the input, read from a file. The kernel has the file in its cache: all make the input alike and fast."""
    import numpy as np

    return np.load(path)


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    import numpy as np

    return Inputs(partial(make, folder / "data.npy"), np.load(folder / "expected.npy").tolist())


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`."""
    arguments = [(index,) for index in range(len(inputs.expected))]
    return repeated(Setup(checksum, inputs.make), arguments, partial(wrong, expected=inputs.expected), setting)
