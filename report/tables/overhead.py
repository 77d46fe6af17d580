"""What starting and scheduling cost: a row per idiom."""

from functools import partial
from statistics import median
from typing import Any

import numpy as np
from rich.table import Table

from record.terms import GRAPH, TASKS
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.overhead import (
    bytes_per_task,
    graph_task_s,
    latencies_s,
    line_of,
    per_edge_s,
    references,
    starts_s,
    versus,
)
from report.numbers.rounds import is_graph, rounds_of
from report.numbers.statistics import summarize
from report.numbers.words import called, micro, said_of_ratio
from report.tables.console import IdiomTable, Titled, number

START_COLUMNS = ("start cold\ns", "start warm\ns", "end\ns", "latency median\nµs", "p95\nµs", "p99\nµs")
TASK_COLUMNS = (
    "fixed\nms", "per task\nµs", "interval\nµs", "largest\nround", "furthest\nfrom line", "bytes per\nqueued task",
)  # fmt: skip
GRAPH_COLUMNS = ("start\ncold s", "trivial graph\nµs per task", "tree\nµs per task", "most edges\nµs per task",
                 "per edge\nµs", "(interval)")  # fmt: skip


def tables_of_overhead(group: Group) -> list[Titled]:
    """Return start-up and latency, cost per task, and graphs of tasks."""
    cells = [*group.on_most_workers, *group.on_clusters]
    flat, graphs = ([cell for cell in cells if is_graph(cell) == graph] for graph in (False, True))
    behind = f"{group.most_workers} workers, {group.said_of_trials}"
    starts = Titled(
        f"starting, {behind}",
        _start_table(flat),
        "start: from the call to the first result, in a fresh interpreter, and once more in the same.",
    )
    timed = [cell for cell in flat if cell.timed]
    line = "fixed, per task: the line through rounds of more and more tasks, each by its relative distance from it."
    tasks = Titled(f"cost per task, {behind}", _task_table(group, timed), f"{line}{_said_of_references(group, timed)}")
    return [starts, tasks, *([Titled(f"task graphs, {behind}", _graph_table(graphs))] if graphs else [])]


def _start_table(cells: list[Cell]) -> Table:
    """Return a row per idiom, those that failed and were skipped among them."""
    table = IdiomTable(*START_COLUMNS, note="note")
    for cell in cells:
        ends = cell.middle(lambda trial: trial.stop_s)
        waits = latencies_s(cell)
        table.add(
            cell,
            *(f"{median(times_s):.3f}" if (times_s := starts_s(cell, pool)) else "" for pool in (0, 1)),
            number(ends, ".3f"),
            *([f"{1e6 * q:.0f}" for q in np.quantile(waits, (0.5, 0.95, 0.99))] if waits else [""] * 3),
            cell.skipped or cell.failure,
        )
    return table


def _task_table(group: Group, cells: list[Cell]) -> Table:
    """Return a row per idiom that has times; medians over the blocks."""
    table = IdiomTable(*TASK_COLUMNS, "per task, vs\nreference")
    ratios, compared_with = versus(group, cells), references(group, cells).values()
    for cell in cells:
        ratio = ratios.get(cell.name)
        shown = said_of_ratio(ratio, ".3g") if ratio else "reference" if cell.name in compared_with else ""
        table.add(cell, *_task_row(cell), shown)
    return table


def _said_of_references(group: Group, cells: list[Cell]) -> str:
    """Return which rows are compared with which."""
    kinds = {True: "in batches", False: "one at a time"}
    named = [f"{kinds[batched]} {called(name)}" for batched, name in references(group, cells).items()]
    return f" Reference of idioms that hand over tasks {', '.join(named)}." if named else ""


def _task_row(cell: Cell) -> list[str]:
    lines = [line for trial in cell.timed if (line := line_of(trial))]
    largest = max((each.tasks for trial in cell.timed for each in rounds_of(trial, TASKS)), default=1)
    return [
        f"{1e3 * median(line.fixed_s for line in lines):.2f}" if lines else "too few rounds",
        *_median_and_spread([line.per_task_s for line in lines]),
        str(largest),
        f"{max(line.deviation for line in lines):.0%}" if lines else "",
        number(bytes_per_task(cell), ".0f"),
    ]


def _median_and_spread(samples: list[float]) -> tuple[str, str]:
    """Return both in microseconds."""
    if not samples:
        return "", ""
    summary = summarize(samples)
    return micro(summary.median), f"{micro(summary.low)}-{micro(summary.high)}" if summary.count > 1 else ""


def _graph_table(cells: list[Cell]) -> Table:
    """Return a row per idiom with task graphs."""
    table = IdiomTable(*GRAPH_COLUMNS)
    layered = (each for c in cells for trial in c.timed for each in rounds_of(trial, GRAPH, shape="layered"))
    edges = {count for each in layered if isinstance(count := each.label.get("edges"), int)}
    shapes: list[dict[str, Any]] = [
        {"shape": "layered", "edges": min(edges, default=0)},
        {"shape": "tree"},
        {"shape": "layered", "edges": max(edges, default=0)},
    ]
    for cell in cells:
        costs = [list(cell.per_block(partial(graph_task_s, **shape)).values()) for shape in shapes]
        starts = starts_s(cell, 0)
        table.add(
            cell,
            f"{median(starts):.3f}" if starts else "",
            *(_median_and_spread(cost)[0] for cost in costs),
            *_median_and_spread(list(cell.per_block(per_edge_s).values())),
        )
    return table
