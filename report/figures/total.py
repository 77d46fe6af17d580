"""All workloads side by side, each in its own seconds: nothing is normalised or averaged over workloads."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from report.figures.labels import Anchor, above, place
from report.figures.style import STYLE, SUFFIXES, caption, color_of, plain_ticks, show_and_save, text_color_of
from report.numbers.group import Group
from report.numbers.quantities import LIMIT, TIME_NAMES, point_of
from report.numbers.words import three_digits
from report.palette import GRID_COLOR, LIMIT_COLOR


def draw_total(groups: Iterable[Group], align: bool = False, save: Path | None = None) -> list[Path]:
    """Draw every idiom's one-shot and kept time on most workers. Return the files that were written."""
    groups = list(groups)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(2, len(groups), figsize=(8, 7.8), squeeze=False)
        figure.subplots_adjust(left=0.09, right=0.98, top=0.89, bottom=0.13, wspace=0.12, hspace=0.3)
        base = groups[0].files[0].path.parent / "total"
        libraries = list(dict.fromkeys(file.library for group in groups for file in group.files))
        for row, (phase, suffix) in zip(panels, SUFFIXES.items(), strict=True):
            for axes, group in zip(row, groups, strict=True):
                best = _panel(axes, group, phase, libraries)
                axes.set_yticks(range(len(libraries)), libraries if axes is row[0] else [""] * len(libraries))
                saved = base.with_name(f"total.{group.workload}{suffix}.labels.json")
                place(axes, best, above(axes, best), saved, align)
        most = max(group.most_workers for group in groups)
        title = (
            f"Time on {most} workers in one shot, above, and of the same round on a pool that is kept, below:\n"
            f"each library's fastest idiom is filled; grey: {LIMIT}"
        )
        caption(figure, title, *groups)
        return show_and_save(figure, base, save)


def _panel(axes: Axes, group: Group, phase: str, libraries: list[str]) -> list[Anchor]:
    """Draw a workload; return what is to be labelled: the fastest of each library."""
    points = [(cell, point) for cell in group.timed_on_most_workers if (point := point_of(cell, phase))]
    slowest_first = sorted(points, key=lambda each: -each[1].value)
    fastest = {cell.library: cell for cell, _ in slowest_first if not cell.traits.connects}.values()
    best = []
    for cell, point in points:
        row, color = libraries.index(cell.library), color_of(cell.library)
        fill, zorder = (color, 3) if cell in fastest else (plt.rcParams["figure.facecolor"], 2)
        style: Any = {"color": color, "marker": "o", "markerfacecolor": fill, "capsize": 2, "zorder": zorder}
        axes.errorbar(point.value, row, xerr=[[point.value - point.low], [point.high - point.value]], **style)
        if cell in fastest:
            best.append(
                Anchor(cell.library, f"{three_digits(point.value)} s", point.value, row, text_color_of(cell.library))
            )
    if limit := group.limit_s(group.most_workers, phase):
        axes.axvline(limit, color=LIMIT_COLOR, linewidth=1, zorder=0)
    axes.set(
        xscale="log", title=group.workload, xlabel=f"{TIME_NAMES[phase]} time (s)", ylim=(len(libraries) - 0.4, -0.7)
    )
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.2, high * 1.2)
    plain_ticks(axes.xaxis, *axes.get_xlim())
    axes.tick_params(axis="x", labelsize="small")
    axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return best
