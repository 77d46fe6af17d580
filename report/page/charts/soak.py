"""Memory against the number of tasks that a pool has done, a panel per library."""

from collections.abc import Iterator

import altair as alt

from report.numbers.group import Group
from report.numbers.soak import held
from report.page.charts.vega import Chart, curve_panels, named


def charts_of_soak(group: Group) -> Iterator[Chart]:
    """Yield a chart per library, of each idiom's first trial."""
    rows = [
        {**named(cell), "x": tasks, "value": pss_bytes / 2**20}
        for cell in group.on_most_workers
        for trial in cell.timed[:1]
        for tasks, pss_bytes in held(trial, "pss_bytes")
    ]
    if rows:
        yield from curve_panels(rows, "soak-memory", "MiB after so many tasks", alt.X("x:Q", title="tasks done"))
