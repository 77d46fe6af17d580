"""A quantity against the number of workers, a line per idiom, for a blog post: readable at 800 px, all drawn alike."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from record.terms import CALLER
from report.figures.labels import Anchor, in_a_column, place
from report.figures.style import STYLE, base_of, caption, color_of, plain, plain_seconds, show_and_save, text_color_of
from report.numbers.cell import Cell
from report.numbers.comparable import Comparable
from report.numbers.quantities import ONE_SHOT, Quantity
from report.numbers.words import row_name
from report.palette import GRID_COLOR, LIMIT_COLOR

LINES, MARKERS, NAIVE_LINE = ("-", "--", "-."), "osD^vP", ":"  # one line width for all


def draw_lines(
    group: Comparable, align: bool = False, quantity: Quantity = ONE_SHOT, save: Path | None = None
) -> list[Path]:
    """Draw one-shot time, or another quantity, against number of workers; return the files that were written.

    The figure of one-shot time is there also where every trial failed.
    """
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 6))
        figure.subplots_adjust(left=0.09, right=0.66, top=0.92, bottom=0.14)
        idioms = [numbered for file in group.files for numbered in enumerate(file.idioms.values())]
        anchors = [anchor for number, cells in idioms for anchor in _line(axes, group, number, cells, quantity)]
        anchors += _ideal(axes, group, quantity)
        _axes(axes, group, quantity)
        base = base_of(group, quantity.suffix)
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align)
        caption(figure, f"{group.workload}: {quantity.title}", group)
        return show_and_save(figure, base, save)


def _line(axes: Axes, group: Comparable, number: int, cells: Sequence[Cell], quantity: Quantity) -> list[Anchor]:
    """Draw the line of the library's idiom with that number."""
    points = [point for cell in cells if (point := quantity.point(group, cell))]
    if not points:
        return []
    traits = cells[0].traits
    style = NAIVE_LINE if traits.naive else LINES[number % len(LINES)]
    x, y, low, high = zip(*points, strict=True)
    spread = [value - least for value, least in zip(y, low, strict=True)], [b - a for a, b in zip(y, high, strict=True)]
    color, marker = color_of(cells[0].library), MARKERS[number % len(MARKERS)]
    axes.errorbar(x, y, spread, color=color, linestyle=style, marker=marker, capsize=2.5, elinewidth=0.8)
    if traits.workers == CALLER:  # one number, to compare all numbers of workers with
        x, y = (1, group.most_workers), (y[0], y[0])
        axes.plot(x, y, color=color, linestyle=style, snap=False)  # snapping would draw it bolder
    before = (x[-2], y[-2]) if len(x) > 1 else None
    return [Anchor(row_name(cells[0]), row_name(cells[0]), x[-1], y[-1], text_color_of(cells[0].library), before)]


def _ideal(axes: Axes, group: Comparable, quantity: Quantity) -> list[Anchor]:
    counts = group.worker_counts
    limits = [limit for count in counts if (limit := quantity.limit(group, count))]
    if not limits:
        return []
    axes.plot(counts, limits, color=LIMIT_COLOR, linewidth=1, zorder=0)
    before = (counts[-2], limits[-2]) if len(counts) > 1 else None
    return [Anchor("limit", quantity.limit_name, counts[-1], limits[-1], LIMIT_COLOR, before)]


def _axes(axes: Axes, group: Comparable, quantity: Quantity) -> None:
    axes.set(xscale="log", yscale="log", xlabel="number of workers", ylabel=quantity.axis)
    axes.xaxis.set_major_locator(plt.FixedLocator(group.worker_counts or [1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    plain_seconds(axes.yaxis, *axes.get_ylim())
    axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
