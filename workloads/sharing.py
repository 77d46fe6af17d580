"""One large read-only input that every task reads whole: how many copies of it are in memory, and how soon it is there.

The input is an array of random bytes, or a data frame (`sharing_frame`, which has all but the data from here). Idioms
call ``inputs.task``, whichever it is, so that the same lines are timed and tried with a task that writes.
"""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from params import Params
from trial.tasklog import task

PARAMS = ("sharing_bytes", "sharing_tasks", "seed")
NOT_IN_PARENT = ()

PROCESS_BYTES = 100 * 2**20  # an interpreter with NumPy
WRITE_S = 0.2  # that a writing task lasts, so that every worker gets one
MARKS = 1000  # elements at the start that are 0, to write to
WRITTEN = 1


@dataclass(frozen=True)
class Inputs:
    """``data``: what all tasks share, of ``nbytes``. The tasks are ``task(index, data)`` of ``range(num_tasks)``."""

    data: Any
    nbytes: int
    num_tasks: int
    task: Callable[[int, Any], tuple[int, Any]]


def checksum(index: int, data: Any) -> tuple[int, int]:
    """Task: read all bytes of ``data`` once; return the index and their CRC-32, which starts from the index."""
    with task(index):
        return index, zlib.crc32(data, index)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `contract.Workload`."""
    import numpy as np

    data = np.random.default_rng(params.seed).integers(0, 256, params.sharing_bytes, dtype=np.uint8)
    data[:MARKS] = 0
    np.save(folder / "data.npy", data)
    # Of the file's own bytes, by the standard library alone.
    expected = [zlib.crc32(data.tobytes(), index) for index in range(params.sharing_tasks)]
    np.save(folder / "expected.npy", expected)
    return {"shared_bytes": data.nbytes, "moved_bytes": data.nbytes}


def load(params: Params, folder: Path) -> Inputs:
    """See `contract.Workload`."""
    import numpy as np

    data = np.load(folder / "data.npy")
    return Inputs(data, data.nbytes, params.sharing_tasks, checksum)


def num_tasks(params: Params) -> int:
    """See `contract.Workload`."""
    return params.sharing_tasks


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `contract.Workload`. Naive idioms queue one input per task, and each worker holds another two."""
    queued = (params.sharing_tasks + 1) * params.sharing_bytes
    return n_jobs * (PROCESS_BYTES + 2 * params.sharing_bytes) + queued, queued


def check(result: Iterable[tuple[int, int]], folder: Path) -> str | None:
    """Results are pairs of index and checksum, in any order."""
    import numpy as np

    expected = dict(enumerate(np.load(folder / "expected.npy").tolist()))
    found = dict(result)
    if found.keys() != expected.keys():
        return f"checksums of {len(found)} tasks, {len(expected)} asked for"
    wrong = [index for index in expected if found[index] != expected[index]]
    return f"task {wrong[0]}: the checksum differs, it has not read the input's bytes" if wrong else None


def writing(inputs: Inputs) -> Inputs:
    """See `contract.Sharing`."""
    return replace(inputs, task=write)


def write(index: int, data: Any) -> tuple[int, dict[str, Any]]:
    """Task: try to write to a mark of its own; return what came of it and which marks have been written to."""
    with task(index):
        try:
            put(data, index)
            error = ""
        except Exception as refused:  # noqa: BLE001 -- whatever it is, it is the answer
            error = f"{type(refused).__name__}: {str(refused).splitlines()[0]}"
        time.sleep(WRITE_S)
        worker = f"{os.getpid()} {threading.get_native_id()}"
        return index, {"worker": worker, "error": error, "seen": written(data)}


def put(data: Any, index: int) -> None:
    """Write to one of the marks, of an array or of the first column of a frame."""
    if hasattr(data, "iloc"):
        data.iloc[index % MARKS, 0] = WRITTEN
    else:
        data[index % MARKS] = WRITTEN


def written(data: Any) -> list[int]:
    """Return which marks have been written to."""
    column = data.iloc[:, 0] if hasattr(data, "iloc") else data
    return [index for index, value in enumerate(column[:MARKS].tolist()) if value == WRITTEN]


def on_write(result: Iterable[tuple[int, dict[str, Any]]], inputs: Inputs) -> str:
    """See `contract.Sharing`."""
    answers = dict(result)
    errors = sorted({answer["error"] for answer in answers.values()} - {""})
    if errors:
        return f"read-only: {errors[0]}"
    worker_of = {index % MARKS: answer["worker"] for index, answer in answers.items()}
    seen_by_others = any(worker_of[i] != answer["worker"] for answer in answers.values() for i in answer["seen"])
    who = [name for name, sees in (("workers", seen_by_others), ("the caller", bool(written(inputs.data)))) if sees]
    return f"writable, seen by {' and '.join(who)}" if who else "writable, a private copy"
