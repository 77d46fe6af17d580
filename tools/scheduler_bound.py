"""How many workers can one scheduler keep busy? ``python tools/scheduler_bound.py COST_US [COST_US ...]``.

A simulation: one process hands out tasks, one after another, and each takes it the cost per task that `overhead` has
measured. A worker asks for the next task when its last one ends. Nothing else costs anything, so this is the most that
a real scheduler can reach.
"""

import heapq
import sys

WORKERS = (2, 8, 32, 128, 512, 2048, 10_000)
LENGTHS_S = (0.001, 0.01, 0.1, 1.0, 10.0)
TASKS_PER_WORKER = 10


def busy_share(workers: int, task_s: float, cost_s: float) -> float:
    """Return the share of their time that workers spend in tasks, from the first hand-out to the last end."""
    free_at = [0.0] * workers
    scheduler_at = end = 0.0
    for _ in range(TASKS_PER_WORKER * workers):
        asked_at = heapq.heappop(free_at)
        scheduler_at = max(scheduler_at, asked_at) + cost_s
        ends_at = scheduler_at + task_s
        heapq.heappush(free_at, ends_at)
        end = max(end, ends_at)
    return TASKS_PER_WORKER * task_s / end


def main() -> None:
    """Print a table for each cost."""
    for cost_us in map(float, sys.argv[1:] or ("1000",)):
        print(f"{cost_us:g} µs a task; share of {TASKS_PER_WORKER} tasks a worker that is work:")
        print(f"{'workers':>10}" + "".join(f"{f'{length:g} s':>9}" for length in LENGTHS_S))
        for workers in WORKERS:
            shares = (busy_share(workers, length, cost_us / 1e6) for length in LENGTHS_S)
            print(f"{workers:10}" + "".join(f"{share:9.0%}" for share in shares))


if __name__ == "__main__":
    main()
