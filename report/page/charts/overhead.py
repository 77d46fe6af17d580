"""What scheduling costs: seconds per task, an idiom a row; and against the number of tasks in a round."""

from collections.abc import Iterator

import altair as alt

from report.numbers.group import Group
from report.numbers.overhead import per_task_by_tasks
from report.numbers.quantities import PER_TASK
from report.page.charts.dots import chart_of_dots
from report.page.charts.vega import Chart, curve_panels, log_scale, named


def charts_of_overhead(group: Group) -> Iterator[Chart]:
    """Yield the charts, where anything was measured."""
    yield from chart_of_dots(group, PER_TASK, "tasks", group.said_of_trials)
    points = [
        {**named(cell), "name": cell.idiom, "x": tasks, "value": seconds}
        for cell in group.on_most_workers
        for tasks, seconds in per_task_by_tasks(cell)
    ]
    x = alt.X("x:Q", scale=log_scale(), title="tasks in a round", axis=alt.Axis(format="~s"))
    yield from curve_panels(points, "overhead-by-tasks", "seconds per task", x)
