"""Times in one shot and kept, and copies of the input: against the number of workers, or as dots."""

from collections.abc import Sequence

import altair as alt

from record.terms import CALLER
from report.numbers.cell import Cell
from report.numbers.comparable import Comparable
from report.numbers.quantities import COPIES, LEAST_FOR_LINES, Point, Quantity
from report.numbers.words import workers
from report.page.charts.dots import ROW_HEIGHT, dots
from report.page.charts.vega import Chart, Rows, Vega, legend_height, log_scale, named, scales, spec_of
from report.palette import LIMIT_COLOR


def of_quantity(group: Comparable, quantity: Quantity, anchor: str) -> Chart | None:
    """Return a dot per idiom with its spread, or a line where there are LEAST_FOR_LINES numbers of workers."""
    if len(group.worker_counts) >= LEAST_FOR_LINES:
        return _against_workers(group, quantity, anchor)
    drawn = dots(group, quantity)
    if drawn is None:
        return None
    rows, chart = drawn
    loop = ", dashed: the plain loop" if quantity.is_time and group.serial else ""
    note = f"{_behind(group, quantity)}; grey: {quantity.limit_name}{loop}; open: naive idioms"
    title = f"{group.workload} on {workers(group.most_workers)}: {quantity.title}"
    return Chart(f"{group.workload}-{anchor}", title, note, spec_of(chart, ROW_HEIGHT * len(rows) + 20))


def _behind(group: Comparable, quantity: Quantity) -> str:
    return "medians of the trials in which memory was sampled" if quantity is COPIES else group.said_of_trials


def _against_workers(group: Comparable, quantity: Quantity, anchor: str) -> Chart | None:
    rows = [
        {**named(cell), "workers": n, "value": point.value, "low": point.low, "high": point.high}
        for cells in group.idioms
        for cell in cells
        if (point := quantity.point(group, cell))
        for n in _counts(group, point, cell)
    ]
    if not rows:
        return None
    limits = [{"workers": n, "value": limit} for n in group.worker_counts if (limit := quantity.limit(group, n))]
    behind = _behind(group, quantity)
    note = f"{behind}; grey: {quantity.limit_name}" if limits else behind
    chart = _with_limit(rows, limits, quantity.limit_name, group.worker_counts, quantity.axis)
    title = f"{group.workload}: {quantity.title}"
    return Chart(f"{group.workload}-{anchor}", title, note, spec_of(chart, legend_height(rows)))


def _counts(group: Comparable, point: Point, cell: Cell) -> list[int]:
    """Return where the point is drawn: that of the calling process all over, to compare all numbers of workers with."""
    return sorted({1, group.most_workers}) if cell.traits.workers == CALLER else [point.n_jobs]


def _with_limit(rows: Rows, limits: Rows, limit_name: str, counts: Sequence[int], axis: str) -> Vega:
    lines = _lines_with_spread(rows, counts, axis)
    return alt.layer(_limit_line(limits, limit_name), lines) if limits else alt.layer(lines)


def _lines_with_spread(rows: Rows, counts: Sequence[int], axis: str) -> Vega:
    """Return lines, points and bars from ``low`` to ``high``; the legend is in the order of the lines at the right."""
    x = alt.X("workers:Q", scale=log_scale(base=2), title="number of workers")
    x = x.axis(values=list(counts), format="d", grid=False)
    y = alt.Y("value:Q", scale=log_scale(), title=axis)
    color, dash = scales(rows, at="workers")
    tooltip = ["name:N", "workers:Q", *(alt.Tooltip(f"{field}:Q", format=".3g") for field in ("value", "low", "high"))]
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, color=color)
    return alt.layer(
        base.mark_line().encode(y=y, strokeDash=dash),
        base.mark_rule().encode(y=alt.Y("low:Q", title=axis), y2="high:Q"),
        base.mark_point(filled=True, size=45, opacity=1).encode(y=y, tooltip=tooltip),
    )


def _limit_line(limits: Rows, name: str) -> alt.Chart:
    """Return the line that nothing can cross."""
    base = alt.Chart(alt.Data(values=[{**row, "limit": name} for row in limits]))
    mark = base.mark_line(color=LIMIT_COLOR, point=alt.OverlayMarkDef(color=LIMIT_COLOR, size=10))
    return mark.encode(
        x="workers:Q", y="value:Q", tooltip=["limit:N", "workers:Q", alt.Tooltip("value:Q", format=".3g")]
    )
