"""Where the time goes: stacked bars of every idiom, and a timeline of every library's tasks, one row per worker."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from report.measured import Cell, Comparable
from report.style import LIMIT_COLOR, STYLE, caption, color_of, show_and_save

# Of the wall time, in its order; colours of Okabe and Ito's palette, which tell parts here, not libraries.
PARTS = (
    ("start-up", "#E69F00"),
    ("work", "#0072B2"),
    ("waiting", "#F0E442"),
    ("waiting for the last worker", "#D55E00"),
    ("shut-down", "#CC79A7"),
)


def draw_parts(group: Comparable) -> list[Path]:
    """Draw a bar of stacked parts for every idiom on most workers; return the PNG and the SVG that were written."""
    cells = group.on_most_workers
    with plt.rc_context(STYLE):
        height = 1.7 + 0.26 * len(cells)
        figure, axes = plt.subplots(figsize=(8, height))
        figure.subplots_adjust(left=0.36, right=0.97, top=1 - 0.85 / height, bottom=0.8 / height)
        for row, cell in enumerate(cells):
            left = 0.0
            for (_, color), seconds in zip(PARTS, parts_of(cell), strict=True):
                axes.barh(row, seconds, left=left, color=color, height=0.7)
                left += seconds
        axes.set_yticks(range(len(cells)), [f"{cell.library}: {cell.idiom}" for cell in cells], fontsize="small")
        axes.set(xlabel="wall time (s)", ylim=(len(cells) - 0.4, -0.6))
        _limit_line(axes, group)
        handles = [plt.Rectangle((0, 0), 1, 1, color=color) for _, color in PARTS]
        names = [name for name, _ in PARTS]
        figure.legend(
            handles,
            names,
            loc="upper left",
            bbox_to_anchor=(0.01, 1 - 0.32 / height),
            ncols=5,
            fontsize="small",
            frameon=False,
        )
        axes.spines[["top", "right"]].set_visible(False)
        caption(figure, f"{group.workload}: where the time goes on {group.most_workers} workers", group)
        return show_and_save(figure, group.files[0].path.parent / f"{group.workload}_parts")


def draw_timeline(group: Comparable) -> list[Path]:
    """Draw every library's fastest idiom on most workers, its tasks worker by worker, all to one time scale.

    Return the PNG and the SVG that were written.
    """
    fastest = group.fastest_of_each_library
    with plt.rc_context(STYLE):
        lanes = [cell.n_jobs for cell in fastest] or [1]
        height = 1.4 + 0.2 * sum(lanes)
        figure, panels = plt.subplots(
            len(lanes), sharex=True, squeeze=False, figsize=(8, height), gridspec_kw={"height_ratios": lanes}
        )
        figure.subplots_adjust(left=0.3, right=0.97, top=1 - 0.45 / height, bottom=0.8 / height, hspace=0.25)
        for axes, cell in zip(panels[:, 0], fastest, strict=False):
            _lanes(axes, cell, group.limit_s(group.most_workers))
        panels[-1][0].set(xlabel="time after the call (s)", xlim=(0, None))
        title = f"{group.workload}: tasks of each library's fastest idiom on {group.most_workers} workers"
        caption(figure, f"{title}; lines: return, physical limit (grey)", group)
        return show_and_save(figure, group.files[0].path.parent / f"{group.workload}_timeline")


def parts_of(cell: Cell) -> list[float]:
    """Return the seconds of PARTS in the cell's median trial, which add up to its wall time."""
    trial = median_trial(cell)
    waiting = trial["wait_s"] - trial["tail_s"]
    return [trial["startup_s"], trial["work_s"], waiting, trial["tail_s"], trial["shutdown_s"]]


def median_trial(cell: Cell) -> dict[str, Any]:
    """Return the timed trial in the middle: medians of the parts of several trials would not add up."""
    return sorted(cell.timed, key=lambda trial: trial["wall_s"])[(len(cell.timed) - 1) // 2]


def _lanes(axes: Axes, cell: Cell, limit_s: float | None) -> None:
    trial = median_trial(cell)
    color = color_of(cell.library)
    tasks = trial["tasks"]
    lanes = {pid: lane for lane, pid in enumerate(dict.fromkeys(tasks["pid"]))}  # in the order of their first task
    for pid, lane in lanes.items():
        spans = [
            (start / 1e9, (end - start) / 1e9)
            for owner, start, end in zip(tasks["pid"], tasks["start_ns"], tasks["end_ns"], strict=True)
            if owner == pid
        ]
        axes.broken_barh(
            spans, (lane - 0.4, 0.8), facecolor=color, edgecolor=plt.rcParams["figure.facecolor"], linewidth=0.3
        )
    axes.axvline(trial["wall_s"], color=color, linewidth=1)
    if limit_s:
        axes.axvline(limit_s, color=LIMIT_COLOR, linewidth=1)
    axes.set_ylim(max(cell.n_jobs, len(lanes)) - 0.4, -0.6)
    axes.set_yticks([])
    axes.set_ylabel(f"{cell.library}: {cell.idiom}", rotation=0, ha="right", va="center", fontsize="small", color=color)
    axes.spines[["top", "right"]].set_visible(False)


def _limit_line(axes: Axes, group: Comparable) -> None:
    if limit := group.limit_s(group.most_workers):
        axes.axvline(limit, color=LIMIT_COLOR, linewidth=1)
        axes.annotate(" physical limit", (limit, -0.55), fontsize="x-small", color=LIMIT_COLOR, va="bottom")
