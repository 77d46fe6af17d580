"""Memory against the number of tasks that a pool has done, a panel per library."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from report.figures.panels import Line, label_panels, panels, without_spread
from report.figures.style import STYLE, base_of, caption, plain_ticks, show_and_save
from report.numbers.group import Group
from report.numbers.soak import held
from report.numbers.words import workers


def draw_soak(group: Group, align: bool = False, save: Path | None = None) -> list[Path]:
    """Draw the memory of each idiom's first trial; return the files that were written."""
    lines = [
        Line(cell, without_spread((tasks, pss / 2**20) for tasks, pss in held(cell.timed[0], "pss_bytes")))
        for cell in group.on_most_workers
        if cell.timed
    ]
    if not (lines := [line for line in lines if line.points]):
        return []
    with plt.rc_context(STYLE):
        figure, drawn = panels(lines, _look)
        base = base_of(group)
        label_panels(drawn, base, align)
        title = f"Many tasks on one pool of {workers(group.most_workers)}: what it holds"
        caption(figure, title, group, more=["PSS of all processes, after each twentieth of the tasks."])
        return show_and_save(figure, base, save)


def _look(axes: Axes) -> None:
    axes.set_yscale("log")
    plain_ticks(axes.yaxis, *axes.get_ylim())
    axes.set_xlabel("tasks done", fontsize="small")
    axes.set_ylabel("MiB", fontsize="small")
