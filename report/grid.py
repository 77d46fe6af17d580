"""Compute against payload: heat maps of every idiom, who is fastest where, and what rebuilding a pool costs."""

from math import log2
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, TwoSlopeNorm
from rich.markup import escape
from rich.table import Table

from report.console import Titled, idiom_table
from report.measured import FLOOR, REFERENCE, SERIAL, Cell, Comparable, Name
from report.rounds import grid_of, on_most_workers, rebuilding_s, refusals
from report.style import STYLE, TIE_COLOR, caption, color_of, show_and_save
from report.words import duration, size

Times = dict[tuple[int, float], float]  # seconds by payload and compute time
KEPT, REBUILT = "kept", "rebuilt each time"
TIE = 0.05  # of the time: closer than this to the fastest is a tie
TIED = f"tie (within {TIE:.0%})"


def tables_of_grid(group: Comparable) -> list[Titled]:
    """Return a row per idiom: what rebuilding its pool costs, and in how much of the grid it pays."""
    note = (
        "rebuilding: first round on a new pool less a later one, and the pool's end; median over the grid (10th to "
        f"90th percentile). Others: the share of the grid's cells in which it is faster, by more than {TIE:.0%}."
    )
    return [
        Titled(
            f"compute against payload, {group.most_workers} workers, {group.said_of_trials}", grid_table(group), note
        )
    ]


def grids_of(group: Comparable) -> dict[Name, dict[str, Times]]:
    """Return seconds per task of every idiom that has any, with its pool KEPT and REBUILT."""
    grids = {
        cell.name: {KEPT: grid_of(cell, rebuilt=False), REBUILT: grid_of(cell, rebuilt=True)}
        for cell in on_most_workers(group)
        if cell.timed
    }
    return {name: grid for name, grid in grids.items() if grid[KEPT]}


def first_of(grids: dict[Name, dict[str, Times]], library: str, kind: str) -> Times:
    """Return the times of the library's first idiom, or nothing."""
    return next((grid[kind] for (name, _), grid in grids.items() if name == library), {})


def grid_table(group: Comparable) -> Table:
    """Return a row per idiom."""
    grids = grids_of(group)
    against = {
        "kept, than\nserial": (KEPT, first_of(grids, SERIAL, KEPT)),
        "rebuilt, than\nserial": (REBUILT, first_of(grids, SERIAL, KEPT)),
        f"kept, than\n{REFERENCE} kept": (KEPT, first_of(grids, REFERENCE, KEPT)),
        f"kept, than\n{REFERENCE} rebuilt": (KEPT, first_of(grids, REFERENCE, REBUILT)),
    }
    table = idiom_table("cells", "rebuilding\ns", *against)
    table.add_column("note", overflow="fold")
    for cell in on_most_workers(group):
        grid = grids.get(cell.name)
        note = escape("; ".join(filter(None, (cell.skipped, cell.failure, *refusals(cell)))))
        if grid is None:
            table.add_row(escape(cell.library), escape(cell.idiom), *[""] * (2 + len(against)), note)
            continue
        shares = [_share(grid[kind], other) for kind, other in against.values()]
        table.add_row(escape(cell.library), escape(cell.idiom), str(len(grid[KEPT])), _rebuilding(cell), *shares, note)
    return table


def _rebuilding(cell: Cell) -> str:
    extra = rebuilding_s(cell)
    if len(extra) < 2:
        return f"{extra[0]:.3f}"
    tenths = quantiles(extra, n=10, method="inclusive")
    return f"{median(extra):.3f} ({tenths[0]:.3f}-{tenths[-1]:.3f})"


def _share(times: Times, others: Times) -> str:
    common = [key for key in times if key in others]
    if not common or times is others:
        return ""
    return f"{sum(times[key] * (1 + TIE) < others[key] for key in common) / len(common):.0%}"


def draw_grid(group: Comparable) -> list[Path]:
    """Draw heat maps, a panel per idiom, and the map of the fastest; return the files that were written."""
    grids = grids_of(group)
    if not grids:
        return []
    serial, reference = first_of(grids, SERIAL, KEPT), first_of(grids, REFERENCE, KEPT)
    everything = [seconds for grid in grids.values() for times in grid.values() for seconds in times.values()]
    of_seconds: Scale = (LogNorm(min(everything), max(everything)), "viridis", "seconds per task")
    of_ratios = TwoSlopeNorm(0, -5, 5)
    slower: Scale = (of_ratios, "RdBu_r", f"time over {REFERENCE}'s (blue: faster; line: 1)")
    faster: Scale = (of_ratios, "RdBu", "speedup over serial (blue: faster; line: 1)")
    with plt.rc_context(STYLE):
        return [
            *_draw_maps(group, "", "pools kept", {name: grid[KEPT] for name, grid in grids.items()}, of_seconds),
            *_draw_maps(group, "_rebuilt", REBUILT, {n: grid[REBUILT] for n, grid in grids.items()}, of_seconds),
            *_draw_maps(
                group, "_relative", "pools kept", {n: relative(g[KEPT], reference) for n, g in grids.items()}, slower
            ),
            *_draw_maps(
                group, "_speedup", "pools kept", {n: relative(serial, g[KEPT]) for n, g in grids.items()}, faster
            ),
            *_draw_fastest(group, grids),
        ]


Scale = tuple[Any, str, str]  # norm, colour map, what the numbers are
COLUMNS = 5  # of panels


def _draw_maps(group: Comparable, suffix: str, pools: str, values: dict[Name, Times], scale: Scale) -> list[Path]:
    values = {name: times for name, times in values.items() if times}
    if not values:
        return []
    payloads, computes = axes_of(values)
    rows = -(-len(values) // COLUMNS)
    height = 2.3 + 1.55 * rows
    figure, panels = plt.subplots(rows, COLUMNS, figsize=(11, height), squeeze=False, sharex=True, sharey=True)
    figure.subplots_adjust(left=0.08, right=0.98, top=1 - 0.85 / height, bottom=1.75 / height, wspace=0.1, hspace=0.35)
    norm, cmap, said = scale
    for axes in panels.flat[len(values) :]:
        axes.set_visible(False)
    for axes, ((library, idiom), times) in zip(panels.flat, values.items(), strict=False):
        matrix = _matrix(times, payloads, computes)
        ratios = isinstance(norm, TwoSlopeNorm)
        image = axes.pcolormesh(np.clip(matrix, -5, 5) if ratios else matrix, norm=norm, cmap=cmap)
        if ratios and min(matrix.shape) > 1 and np.nanmin(matrix) < 0 < np.nanmax(matrix):
            middles = [np.arange(count) + 0.5 for count in matrix.shape[::-1]]
            axes.contour(*middles, matrix, levels=[0], colors="black", linewidths=1.2)
        axes.set_title(f"{library}: {idiom}", fontsize="x-small")
        _label_axes(axes, payloads, computes)
    for axes in panels.flat[max(0, len(values) - COLUMNS) : len(values)]:  # the last in each column
        axes.tick_params(labelbottom=True)
    for axes in panels[:, 0]:
        axes.set_ylabel("payload", fontsize="small")
    bar = figure.colorbar(
        image, cax=figure.add_axes((0.45, 0.85 / height, 0.4, 0.13 / height)), orientation="horizontal", label=said
    )
    if isinstance(norm, TwoSlopeNorm):
        bar.set_ticks([-5, -2, 0, 2, 5], labels=["1/32", "1/4", "1", "4", "32"])
    caption(
        figure, f"{group.workload}: {group.most_workers} workers, {pools}; compute per task from left to right", group
    )
    return show_and_save(figure, group.files[0].path.parent / f"{group.workload}{suffix}")


def axes_of(values: dict[Name, Times]) -> tuple[list[int], list[float]]:
    """Return all payloads and all compute times."""
    keys = {key for times in values.values() for key in times}
    return sorted({payload for payload, _ in keys}), sorted({compute for _, compute in keys})


def relative(times: Times, others: Times) -> Times:
    """Return the binary logarithm of the ratio of each cell's times."""
    return {key: log2(seconds / others[key]) for key, seconds in times.items() if key in others}


def _matrix(times: Times, payloads: list[int], computes: list[float]) -> np.ndarray:
    return np.array([[times.get((payload, compute), np.nan) for compute in computes] for payload in payloads])


def _label_axes(axes: Axes, payloads: list[int], computes: list[float]) -> None:
    for axis, names in ((axes.xaxis, list(map(duration, computes))), (axes.yaxis, list(map(size, payloads)))):
        places = sorted({0, len(names) // 2, len(names) - 1})
        axis.set_ticks([place + 0.5 for place in places], [names[place] for place in places], fontsize="x-small")


def _draw_fastest(group: Comparable, grids: dict[Name, dict[str, Times]]) -> list[Path]:
    payloads, computes = axes_of({name: grid[KEPT] for name, grid in grids.items()})
    libraries = list(dict.fromkeys(library for library, _ in grids if library != FLOOR))
    numbers = {None: float("nan"), TIED: 0.0} | {library: float(n) for n, library in enumerate(libraries, start=1)}
    colors = [TIE_COLOR, *(color_of(library) for library in libraries)]
    figure, panels = plt.subplots(1, 2, figsize=(9, 4.2), sharey=True)
    figure.subplots_adjust(left=0.1, right=0.8, top=0.84, bottom=0.26, wspace=0.08)
    for axes, kind in zip(panels, (KEPT, REBUILT), strict=True):
        fastest = {
            (payload, compute): numbers[fastest_at(grids, kind, (payload, compute))]
            for payload in payloads
            for compute in computes
        }
        axes.pcolormesh(
            _matrix(fastest, payloads, computes), cmap=ListedColormap(colors), vmin=-0.5, vmax=len(colors) - 0.5
        )
        _label_axes(axes, payloads, computes)
        axes.set_title(f"pool {kind}", fontsize="small")
        axes.set_xlabel("compute per task")
    panels[0].set_ylabel("payload per task")
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in colors]
    figure.legend(handles, [TIED, *libraries], loc="center right", frameon=False, fontsize="small")
    caption(figure, f"{group.workload}: the fastest library, its best idiom, on {group.most_workers} workers", group)
    return show_and_save(figure, group.files[0].path.parent / f"{group.workload}_fastest")


def fastest_at(grids: dict[Name, dict[str, Times]], kind: str, key: tuple[int, float]) -> str | None:
    """Return the library whose best idiom is fastest there, or TIED, or None where nothing was measured.

    The floor is no library to choose.
    """
    best: dict[str, float] = {}
    for (library, _), grid in grids.items():
        if library != FLOOR and (seconds := grid[kind].get(key)):
            best[library] = min(seconds, best.get(library, seconds))
    order = sorted(best, key=lambda library: best[library])
    if not order:
        return None
    tied = len(order) > 1 and best[order[1]] < best[order[0]] * (1 + TIE)
    return TIED if tied else order[0]
