"""How fine tasks may be: the minimum effective task granularity, a row per idiom and pattern."""

from math import isinf

from rich.table import Table

from report.numbers.cell import Cell
from report.numbers.comparable import Comparable
from report.numbers.granularity import TARGETS, efficiencies, metg_s, patterns
from report.numbers.statistics import summarize
from report.numbers.words import micro, with_spread
from report.tables.console import IdiomTable, Titled


def tables_of_granularity(group: Comparable) -> list[Titled]:
    """Return the table."""
    note = (
        "METG in µs: the shortest mean task, time x workers / tasks, at which the library does 50 % (90 %) of the "
        "work that as many processes do without it in the same time: the task by itself is half (0.9) of that. "
        ">: not reached with the longest tasks tried; <: reached with the shortest."
    )
    return [Titled(f"METG, {group.said_of_trials}", _table(group), note)]


def _table(group: Comparable) -> Table:
    """Return METG(50 %) per number of workers, and METG(90 %) on the most."""
    counts = group.worker_counts
    columns = [(TARGETS[0], n) for n in counts] + [(target, n) for target in TARGETS[1:] for n in counts[-1:]]
    table = IdiomTable("pattern", *(f"METG({target:.0%})\non {n}" for target, n in columns), note="note")
    for cell in group.on_most_workers:
        same = {other.n_jobs: other for cells in group.idioms for other in cells if other.name == cell.name}
        for pattern in patterns(cell) or [""]:
            values = [_metg(same.get(n), pattern, target) for target, n in columns]
            table.add(cell, pattern, *values, cell.skipped or cell.failure)
    return table


def _metg(cell: Cell | None, pattern: str, target: float) -> str:
    curves = [curve for trial in cell.timed if (curve := efficiencies(trial, pattern))] if cell else []
    if not curves:
        return ""
    shortest, longest = min(map(min, curves)), max(map(max, curves))

    def said(seconds: float) -> str:
        if not seconds:
            return f"<{micro(shortest / target)}"
        return f">{micro(longest / target)}" if isinf(seconds) else micro(seconds)

    summary = summarize([metg_s(curve, target) for curve in curves])
    return with_spread(summary, said, "-") if summary.low < summary.high else said(summary.median)
