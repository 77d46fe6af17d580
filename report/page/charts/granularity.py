"""How fine tasks may be: the shortest ones at which a library is efficient; and efficiency against their length."""

from collections.abc import Iterator
from typing import Any

import altair as alt

from report.numbers.granularity import TARGETS, Reach, curves_of, of_pattern, reaches_of, smoothed
from report.numbers.group import Group
from report.numbers.words import micro, row_name, workers
from report.page.charts.dots import ROW_HEIGHT
from report.page.charts.vega import (
    Chart,
    Rows,
    Vega,
    curve_panels,
    library_scale,
    log_scale,
    named,
    one_below_the_other,
    spec_of,
)

TITLES = {False: ("tasks", "independent tasks"), True: ("graphs", "graphs of tasks")}
X_TITLE = "mean task: time x workers / tasks"


def charts_of_granularity(group: Group) -> Iterator[Chart]:
    """Yield what is known of independent tasks and of graphs, where they were measured."""
    low, high = TARGETS
    for graphs, (anchor, what) in TITLES.items():
        rows = [_row(reach) for reach in reaches_of(group, graphs)]
        if not rows:
            continue
        title = f"granularity on {workers(group.most_workers)}: how short may {what} be?"
        note = (
            f"dot: at this length, the library does {low:.0%} of the work that is done without it; bar: to {high:.0%}; "
            f"<, >: not within the lengths that were tried; {group.said_of_trials}"
        )
        yield Chart(f"granularity-{anchor}", title, note, spec_of(_ranges(rows), ROW_HEIGHT * len(rows) + 20))
        points = [
            {**named(cell), "name": f"{cell.idiom}{of_pattern(pattern)}", "x": x, "value": min(efficiency, 1.0)}
            for cell, pattern in curves_of(group, graphs)
            for x, efficiency in smoothed(cell, pattern)
        ]
        x = alt.X("x:Q", scale=log_scale(), title=f"{X_TITLE}, s", axis=alt.Axis(format="~s"))
        yield from curve_panels(points, f"granularity-{anchor}", f"efficiency, {what}", x, shares=True)


def _row(reach: Reach) -> dict[str, Any]:
    half, most = reach.shortest
    return {
        **named(reach.cell),
        "name": row_name(reach.cell) + of_pattern(reach.pattern),
        "half": 1e6 * half.seconds,
        "most": 1e6 * most.seconds,
        "end": 1e6 * max(half.seconds, most.seconds),
        "shown": f"{half.bound}{micro(half.seconds)}",
    }


def _ranges(rows: Rows) -> Vega:
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    in_rows = alt.Chart(alt.Data(values=rows)).encode(y=one_below_the_other("name", rows))
    base = in_rows.encode(color=alt.Color("library:N", scale=library_scale(libraries), legend=None))
    x = alt.X("half:Q", scale=log_scale(), title=f"{X_TITLE}, µs", axis=alt.Axis(format="~s"))
    tooltip = ["name:N", *(alt.Tooltip(f"{field}:Q", format=".3g") for field in ("half", "most"))]
    bar = base.mark_rule(strokeWidth=3, opacity=0.5).encode(x=x, x2="most:Q")
    dot = base.mark_point(size=50, opacity=1, filled=True).encode(x=x, tooltip=tooltip)
    text = in_rows.mark_text(align="left", dx=8, fontSize=10).encode(x=alt.X("end:Q"), text="shown:N")
    return alt.layer(bar, dot, text)
