"""Accidents that look like speed: work, or workers, before the clock; a pool that is not closed; a clock replaced.

A script is trusted code, and nothing here stops one that cheats on purpose: see docs/rules.md.
"""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from record.terms import LEAVES, PROCESSES, Traits
from trial.script import CLOCK
from trial.workload import Workload

CLOSING_S = 30.0  # how long workers that were told to end may still run after the idiom's return, on a busy machine


def refuse_head_start(workload: Workload) -> None:
    """Raise RuntimeError for work that the clock would miss: imports that workers inherit, or processes that run."""
    early = [name for name in workload.NOT_IN_PARENT if name in sys.modules]
    if early:
        raise RuntimeError(
            f"{', '.join(early)} imported before the clock started: forked workers would get it for nothing"
        )
    if running := child_processes():
        raise RuntimeError(f"{len(running)} child processes ran before the clock started: is a pool opened at import?")
    if time.perf_counter_ns is not CLOCK:
        raise RuntimeError("time.perf_counter_ns was replaced: no time that is read from it can be believed")


def child_processes() -> list[int]:
    """Return the ids of this process' children, without Python's resource tracker; none if the kernel hides them."""
    children = [int(pid) for each in Path("/proc/self/task").glob("*/children") for pid in each.read_text().split()]
    tracker = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    return [pid for pid in children if pid != getattr(tracker, "_pid", None)]


def check_closed(workers: Iterable[int], traits: Traits) -> str | None:
    """Return what is wrong if workers that ran tasks outlive an idiom that closes its pool."""
    if traits.workers != PROCESSES or traits.closes == LEAVES:
        return None
    give_up = time.monotonic() + CLOSING_S
    while alive := [pid for pid in workers if pid != os.getpid() and _runs(pid)]:
        if time.monotonic() > give_up:
            return f"{len(alive)} workers still run {CLOSING_S:g} s after its return: the clock does not cover closing"
        time.sleep(0.01)
    return None


def _runs(pid: int) -> bool:
    """Return whether a process runs. A zombie does not: it waits for its parent to read how it ended."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in ("Z", "X")
