"""`sharing` where the client makes the input and gives it to all workers, each of which then holds it.

Input, tasks and check are those of `sharing`; that the input is made under the clock lets memory be read before it is
there, and its maker let go of it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from params import Params
from workloads.sharing import NOT_IN_PARENT, PARAMS, check, checksum, memory_bytes, num_tasks, prepare

__all__ = ["NOT_IN_PARENT", "PARAMS", "check", "load", "memory_bytes", "num_tasks", "prepare"]


class Inputs(NamedTuple):
    """``make()`` returns the input; the tasks are ``task(index, data)`` of ``range(num_tasks)``."""

    make: Callable[[], Any]
    num_tasks: int
    task: Callable[[int, Any], tuple[int, int]]


def make(path: Path) -> Any:
    """Return the input: read from a file, which the kernel has in its cache, so that all make it alike and soon."""
    import numpy as np

    return np.load(path)


def load(params: Params, folder: Path) -> Inputs:
    """See `contract.Workload`."""
    return Inputs(partial(make, folder / "data.npy"), params.sharing_tasks, checksum)
