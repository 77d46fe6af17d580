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
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import psutil

INTERVAL_S = 0.01  # aimed at; what was reached is recorded, and is longer where a tree has many processes
SHARED_MEMORY = "/dev/shm"
FIELDS = ("pss_bytes", "uss_bytes", "rss_bytes", "shm_bytes", "used_bytes")
_RECORD = struct.Struct(f"<q{len(FIELDS)}q")

MEMORY_UNAVAILABLE = "" if sys.platform == "linux" else f"PSS and USS are read from /proc, which {sys.platform} lacks"


class Sampler(threading.Thread):
    """Writes a record of (time, *FIELDS) to ``path`` again and again, from `start` to `stop`."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self.path = path
        self._stop_asked = threading.Event()
        self.cpu_s = 0.0

    def run(self) -> None:
        """Sample until told to stop."""
        begin, next_s = time.thread_time(), time.monotonic()
        with self.path.open("wb", buffering=0) as file:
            while not self._stop_asked.wait(max(0.0, next_s - time.monotonic())):
                next_s = time.monotonic() + INTERVAL_S
                file.write(_RECORD.pack(time.perf_counter_ns(), *_tree_bytes()))
        self.cpu_s = time.thread_time() - begin

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop_asked.set()
        self.join()


def _tree_bytes() -> tuple[int, int, int, int, int]:
    pss = uss = rss = 0
    for process in psutil.Process().children(recursive=True):
        try:
            memory = process.memory_full_info()
        except psutil.Error:  # it has just ended
            continue
        pss, uss, rss = pss + memory.pss, uss + memory.uss, rss + memory.rss
    system = psutil.virtual_memory()
    return pss, uss, rss, psutil.disk_usage(SHARED_MEMORY).used, system.total - system.available


def summary_of(path: Path, cpu_s: float, start_ns: int, end_ns: int, released_ns: int) -> dict[str, Any]:
    """Return what samples say: ``start``, ``peak`` and ``end`` of each of FIELDS, in bytes, and the sampler's own cost.

    ``start`` is the last sample before ``start_ns``; the peak is sought from there to ``end_ns``; ``end`` is the last
    sample before ``released_ns``, which the trial has waited for with its pool closed and its result in hand.
    """
    records = list(_RECORD.iter_unpack(path.read_bytes()))
    start = [record for record in records if record[0] <= start_ns][-1]
    inside = [record for record in records if start[0] <= record[0] <= end_ns]
    end = [record for record in records if record[0] <= released_ns][-1]
    steps = [(after[0] - before[0]) / 1e9 for before, after in pairwise(inside)] or [0.0]
    return {
        "start": dict(zip(FIELDS, start[1:], strict=True)),
        "peak": {name: max(record[i] for record in inside) for i, name in enumerate(FIELDS, 1)},
        "end": dict(zip(FIELDS, end[1:], strict=True)),
        "samples": len(inside),
        "interval_s": median(steps),
        "longest_interval_s": max(steps),
        "sampler_cpu_share": cpu_s / ((records[-1][0] - records[0][0]) / 1e9 or 1.0),
    }
