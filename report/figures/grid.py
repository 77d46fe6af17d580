"""Compute against payload: heat maps of every idiom, and who is fastest where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm, TwoSlopeNorm

from record.terms import KEPT
from report.figures.style import STYLE, base_of, caption, color_of, show_and_save
from report.numbers.grid import (
    POOLS,
    REBUILT,
    TIED,
    Times,
    axes_of,
    fastest_at,
    first_of,
    grids_of,
    relative,
    to_choose,
)
from report.numbers.group import Group
from report.numbers.names import REFERENCE, SERIAL, Name
from report.numbers.words import duration, size
from report.palette import TIE_COLOR

COLUMNS = 3  # of panels: what is on them can be read at 800 px
RATIOS = TwoSlopeNorm(0, -5, 5)  # powers of two


@dataclass(frozen=True)
class Maps:
    """A heat map per idiom. ``ratios``: whether values are binary logarithms of ratios, not seconds."""

    pools: str
    values: Mapping[Name, Times]
    colors: str
    said: str
    ratios: bool


def draw_seconds(group: Group, kind: str, save: Path | None = None) -> list[Path]:
    """Draw seconds per task, with pools KEPT or REBUILT; return the files that were written."""
    values = {name: grid[kind] for name, grid in grids_of(group).items()}
    suffix = "" if kind == KEPT else "_rebuilt"
    return _draw_maps(group, suffix, Maps(POOLS[kind], values, "viridis", "seconds per task", False), save)


def draw_relative(group: Group, save: Path | None = None) -> list[Path]:
    """Draw the time over the reference's, pools kept; return the files that were written."""
    grids = grids_of(group)
    values = {name: relative(grid[KEPT], first_of(grids, REFERENCE, KEPT)) for name, grid in grids.items()}
    label = f"time over {REFERENCE}'s (blue: faster; line: 1)"
    return _draw_maps(group, "_relative", Maps("kept", values, "RdBu_r", label, True), save)


def draw_speedup(group: Group, save: Path | None = None) -> list[Path]:
    """Draw the speedup over serial, pools kept; return the files that were written."""
    grids = grids_of(group)
    values = {name: relative(first_of(grids, SERIAL, KEPT), grid[KEPT]) for name, grid in grids.items()}
    return _draw_maps(
        group, "_speedup", Maps("kept", values, "RdBu", "speedup over serial (blue: faster; line: 1)", True), save
    )


def _draw_maps(group: Group, suffix: str, maps: Maps, save: Path | None) -> list[Path]:
    values = {name: times for name, times in maps.values.items() if times}
    if not values:
        return []
    payloads, computes = axes_of(values.values())
    everything = [seconds for times in values.values() for seconds in times.values()]
    norm = RATIOS if maps.ratios else LogNorm(min(everything), max(everything))
    rows = -(-len(values) // COLUMNS)
    height = 2.3 + 1.55 * rows
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(rows, COLUMNS, figsize=(8, height), squeeze=False, sharex=True, sharey=True)
        sides = {"left": 0.12, "right": 0.98, "top": 1 - 0.85 / height, "bottom": 1.75 / height}
        figure.subplots_adjust(**sides, wspace=0.1, hspace=0.35)
        for axes in panels.flat[len(values) :]:
            axes.set_visible(False)
        for axes, ((library, idiom), times) in zip(panels.flat, values.items(), strict=False):
            image = _draw_map(axes, _matrix(times, payloads, computes), maps, norm)
            axes.set_title(f"{library}: {idiom}", fontsize="small")
            _label_axes(axes, payloads, computes)
        for axes in panels.flat[max(0, len(values) - COLUMNS) : len(values)]:  # the last in each column
            axes.tick_params(labelbottom=True)
        for axes in panels[:, 0]:
            axes.set_ylabel("payload", fontsize="small")
        place = figure.add_axes((0.45, 0.85 / height, 0.4, 0.13 / height))
        bar = figure.colorbar(image, cax=place, orientation="horizontal", label=maps.said)
        if maps.ratios:
            bar.set_ticks([-5, -2, 0, 2, 5], labels=["1/32", "1/4", "1", "4", "32"])
        said = f"{group.most_workers} workers, pools {maps.pools}; compute per task from left to right"
        caption(figure, f"{group.workload}: {said}", group)
        return show_and_save(figure, base_of(group, suffix), save)


def _draw_map(axes: Axes, matrix: np.ndarray, maps: Maps, norm: Any) -> Any:
    image = axes.pcolormesh(np.clip(matrix, -5, 5) if maps.ratios else matrix, norm=norm, cmap=maps.colors)
    if maps.ratios and min(matrix.shape) > 1 and np.nanmin(matrix) < 0 < np.nanmax(matrix):
        middles = [np.arange(count) + 0.5 for count in matrix.shape[::-1]]
        axes.contour(*middles, matrix, levels=[0], colors="black", linewidths=1.2)
    return image


def draw_fastest(group: Group, save: Path | None = None) -> list[Path]:
    """Draw which library is fastest where, pools kept and rebuilt; return the files that were written."""
    grids = to_choose(group)
    if not grids:
        return []
    payloads, computes = axes_of(grid[KEPT] for grid in grids.values())
    libraries = list(dict.fromkeys(library for library, _ in grids))
    numbers = {None: float("nan"), TIED: 0.0} | {library: float(n) for n, library in enumerate(libraries, start=1)}
    colors = [TIE_COLOR, *(color_of(library) for library in libraries)]
    with plt.rc_context(STYLE):
        figure, panels = plt.subplots(1, 2, figsize=(8, 4.2), sharey=True)
        figure.subplots_adjust(left=0.12, right=0.8, top=0.84, bottom=0.26, wspace=0.08)
        for axes, (kind, pool_state) in zip(panels, POOLS.items(), strict=True):
            fastest = {key: numbers[fastest_at(grids, kind, key)] for key in product(payloads, computes)}
            matrix, palette = _matrix(fastest, payloads, computes), ListedColormap(colors)
            axes.pcolormesh(matrix, cmap=palette, vmin=-0.5, vmax=len(colors) - 0.5)
            _label_axes(axes, payloads, computes)
            axes.set_title(f"pool {pool_state}", fontsize="small")
            axes.set_xlabel("compute per task")
        panels[0].set_ylabel("payload per task")
        handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in colors]
        figure.legend(handles, [TIED, *libraries], loc="center right", frameon=False, fontsize="small")
        said = f"the fastest library, its best idiom, on {group.most_workers} workers"
        caption(figure, f"{group.workload}: {said}", group)
        return show_and_save(figure, base_of(group, "_fastest"), save)


def _matrix(times: Times, payloads: list[int], computes: list[float]) -> np.ndarray:
    return np.array([[times.get((payload, compute), np.nan) for compute in computes] for payload in payloads])


def _label_axes(axes: Axes, payloads: list[int], computes: list[float]) -> None:
    for axis, names in ((axes.xaxis, list(map(duration, computes))), (axes.yaxis, list(map(size, payloads)))):
        places = sorted({0, len(names) // 2, len(names) - 1})
        axis.set_ticks([place + 0.5 for place in places], [names[place] for place in places], fontsize="small")


# By the suffix of the figure's name.
DRAWN: dict[str, Callable[..., list[Path]]] = {
    "": partial(draw_seconds, kind=KEPT),
    "_rebuilt": partial(draw_seconds, kind=REBUILT),
    "_relative": draw_relative,
    "_speedup": draw_speedup,
    "_fastest": draw_fastest,
}
