"""Where a trial's wall time goes, from its task records: alike for every library, none is asked what it did."""

from collections.abc import Sequence
from statistics import median

from trial.tasklog import TaskRecord

TOLERANCE = 0.01  # of the wall time, by which the parts may miss it


def parts_of(tasks: Sequence[TaskRecord], start_ns: int, end_ns: int, n_jobs: int) -> dict[str, float]:
    """Return the parts of the wall time between the call (``start_ns``) and the return (``end_ns``), in seconds.

    ``startup_s``: from the call to the first task's start. ``shutdown_s``: from the last task's end to the return.
    Between them, as means over ``n_jobs`` workers: ``work_s`` inside tasks, ``wait_s`` outside, of which ``tail_s``
    after a worker's own last task, while others still work. These four, without ``tail_s``, add up to the wall time.
    ``straggler_s``: how much later the last worker ended than the median one. Raises ValueError without tasks.
    """
    if not tasks:
        raise ValueError("no task ran: there is nothing to divide the wall time by")
    first, last = min(start for _, _, start, _ in tasks), max(end for *_, end in tasks)
    workers: dict[int, list[TaskRecord]] = {}
    for record in sorted(tasks, key=lambda record: record[2]):
        workers.setdefault(record[1], []).append(record)
    ends = [max(end for *_, end in mine) for mine in workers.values()]
    tails = sum(last - end for end in ends)
    # Waiting is added up from the gaps, not left over from the rest: so that the sum of all parts proves something.
    idle = (n_jobs - len(workers)) * (last - first)
    waits = sum(_gaps(mine, first) for mine in workers.values()) + tails + idle
    work = sum(end - start for _, _, start, end in tasks)
    return {
        "startup_s": (first - start_ns) / 1e9,
        "work_s": work / n_jobs / 1e9,
        "wait_s": waits / n_jobs / 1e9,
        "tail_s": tails / n_jobs / 1e9,
        "straggler_s": (last - median(ends)) / 1e9,
        "shutdown_s": (end_ns - last) / 1e9,
    }


def _gaps(tasks: Sequence[TaskRecord], first: int) -> int:
    """Return the time that a worker spent before and between its tasks, which are in the order of their starts."""
    total, free_since = 0, first
    for _, _, start, end in tasks:
        total += max(0, start - free_since)
        free_since = max(free_since, end)
    return total


def check_parts(parts: dict[str, float], wall_s: float) -> str | None:
    """Return why the parts cannot be right: tasks outside the clock, or two at once in one worker; or None."""
    for name in ("startup_s", "shutdown_s"):
        if parts[name] < 0:
            return f"tasks ran outside the clock: {name} is {parts[name]:.3f}"
    total = parts["startup_s"] + parts["work_s"] + parts["wait_s"] + parts["shutdown_s"]
    if abs(total - wall_s) > TOLERANCE * wall_s:
        return f"start-up, work, waiting and shut-down add up to {total:.3f} s, the wall time is {wall_s:.3f} s"
    return None
