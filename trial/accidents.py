"""Accidents that look like speed: work, or workers, before the clock; a pool that is not closed; a clock replaced.

A script is trusted code, and nothing here stops one that cheats on purpose: see docs/measurement.md.
"""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import BuiltinFunctionType

from record.terms import LEAVES, PROCESSES, Traits
from trial.workload import Workload

CLOSING_S = 5.0  # that workers which were told to end may take for it after the idiom's return


def refuse_head_start(workload: Workload) -> None:
    """Raise RuntimeError for what would be in no time: imports that workers inherit, processes that run already."""
    early = [name for name in workload.NOT_IN_PARENT if name in sys.modules]
    if early:
        raise RuntimeError(
            f"{', '.join(early)} imported before the clock started: forked workers would get it for nothing"
        )
    if running := child_processes():
        raise RuntimeError(f"{len(running)} child processes ran before the clock started: is a pool opened at import?")
    if not isinstance(time.perf_counter_ns, BuiltinFunctionType):
        raise RuntimeError("time.perf_counter_ns was replaced: no time that is read from it can be believed")


def child_processes() -> list[int]:
    """Return the ids of this process' children, where the kernel tells them, but for Python's resource tracker."""
    found = [int(pid) for each in Path("/proc/self/task").glob("*/children") for pid in each.read_text().split()]
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    return [pid for pid in found if pid != getattr(tracker, "_pid", None)]


def check_closed(workers: Iterable[int], traits: Traits) -> str | None:
    """Return what is wrong where workers that ran tasks outlive the idiom, which was to close its pool."""
    if traits.workers != PROCESSES or traits.closes in ("", LEAVES):
        return None
    give_up = time.monotonic() + CLOSING_S
    while alive := [pid for pid in workers if pid != os.getpid() and _runs(pid)]:
        if time.monotonic() > give_up:
            return f"{len(alive)} workers still run {CLOSING_S:g} s after its return: closing the pool is in no time"
        time.sleep(0.01)
    return None


def _runs(pid: int) -> bool:
    """Return whether a process is there, and no zombie, which waits for its parent to read how it ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")
