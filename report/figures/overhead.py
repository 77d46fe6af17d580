"""What scheduling costs: seconds per task, an idiom a row; and against the number of tasks in a round."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator

from report.figures.dots import draw_dots
from report.figures.panels import Line, label_panels, panels, without_spread
from report.figures.style import STYLE, base_of, caption, show_and_save
from report.numbers.group import Group
from report.numbers.overhead import per_task_by_tasks
from report.numbers.quantities import PER_TASK, sorted_points
from report.numbers.words import workers


def draw_per_task(group: Group, save: Path | None = None) -> list[Path]:
    """Draw the slope over rounds of more and more tasks; return the files written, none where nothing was measured."""
    return draw_dots(group, quantity=PER_TASK, save=save) if sorted_points(group, PER_TASK) else []


def draw_by_tasks(group: Group, save: Path | None = None) -> list[Path]:
    """Draw seconds per task of each size of round, a panel per library; return the files written, none without data."""
    lines = [
        Line(cell, without_spread(points)) for cell in group.on_most_workers if (points := per_task_by_tasks(cell))
    ]
    if not lines:
        return []
    with plt.rc_context(STYLE):
        figure, drawn = panels(lines, _look)
        base = base_of(group, "_by_tasks")
        label_panels(drawn, base)
        title = "time of a round per task, of tasks that do nothing, on a pool that is up"
        caption(figure, f"{group.workload} on {workers(group.most_workers)}: {title}", group)
        return show_and_save(figure, base, save)


def _look(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("tasks in a round", fontsize="small")
    axes.xaxis.set_major_locator(LogLocator(100.0))  # there is no room for more
    axes.yaxis.set_major_formatter(EngFormatter("s", places=0))
    axes.xaxis.set_major_formatter(EngFormatter(places=0, sep=""))
