"""How fine tasks may be: efficiency against the mean task's length."""

from collections.abc import Iterator

import altair as alt

from report.numbers.comparable import Comparable
from report.numbers.granularity import TARGETS, curves_of, smoothed
from report.numbers.words import row_name
from report.page.charts.vega import Chart, curves, legend_height, named, spec_of

TITLES = {False: ("tasks", "independent tasks"), True: ("graphs", "task graphs")}


def charts_of_granularity(group: Comparable) -> Iterator[Chart]:
    """Yield a chart of independent tasks and one of graphs, where they were measured."""
    for graphs, (anchor, what) in TITLES.items():
        rows = [
            {**named(cell), "name": row_name(cell) + (f", {pattern}" if graphs else ""), "x": x, "value": efficiency}
            for cell, pattern in curves_of(group, graphs)
            for x, efficiency in smoothed(cell, pattern)
        ]
        if not rows:
            continue
        ends = [end(row["x"] for row in rows) for end in (min, max)]
        targets = [{"x": x, "value": value} for value in (*TARGETS, 1.0) for x in ends]
        lines = alt.Chart(alt.Data(values=targets)).mark_line(color="#999999", strokeWidth=0.7)
        chart = lines.encode(x="x:Q", y="value:Q", detail="value:Q") + curves(
            rows, "mean task: time x workers / tasks, s", "work done / without the library", log=False
        )
        note = f"where a line crosses 50 % is its shortest task; {group.most_workers} workers; lines: of all trials"
        title = f"granularity: efficiency, {what}"
        yield Chart(f"granularity-{anchor}", title, note, spec_of(chart, legend_height(rows)))
