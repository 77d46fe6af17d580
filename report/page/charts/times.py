"""Times in one shot and kept, and copies of the input: a dot per idiom, and against the number of workers."""

from collections.abc import Iterator
from typing import Any

import altair as alt

from record.terms import CALLER
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.quantities import COPIES, LEAST_FOR_LINES, Point, Quantity
from report.page.charts.dots import chart_of_dots
from report.page.charts.vega import Chart, curve_panels, log_scale, named


def charts_of_quantity(group: Group, quantity: Quantity, anchor: str) -> Iterator[Chart]:
    """Yield a dot per idiom on most workers, and a panel of lines per library from LEAST_FOR_LINES counts on."""
    loop = ", dashed: the plain loop" if quantity.is_time and group.serial else ""
    note = f"{_behind(group, quantity)}; grey: {quantity.limit_name}{loop}; open: naive idioms"
    yield from chart_of_dots(group, quantity, anchor, note)
    if len(group.worker_counts) >= LEAST_FOR_LINES:
        yield from _against_workers(group, quantity, anchor)


def _behind(group: Group, quantity: Quantity) -> str:
    return "medians of the trials in which memory was sampled" if quantity is COPIES else group.said_of_trials


def _against_workers(group: Group, quantity: Quantity, anchor: str) -> Iterator[Chart]:
    points = [
        _row(cell, point, n)
        for cells in group.idioms
        for cell in cells
        if (point := quantity.point(group, cell))
        for n in _counts(group, point, cell)
    ]
    limits = [{"x": n, "value": limit} for n in group.worker_counts if (limit := quantity.limit(group, n))]
    x = alt.X("x:Q", scale=log_scale(base=2), title="number of workers")
    x = x.axis(values=list(group.worker_counts), format="d", grid=False)
    yield from curve_panels(points, f"{group.workload}-{anchor}", quantity.axis, x, limits)


def _row(cell: Cell, point: Point, n_jobs: int) -> dict[str, Any]:
    """Return a point of a panel. The page's filter reads ``workers``."""
    at = {"workers": n_jobs, "x": n_jobs, "value": point.value, "low": point.low, "high": point.high}
    return {**named(cell), "name": cell.idiom, **at}


def _counts(group: Group, point: Point, cell: Cell) -> list[int]:
    """Return at which counts the point is drawn: for the calling process at both ends, so that its line spans all."""
    return sorted({1, group.most_workers}) if cell.traits.workers == CALLER else [point.n_jobs]
