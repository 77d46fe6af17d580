"""A quantity on most workers: a dot with its spread per idiom, the best first."""

from collections.abc import Iterator
from typing import Any

import altair as alt

from report.numbers.cell import NAIVE, Cell
from report.numbers.group import Group
from report.numbers.quantities import Point, Quantity, sorted_points
from report.numbers.words import workers
from report.page.charts.vega import (
    Chart,
    Rows,
    Vega,
    library_scale,
    log_scale,
    named,
    one_below_the_other,
    spec_of,
)
from report.palette import LIMIT_COLOR

ROW_HEIGHT = 17


def chart_of_dots(group: Group, quantity: Quantity, anchor: str, note: str) -> Iterator[Chart]:
    """Yield the chart, where anything was measured."""
    if rows := [_row(cell, point, quantity) for cell, point in sorted_points(group, quantity)]:
        title = f"{group.workload} on {workers(group.most_workers)}: {quantity.title}"
        spec = spec_of(_dots(group, quantity, rows), ROW_HEIGHT * len(rows) + 20)
        yield Chart(f"{group.workload}-{anchor}", title, note, spec)


def _dots(group: Group, quantity: Quantity, rows: Rows) -> Vega:
    """Return the rows as dots; naive idioms are open, the plain loop and the limit are lines across."""
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    in_rows = alt.Chart(alt.Data(values=rows)).encode(y=one_below_the_other("name", rows))
    base = in_rows.encode(color=alt.Color("library:N", scale=library_scale(libraries), legend=None))
    tooltip = ["name:N", *(alt.Tooltip(f"{field}:Q", format=".3g") for field in ("value", "low", "high"))]
    x = alt.X("value:Q", scale=log_scale(), title=quantity.axis)
    inside = alt.Fill("library:N", scale=library_scale(libraries), legend=None)
    opacity = alt.condition(alt.datum.style == NAIVE, alt.value(0), alt.value(1))
    points_shown = base.mark_point(size=50, opacity=1).encode(x=x, fill=inside, fillOpacity=opacity, tooltip=tooltip)
    spread = base.mark_rule().encode(x=alt.X("low:Q", title=quantity.axis), x2="high:Q")
    shown = in_rows.mark_text(align="left", dx=8, fontSize=10).encode(x=alt.X("high:Q"), text="shown:N")
    return alt.layer(*_across(group, quantity), spread, points_shown, shown)


def _row(cell: Cell, point: Point, quantity: Quantity) -> dict[str, Any]:
    value = {"value": point.value, "low": point.low, "high": point.high, "workers": point.n_jobs}
    return {**named(cell), **value, "shown": quantity.shown(point.value)}


def _across(group: Group, quantity: Quantity) -> list[Vega]:
    """Return a line at each value that rows are compared with."""
    loop = quantity.point(group, group.serial) if group.serial and quantity.is_time else None
    lines = [(quantity.limit(group, group.most_workers), quantity.limit_name, [1, 0])]
    lines += [(loop.value if loop else None, "plain loop", [6, 3])]
    return [
        alt.Chart(alt.Data(values=[{"at": at, "what": what}]))
        .mark_rule(color=LIMIT_COLOR, strokeDash=dashes)
        .encode(x=alt.X("at:Q"), tooltip=["what:N", alt.Tooltip("at:Q", format=".3g")])
        for at, what, dashes in lines
        if at
    ]
