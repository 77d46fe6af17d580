"""Rounds that are not measured: until all workers of a pool are up, later ones would still pay for its start."""

from collections.abc import Callable, Generator

from trial.workload import Round

TASK_S = 0.02  # long enough that another worker takes the next task
MOST_S = 1.0  # then it gives up: one core may do all the work, or each round may have new workers


def settled(round_of_tasks: Callable[[], Round]) -> Generator[Round, float, None]:
    """Yield rounds of one task of TASK_S per worker until they run at once, or MOST_S have gone."""
    spent = 0.0
    while spent < MOST_S:
        seconds = yield round_of_tasks()
        if seconds < 2 * TASK_S:
            return
        spent += seconds
