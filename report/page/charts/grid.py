"""Compute against payload: who is fastest where, and every idiom's speedup over serial."""

from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from typing import Any

import altair as alt

from record.terms import KEPT
from report.numbers.grid import POOLS, TIED, Times, axes_of, fastest_at, first_of, grids_of, relative, to_choose
from report.numbers.group import Group
from report.numbers.names import SERIAL, Name
from report.numbers.words import duration, size
from report.page.charts.vega import HEIGHT, Chart, Rows, Vega, spec_of
from report.palette import TIE_COLOR, color_of

MAP_HEIGHT = 130
WIDEST = 5  # powers of two that colours tell apart, in either direction


def charts_of_grid(group: Group) -> Iterator[Chart]:
    """Yield the maps, where anything was measured."""
    grids = grids_of(group)
    if not grids:
        return
    payloads, computes = axes_of(grid[KEPT] for grid in grids.values())
    rivals = to_choose(group)
    for kind, pool_state in POOLS.items():
        rows = [
            {**_place(key), "library": library}
            for key in product(payloads, computes)
            if (library := fastest_at(rivals, kind, key))
        ]
        if not rows:
            continue
        fastest = {row["library"] for row in rows}
        libraries = [name for name in (TIED, *dict.fromkeys(library for library, _ in grids)) if name in fastest]
        colors = [TIE_COLOR if name == TIED else color_of(name) for name in libraries]
        color = alt.Color("library:N", scale=alt.Scale(domain=libraries, range=colors), legend=alt.Legend(title=None))
        yield Chart(
            f"grid-fastest-{'kept' if kind == KEPT else 'rebuilt'}",
            f"grid: the fastest library, its pool {pool_state}",
            f"its best idiom, on {group.most_workers} workers; {group.said_of_trials}",
            spec_of(_map(rows, color, payloads, computes), HEIGHT // 2),
        )
    serial = first_of(grids, SERIAL, KEPT)
    for number, (name, grid) in enumerate(grids.items()):
        if name[0] != SERIAL and (times := relative(serial, grid[KEPT])):
            yield _speedup_map(number, name, grid[KEPT], times, (payloads, computes))


def _speedup_map(number: int, name: Name, times: Times, speedups: Times, axes: tuple[list[int], list[float]]) -> Chart:
    rows = [{**_place(key), "speedup": 2**log2, "seconds per task": times[key]} for key, log2 in speedups.items()]
    legend = alt.Legend(
        title=None,
        gradientLength=MAP_HEIGHT - 20,
        values=[2.0**power for power in (-5, -2, 0, 2, 5)],
        labelExpr="datum.value < 1 ? '1/' + round(1 / datum.value) : datum.value",
    )
    scale = alt.Scale(type="log", scheme="redblue", domain=[2**-WIDEST, 1, 2**WIDEST], clamp=True)
    chart = _map(rows, alt.Color("speedup:Q", scale=scale, legend=legend), *axes)
    spec = spec_of(chart + _line_at_1(speedups, *axes), MAP_HEIGHT)
    note = "speedup over serial, pool kept; line: 1"
    return Chart(f"grid-speedup-{number}", f"{name[0]}: {name[1]}", note, spec, narrow=True)


def _line_at_1(log2_speedups: Times, payloads: list[int], computes: list[float]) -> Vega:
    """Return the borders between places that are faster than serial and neighbours that are not."""

    def borders(pairs: Iterable[tuple[Any, Any]]) -> alt.Data:
        parted = [a for a, b in pairs if {a, b} <= log2_speedups.keys() and log2_speedups[a] * log2_speedups[b] < 0]
        return alt.Data(values=[_place(key) for key in parted])

    beside = borders(((p, a), (p, b)) for p in payloads for a, b in pairwise(computes))
    above = borders(((a, c), (b, c)) for a, b in pairwise(payloads) for c in computes)
    x, y = _places(payloads, computes)
    right, top = (alt.Chart(data).mark_rule(color="#111111", strokeWidth=2) for data in (beside, above))
    return right.encode(x=x.bandPosition(1), y=y.bandPosition(0), y2=alt.Y2("payload:N", bandPosition=1)) + top.encode(
        x=x.bandPosition(0), x2=alt.X2("compute:N", bandPosition=1), y=y.bandPosition(0)
    )


def _place(key: tuple[int, float]) -> dict[str, Any]:
    return {"payload": size(key[0]), "compute": duration(key[1])}


def _places(payloads: list[int], computes: list[float]) -> tuple[alt.X, alt.Y]:
    """Return the axes, the largest payload at the top."""
    x = alt.X("compute:N", sort=list(map(duration, computes)), title="compute per task")
    y = alt.Y("payload:N", sort=list(map(size, reversed(payloads))), title="payload")
    return x.axis(labelAngle=-45, labelOverlap=True), y.axis(labelOverlap=True)


def _map(rows: Rows, color: alt.Color, payloads: list[int], computes: list[float]) -> alt.Chart:
    x, y = _places(payloads, computes)
    chart = alt.Chart(alt.Data(values=rows)).mark_rect().encode(x=x, y=y, color=color)
    numbers = [field for field in ("speedup", "seconds per task") if field in rows[0]]
    shown = [alt.Tooltip(f"{field}:Q", format=".3g") for field in numbers] or [alt.Tooltip("library:N")]
    return chart.encode(tooltip=[alt.Tooltip("payload:N"), alt.Tooltip("compute:N"), *shown])
