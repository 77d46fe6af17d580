"""What scheduling costs: seconds per task against the number of tasks in a round."""

from pathlib import Path

import matplotlib.pyplot as plt

from report.figures.labels import Anchor, in_a_column, place
from report.figures.style import STYLE, base_of, caption, color_of, show_and_save
from report.numbers.comparable import Comparable
from report.numbers.overhead import per_task_by_tasks
from report.numbers.rounds import is_graph
from report.numbers.words import row_name
from report.palette import GRID_COLOR


def draw_overhead(group: Comparable, save: Path | None = None) -> list[Path]:
    """Draw it on most workers; return the files that were written, none where nothing was measured."""
    flat = [cell for cell in group.on_most_workers if not is_graph(cell)]
    lines = [(cell, found) for cell in flat if (found := per_task_by_tasks(cell))]
    if not lines:
        return []
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 6.5))
        figure.subplots_adjust(left=0.1, right=0.64, top=0.93, bottom=0.14)
        anchors = []
        for cell, points in lines:
            color, name = color_of(cell.library), row_name(cell)
            x, y = zip(*points, strict=True)
            axes.plot(x, y, color=color, marker="o", markersize=2.5)
            anchors.append(Anchor(name, name, x[-1], y[-1], color, None))
        axes.set(xscale="log", yscale="log", xlabel="tasks in a round", ylabel="seconds per task")
        axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        base = base_of(group)
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align=False)
        caption(figure, f"{group.workload}: tasks that do nothing, on a pool that is up", group)
        return show_and_save(figure, base, save)
