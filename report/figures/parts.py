"""Where the time of a round goes: a bar of stacked parts for every idiom."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from report.figures.style import STYLE, SUFFIXES, base_of, caption, show_and_save
from report.numbers.comparable import Comparable
from report.numbers.parts import PARTS, SHOWN, median_trial, parts_of
from report.numbers.words import row_name
from report.palette import LIMIT_COLOR, PART_COLORS


def draw_parts(group: Comparable, phase: str, save: Path | None = None) -> list[Path]:
    """Draw the median trial of every idiom on most workers; return the files that were written, none without parts."""
    trials = [(cell, median_trial(cell, phase)) for cell in group.timed_on_most_workers]
    bars = [(row_name(cell), parts_of(trial, phase)) for cell, trial in trials if trial]
    if not bars:
        return []
    with plt.rc_context(STYLE):
        height = 1.7 + 0.26 * len(bars)
        figure, axes = plt.subplots(figsize=(8, height))
        figure.subplots_adjust(left=0.36, right=0.97, top=1 - 0.85 / height, bottom=0.8 / height)
        for row, (_, parts) in enumerate(bars):
            left = 0.0
            for part, seconds in parts.items():
                axes.barh(row, seconds, left=left, color=PART_COLORS[PARTS.index(part)], height=0.7)
                left += seconds
        axes.set_yticks(range(len(bars)), [name for name, _ in bars], fontsize="small")
        axes.set(xlabel=f"time of a {SHOWN[phase]} (s)", ylim=(len(bars) - 0.4, -0.6))
        _limit_line(axes, group, phase)
        shown = list(bars[0][1])
        handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color, _ in zip(PART_COLORS, shown, strict=False)]
        legend: Any = {"loc": "upper left", "bbox_to_anchor": (0.01, 1 - 0.32 / height), "fontsize": "small"}
        figure.legend(handles, shown, **legend, ncols=len(shown), columnspacing=1.2, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        caption(
            figure, f"{group.workload}: where the time of a {SHOWN[phase]} goes on {group.most_workers} workers", group
        )
        return show_and_save(figure, base_of(group, f"_parts{SUFFIXES[phase]}"), save)


def _limit_line(axes: Axes, group: Comparable, phase: str) -> None:
    if limit := group.limit_s(group.most_workers, phase):
        axes.axvline(limit, color=LIMIT_COLOR, linewidth=1)
        axes.annotate(" physical limit", (limit, -0.55), fontsize="x-small", color=LIMIT_COLOR, va="bottom")
