"""What starting and scheduling cost: start-up, latency, cost per task and per dependency."""

from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from rich.markup import escape
from rich.table import Table

from report.console import Titled, idiom_table
from report.labels import Anchor, in_a_column, place
from report.measured import Cell, Comparable, Name
from report.rounds import (
    bytes_per_task,
    graph_task_s,
    is_graph,
    latencies,
    line_of,
    on_most_workers,
    per_block,
    per_edge_s,
    per_task_s,
    rounds_of,
    seconds_by_tasks,
    start_s,
)
from report.statistics import UNKNOWN, Ratio, summarize
from report.style import GRID_COLOR, STYLE, caption, color_of, show_and_save

START_COLUMNS = (
    "start cold\ns", "start warm\ns", "end\ns", "latency median\nµs", "p95\nµs", "p99\nµs",
)  # fmt: skip
TASK_COLUMNS = (
    "fixed\nms", "per task\nµs", "interval\nµs", "largest\nround", "furthest\nfrom line", "bytes per\nqueued task",
)  # fmt: skip
GRAPH_COLUMNS = ("start\ncold s", "trivial graph\nµs per task", "tree\nµs per task", "most edges\nµs per task",
                 "per edge\nµs", "(interval)")  # fmt: skip


def tables_of_overhead(group: Comparable) -> list[Titled]:
    """Return a row per idiom: start-up and latency, cost per task, and graphs of tasks."""
    cells = on_most_workers(group)
    flat, graphs = ([cell for cell in cells if is_graph(cell) == graph] for graph in (False, True))
    behind = f"{group.most_workers} workers, {group.said_of_trials}"
    starts = Titled(
        f"starting, {behind}",
        start_table(flat),
        "start: from the call to the first result, in a fresh interpreter, and once more in the same.",
    )
    tasks = Titled(
        f"cost per task, {behind}",
        task_table(group, [cell for cell in flat if cell.timed]),
        "fixed, per task: the line through rounds of more and more tasks, each by its relative distance from it.",
    )
    return [starts, tasks, *([Titled(f"task graphs, {behind}", graph_table(graphs))] if graphs else [])]


def draw_overhead(group: Comparable, save: Path | None = None) -> list[Path]:
    """Draw seconds per task against the number of tasks in a round; return the files that were written."""
    lines = [
        (cell, found) for cell in on_most_workers(group) if not is_graph(cell) and (found := per_task_by_tasks(cell))
    ]
    if not lines:
        return []
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 6.5))
        figure.subplots_adjust(left=0.1, right=0.64, top=0.93, bottom=0.14)
        anchors = []
        for cell, points in lines:
            color, name = color_of(cell.library), f"{cell.library}: {cell.idiom}"
            x, y = zip(*points, strict=True)
            axes.plot(x, y, color=color, marker="o", markersize=2.5)
            anchors.append(Anchor(name, name, x[-1], y[-1], color, None))
        axes.set(xscale="log", yscale="log", xlabel="tasks in a round", ylabel="seconds per task")
        axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        base = group.files[0].path.parent / group.workload
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align=False)
        caption(figure, f"{group.workload}: tasks that do nothing, on a pool that is up", group)
        return show_and_save(figure, base, save)


def per_task_by_tasks(cell: Cell) -> list[tuple[int, float]]:
    """Return seconds per task by the number of tasks, medians over all rounds of that size."""
    return [(tasks, median(found) / tasks) for tasks, found in sorted(seconds_by_tasks(cell.timed).items())]


def versus(group: Comparable, cells: list[Cell]) -> dict[Name, Ratio]:
    """Return each idiom's cost per task over the reference's, paired by block."""
    costs = {cell.name: per_block(cell, per_task_s) for cell in cells}
    return group.compared({name: cost for name, cost in costs.items() if cost})


def start_table(cells: list[Cell]) -> Table:
    """Return a row per idiom, those that failed and were skipped among them."""
    table = idiom_table(*START_COLUMNS)
    table.add_column("note", overflow="fold")
    for cell in cells:
        starts = [[s for trial in cell.timed if (s := start_s(trial, pool)) is not None] for pool in (0, 1)]
        ends = [trial["pools"][0]["shutdown_s"] for trial in cell.timed]
        waits = latencies(cell)
        table.add_row(
            escape(cell.library),
            escape(cell.idiom),
            *(f"{median(found):.3f}" if found else "" for found in (*starts, ends)),
            *([f"{1e6 * q:.0f}" for q in np.quantile(waits, (0.5, 0.95, 0.99))] if waits else [""] * 3),
            escape(cell.skipped or cell.failure),
        )
    return table


def task_table(group: Comparable, cells: list[Cell]) -> Table:
    """Return a row per idiom that has times; medians over the blocks."""
    reference = ": ".join(group.reference) if group.reference else "nothing"
    table = idiom_table(*TASK_COLUMNS, f"per task, vs\n{reference}")
    ratios = versus(group, cells)
    for cell in cells:
        ratio = ratios.get(cell.name)
        said = said_of(ratio) if ratio else "reference" if cell.name == group.reference else ""
        table.add_row(escape(cell.library), escape(cell.idiom), *_task_row(cell), said)
    return table


def said_of(ratio: Ratio) -> str:
    """Return a ratio, its interval and its verdict."""
    if ratio.verdict == UNKNOWN or ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.3g}"
    return f"{ratio.ratio:.3g} ({ratio.low:.3g}-{ratio.high:.3g}) {ratio.verdict}"


def _task_row(cell: Cell) -> list[str]:
    lines = [line for trial in cell.timed if (line := line_of(trial))]
    largest = max((label["tasks"] for trial in cell.timed for label, _ in rounds_of(trial, what="tasks")), default=1)
    queued = bytes_per_task(cell)
    return [
        f"{1e3 * median(line.fixed_s for line in lines):.2f}" if lines else "too few rounds",
        *_micro([line.per_task_s for line in lines]),
        str(largest),
        f"{max(line.deviation for line in lines):.0%}" if lines else "",
        "" if queued is None else f"{queued:.0f}",
    ]


def _micro(samples: list[float]) -> list[str]:
    """Return median and spread in microseconds."""
    if not samples:
        return ["", ""]
    found = summarize(samples)
    return [f"{1e6 * found.median:.3g}", f"{1e6 * found.low:.3g}-{1e6 * found.high:.3g}" if found.count > 1 else ""]


def graph_table(cells: list[Cell]) -> Table:
    """Return a row per idiom with task graphs."""
    table = idiom_table(*GRAPH_COLUMNS)
    layered = [rounds_of(trial, what="graph", shape="layered") for cell in cells for trial in cell.timed]
    counts = {label["edges"] for rounds in layered for label, _ in rounds}
    fewest, most = min(counts, default=0), max(counts, default=0)
    for cell in cells:
        shapes: list[dict[str, Any]] = [
            {"shape": "layered", "edges": fewest},
            {"shape": "tree"},
            {"shape": "layered", "edges": most},
        ]
        costs = [list(per_block(cell, partial(graph_task_s, **shape)).values()) for shape in shapes]
        starts = [s for trial in cell.timed if (s := start_s(trial, 0)) is not None]
        table.add_row(
            escape(cell.library),
            escape(cell.idiom),
            f"{median(starts):.3f}" if starts else "",
            *(_micro(cost)[0] for cost in costs),
            *_micro(list(per_block(cell, per_edge_s).values())),
        )
    return table
