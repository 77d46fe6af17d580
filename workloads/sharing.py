"""One large read-only input that every task reads whole: how many copies of it are in memory, and how soon it is there.

The input is an array of random bytes, or a data frame (`sharing_frame`, which has all but the data from here).
"""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from params import Params
from trial.patterns import Shared
from trial.tasklog import task
from trial.workload import Pool, Setting, by_number, plain_loop, repeated

PATTERNS = ("shared",)
PARAMS = ("sharing_bytes", "sharing_tasks", "seed")
WRITES = True

PROCESS_BYTES = 100 * 2**20  # an interpreter with NumPy
WRITE_S = 0.2  # that a writing task lasts, so that every worker gets one
MARKS = 1000  # elements at the start that are 0, to write to
WRITTEN = 1


@dataclass(frozen=True)
class Inputs:
    """``data``: what all tasks share, of ``nbytes``. ``expected``: the checksums of the tasks, in their order.

    ``answers``: of tasks that write.
    """

    data: Any
    nbytes: int
    expected: Sequence[int]
    task: Callable[[int, int, Any], tuple[int, Any]]
    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


def checksum(number: int, index: int, data: Any) -> tuple[int, int]:
    """Task: read all bytes of ``data`` once; return the number and their CRC-32, which starts from the index."""
    with task(number):
        return number, zlib.crc32(data, index)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    import numpy as np

    data = np.random.default_rng(params.seed).integers(0, 256, params.sharing_bytes, dtype=np.uint8)
    data[:MARKS] = 0
    np.save(folder / "data.npy", data)
    # Checksums of the file's own bytes, by the standard library alone.
    values = data.tobytes()
    expected, least_s = plain_loop(lambda: [zlib.crc32(values, index) for index in range(params.sharing_tasks)])
    np.save(folder / "expected.npy", expected)
    return {"shared_bytes": data.nbytes, "moved_bytes": data.nbytes, "least_serial_s": least_s}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    import numpy as np

    data = np.load(folder / "data.npy")
    return Inputs(data, data.nbytes, np.load(folder / "expected.npy").tolist(), checksum)


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`."""
    job = Shared(inputs.task, inputs.data, inputs.nbytes)
    check = partial(wrong, expected=inputs.expected) if inputs.task is not write else partial(_keep, inputs.answers)
    return repeated(job, [(index,) for index in range(len(inputs.expected))], check, setting)


def wrong(numbers: range, results: Any, expected: Sequence[int]) -> str | None:
    """Checksums must be those of the input's bytes."""
    pairs = enumerate(zip(by_number(results, numbers), expected, strict=True))
    differ = [index for index, (given, right) in pairs if given != right]
    return f"task {differ[0]}: the checksum differs, it has not read the input's bytes" if differ else None


def _keep(answers: list[tuple[int, dict[str, Any]]], numbers: range, results: Any) -> None:
    answers += results


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`. Naive idioms queue one input per task, and each worker holds another two."""
    queued = (params.sharing_tasks + 1) * params.sharing_bytes
    return n_jobs * (PROCESS_BYTES + 2 * params.sharing_bytes) + queued, queued


def writing(inputs: Inputs) -> Inputs:
    """See `Writing`."""
    return replace(inputs, task=write)


def write(number: int, index: int, data: Any) -> tuple[int, dict[str, Any]]:
    """Task: try to write to a mark of its own; return what came of it and which marks have been written to."""
    with task(number):
        try:
            put(data, index)
            error = ""
        except Exception as refused:  # noqa: BLE001 -- whatever it is, it is the answer
            error = f"{type(refused).__name__}: {str(refused).splitlines()[0]}"
        time.sleep(WRITE_S)
        worker = f"{os.getpid()} {threading.get_native_id()}"
        return number, {"worker": worker, "error": error, "seen": written(data)}


def put(data: Any, index: int) -> None:
    """Write to one of the marks, of an array or of the first column of a frame."""
    import numpy as np

    if isinstance(data, np.ndarray):
        data[index % MARKS] = WRITTEN
    else:
        data.iloc[index % MARKS, 0] = WRITTEN


def written(data: Any) -> list[int]:
    """Return which marks have been written to."""
    import numpy as np

    column = data if isinstance(data, np.ndarray) else data.iloc[:, 0]
    return [index for index, value in enumerate(column[:MARKS].tolist()) if value == WRITTEN]


def on_write(inputs: Inputs) -> str:
    """See `Writing`."""
    answers = dict(inputs.answers)
    errors = sorted({answer["error"] for answer in answers.values()} - {""})
    if errors:
        return f"read-only: {errors[0]}"
    worker_of = {index % MARKS: answer["worker"] for index, answer in answers.items()}
    seen_by_others = any(worker_of[i] != answer["worker"] for answer in answers.values() for i in answer["seen"])
    who = [name for name, sees in (("workers", seen_by_others), ("the caller", bool(written(inputs.data)))) if sees]
    return f"writable, seen by {' and '.join(who)}" if who else "writable, a private copy"
