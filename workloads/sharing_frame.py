"""`sharing` with a data frame: columns of integers, categories, floats and strings in place of one block of bytes."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params import Params
from record.terms import ARRAY_IN_FILE
from trial.tasklog import task
from trial.workload import plain_loop
from workloads.sharing import MARKS, PARAMS, PATTERNS, WRITES, Inputs, memory_bytes, on_write, pools, writing

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LEFT_OUT",
    "PARAMS",
    "PATTERNS",
    "WRITES",
    "load",
    "memory_bytes",
    "on_write",
    "pools",
    "prepare",
    "writing",
]

LEFT_OUT = {("shares", ARRAY_IN_FILE): "NumPy maps arrays, and a DataFrame is none"}
CATEGORIES = ("red", "green", "blue", "white")
LETTERS = 12  # of each string
ROW_BYTES = 8 + 1 + 8 + (8 + LETTERS)  # integer, category's code, float, string with its offset


def checksum(number: int, index: int, data: pd.DataFrame) -> tuple[int, int]:
    """Task: read all values of ``data`` once; return the number and their CRC-32, which starts from the index."""
    with task(number):
        crc = index
        for values in buffers_of(data):
            crc = zlib.crc32(values, crc)
        return number, crc


def buffers_of(frame: pd.DataFrame) -> Iterator[Any]:
    """Yield the bytes that hold the values, column by column, without copying them."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    for name in frame:
        column = frame[name]
        if isinstance(column.dtype, pd.CategoricalDtype):
            yield np.ascontiguousarray(column.array.codes)
        elif isinstance(column.dtype, pd.StringDtype):
            # The text alone: offsets may start elsewhere after a trip through another process.
            strings = pa.chunked_array(column.array.__arrow_array__())
            for chunk in strings.chunks:
                _, offsets, text = chunk.buffers()
                first, last = np.frombuffer(offsets, np.int64)[[chunk.offset, chunk.offset + len(chunk)]]
                yield memoryview(text)[first:last]
        else:
            yield np.ascontiguousarray(column.to_numpy())


def make_frame(rows: int, seed: int) -> pd.DataFrame:
    """Return a frame of ``rows`` rows: ``integer``, ``category``, ``float``, ``string``."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    rng = np.random.default_rng(seed)
    letters = rng.integers(ord("a"), ord("z") + 1, rows * LETTERS, dtype=np.uint8)
    offsets = np.arange(rows + 1, dtype=np.int64) * LETTERS
    strings = pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(letters))
    return pd.DataFrame(
        {
            "integer": rng.integers(2, 2**62, rows),
            "category": pd.Categorical.from_codes(rng.integers(0, len(CATEGORIES), rows, dtype=np.int8), CATEGORIES),
            "float": rng.random(rows),
            "string": pd.array(strings, dtype="str"),
        }
    )


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    import numpy as np

    frame = make_frame(params.sharing_bytes // ROW_BYTES, params.seed)
    frame.iloc[:MARKS, 0] = 0
    frame.to_pickle(folder / "frame.pickle")
    values = b"".join(map(bytes, buffers_of(frame)))
    expected, least_s = plain_loop(lambda: [zlib.crc32(values, index) for index in range(params.sharing_tasks)])
    np.save(folder / "expected.npy", expected)
    shared = len(frame) * ROW_BYTES
    return {"shared_bytes": shared, "moved_bytes": shared, "least_serial_s": least_s}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`. The file is of our own making: it is pickled in the cache, by `prepare`."""
    import numpy as np

    with (folder / "frame.pickle").open("rb") as file:  # reading all of it first would have it in memory twice
        frame = pickle.load(file)
    return Inputs(frame, len(frame) * ROW_BYTES, np.load(folder / "expected.npy").tolist(), checksum)
