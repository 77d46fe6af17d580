"""The memory of a trial's whole process tree, sampled while it runs, by the process that supervises it.

The tree is all descendants of the supervisor, without the supervisor itself. The supervisor adopts orphans, so daemons
(raylet, gcs_server, resource trackers) are in the tree. psutil reads PSS and USS from `/proc/PID/smaps_rollup`. For
that the kernel walks through the page tables, and holds the sampled process up: a sampled trial's times are never used.
"""

import struct
import threading
import time
from pathlib import Path
from shutil import disk_usage

import psutil

from harness.machine.room import SHARED_MEMORY
from record.schema import MEMORY_FIELDS

INTERVAL_S = 0.01  # aimed at; what was reached is recorded, and is longer where a tree has many processes
RECORD = struct.Struct(f"<q{len(MEMORY_FIELDS)}q")


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
                    file.write(RECORD.pack(time.perf_counter_ns(), *sample))
        except (psutil.Error, OSError) as error:  # a sum without one of the processes would be too small
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
    # In old releases psutil's `used` lacks shared memory: memory in use is therefore what is not available.
    return pss, uss, rss, in_shared, system.total - system.available, system.shared, system.cached
