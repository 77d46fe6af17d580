"""Where a round's time goes. It follows from the task records: no library is asked what it did."""

from collections.abc import Sequence
from statistics import median

from trial.tasklog import TaskRecord

TOLERANCE = 0.01  # the share of the round's time by which the sum of its parts may be off


def parts_of(
    tasks: Sequence[TaskRecord], made: Sequence[tuple[int, int, int]], start_ns: int, end_ns: int, n_jobs: int
) -> dict[str, float]:
    """Return the `record.schema.Parts` of a round that began at ``start_ns`` and had its results at ``end_ns``.

    ``made``: (worker, start, end) of setups. A setup between tasks is work that the idiom chose to do; a setup before
    the first task is part of the start. Raises ValueError without tasks.
    """
    if not tasks:
        raise ValueError("no task ran: there is nothing to divide the time by")
    first, last = min(start for _, _, start, _ in tasks), max(end for *_, end in tasks)
    workers: dict[int, list[tuple[int, int]]] = {worker: [] for _, worker, _, _ in tasks}
    for _, worker, start, end in tasks:
        workers[worker].append((start, end))
    for worker, start, end in made:
        if worker in workers and first < end <= last:
            workers[worker].append((max(first, start), end))
    for spans in workers.values():
        spans.sort()
    ends = [max(end for _, end in spans) for spans in workers.values()]
    tails = sum(last - end for end in ends)
    # Waiting is added up from the gaps. As the remainder of the other parts, it would make their sum prove nothing.
    idle = (n_jobs - len(workers)) * (last - first)
    waits = sum(_gaps(spans, first) for spans in workers.values()) + tails + idle
    work = sum(end - start for spans in workers.values() for start, end in spans)
    return {
        "start_s": (first - start_ns) / 1e9,
        "work_s": work / n_jobs / 1e9,
        "wait_s": waits / n_jobs / 1e9,
        "tail_s": tails / n_jobs / 1e9,
        "straggler_s": (last - median(ends)) / 1e9,
        "gather_s": (end_ns - last) / 1e9,
    }


def _gaps(spans: Sequence[tuple[int, int]], first: int) -> int:
    """Return the time that a worker spent before and between its spans, which are in the order of their starts."""
    total, free_since = 0, first
    for start, end in spans:
        total += max(0, start - free_since)
        free_since = max(free_since, end)
    return total


def check_parts(parts: dict[str, float], seconds: float) -> str | None:
    """Return why the parts cannot be right: tasks outside the clock, or two at once in one worker; or None."""
    for name in ("start_s", "gather_s"):
        if parts[name] < 0:
            return f"tasks ran outside the clock: {name} is {parts[name]:.3f}"
    total = parts["start_s"] + parts["work_s"] + parts["wait_s"] + parts["gather_s"]
    if abs(total - seconds) > TOLERANCE * seconds:
        return f"start, work, waiting and gathering add up to {total:.3f} s, the round took {seconds:.3f} s"
    return None
