"""Lines in a panel per library, the other libraries' in grey: readable at 800 px, however many idioms there are."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures.labels import Anchor, in_a_column, place
from report.figures.style import color_of, text_color_of
from report.numbers.cell import NAIVE, Cell
from report.numbers.words import row_name
from report.palette import GRID_COLOR, OTHERS_COLOR

COLUMNS = 2  # beside each panel is room for its labels
PANEL_HEIGHT = 2.2  # inches, of 8 in width
STYLES, MARKERS, NAIVE_STYLE = ("-", "--", "-."), "osD^vP", ":"
FEW = 12  # points of a line, each of which is marked


@dataclass(frozen=True)
class Line:
    """An idiom's line: x, value, and what it spreads over, by rising x. ``more``: of its name, after the idiom's."""

    cell: Cell
    points: Sequence[tuple[float, float, float, float]]
    more: str = ""


def without_spread(curve: Iterable[tuple[float, float]]) -> list[tuple[float, float, float, float]]:
    """Return the points of a line that has no spread."""
    return [(x, y, y, y) for x, y in curve]


def panels(lines: Sequence[Line], look: Callable[[Axes], None]) -> tuple[Figure, list[tuple[Axes, list[Anchor]]]]:
    """Draw the panels; return the figure, and for each panel its axes and where its labels belong.

    ``look`` sets up the axes of each panel, which are shared, after its lines are drawn.
    """
    libraries = list(dict.fromkeys(line.cell.library for line in lines))
    rows = -(-len(libraries) // COLUMNS)
    height = 1.7 + PANEL_HEIGHT * rows
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(8, height), sharex=True, sharey=True, squeeze=False)
    sides = {"left": 0.09, "right": 0.785, "top": 1 - 0.75 / height, "bottom": 1.15 / height}
    figure.subplots_adjust(**sides, wspace=1.05, hspace=0.25)
    for axes in grid.flat[len(libraries) :]:
        axes.set_visible(False)
    drawn = []
    for axes, library in zip(grid.flat, libraries, strict=False):
        for line in lines:
            if line.cell.library != library:
                x, y, *_ = zip(*line.points, strict=True)
                axes.plot(x, y, color=OTHERS_COLOR, linewidth=0.7, zorder=1)
        own = [line for line in lines if line.cell.library == library]
        anchors = [_line(axes, number, line) for number, line in enumerate(own)]
        axes.set_title(library, fontsize="small", loc="left", color=text_color_of(library), fontweight="bold")
        axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize="small")
        look(axes)
        drawn.append((axes, anchors))
    for axes in grid.flat[max(0, len(libraries) - COLUMNS) : len(libraries)]:  # the last in each column
        axes.tick_params(labelbottom=True)
    return figure, drawn


def label_panels(drawn: Sequence[tuple[Axes, list[Anchor]]], base: Path, align: bool = False) -> None:
    """Put the labels beside their lines, or where they were dragged: the positions of all panels are in one file."""
    for axes, anchors in drawn:
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align, size="x-small")


def _line(axes: Axes, number: int, line: Line) -> Anchor:
    """Draw a library's line with that number, and its spread; return where its label belongs."""
    x, y, low, high = zip(*line.points, strict=True)
    spread = [value - least for value, least in zip(y, low, strict=True)], [b - a for a, b in zip(y, high, strict=True)]
    style = NAIVE_STYLE if line.cell.style == NAIVE else STYLES[number % len(STYLES)]
    marker = MARKERS[number % len(MARKERS)] if len(x) <= FEW else ""
    color = color_of(line.cell.library)
    bars = spread if any(map(any, spread)) else None
    axes.errorbar(x, y, bars, color=color, linestyle=style, marker=marker, capsize=2, elinewidth=0.8, zorder=3)
    before = (x[-2], y[-2]) if len(x) > 1 else None
    name, text = f"{row_name(line.cell)}{line.more}", f"{line.cell.idiom}{line.more}"
    return Anchor(name, text, x[-1], y[-1], text_color_of(line.cell.library), before)
