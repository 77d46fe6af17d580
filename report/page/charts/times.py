"""Against the number of workers: times in one shot and kept, speedup, copies of the input."""

from collections.abc import Sequence

import altair as alt

from record.terms import CALLER, COLD
from report.numbers.cell import Cell
from report.numbers.comparable import Comparable
from report.numbers.names import SERIAL
from report.numbers.quantities import COPIES, LIMIT, NAMES, Point, Quantity
from report.page.charts.vega import Chart, Rows, Vega, legend_height, log_scale, named, scales, spec_of
from report.palette import LIMIT_COLOR


def against_workers(group: Comparable, quantity: Quantity, anchor: str) -> Chart | None:
    """Return a line per idiom with its spread, and the limit."""
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
    behind = "medians of the trials in which memory was sampled" if quantity is COPIES else group.said_of_trials
    note = f"{behind}; grey: {quantity.limit_name}" if limits else behind
    chart = _with_limit(rows, limits, quantity.limit_name, group.worker_counts, quantity.axis)
    title = f"{group.workload}: {quantity.title}"
    return Chart(f"{group.workload}-{anchor}", title, note, spec_of(chart, legend_height(rows)))


def _counts(group: Comparable, point: Point, cell: Cell) -> list[int]:
    """Return where the point is drawn: that of the calling process all over, to compare all numbers of workers with."""
    return sorted({1, group.most_workers}) if cell.traits.workers == CALLER else [point.n_jobs]


def speedup(group: Comparable, phase: str, anchor: str) -> Chart | None:
    """Return speedups over the best serial time of the same phase, and what the limit allows."""
    serial = group.serial_s if phase == COLD else group.serial_kept_s
    if not serial:
        return None
    rows = [
        {
            **named(cell),
            "workers": cell.n_jobs,
            "value": serial / found.median,
            "low": serial / found.high,
            "high": serial / found.low,
        }
        for cells in group.idioms
        for cell in cells
        if (found := cell.summary_of(phase)) and cell.library != SERIAL
    ]
    if not rows:
        return None
    limits = [
        {"workers": n, "value": serial / limit} for n in group.worker_counts if (limit := group.limit_s(n, phase))
    ]
    note = f"of {NAMES[phase]} time over the best serial one, {serial:.3g} s; grey: {LIMIT}"
    chart = _with_limit(rows, limits, LIMIT, group.worker_counts, "speedup")
    title = f"{group.workload}: speedup, {NAMES[phase]}"
    return Chart(f"{group.workload}-{anchor}", title, note, spec_of(chart, legend_height(rows)))


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
