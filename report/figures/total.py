"""All workloads side by side, each in its own seconds: nothing is normalised or averaged over workloads."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from report.figures.labels import Anchor, above, place
from report.figures.style import STYLE, caption, color_of, plain_seconds, show_and_save
from report.numbers.comparable import Comparable
from report.numbers.quantities import point_of
from report.palette import GRID_COLOR, LIMIT_COLOR


def draw_total(groups: Iterable[Comparable], align: bool = False, save: Path | None = None) -> list[Path]:
    """Draw every idiom's one-shot time on most workers. Return the files that were written."""
    groups = list(groups)
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(1, len(groups), figsize=(8, 4.5), squeeze=False)
        figure.subplots_adjust(left=0.09, right=0.98, top=0.86, bottom=0.19, wspace=0.12)
        base = groups[0].files[0].path.parent / "total"
        libraries = list(dict.fromkeys(file.library for group in groups for file in group.files))
        for axes, group in zip(panels[0], groups, strict=True):
            best = _panel(axes, group, libraries)
            axes.set_yticks(range(len(libraries)), libraries if axes is panels[0][0] else [""] * len(libraries))
            place(axes, best, above(axes, best), base.with_name(f"total.{group.workload}.labels.json"), align)
        most = max(group.most_workers for group in groups)
        title = f"One-shot time on {most} workers: each library's fastest idiom is filled; grey: the physical limit"
        caption(figure, title, *groups)
        return show_and_save(figure, base, save)


def _panel(axes: Axes, group: Comparable, libraries: list[str]) -> list[Anchor]:
    """Draw a workload; return what is to be labelled: the fastest of each library."""
    fastest, best = group.fastest_of_each_library, []
    for cell in group.timed_on_most_workers:
        row, color, point = libraries.index(cell.library), color_of(cell.library), point_of(cell)
        assert point is not None
        fill, zorder = (color, 3) if cell in fastest else (plt.rcParams["figure.facecolor"], 2)
        style: Any = {"color": color, "marker": "o", "markerfacecolor": fill, "capsize": 2, "zorder": zorder}
        axes.errorbar(point.value, row, xerr=[[point.value - point.low], [point.high - point.value]], **style)
        if cell in fastest:
            best.append(Anchor(cell.library, f"{point.value:.2g} s", point.value, row, color))
    if limit := group.limit_s(group.most_workers):
        axes.axvline(limit, color=LIMIT_COLOR, linewidth=1, zorder=0)
    axes.set(xscale="log", title=group.workload, xlabel="one-shot time (s)", ylim=(len(libraries) - 0.4, -0.7))
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.2, high * 1.2)
    plain_seconds(axes.xaxis, *axes.get_xlim())
    axes.tick_params(axis="x", labelsize="small")
    axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    return best
