"""How fine tasks may be: the shortest ones at which a library is still efficient, a row per idiom and pattern."""

from rich.table import Table

from report.numbers.cell import Cell
from report.numbers.granularity import TARGETS, curves_of_trials, patterns, shortest_task_s, within_tried
from report.numbers.group import Group
from report.numbers.statistics import summarize
from report.numbers.words import micro, with_spread
from report.tables.console import IdiomTable, Titled


def tables_of_granularity(group: Group) -> list[Titled]:
    """Return the table."""
    note = (
        "In µs: the shortest mean task, time x workers / tasks, at which the library does 50 % (90 %) of the "
        "work that as many processes do without it in the same time: the task by itself is half (0.9) of that. "
        ">: not reached with the longest tasks tried; <: reached with the shortest."
    )
    return [Titled(f"shortest tasks, {group.said_of_trials}", _table(group), note)]


def _table(group: Group) -> Table:
    """Return the shortest task at 50 % efficiency per number of workers, and at 90 % on the most."""
    counts = group.worker_counts
    columns = [(TARGETS[0], n) for n in counts] + [(target, n) for target in TARGETS[1:] for n in counts[-1:]]
    table = IdiomTable("pattern", *(f"at {target:.0%}\non {n}" for target, n in columns), note="note")
    for cell in group.on_most_workers:
        same = {other.n_jobs: other for cells in group.idioms for other in cells if other.name == cell.name}
        for pattern in patterns(cell) or [""]:
            values = [_shortest(same.get(n), pattern, target) for target, n in columns]
            table.add(cell, pattern, *values, cell.skipped or cell.failure)
    return table


def _shortest(cell: Cell | None, pattern: str, target: float) -> str:
    curves = curves_of_trials(cell, pattern) if cell else []
    if not curves:
        return ""

    def shown(seconds: float) -> str:
        shortest = within_tried(curves, target, seconds)
        return f"{shortest.bound}{micro(shortest.seconds)}"

    summary = summarize([shortest_task_s(curve, target) for curve in curves])
    return with_spread(summary, shown, "-") if summary.low < summary.high else shown(summary.median)
