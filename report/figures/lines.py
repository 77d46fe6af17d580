"""A quantity against the number of workers, a panel per library, for a blog post: readable at 800 px."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from record.terms import CALLER
from report.figures.labels import Anchor
from report.figures.panels import Line, label_panels, panels
from report.figures.style import STYLE, base_of, caption, plain, plain_ticks, show_and_save
from report.numbers.group import Group
from report.numbers.names import SERIAL
from report.numbers.quantities import ONE_SHOT, Quantity
from report.palette import LIMIT_COLOR

LOOP = "plain loop"
Curve = list[tuple[float, float]]


def draw_lines(
    group: Group, align: bool = False, quantity: Quantity = ONE_SHOT, save: Path | None = None
) -> list[Path]:
    """Draw one-shot time, or another quantity, against number of workers; return the files that were written.

    The plain loop and what cannot be undercut are lines in every panel, and have their labels in the first.
    """
    with plt.rc_context(STYLE):
        across = _across(group, quantity)
        figure, drawn = panels(_lines(group, quantity), lambda axes: _look(axes, group, quantity, across))
        drawn[0][1].extend(_end(name, curve) for name, curve in across.items())
        base = base_of(group, quantity.suffix)
        label_panels(drawn, base, align)
        caption(figure, f"{group.workload}: {quantity.title}", group, more=["Dotted: naive idioms."])
        return show_and_save(figure, base, save)


def _lines(group: Group, quantity: Quantity) -> list[Line]:
    """Return the lines of the libraries; of the loop where there is nothing else."""
    lines = []
    for cells in group.idioms:
        points = [point for cell in cells if (point := quantity.point(group, cell))]
        if points and cells[0].traits.workers == CALLER:  # one number, to compare all numbers of workers with
            points = [points[0]._replace(n_jobs=n_jobs) for n_jobs in sorted({1, group.most_workers})]
        if points:
            lines.append(Line(cells[0], points))
    return [line for line in lines if line.cell.library != SERIAL] or lines


def _across(group: Group, quantity: Quantity) -> dict[str, Curve]:
    """Return by name the lines that every panel has: of the loop, and of what cannot be undercut."""
    loop = quantity.point(group, group.serial) if group.serial and quantity.is_time else None
    curves: dict[str, Curve] = {
        LOOP: [(n_jobs, loop.value) for n_jobs in group.worker_counts if loop],
        quantity.limit_name: [(n, limit) for n in group.worker_counts if (limit := quantity.limit(group, n))],
    }
    return {name: curve for name, curve in curves.items() if curve}


def _color(name: str) -> str:
    return str(plt.rcParams["text.color"]) if name == LOOP else LIMIT_COLOR


def _end(name: str, curve: Curve) -> Anchor:
    return Anchor(name, name, *curve[-1], _color(name), curve[-2] if len(curve) > 1 else None)


def _look(axes: Axes, group: Group, quantity: Quantity, across: Mapping[str, Curve]) -> None:
    for name, curve in across.items():
        style = "--" if name == LOOP else "-"
        axes.plot(*zip(*curve, strict=True), color=_color(name), linestyle=style, linewidth=1, zorder=2)
    axes.set(xscale="log", yscale="log")
    axes.set_xlabel("number of workers", fontsize="small")
    axes.set_ylabel(quantity.axis, fontsize="small")
    axes.xaxis.set_major_locator(plt.FixedLocator(group.worker_counts or [1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(plain))
    plain_ticks(axes.yaxis, *axes.get_ylim())
