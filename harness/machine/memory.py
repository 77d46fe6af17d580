"""The memory of a trial's whole process tree, sampled from outside while it runs.

Processes are the descendants of the orchestrating process, which adopts orphans: daemons (raylet, gcs_server, resource
trackers) are among them, the orchestrator itself is not. psutil reads PSS and USS from `/proc/PID/smaps_rollup`; the
walk through the page tables that this asks of the kernel holds the sampled process up, so that time is never taken from
a trial that is sampled.
"""

import struct
import sys
import threading
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from shutil import disk_usage
from statistics import median
from typing import Any

import psutil

from harness.machine.room import SHARED_MEMORY
from record.terms import MEMORY_FIELDS

INTERVAL_S = 0.01  # aimed at; what was reached is recorded, and is longer where a tree has many processes
_RECORD = struct.Struct(f"<q{len(MEMORY_FIELDS)}q")

MEMORY_UNAVAILABLE = "" if sys.platform == "linux" else f"PSS and USS are read from /proc, which {sys.platform} lacks"


class Sampler(threading.Thread):
    """Writes a record of (time, *MEMORY_FIELDS) to ``path`` again and again, from `start` to `stop`.

    The time is that at which the sample was complete. ``error``: why sampling ended early, or an empty string.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self._stop_asked = threading.Event()
        self.cpu_s = 0.0
        self.error = ""

    def run(self) -> None:
        """Sample until told to stop."""
        begin, next_s = time.thread_time(), time.monotonic()
        try:
            with self.path.open("wb", buffering=0) as file:
                while not self._stop_asked.wait(max(0.0, next_s - time.monotonic())):
                    next_s = time.monotonic() + INTERVAL_S
                    sample = _tree_bytes()
                    file.write(_RECORD.pack(time.perf_counter_ns(), *sample))
        except (psutil.Error, OSError) as error:  # a sum that lacks a process would be a number that lies
            self.error = f"{type(error).__name__}: {error}"
        self.cpu_s = time.thread_time() - begin

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop_asked.set()
        self.join()


def _tree_bytes() -> tuple[int, ...]:
    pss = uss = rss = 0
    for process in psutil.Process().children(recursive=True):
        try:
            memory = process.memory_full_info()
        except psutil.NoSuchProcess:  # it has just ended
            continue
        pss, uss, rss = pss + memory.pss, uss + memory.uss, rss + memory.rss
    system = psutil.virtual_memory()
    in_shared = disk_usage(SHARED_MEMORY).used if SHARED_MEMORY.is_dir() else 0
    # psutil's `used` has missed shared memory in old releases: what is in use is what is not available.
    return pss, uss, rss, in_shared, system.total - system.available, system.shared, system.cached


def summary_of(
    path: Path, cpu_s: float, start_ns: int, call_ns: int, end_ns: int, released_ns: int, moments_ns: Mapping[str, int]
) -> dict[str, Any]:
    """Return start, peak and end of each of MEMORY_FIELDS, in bytes, and what sampling cost.

    ``start`` is the last sample before ``start_ns``; the peak is sought from ``call_ns`` to ``end_ns``; ``end`` is the
    last sample before ``released_ns``, which the trial has waited for with its pool closed and its result in hand.
    ``moments_ns``: other moments, by name.
    """
    records = list(_RECORD.iter_unpack(path.read_bytes()))

    def before(moment_ns: int) -> tuple[int, ...]:
        return [record for record in records if record[0] <= moment_ns][-1]

    start, end = before(start_ns), before(released_ns)
    inside = [record for record in records if call_ns <= record[0] <= end_ns] or [before(end_ns)]
    marked = {name: before(moment_ns) for name, moment_ns in moments_ns.items()}
    steps = [(later[0] - earlier[0]) / 1e9 for earlier, later in pairwise(inside)] or [0.0]
    return {
        "start": dict(zip(MEMORY_FIELDS, start[1:], strict=True)),
        "peak": {name: max(record[i] for record in inside) for i, name in enumerate(MEMORY_FIELDS, 1)},
        "end": dict(zip(MEMORY_FIELDS, end[1:], strict=True)),
        **{name: dict(zip(MEMORY_FIELDS, record[1:], strict=True)) for name, record in marked.items()},
        "samples": len(inside),
        "interval_s": median(steps),
        "longest_interval_s": max(steps),
        "sampler_cpu_share": cpu_s / ((records[-1][0] - records[0][0]) / 1e9 or 1.0),
    }
