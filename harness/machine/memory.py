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
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from shutil import disk_usage
from statistics import median

import psutil

from harness.machine.room import SHARED_MEMORY
from record.schema import MEMORY_FIELDS, Bytes, Memory

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


def summary_of(sampler: Sampler, times_ns: Sequence[int], moments_ns: Mapping[str, int]) -> Memory:
    """Return the memory at start, peak, end and other moments, by name, and what sampling cost.

    ``times_ns``: four. ``start`` is the last sample before the first; the peak is sought from the second, the call, to
    the third, the return; ``end`` is the last sample before the fourth, which the trial has waited for with its pool
    closed and its inputs still there.
    """
    start_ns, call_ns, end_ns, released_ns = times_ns
    records = list(_RECORD.iter_unpack(sampler.path.read_bytes()))

    def before(moment_ns: int) -> tuple[int, ...]:
        return [record for record in records if record[0] <= moment_ns][-1]

    inside = [record for record in records if call_ns <= record[0] <= end_ns] or [before(end_ns)]
    steps = [(later[0] - earlier[0]) / 1e9 for earlier, later in pairwise(inside)] or [0.0]
    return Memory(
        start=_bytes(before(start_ns)),
        peak=Bytes(**{name: max(record[i] for record in inside) for i, name in enumerate(MEMORY_FIELDS, 1)}),
        end=_bytes(before(released_ns)),
        **{name: _bytes(before(moment_ns)) for name, moment_ns in moments_ns.items()},
        samples=len(inside),
        interval_s=median(steps),
        longest_interval_s=max(steps),
        sampler_cpu_share=sampler.cpu_s / ((records[-1][0] - records[0][0]) / 1e9 or 1.0),
    )


def _bytes(record: tuple[int, ...]) -> Bytes:
    return Bytes(**dict(zip(MEMORY_FIELDS, record[1:], strict=True)))
