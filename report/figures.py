"""Figures for a blog post: readable at 800 px, colour-blind safe, every library drawn alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from report.labels import Anchor, above, in_a_column, place
from report.measured import NAIVE, SERIAL, STUDIES, WORKLOADS, Cell, Comparable, Measured, comparable, in_order, read
from report.style import GRID_COLOR, LIMIT_COLOR, STYLE, caption, color_of, plain, plain_seconds, show_and_save

Point = tuple[float, float, float, float]  # number of workers, value, and how far below and above it its spread goes


@dataclass(frozen=True)
class Quantity:
    """What is drawn against the number of workers. ``limit`` is what cannot be undercut."""

    title: str
    axis: str
    suffix: str  # of the figure's file
    point: Callable[[Comparable, Cell], Point | None]
    limit: Callable[[Comparable, int], float | None]
    limit_name: str


LINES, MARKERS, NAIVE_LINE = ("-", "--", "-."), "osD^vP", ":"  # one line width for all


def _time_of(_group: Comparable, cell: Cell) -> Point | None:
    return _point(cell) if cell.summary else None


def _copies_of(group: Comparable, cell: Cell) -> Point | None:
    copies = cell.copies(group.counted_bytes)
    return (cell.n_jobs, copies, 0, 0) if copies else None


WALL_TIME = Quantity("wall time", "wall time (s)", "", _time_of, Comparable.limit_s, "physical limit")
COPIES = Quantity(
    "copies of the input in memory at the peak, the caller's own among them",
    "copies (growth of memory / size of the input)",
    "_copies",
    _copies_of,
    lambda _group, _count: 1.0,
    "one copy for all",
)


def draw_workload(
    group: Comparable, align: bool, quantity: Quantity = WALL_TIME, save: Path | None = None
) -> list[Path]:
    """Draw wall time, or another quantity, against number of workers; return the PNG and the SVG that were written."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 6))
        figure.subplots_adjust(left=0.09, right=0.66, top=0.92, bottom=0.14)
        most = group.most_workers
        names = [(file, idiom) for file in group.files for idiom in file.idioms]
        anchors = [anchor for name in names for anchor in _line(axes, group, *name, most, quantity)]
        anchors += _ideal(axes, group, quantity)
        _axes(axes, group, quantity)
        base = group.files[0].path.parent / f"{group.workload}{quantity.suffix}"
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align)
        caption(figure, f"{group.workload}: {quantity.title}", group)
        return show_and_save(figure, base, save)


def draw_total(groups: Iterable[Comparable], align: bool, save: Path | None = None) -> list[Path]:
    """Draw all workloads side by side: every idiom's time on most workers. Return the files that were written."""
    groups = list(groups)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(1, len(groups), figsize=(8, 4.5), squeeze=False)
        figure.subplots_adjust(left=0.09, right=0.98, top=0.86, bottom=0.19, wspace=0.12)
        base = groups[0].files[0].path.parent / "total"
        libraries = list(dict.fromkeys(file.library for group in groups for file in group.files))
        for axes, group in zip(panels[0], groups, strict=True):
            _panel(axes, group, libraries)
            axes.set_yticks(range(len(libraries)), libraries if axes is panels[0][0] else [""] * len(libraries))
            best = _best(group, libraries)
            place(axes, best, above(axes, best), base.with_name(f"total.{group.workload}.labels.json"), align)
        most = max((count for group in groups for count in group.worker_counts), default=1)
        title = f"Wall time on {most} workers: each library's fastest idiom is filled; grey: the physical limit"
        caption(figure, title, *groups)
        return show_and_save(figure, base, save)


def _line(axes: Axes, group: Comparable, file: Measured, idiom: str, most: int, quantity: Quantity) -> list[Anchor]:
    cells = sorted((cell for (name, _), cell in file.cells.items() if name == idiom), key=lambda cell: cell.n_jobs)
    points = [point for cell in cells if (point := quantity.point(group, cell))]
    if not points:
        return []
    place_of = file.idioms.index(idiom)
    style = NAIVE_LINE if idiom.startswith(NAIVE) else LINES[place_of % len(LINES)]
    x, y, less, more = zip(*points, strict=True)
    color = color_of(file.library)
    marker = MARKERS[place_of % len(MARKERS)]
    axes.errorbar(x, y, (less, more), color=color, linestyle=style, marker=marker, capsize=2.5, elinewidth=0.8)
    if file.library == SERIAL:  # one number, to compare all numbers of workers with
        axes.plot([1, most], [*y, *y], color=color, linestyle=style, snap=False)  # snapping would draw it bolder
        x, y = (1, most), (*y, *y)
    before = (x[-2], y[-2]) if len(x) > 1 else None
    label = f"{file.library}: {idiom}"
    return [Anchor(label, label, x[-1], y[-1], color, before)]


def _point(cell: Cell) -> Point:
    summary = cell.summary
    assert summary is not None
    return cell.n_jobs, summary.median, summary.median - summary.low, summary.high - summary.median


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


def _panel(axes: Axes, group: Comparable, libraries: list[str]) -> None:
    for file in group.files:
        row, color = libraries.index(file.library), color_of(file.library)
        best = _best_cell(group, file)
        for cell in _on_most_workers(group, file):
            _, seconds, less, more = _point(cell)
            fill, zorder = (color, 3) if cell is best else (plt.rcParams["figure.facecolor"], 2)
            style: Any = {"color": color, "marker": "o", "markerfacecolor": fill, "capsize": 2, "zorder": zorder}
            axes.errorbar(seconds, row, xerr=[[less], [more]], **style)
    if group.worker_counts and (limit := group.limit_s(group.worker_counts[-1])):
        axes.axvline(limit, color=LIMIT_COLOR, linewidth=1, zorder=0)
    axes.set(xscale="log", title=group.workload, xlabel="wall time (s)", ylim=(len(libraries) - 0.4, -0.7))
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.2, high * 1.2)
    plain_seconds(axes.xaxis, *axes.get_xlim())
    axes.tick_params(axis="x", labelsize="small")
    axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _on_most_workers(group: Comparable, file: Measured) -> list[Cell]:
    """Return the cells on as many workers as the workload was measured on at all: not a library's own most."""
    most = 1 if file.library == SERIAL else group.most_workers
    return [cell for cell in file.cells.values() if cell.summary and cell.n_jobs == most]


def _best_cell(group: Comparable, file: Measured) -> Cell | None:
    return min(_on_most_workers(group, file), key=lambda cell: _point(cell)[1], default=None)


def _best(group: Comparable, libraries: list[str]) -> list[Anchor]:
    anchors = []
    for file in group.files:
        if cell := _best_cell(group, file):
            seconds, color = _point(cell)[1], color_of(file.library)
            anchors.append(Anchor(file.library, f"{seconds:.2g} s", seconds, libraries.index(file.library), color))
    return anchors


def groups_of(paths: Iterable[Path]) -> tuple[list[Comparable], list[str]]:
    """Return what may be drawn, one group per workload, and one line for each file that was refused."""
    files, refused = read(paths)
    workloads = in_order({file.workload for file in files}, (*WORKLOADS, *STUDIES))
    return [comparable([file for file in files if file.workload == name]) for name in workloads], refused
