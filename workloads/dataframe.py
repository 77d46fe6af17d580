"""A time series in partitions of a day; a rolling mean that reaches across them.

The data set is Dask's own, `dask.datasets.timeseries`. No other workload imports a library to make its reference.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from params import Params
from trial.tasklog import task
from trial.workload import Pool, Setting, repeated

if TYPE_CHECKING:
    import pandas as pd

PATTERNS = ("dataframe",)
PARAMS = ("frame_days", "frame_freq_s", "frame_window_h", "seed")

START = "2000-01-01"
PROCESS_BYTES = 250 * 2**20
ROW_BYTES = 64
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Rolling:
    """The job. ``series``: the arguments of `dask.datasets.timeseries`. The result is the sums of what `roll` returns.

    ``known``: what `prepare` knows of the result.
    """

    series: dict[str, Any]
    window_h: int
    known: dict[str, Any]

    def roll(self, frame: pd.DataFrame, first: int) -> pd.DataFrame:
        """Task: return the rolling means of a day's partition, which comes with the window before it.

        ``first``: the number of the round's first task, which is the first day's.
        """
        import pandas as pd

        with task(first + (frame.index[-1] - pd.Timestamp(START)).days):
            return frame[["x", "y"]].rolling(f"{self.window_h}h").mean()


def series(params: Params) -> dict[str, Any]:
    """Return the arguments of `dask.datasets.timeseries`."""
    import pandas as pd

    end = pd.Timestamp(START) + pd.Timedelta(days=params.frame_days)
    return {
        "start": START,
        "end": str(end.date()),
        "freq": f"{params.frame_freq_s}s",
        "partition_freq": "1D",
        "seed": params.seed,
    }


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    sums, nbytes = reference(series(params), params.frame_window_h)
    known = {"sums": sums, "series": series(params), "window_h": params.frame_window_h, "days": params.frame_days}
    (folder / "expected.json").write_text(json.dumps(known | {"dask": version("dask")}))
    return {"moved_bytes": nbytes}


def reference(arguments: dict[str, Any], window_h: int) -> tuple[list[float], int]:
    """Return the result as pandas computes it of the whole series at once, and the bytes of the series."""
    from dask.datasets import timeseries

    frame = timeseries(**arguments).compute(scheduler="synchronous")
    rolled = frame[["x", "y"]].rolling(f"{window_h}h").mean()
    return rolled.abs().sum().tolist(), int(frame.memory_usage(deep=True).sum())


def load(params: Params, folder: Path) -> Rolling:
    """See `Workload`."""
    return Rolling(series(params), params.frame_window_h, json.loads((folder / "expected.json").read_text()))


def pools(job: Rolling, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: a task per day."""
    return repeated(job, [()] * job.known["days"], partial(wrong, known=job.known), setting)


def wrong(numbers: range, result: Any, known: dict[str, Any]) -> str | None:
    """The result is the sums of the absolute rolling means of both columns."""
    expected = known["sums"]
    if version("dask") != known["dask"]:  # another Dask draws other random numbers: the one beside Plasma is older
        expected, _ = reference(known["series"], known["window_h"])
    differ = [abs(given / right - 1) for given, right in zip(result, expected, strict=True)]
    return None if max(differ) < TOLERANCE else f"the sums are {list(result)}, {expected} expected"


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`."""
    series_bytes = params.frame_days * 86_400 // params.frame_freq_s * ROW_BYTES
    return n_jobs * PROCESS_BYTES + 3 * series_bytes, series_bytes
