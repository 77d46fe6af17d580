"""What scheduling costs: seconds per task against the number of tasks in a round."""

from collections.abc import Iterator

from report.numbers.comparable import Comparable
from report.numbers.overhead import per_task_by_tasks
from report.numbers.rounds import is_graph
from report.page.charts.vega import Chart, curves, legend_height, named, spec_of


def charts_of_overhead(group: Comparable) -> Iterator[Chart]:
    """Yield the chart, where anything was measured."""
    rows = [
        {**named(cell), "x": tasks, "value": seconds}
        for cell in group.on_most_workers
        if not is_graph(cell)
        for tasks, seconds in per_task_by_tasks(cell)
    ]
    if rows:
        chart = curves(rows, "tasks in a round", "seconds per task")
        note = f"tasks that do nothing, on a pool that is up, {group.most_workers} workers; {group.said_of_trials}"
        yield Chart("overhead-tasks", "overhead: cost per task", note, spec_of(chart, legend_height(rows)))
