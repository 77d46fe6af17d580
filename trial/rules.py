"""What holds for every trial: each task once, on no more workers than asked for, on like terms for all libraries."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from trial import tasklog

LEAST_WORK = 0.1  # the least share of the plain loop's work that a round's tasks may take
LEAST_MEASURE_S = 0.01  # a plain loop below that says nothing: caches and clocks decide what it takes


class WrongResult(Exception):
    """A round's results, or how they came about, are not what was asked for."""


class Rules(NamedTuple):
    """What a trial's workers must be like. ``cpus``: how many each may run on.

    ``parent``: the process in which no task may run; None where it, or its threads, are the workers on purpose.
    ``renews``: whether the library may start new workers in the place of old ones.
    """

    n_jobs: int
    cpus: int
    compute_threads: int
    parent: int | None
    renews: bool = False


def check_tasks(indices: list[int], asked: int) -> str | None:
    """Every task must have run exactly once: libraries have dropped tasks that look alike, and run others twice."""
    times = Counter(indices)
    missing = [index for index in range(asked) if not times[index]]
    if len(indices) == asked and not missing:
        return None
    twice = sum(count > 1 for count in times.values())
    return f"{asked} tasks asked for, {len(indices)} ran: {len(missing)} never, {twice} more than once"


def check_counts(path: Path, asked: int, *, may_drop: bool, may_repeat: bool) -> tuple[int, str | None]:
    """Return how many tasks were counted, and what is wrong: each must have run once, in whichever process.

    ``may_drop``: some need not have run at all. ``may_repeat``: some may have run again.
    """
    with tasklog.counts(path) as counted:
        times = counted[:asked]
        more = counted[asked : asked + 1000].strip(b"\0")
    never, often = times.count(0), asked - times.count(0) - times.count(1)
    run = sum(times) + sum(more)
    if not more and (may_drop or not never) and (may_repeat or not often):
        return run, None
    return run, f"of {asked} tasks, {never} were never run, {often} more than once, {len(more)} were run unasked"


def check_workers(workers: Mapping[int, tuple[int, int]], rules: Rules) -> str | None:
    """Each worker computes with as many threads as it should, and may run on every CPU that the trial may use.

    With n_jobs above 1, no worker is the process ``parent``: threads, or a fallback to a loop, would run there.
    """
    if rules.n_jobs > 1 and rules.parent in workers:
        return f"tasks ran in the calling process, and n_jobs is {rules.n_jobs}"
    for pid, (allowed, threads) in workers.items():
        if threads != rules.compute_threads:
            many = threads or "an unlimited number of"
            return f"worker {pid} computes with {many} threads, {rules.compute_threads} is the rule for all"
        if allowed != rules.cpus:
            return f"worker {pid} is pinned to {allowed} CPUs of {rules.cpus}"
    return None


def check_work(work_s: float, least_s: float, compute_threads: int) -> str | None:
    """A round's tasks take about as long as in a plain loop. Otherwise they return what was computed before.

    ``work_s``: the time in tasks, of all workers together. ``least_s``: what the same tasks took at least in the loop
    that made the reference (`trial.workload.plain_loop`), 0 if unknown. Neither a library's merit nor the machine can
    make tasks ten times faster than that.
    """
    if least_s < LEAST_MEASURE_S or work_s * compute_threads >= LEAST_WORK * least_s:
        return None
    return (
        f"its tasks took {work_s:.3g} s, and at least {least_s:.3g} s in a plain loop: "
        "results may have been computed before timing"
    )


def check_new_workers(new: int, n_jobs: int) -> str | None:
    """No round runs on more new workers than were asked for."""
    return f"a round ran on {new} new workers, n_jobs is {n_jobs}" if new > n_jobs else None
