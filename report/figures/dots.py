"""A quantity on most workers: a row per idiom, the best first. For too few numbers of workers to make a line."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from report.figures.labels import Anchor, beside, on_lines, place
from report.figures.style import STYLE, base_of, caption, color_of, in_rows, plain_ticks, show_and_save
from report.numbers.cell import NAIVE, TUNED, Cell
from report.numbers.group import Group
from report.numbers.names import NO_LIBRARIES
from report.numbers.quantities import ONE_SHOT, Point, Quantity, sorted_points
from report.numbers.words import row_name, workers
from report.palette import GRID_COLOR, LIMIT_COLOR


def draw_dots(group: Group, align: bool = False, quantity: Quantity = ONE_SHOT, save: Path | None = None) -> list[Path]:
    """Draw a dot with its spread per idiom; return the files that were written.

    Naive idioms are open; the plain loop and the limit are lines across. The values can be dragged.
    """
    points = sorted_points(group, quantity)
    with plt.rc_context(STYLE):
        height = 1.7 + 0.23 * max(1, len(points))
        figure, axes = plt.subplots(figsize=(8, height))
        figure.subplots_adjust(left=0.37, right=0.93, top=1 - 0.62 / height, bottom=0.95 / height)
        anchors = [
            _dot(axes, row, cell, point, quantity.shown(point.value)) for row, (cell, point) in enumerate(points)
        ]
        in_rows(axes, [row_name(cell) for cell, _ in points])
        axes.set(xscale="log", xlabel=quantity.axis)
        plain_ticks(axes.xaxis, *axes.get_xlim())
        axes.grid(axis="x", color=GRID_COLOR, linewidth=0.6)
        axes.spines[["top", "right", "left"]].set_visible(False)
        loop = next((p.value for cell, p in points if cell is group.serial), None) if quantity.is_time else None
        _across(axes, quantity.limit(group, group.most_workers), quantity.limit_name, loop)
        base = base_of(group, quantity.suffix)
        labels = place(axes, anchors, beside(axes, anchors), base.with_suffix(".labels.json"), align)
        on_lines(labels)
        finding = f"{_finding(points, loop)}\n" if loop else ""
        title = f"{group.workload} on {workers(group.most_workers)}: {finding}{quantity.title}"
        naive = any(cell.style == NAIVE for cell, _ in points)
        caption(figure, title, group, more=["Open: naive idioms."] if naive else [])
        return show_and_save(figure, base, save)


def _dot(axes: Axes, row: int, cell: Cell, point: Point, shown: str) -> Anchor:
    color = color_of(cell.library)
    fill = plt.rcParams["figure.facecolor"] if cell.style == NAIVE else color
    spread = [[point.value - point.low], [point.high - point.value]]
    axes.errorbar(point.value, row, xerr=spread, color=color, marker="o", markerfacecolor=fill, markersize=6)
    return Anchor(row_name(cell), shown, point.high, row, plt.rcParams["text.color"])


def _across(axes: Axes, limit: float | None, limit_name: str, loop: float | None) -> None:
    """Draw what rows are compared with: what nothing can undercut, and the plain loop."""
    of_loop = (loop, "plain loop", plt.rcParams["text.color"], "--")
    for at, name, color, style in ((limit, limit_name, LIMIT_COLOR, "-"), of_loop):
        if at is not None:
            axes.axvline(at, color=color, linestyle=style, linewidth=1, zorder=0)
            where = (at, -0.62)
            axes.annotate(name, where, fontsize="x-small", color=color, ha="center", va="bottom", annotation_clip=False)


def _finding(points: Sequence[tuple[Cell, Point]], loop: float) -> str:
    """Return how many tuned idioms beat the plain loop."""
    tuned = [point.value for cell, point in points if cell.style == TUNED and cell.library not in NO_LIBRARIES]
    return f"{sum(value < loop for value in tuned)} of {len(tuned)} tuned idioms beat a plain loop"
