"""How long must a job be: predicted time over the best library's, and the jobs that were measured."""

from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from report.figures.labels import Anchor, above, in_a_column, on_lines, place
from report.figures.style import STYLE, base_of, caption, color_of, show_and_save, text_color_of
from report.numbers.cell import CONNECTED
from report.numbers.group import Group
from report.numbers.job_length import LONGEST_S, SHORTEST_S, TICKS, WORK_TICKS, JobLength, Row
from report.numbers.names import SERIAL
from report.numbers.said_of_length import HOW, said_of_errors, title_of
from report.numbers.words import about, workers
from report.palette import GRID_COLOR, LIMIT_COLOR

BESIDE = 1.045  # times the work: from one row's measured jobs to the next one's
SMALL: Any = {"fontsize": "x-small", "ha": "center", "va": "top", "alpha": 0.75}


def draw_job_length(group: Group, jobs: JobLength, save: Path | None = None) -> list[Path]:
    """Draw a line per library, and one for the loop, with the jobs that were measured; return the files written."""
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 6.4))
        figure.subplots_adjust(left=0.13, right=0.96, top=0.9, bottom=0.29)
        middle = (len(jobs.shown) - 1) / 2
        ends = [_line(axes, jobs, row, BESIDE ** (number - middle)) for number, row in enumerate(jobs.shown)]
        _axes(axes, jobs)
        at_left, loop = ends[:-1], ends[-1]
        automatic = {**in_a_column(axes, at_left), **above(axes, [loop])}
        base = base_of(group, "_job_length")
        labels = place(axes, ends, automatic, base.with_suffix(".labels.json"), align=False)
        on_lines(labels)
        said = (
            f"{group.workload} on {workers(group.most_workers)}, each library's best tuned idiom at that length. "
            f"{HOW}. Filled: measured, the lines are from it; hollow: measured, to check them; bars: least to "
            f"largest measured ratio. {said_of_errors(jobs)}"
        )
        more = [*wrap(said, 125), *(f"left out: {line}" for line in jobs.left_out)]
        caption(figure, title_of(jobs), group, more=more)
        return show_and_save(figure, base, save)


def _line(axes: Axes, jobs: JobLength, row: Row, beside: float) -> Anchor:
    """Draw a row; return where its label belongs: at short jobs, where lines are apart, and the loop's at long ones.

    ``beside``: its measured jobs stand at so many times their work, or rows would hide each other.
    """
    color, curve = color_of(row.library), jobs.curve(row)
    style = "--" if row.library == SERIAL else ":" if row.style == CONNECTED else "-"
    axes.plot(*zip(*curve, strict=True), color=color, linestyle=style, linewidth=1.8)
    for times, work_s in jobs.lengths.items():
        fill = color if times == 1 else plt.rcParams["figure.facecolor"]
        marker: Any = {"marker": "o", "markersize": 6.5, "markeredgewidth": 1.5, "markerfacecolor": fill, "zorder": 3}
        if relative := jobs.measured_relative(row, times):
            axes.plot(beside * work_s, relative, color=color, **marker)
        if measured_range := jobs.measured_range(row, times):
            axes.vlines(beside * work_s, *measured_range, color=color, linewidth=1.2, zorder=2.5)
    x, y = curve[-len(curve) // 4 if row.library == SERIAL else 0]
    return Anchor(row.name, row.name, x, y, text_color_of(row.library))


def _axes(axes: Axes, jobs: JobLength) -> None:
    axes.set(xscale="log", yscale="log", xlim=(SHORTEST_S, LONGEST_S))
    low, high = axes.get_ylim()
    axes.set(ylim=(min(low, 0.93), high), ylabel="time of one shot over the fastest library's")
    axes.set_xlabel("work in the job: what a plain loop takes", labelpad=28)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axes.set_yticks(ticks, ["fastest" if tick == 1 else f"{tick:g} x" for tick in ticks])
    axes.set_xticks(WORK_TICKS, [about(work_s) for work_s in WORK_TICKS])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
        axis.set_minor_formatter(NullFormatter())
    measured = jobs.lengths.values()
    shortest, longest = min(measured), max(measured)
    for begin, end, at, side, label in (
        (SHORTEST_S, shortest, shortest, "right", "shorter than \nwas measured "),
        (longest, LONGEST_S, longest, "left", " longer than\n was measured"),
    ):
        axes.axvspan(begin, end, color=LIMIT_COLOR, alpha=0.1, linewidth=0, zorder=0)
        if end > 5 * begin:  # there is room to say it
            # At the inner edge: labels of lines stand at the outer one.
            axes.text(at, 0.97, label, transform=axes.get_xaxis_transform(), **SMALL | {"ha": side})
    for times, work_s in jobs.lengths.items():
        axes.axvline(work_s, color=GRID_COLOR, linewidth=1, zorder=0)
        label = f"lines from\n{about(work_s)}" if times == 1 else f"checked\n{about(work_s)}"
        axes.annotate(label, (work_s, 0), (0, -18), ("data", "axes fraction"), "offset points", **SMALL)
    axes.grid(axis="y", color=GRID_COLOR, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
