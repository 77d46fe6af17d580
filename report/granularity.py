"""How fine tasks may be: efficiency against the mean task's length, and where it crosses 50 % and 90 %."""

from math import isinf
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, PercentFormatter
from rich.markup import escape
from rich.table import Table
from scipy.optimize import isotonic_regression

from report.console import Titled, idiom_table
from report.labels import Anchor, in_a_column, place
from report.measured import Cell, Comparable
from report.rounds import efficiencies, metg_s, on_most_workers, rounds_of
from report.statistics import summarize
from report.style import STYLE, caption, color_of, show_and_save

INDEPENDENT = "independent"
TARGETS = (0.5, 0.9)
HIGHEST = 1.15  # efficiency that is drawn: above 1 is noise of the rounds without the library


def tables_of_granularity(group: Comparable) -> list[Titled]:
    """Return the minimum effective task granularity, a row per idiom and pattern."""
    note = (
        "METG in µs: the shortest mean task, wall time x workers / tasks, at which the library does 50 % (90 %) of the "
        "work that as many processes do without it in the same time: the task by itself is half (0.9) of that. "
        ">: not reached with the longest tasks tried; <: reached with the shortest."
    )
    return [Titled(f"METG, {group.said_of_trials}", metg_table(group), note)]


def patterns(cell: Cell) -> list[str]:
    """Return the patterns that were measured."""
    found = (label["pattern"] for trial in cell.timed for label, _ in rounds_of(trial, what="point"))
    return list(dict.fromkeys(found))


def metg_table(group: Comparable) -> Table:
    """Return METG(50 %) per number of workers, and METG(90 %) on the most."""
    counts = group.worker_counts
    columns = [(TARGETS[0], n) for n in counts] + [(target, n) for target in TARGETS[1:] for n in counts[-1:]]
    table = idiom_table("pattern", *(f"METG({target:.0%})\non {n}" for target, n in columns))
    table.add_column("note", overflow="fold")
    for cell in on_most_workers(group):
        same = {
            n: found.cells.get((cell.idiom, n))
            for found in group.files
            if found.library == cell.library
            for n in counts
        }
        for pattern in patterns(cell) or [""]:
            values = [_metg(same[n], pattern, target) for target, n in columns]
            note = escape(cell.skipped or cell.failure)
            table.add_row(escape(cell.library), escape(cell.idiom), escape(pattern), *values, note)
    return table


def _metg(cell: Cell | None, pattern: str, target: float) -> str:
    if cell is None or not pattern or not cell.timed:
        return ""
    curves = [efficiencies(trial, pattern) for trial in cell.timed]
    shortest, longest = min(map(min, curves)), max(map(max, curves))

    def said(seconds: float) -> str:
        if not seconds:
            return f"<{_micro(shortest / target)}"
        return f">{_micro(longest / target)}" if isinf(seconds) else _micro(seconds)

    summary = summarize([metg_s(curve, target) for curve in curves])
    spread = f" ({said(summary.low)}-{said(summary.high)})" if summary.low < summary.high else ""
    return said(summary.median) + spread


def _micro(seconds: float) -> str:
    return f"{1e6 * seconds:.3g}" if seconds < 1e-3 else f"{1e6 * seconds:.0f}"


def draw_granularity(group: Comparable) -> list[Path]:
    """Draw efficiency against mean task length, independent tasks and graphs apart; return the files written."""
    return [*draw_efficiency(group, graphs=False), *draw_efficiency(group, graphs=True)]


def draw_efficiency(group: Comparable, graphs: bool, save: Path | None = None) -> list[Path]:
    """Draw one of the two figures; return the files written, none where there is nothing to draw."""
    cells = [cell for cell in on_most_workers(group) if cell.timed]
    drawable = [(cell, pattern) for cell in cells for pattern in patterns(cell)]
    chosen = [(cell, pattern) for cell, pattern in drawable if (pattern != INDEPENDENT) == graphs]
    return _draw(group, chosen, "_graphs" if graphs else "", save) if chosen else []


Curve = list[tuple[float, float]]


def points_of(cell: Cell, pattern: str) -> Curve:
    """Return mean task (wall time x workers / tasks) and efficiency of all trials, shortest tasks first.

    Every trial searches at lengths of its own.
    """
    return [(length / efficiency, efficiency) for length, efficiency in _by_length(cell, pattern)]


def line_of(cell: Cell, pattern: str) -> Curve:
    """Return the same on the line through all points on which efficiency does not fall as tasks grow longer."""
    lengths, efficiency = zip(*_by_length(cell, pattern), strict=True)
    fitted = np.exp(isotonic_regression(np.log(efficiency)).x)
    return [(length / float(share), float(share)) for length, share in zip(lengths, fitted, strict=True)]


def _by_length(cell: Cell, pattern: str) -> list[tuple[float, float]]:
    return sorted(point for trial in cell.timed for point in efficiencies(trial, pattern).items())


def _draw(group: Comparable, chosen: list[tuple[Cell, str]], suffix: str, save: Path | None) -> list[Path]:
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, 5.5))
        figure.subplots_adjust(left=0.09, right=0.66, top=0.92, bottom=0.17)
        anchors = [_line(axes, cell, pattern, bool(suffix)) for cell, pattern in chosen]
        for target in TARGETS:
            axes.axhline(target, color="#bbbbbb", linewidth=0.8, zorder=0)
        axes.axhline(1, color="#777777", linewidth=1, zorder=0)
        most = group.most_workers
        axes.set(
            xscale="log",
            ylim=(0, HIGHEST),
            xlabel="mean task: wall time x workers / tasks (s)",
            ylabel=f"work done on {most} workers / without the library",
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.xaxis.set_major_formatter(EngFormatter("s", places=0))
        axes.spines[["top", "right"]].set_visible(False)
        base = group.files[0].path.parent / f"{group.workload}{suffix}"
        place(axes, anchors, in_a_column(axes, anchors), base.with_suffix(".labels.json"), align=False)
        caption(
            figure,
            f"{group.workload}: efficiency against task length; lines through all points, not falling with length",
            group,
        )
        return show_and_save(figure, base, save)


def _line(axes: Axes, cell: Cell, pattern: str, graph: bool) -> Anchor:
    color = color_of(cell.library)
    name = f"{cell.library}: {cell.idiom}" + (f", {pattern}" if graph else "")
    style = {"stencil": "-", "tree": "--", "random": ":"}.get(pattern, "-")
    axes.plot(*zip(*points_of(cell, pattern), strict=True), "o", color=color, markersize=2, alpha=0.5)
    x, y = zip(*line_of(cell, pattern), strict=True)
    axes.plot(x, y, style, color=color)
    return Anchor(name, name, x[-1], min(y[-1], HIGHEST), color, None)
