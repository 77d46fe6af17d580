"""Charts of the workloads that time rounds: cost per task, METG, compute against payload."""

from collections.abc import Iterable, Iterator
from itertools import pairwise, product
from typing import Any

import altair as alt

from report.charts import HEIGHT, Chart, Rows, Vega, legend_height, log_scale, named, scales, spec_of
from report.granularity import INDEPENDENT, TARGETS, line_of, patterns
from report.grid import KEPT, REBUILT, TIED, Times, axes_of, fastest_at, first_of, grids_of, relative
from report.measured import SERIAL, Comparable, Name
from report.overhead import per_task_by_tasks
from report.rounds import is_graph, on_most_workers
from report.style import TIE_COLOR, color_of
from report.words import duration, size

MAP_HEIGHT = 130
WIDEST = 5  # powers of two that colours tell apart, in either direction


def charts_of_rounds(group: Comparable) -> Iterator[Chart]:
    """Yield the charts of ``overhead``, ``grid`` or ``granularity``."""
    kinds = {"overhead": _overhead, "granularity": _granularity, "grid": _grid}
    yield from kinds[group.workload](group)


def _overhead(group: Comparable) -> Iterator[Chart]:
    rows = [
        {**named(cell), "x": tasks, "value": seconds}
        for cell in on_most_workers(group)
        if not is_graph(cell)
        for tasks, seconds in per_task_by_tasks(cell)
    ]
    if rows:
        chart = _curves(rows, "tasks in a round", "seconds per task")
        note = f"tasks that do nothing, on a pool that is up, {group.most_workers} workers; {group.said_of_trials}"
        yield Chart("overhead-tasks", "overhead: cost per task", note, spec_of(chart, legend_height(rows)))


def _granularity(group: Comparable) -> Iterator[Chart]:
    for graphs in (False, True):
        rows = [
            {"name": f"{cell.library}: {idiom}", "library": cell.library, "idiom": idiom, "x": x, "value": efficiency}
            for cell in on_most_workers(group)
            if cell.timed
            for pattern in patterns(cell)
            if (pattern != INDEPENDENT) == graphs
            for idiom in [f"{cell.idiom}, {pattern}" if graphs else cell.idiom]
            for x, efficiency in line_of(cell, pattern)
        ]
        if not rows:
            continue
        targets = [{"x": x, "value": v} for v in (*TARGETS, 1.0) for x in _ends(rows)]
        lines = alt.Chart(alt.Data(values=targets)).mark_line(color="#999999", strokeWidth=0.7)
        chart = lines.encode(x="x:Q", y="value:Q", detail="value:Q") + _curves(
            rows, "mean task: wall time x workers / tasks, s", "work done / without the library", log=False
        )
        what = "task graphs" if graphs else "independent tasks"
        note = f"where a line crosses 50 % is its METG; {group.most_workers} workers; lines through all trials' points"
        yield Chart(
            "granularity-graphs" if graphs else "granularity-tasks",
            f"granularity: efficiency, {what}",
            note,
            spec_of(chart, legend_height(rows)),
        )


def _ends(rows: Rows) -> tuple[float, float]:
    return min(row["x"] for row in rows), max(row["x"] for row in rows)


def _curves(rows: Rows, x_title: str, y_title: str, log: bool = True) -> alt.Chart:
    color, dash = scales(rows, at="x")
    y_axis = alt.Axis(format="~s" if log else ".0%")
    return (
        alt.Chart(alt.Data(values=rows))
        .mark_line(point=alt.OverlayMarkDef(size=18), clip=True)
        .encode(
            x=alt.X("x:Q", scale=log_scale(), title=x_title, axis=alt.Axis(format="~s")),
            y=alt.Y("value:Q", scale=log_scale() if log else alt.Scale(domain=[0, 1.2]), title=y_title, axis=y_axis),
            color=color,
            strokeDash=dash,
            tooltip=["name:N", alt.Tooltip("x:Q", format=".3g"), alt.Tooltip("value:Q", format=".3g")],
        )
    )


def _grid(group: Comparable) -> Iterator[Chart]:
    grids = grids_of(group)
    if not grids:
        return
    payloads, computes = axes_of({name: grid[KEPT] for name, grid in grids.items()})
    for kind in (KEPT, REBUILT):
        rows = [
            {**_place(key), "library": library}
            for key in product(payloads, computes)
            if (library := fastest_at(grids, kind, key))
        ]
        if not rows:
            continue
        found = {row["library"] for row in rows}
        libraries = [name for name in (TIED, *dict.fromkeys(library for library, _ in grids)) if name in found]
        colors = [TIE_COLOR if name == TIED else color_of(name) for name in libraries]
        color = alt.Color("library:N", scale=alt.Scale(domain=libraries, range=colors), legend=alt.Legend(title=None))
        yield Chart(
            f"grid-fastest-{'kept' if kind == KEPT else 'rebuilt'}",
            f"grid: the fastest library, its pool {kind}",
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
    """Return the borders between neighbours of which one is faster than serial and one is not."""

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
