"""How fine tasks may be: efficiency against the mean task's length."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, PercentFormatter

from report.figures.labels import Anchor, in_a_column, place
from report.figures.style import STYLE, base_of, caption, color_of, show_and_save
from report.numbers.cell import Cell
from report.numbers.comparable import Comparable
from report.numbers.granularity import TARGETS, curves_of, points_of, smoothed
from report.numbers.words import row_name

HIGHEST = 1.15  # efficiency that is drawn: above 1 is noise of the rounds without the library
STYLES = {"tree": "--", "random": ":"}  # of patterns of graphs; others are solid


def draw_efficiency(group: Comparable, graphs: bool, save: Path | None = None) -> list[Path]:
    """Draw independent tasks or graphs of tasks; return the files written, none where there is nothing to draw."""
    curves = curves_of(group, graphs)
    if not curves:
        return []
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 5.5))
        figure.subplots_adjust(left=0.09, right=0.66, top=0.92, bottom=0.17)
        anchors = [_line(axes, cell, pattern, graphs) for cell, pattern in curves]
        for target in TARGETS:
            axes.axhline(target, color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.axhline(1, color="#777777", linewidth=1, zorder=0)
        axes.set(
            xscale="log",
            ylim=(0, HIGHEST),
            xlabel="mean task: time x workers / tasks (s)",
            ylabel=f"work done on {group.most_workers} workers / without the library",
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.xaxis.set_major_formatter(EngFormatter("s", places=0))
        axes.spines[["top", "right"]].set_visible(False)
        base = base_of(group, "_graphs" if graphs else "")
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align=False)
        title = "efficiency against task length; lines through all points, not falling with length"
        caption(figure, f"{group.workload}: {title}", group)
        return show_and_save(figure, base, save)


def _line(axes: Axes, cell: Cell, pattern: str, graph: bool) -> Anchor:
    color = color_of(cell.library)
    name = row_name(cell) + (f", {pattern}" if graph else "")
    axes.plot(*zip(*points_of(cell, pattern), strict=True), "o", color=color, markersize=2, alpha=0.5)
    x, y = zip(*smoothed(cell, pattern), strict=True)
    axes.plot(x, y, STYLES.get(pattern, "-"), color=color)
    return Anchor(name, name, x[-1], min(y[-1], HIGHEST), color, None)
