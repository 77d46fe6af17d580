"""How fine tasks may be: the shortest ones at which a library is efficient; and efficiency against their length."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, PercentFormatter

from report.figures.labels import Anchor, beside, place
from report.figures.panels import Line, label_panels, panels, without_spread
from report.figures.style import STYLE, base_of, caption, color_of, in_rows, plain_ticks, show_and_save
from report.numbers.granularity import TARGETS, Reach, curves_of, of_pattern, reaches_of, smoothed
from report.numbers.group import Group
from report.numbers.words import micro, row_name, workers
from report.palette import GRID_COLOR

HOW = "Mean task: time x workers / tasks; the library's part of it counts."
BEYOND = {"<": "<", ">": ">", "": "o"}  # markers: even the shortest tasks reached it; none did; the task itself


def draw_shortest(group: Group, graphs: bool, save: Path | None = None) -> list[Path]:
    """Draw a dot at 50 % and a bar to 90 % per idiom, of independent tasks or of graphs of tasks.

    Returns the files that were written, none where there is nothing to draw.
    """
    reaches = reaches_of(group, graphs)
    if not reaches:
        return []
    with plt.rc_context(STYLE):
        height = 1.9 + 0.23 * len(reaches)
        figure, axes = plt.subplots(figsize=(8, height))
        figure.subplots_adjust(left=0.37, right=0.93, top=1 - 0.4 / height, bottom=1.05 / height)
        anchors = [_bar(axes, row, reach) for row, reach in enumerate(reaches)]
        in_rows(axes, [_name(reach) for reach in reaches])
        axes.set(xscale="log", xlabel="shortest mean task (µs)")
        plain_ticks(axes.xaxis, *axes.get_xlim())
        axes.grid(axis="x", color=GRID_COLOR, linewidth=0.6)
        axes.spines[["top", "right", "left"]].set_visible(False)
        base = base_of(group, "_graphs" if graphs else "")
        place(axes, anchors, beside(axes, anchors), base.with_suffix(".labels.json"), align=False)
        what = "graphs of tasks" if graphs else "independent tasks"
        title = f"{group.workload} on {workers(group.most_workers)}: how short may {what} be?"
        low, high = TARGETS
        said = (
            f"Dot and number: at this length, the library does {low:.0%} of the work that is done without it; bar: to"
        )
        more = [f"{said} {high:.0%}.", f"Arrow: not within the lengths that were tried. {HOW}"]
        caption(figure, title, group, more=more)
        return show_and_save(figure, base, save)


def _bar(axes: Axes, row: int, reach: Reach) -> Anchor:
    color = color_of(reach.cell.library)
    at = [1e6 * each.seconds for each in reach.shortest]
    axes.plot(at, [row, row], color=color, linewidth=2.5, alpha=0.5, solid_capstyle="butt")
    half, most = reach.shortest
    axes.plot(at[0], row, BEYOND[half.bound], color=color, markersize=6)
    if most.bound:
        axes.plot(at[1], row, BEYOND[most.bound], color=color, markersize=4, alpha=0.5)
    return Anchor(_name(reach), f"{half.bound}{micro(half.seconds)}", max(at), row, plt.rcParams["text.color"])


def _name(reach: Reach) -> str:
    return row_name(reach.cell) + of_pattern(reach.pattern)


def draw_efficiency(group: Group, graphs: bool, save: Path | None = None) -> list[Path]:
    """Draw efficiency against the mean task, a panel per library; return the files written, none without data."""
    lines = [
        Line(cell, without_spread((x, min(y, 1.0)) for x, y in smoothed(cell, pattern)), of_pattern(pattern))
        for cell, pattern in curves_of(group, graphs)
    ]
    if not lines:
        return []
    with plt.rc_context(STYLE):
        figure, drawn = panels(lines, _look)
        base = base_of(group, "_efficiency_graphs" if graphs else "_efficiency")
        label_panels(drawn, base)
        title = f"{group.workload}: work done on {workers(group.most_workers)} / without the library, cut at 100 %"
        caption(figure, title, group, more=[f"Lines through all trials that do not fall with length. {HOW}"])
        return show_and_save(figure, base, save)


def _look(axes: Axes) -> None:
    for target in TARGETS:
        axes.axhline(target, color=GRID_COLOR, linewidth=0.8, zorder=0)
    axes.set(xscale="log", ylim=(0, 1.05))
    axes.set_xlabel("mean task", fontsize="small")
    axes.xaxis.set_major_locator(LogLocator(100.0))  # there is no room for more
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.xaxis.set_major_formatter(EngFormatter("s", places=0))
