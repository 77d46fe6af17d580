"""Figures for a blog post: readable at 800 px, colour-blind safe, every library drawn alike."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from report.labels import Anchor, above, in_a_column, place
from report.measured import NAIVE, SERIAL, WORKLOADS, Cell, Comparable, Measured, comparable, in_order, read
from report.style import COLORS, LIMIT_COLOR, OTHER_COLOR, STYLE, caption, plain, plain_seconds, show_and_save

LINES, MARKERS, NAIVE_LINE = ("-", "--", "-."), "osD^vP", ":"  # one line width for all


def draw_workload(group: Comparable, align: bool) -> list[Path]:
    """Draw wall time against number of workers for one workload; return the PNG and the SVG that were written."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 6))
        figure.subplots_adjust(left=0.09, right=0.66, top=0.92, bottom=0.14)
        most = max(group.worker_counts, default=1)
        anchors = [anchor for file in group.files for idiom in file.idioms for anchor in _line(axes, file, idiom, most)]
        anchors += _ideal(axes, group)
        _axes(axes, group)
        base = group.files[0].path.parent / group.workload
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align)
        caption(figure, f"{group.workload}: wall time", group)
        return show_and_save(figure, base)


def draw_total(groups: Iterable[Comparable], align: bool) -> list[Path]:
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
        return show_and_save(figure, base)


def _line(axes: Axes, file: Measured, idiom: str, most: int) -> list[Anchor]:
    cells = sorted((c for (name, _), c in file.cells.items() if name == idiom and c.summary), key=lambda c: c.n_jobs)
    if not cells:
        return []
    place_of = file.idioms.index(idiom)
    style = NAIVE_LINE if idiom.startswith(NAIVE) else LINES[place_of % len(LINES)]
    x, y, less, more = zip(*(_point(cell) for cell in cells), strict=True)
    color = COLORS.get(file.library, OTHER_COLOR)
    marker = MARKERS[place_of % len(MARKERS)]
    axes.errorbar(x, y, (less, more), color=color, linestyle=style, marker=marker, capsize=2.5, elinewidth=0.8)
    if file.library == SERIAL:  # one number, to compare all numbers of workers with
        axes.plot([1, most], [*y, *y], color=color, linestyle=style, snap=False)  # snapping would draw it bolder
        x, y = (1, most), (*y, *y)
    before = (x[-2], y[-2]) if len(x) > 1 else None
    label = f"{file.library}: {idiom}"
    return [Anchor(label, label, x[-1], y[-1], color, before)]


def _point(cell: Cell) -> tuple[float, float, float, float]:
    summary = cell.summary
    assert summary is not None
    return cell.n_jobs, summary.median, summary.median - summary.low, summary.high - summary.median


def _ideal(axes: Axes, group: Comparable) -> list[Anchor]:
    if not group.serial_s or not group.worker_counts:
        return []
    counts = group.worker_counts
    limits = [group.limit_s(count) or group.serial_s for count in counts]
    axes.plot(counts, limits, color=LIMIT_COLOR, linewidth=1, zorder=0)
    before = (counts[-2], limits[-2]) if len(counts) > 1 else None
    return [Anchor("limit", "physical limit", counts[-1], limits[-1], LIMIT_COLOR, before)]


def _axes(axes: Axes, group: Comparable) -> None:
    axes.set(xscale="log", yscale="log", xlabel="number of workers", ylabel="wall time (s)")
    axes.xaxis.set_major_locator(plt.FixedLocator(group.worker_counts or [1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    plain_seconds(axes.yaxis, *axes.get_ylim())
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _panel(axes: Axes, group: Comparable, libraries: list[str]) -> None:
    for file in group.files:
        row, color = libraries.index(file.library), COLORS.get(file.library, OTHER_COLOR)
        best = _best_cell(group, file)
        for cell in _on_most_workers(group, file):
            _, seconds, less, more = _point(cell)
            fill, zorder = (color, 3) if cell is best else ("white", 2)
            style: Any = {"color": color, "marker": "o", "markerfacecolor": fill, "capsize": 2, "zorder": zorder}
            axes.errorbar(seconds, row, xerr=[[less], [more]], **style)
    if group.worker_counts and (limit := group.limit_s(group.worker_counts[-1])):
        axes.axvline(limit, color=LIMIT_COLOR, linewidth=1, zorder=0)
    axes.set(xscale="log", title=group.workload, xlabel="wall time (s)", ylim=(len(libraries) - 0.4, -0.7))
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.2, high * 1.2)
    plain_seconds(axes.xaxis, *axes.get_xlim())
    axes.tick_params(axis="x", labelsize="small")
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _on_most_workers(group: Comparable, file: Measured) -> list[Cell]:
    """Return the cells on as many workers as the workload was measured on at all: not a library's own most."""
    most = 1 if file.library == SERIAL else max(group.worker_counts, default=1)
    return [cell for cell in file.cells.values() if cell.summary and cell.n_jobs == most]


def _best_cell(group: Comparable, file: Measured) -> Cell | None:
    return min(_on_most_workers(group, file), key=lambda cell: _point(cell)[1], default=None)


def _best(group: Comparable, libraries: list[str]) -> list[Anchor]:
    anchors = []
    for file in group.files:
        if cell := _best_cell(group, file):
            seconds, color = _point(cell)[1], COLORS.get(file.library, OTHER_COLOR)
            anchors.append(Anchor(file.library, f"{seconds:.2g} s", seconds, libraries.index(file.library), color))
    return anchors


def groups_of(paths: Iterable[Path]) -> tuple[list[Comparable], list[str]]:
    """Return what may be drawn, one group per workload, and one line for each file that was refused."""
    files, refused = read(paths)
    workloads = in_order({file.workload for file in files}, WORKLOADS)
    return [comparable([file for file in files if file.workload == name]) for name in workloads], refused
