"""Where the time of a round goes: a bar of stacked parts for every idiom."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from report.figures.style import STYLE, SUFFIXES, base_of, caption, in_rows, show_and_save
from report.numbers.group import Group
from report.numbers.parts import PARTS, SHOWN, bars_of
from report.numbers.quantities import LIMIT
from report.numbers.words import row_name
from report.palette import LIMIT_COLOR, PART_COLORS

HATCHES = {"start-up": "////", "stop": "\\\\\\\\"}  # of one hue, told apart without colour too
LEAST_PRINTED_S = 0.1


def draw_parts(group: Group, phase: str, save: Path | None = None) -> list[Path]:
    """Draw the median trial of every tuned idiom on most workers, the fastest first.

    Returns the files that were written, none without parts.
    """
    bars = [(row_name(cell), parts) for cell, parts in bars_of(group.timed_on_most_workers, phase)]
    if not bars:
        return []
    with plt.rc_context(STYLE):
        height = 1.7 + 0.26 * len(bars)
        figure, axes = plt.subplots(figsize=(8, height))
        figure.subplots_adjust(left=0.36, right=0.97, top=1 - 0.85 / height, bottom=0.8 / height)
        for row, (_, parts) in enumerate(bars):
            left = 0.0
            for part, seconds in parts.items():
                style: Any = {
                    "color": PART_COLORS[PARTS.index(part)],
                    "hatch": HATCHES.get(part),
                    "edgecolor": "#00000055",
                }
                axes.barh(row, seconds, left=left, height=0.7, linewidth=0, **style)
                if seconds > LEAST_PRINTED_S and part in HATCHES:
                    _print_seconds(axes, row, left + seconds / 2, seconds)
                left += seconds
        in_rows(axes, [name for name, _ in bars])
        axes.set(xlabel=f"time of a {SHOWN[phase]} (s)")
        _limit_line(axes, group, phase)
        shown = list(bars[0][1])
        handles = [
            plt.Rectangle((0, 0), 1, 1, facecolor=color, hatch=HATCHES.get(part), edgecolor="#00000055", linewidth=0)
            for color, part in zip(PART_COLORS, shown, strict=False)
        ]
        legend: Any = {"loc": "upper left", "bbox_to_anchor": (0.01, 1 - 0.32 / height), "fontsize": "small"}
        figure.legend(handles, shown, **legend, ncols=len(shown), columnspacing=1.2, frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        caption(
            figure, f"{group.workload}: where the time of a {SHOWN[phase]} goes on {group.most_workers} workers", group
        )
        return show_and_save(figure, base_of(group, f"_parts{SUFFIXES[phase]}"), save)


def _print_seconds(axes: Axes, row: int, at: float, seconds: float) -> None:
    """Print what starting or stopping took, in its bar where there is room, and else over it."""
    ground = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.5}
    axes.text(at, row, f"{seconds:.1f}", fontsize="x-small", color="black", ha="center", va="center", bbox=ground)


def _limit_line(axes: Axes, group: Group, phase: str) -> None:
    if limit := group.limit_s(group.most_workers, phase):
        axes.axvline(limit, color=LIMIT_COLOR, linewidth=1)
        axes.annotate(f" {LIMIT}", (limit, -0.55), fontsize="x-small", color=LIMIT_COLOR, va="bottom")
