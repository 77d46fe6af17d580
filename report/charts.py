"""Charts of the page, as Vega-Lite: what was measured, with its interval, beside the physical limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from report.breakdown import PARTS, median_trial, parts_of
from report.figures import COPIES, WALL_TIME, Point, Quantity
from report.matrix import TUNED, style_of
from report.measured import NAIVE, SERIAL, Cell, Comparable
from report.sharing import has_held, kept_bytes
from report.style import LIMIT_COLOR, color_of

Rows = list[dict[str, Any]]
Vega = Any  # a chart of Altair, of whichever of its classes
DASHES = ([1, 0], [6, 3], [6, 2, 1, 2], [12, 3], [3, 3], [12, 2, 3, 2], [9, 2, 1, 2, 1, 2])  # of a library's idioms
NAIVE_DASHES = [1, 3]
MOST_TASKS = 4000  # that a timeline shows; further ones are left out, and it says so
HEIGHT = 320
LIMIT = "physical limit"


@dataclass(frozen=True)
class Chart:
    """A Vega-Lite chart with the words around it. ``anchor`` is its address in the page."""

    anchor: str
    title: str
    note: str
    spec: dict[str, Any]
    narrow: bool = False  # one of many beside each other


def charts_of(group: Comparable) -> Iterator[Chart]:
    """Yield the charts of a workload that has wall times."""
    yield from _present(
        against_workers(group, WALL_TIME, "wall time, s", f"{group.workload}-time"),
        speedup(group),
        where_the_time_goes(group),
        timeline(group),
        against_memory(group),
        against_workers(group, COPIES, "copies of the input", f"{group.workload}-copies")
        if group.counted_bytes
        else None,
        held_by_stores(group),
        time_of_stores(group),
    )


def _present(*charts: Chart | None) -> Iterator[Chart]:
    return (chart for chart in charts if chart)


def against_workers(group: Comparable, quantity: Quantity, axis: str, anchor: str) -> Chart | None:
    """Return a line per idiom with its spread, and the limit."""
    rows = [
        {**named(cell), "workers": n, "value": value, "low": value - less, "high": value + more}
        for cell in _cells(group)
        if (point := quantity.point(group, cell))
        for n, value, less, more in _to_the_right(group, point, cell)
    ]
    limits = [{"workers": n, "value": limit} for n in group.worker_counts if (limit := quantity.limit(group, n))]
    if not rows:
        return None
    lines = lines_with_spread(rows, group.worker_counts, axis)
    layers = [limit_line(limits, quantity.limit_name), lines] if limits else [lines]
    behind = group.said_of_trials if quantity is WALL_TIME else "medians of the trials in which memory was sampled"
    note = f"{behind}; grey: {quantity.limit_name}" if limits else behind
    return Chart(anchor, f"{group.workload}: {quantity.title}", note, spec_of(alt.layer(*layers), legend_height(rows)))


def _to_the_right(group: Comparable, point: Point, cell: Cell) -> list[Point]:
    """Return the point; that of serial all over, because it is one number to compare all numbers of workers with."""
    counts = sorted({1, group.most_workers}) if cell.library == SERIAL else [cell.n_jobs]
    return [(count, *point[1:]) for count in counts]


def speedup(group: Comparable) -> Chart | None:
    """Return speedups over the best serial time, and what the limit allows."""
    serial = group.serial_s
    if not serial:
        return None
    rows = [
        {
            **named(cell),
            "workers": cell.n_jobs,
            "value": serial / cell.summary.median,
            "low": serial / cell.summary.high,
            "high": serial / cell.summary.low,
        }
        for cell in _cells(group)
        if cell.summary and cell.library != SERIAL
    ]
    if not rows:
        return None
    limits = [{"workers": n, "value": serial / limit} for n in group.worker_counts if (limit := group.limit_s(n))]
    layers = (limit_line(limits, LIMIT), lines_with_spread(rows, group.worker_counts, "speedup"))
    note = f"over the best serial time, {serial:.3g} s; grey: {LIMIT}"
    return Chart(
        f"{group.workload}-speedup",
        f"{group.workload}: speedup",
        note,
        spec_of(alt.layer(*layers), legend_height(rows)),
    )


def lines_with_spread(rows: Rows, counts: Sequence[int], axis: str) -> Vega:
    """Return lines, points and bars from ``low`` to ``high``; the legend is in the order of the lines at the right."""
    x = alt.X("workers:Q", scale=log_scale(base=2), title="number of workers")
    x = x.axis(values=list(counts), format="d", grid=False)
    y = alt.Y("value:Q", scale=log_scale(), title=axis)
    color, dash = scales(rows)
    tooltip = ["name:N", "workers:Q", *(alt.Tooltip(f"{field}:Q", format=".3g") for field in ("value", "low", "high"))]
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, color=color)
    return alt.layer(
        base.mark_line().encode(y=y, strokeDash=dash),
        base.mark_rule().encode(y=alt.Y("low:Q", title=axis), y2="high:Q"),
        base.mark_point(filled=True, size=45, opacity=1).encode(y=y, tooltip=tooltip),
    )


def scales(rows: Rows, at: str = "workers") -> tuple[alt.Color, alt.StrokeDash]:
    """Return colour (of the library) and dashes (of the idiom) by name, in the order of the lines' last points."""
    last = {row["name"]: row for row in sorted(rows, key=lambda row: row[at])}
    names = sorted(last, key=lambda name: -last[name]["value"])
    colors = [color_of(last[name]["library"]) for name in names]
    dash_of = _dashes(rows)
    dashes = [dash_of[name] for name in names]
    legend = alt.Legend(title=None, labelLimit=0, symbolLimit=0, symbolType="stroke")
    return (
        alt.Color("name:N", scale=alt.Scale(domain=names, range=colors), legend=legend),
        alt.StrokeDash("name:N", scale=alt.Scale(domain=names, range=dashes), legend=legend),
    )


def _dashes(rows: Rows) -> dict[str, list[int]]:
    """Return each name's dashes: the first idiom of a library solid, naive ones dotted."""
    idioms: dict[str, list[str]] = {}
    for row in rows:
        of_library = idioms.setdefault(row["library"], [])
        if row["idiom"] not in of_library:
            of_library.append(row["idiom"])
    return {
        f"{library}: {idiom}": NAIVE_DASHES if idiom.startswith(NAIVE) else DASHES[place % len(DASHES)]
        for library, found in idioms.items()
        for place, idiom in enumerate(found)
    }


def library_scale(libraries: Sequence[str]) -> alt.Scale:
    """Return each library's colour."""
    return alt.Scale(domain=libraries, range=[color_of(library) for library in libraries])


def log_scale(**options: Any) -> alt.Scale:
    """Return a logarithmic scale that ends where the values do, not at the next power of ten."""
    return alt.Scale(type="log", nice=False, padding=10, **options)


def legend_height(rows: Rows) -> int:
    """Return how high a chart must be for its legend."""
    return max(HEIGHT, 13 * len({row["name"] for row in rows}) + 10)


def limit_line(limits: Rows, name: str) -> alt.Chart:
    """Return the line that nothing can cross."""
    base = alt.Chart(alt.Data(values=[{**row, "limit": name} for row in limits]))
    mark = base.mark_line(color=LIMIT_COLOR, point=alt.OverlayMarkDef(color=LIMIT_COLOR, size=10))
    return mark.encode(
        x="workers:Q", y="value:Q", tooltip=["limit:N", "workers:Q", alt.Tooltip("value:Q", format=".3g")]
    )


def limit_rule(group: Comparable, axis: str) -> Vega:
    """Return a line across at the physical limit on most workers; none where it is not known."""
    limit = group.limit_s(group.most_workers)
    base = alt.Chart(alt.Data(values=[{"limit": limit, "name": LIMIT}] if limit else []))
    rule = base.mark_rule(color=LIMIT_COLOR, strokeWidth=1.5)
    return rule.encode(**{axis: alt.X("limit:Q") if axis == "x" else alt.Y("limit:Q")}, tooltip=["name:N", "limit:Q"])


def one_below_the_other(field: str, rows: Rows) -> alt.Y:
    """Return an axis with the rows' names, in their order and in full."""
    names = list(dict.fromkeys(row[field] for row in rows))
    return alt.Y(f"{field}:N", sort=names, title=None, axis=alt.Axis(labelLimit=0))


def _and_limit(group: Comparable) -> str:
    return f"; grey: {LIMIT}" if group.limit_s(group.most_workers) else ""


def where_the_time_goes(group: Comparable) -> Chart | None:
    """Return stacked bars: start-up, work, waiting, shut-down of the median trial on most workers."""
    cells = group.on_most_workers
    if not cells:
        return None
    rows = [
        {**named(cell), "part": part, "order": order, "seconds": seconds}
        for cell in cells
        for order, ((part, _), seconds) in enumerate(zip(PARTS, parts_of(cell), strict=True))
    ]
    parts, colors = zip(*PARTS, strict=True)
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title="wall time, s"),
            y=one_below_the_other("name", rows),
            color=alt.Color(
                "part:N",
                scale=alt.Scale(domain=parts, range=colors),
                legend=alt.Legend(title=None, orient="top", columns=3),
            ),
            order="order:Q",
            tooltip=["name:N", "part:N", alt.Tooltip("seconds:Q", format=".3g")],
        )
    )
    title = f"{group.workload}: where the time goes"
    note = f"median trial on {group.most_workers} workers{_and_limit(group)}"
    return Chart(f"{group.workload}-parts", title, note, spec_of(chart + limit_rule(group, "x"), 20 * len(cells)))


def timeline(group: Comparable) -> Chart | None:
    """Return each library's fastest idiom on most workers: one row per worker, a bar per task, one time scale."""
    fastest = group.fastest_of_each_library
    rows = [row for cell in fastest for row in _tasks(cell)]
    if not rows:
        return None
    lanes = list(dict.fromkeys(row["lane"] for row in rows))
    libraries = [cell.library for cell in fastest]
    shown = rows[:: -(-len(rows) // MOST_TASKS)]
    chart = (
        alt.Chart(alt.Data(values=shown))
        .mark_bar(height=9, stroke="white", strokeWidth=0.3)
        .encode(
            x=alt.X("start:Q", title="time after the call, s"),
            x2="end:Q",
            y=alt.Y("lane:N", sort=lanes, title=None, axis=alt.Axis(ticks=False, labelLimit=0)),
            color=alt.Color(
                "library:N",
                scale=library_scale(libraries),
                legend=None,
            ),
            tooltip=["name:N", "task:Q", alt.Tooltip("start:Q", format=".4g"), alt.Tooltip("end:Q", format=".4g")],
        )
    )
    note = f"each library's fastest idiom, its median trial; a row per worker{_and_limit(group)}"
    if len(shown) < len(rows):
        note += f"; {len(shown)} of {len(rows)} tasks are drawn"
    title = f"{group.workload}: every task on {group.most_workers} workers"
    return Chart(f"{group.workload}-timeline", title, note, spec_of(chart + limit_rule(group, "x"), 13 * len(lanes)))


def _tasks(cell: Cell) -> Iterator[dict[str, Any]]:
    tasks = median_trial(cell)["tasks"]
    if not tasks:
        return
    workers = {pid: number for number, pid in enumerate(dict.fromkeys(tasks["pid"]), start=1)}
    columns = (tasks["index"], tasks["pid"], tasks["start_ns"], tasks["end_ns"])
    for index, pid, start_ns, end_ns in sorted(zip(*columns, strict=True), key=lambda task: workers[task[1]]):
        yield {
            "name": named(cell)["name"],
            "library": cell.library,
            "lane": f"{cell.library} {workers[pid]}",
            "task": index,
            "start": round(start_ns / 1e9, 5),
            "end": round(end_ns / 1e9, 5),
        }


def against_memory(group: Comparable) -> Chart | None:
    """Return wall time against peak memory on most workers: what is at the lower left is better in both."""
    rows = [
        {
            **named(cell),
            "seconds": cell.summary.median,
            "mib": cell.memory["pss_peak_bytes"] / 2**20,
            "style": style_of(cell.idiom),
        }
        for cell in group.on_most_workers
        if cell.memory and cell.summary
    ]
    if not rows:
        return None
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(
            x=alt.X("mib:Q", scale=log_scale(), title="peak memory of all processes (PSS), MiB"),
            y=alt.Y("seconds:Q", scale=log_scale(), title="wall time, s"),
            color=alt.Color(
                "library:N",
                scale=library_scale(libraries),
                legend=alt.Legend(title=None),
            ),
            shape=alt.Shape(
                "style:N",
                scale=alt.Scale(domain=[TUNED, NAIVE], range=["circle", "cross"]),
                legend=alt.Legend(title=None),
            ),
            tooltip=["name:N", alt.Tooltip("seconds:Q", format=".3g"), alt.Tooltip("mib:Q", format=".0f")],
        )
    )
    title = f"{group.workload}: time against memory"
    note = f"on {group.most_workers} workers; lower left is better in both{_and_limit(group)}"
    return Chart(f"{group.workload}-memory", title, note, spec_of(chart + limit_rule(group, "y")))


def held_by_stores(group: Comparable) -> Chart | None:
    """Return what the data take in memory with each store: while workers hold them, and at the peak."""
    rows = [
        {**named(cell), **{moment: kept_bytes(cell, moment) / 2**20 for moment in ("held", "peak")}}
        for cell in group.on_most_workers
        if has_held(cell)
    ]
    if not rows:
        return None
    base = alt.Chart(alt.Data(values=rows)).encode(
        y=one_below_the_other("idiom", rows),
        tooltip=["idiom:N", alt.Tooltip("held:Q", format=".0f"), alt.Tooltip("peak:Q", format=".0f")],
    )
    bars = base.mark_bar(color=color_of(rows[0]["library"])).encode(x=alt.X("held:Q", title="memory, MiB"))
    peaks = base.mark_tick(thickness=3, color="#888888").encode(x="peak:Q")
    note = "bar: while workers hold the data; grey tick: at the peak; PSS or, where that is more, /dev/shm"
    one_copy = alt.Chart(alt.Data(values=[{"one copy": group.shared_bytes / 2**20}] if group.shared_bytes else []))
    rule = one_copy.mark_rule(color=LIMIT_COLOR, strokeWidth=1.5).encode(x="one copy:Q", tooltip="one copy:Q")
    return Chart(
        f"{group.workload}-stores",
        f"{group.workload}: memory with each store",
        f"{note}; grey line: one copy" if group.shared_bytes else note,
        spec_of(bars + peaks + rule, 24 * len(rows)),
    )


def time_of_stores(group: Comparable) -> Chart | None:
    """Return with each store how long it took from workers at rest until all of them had the data."""
    rows = [
        {**named(cell), "seconds": seconds}
        for cell in group.on_most_workers
        if (seconds := cell.between("ready", "held")) is not None
    ]
    if not rows:
        return None
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar(color=color_of(rows[0]["library"]))
        .encode(
            x=alt.X("seconds:Q", title="time, s"),
            y=one_below_the_other("idiom", rows),
            tooltip=["idiom:N", alt.Tooltip("seconds:Q", format=".3g")],
        )
    )
    return Chart(
        f"{group.workload}-stores-time",
        f"{group.workload}: from workers at rest to data held",
        "medians of the trials in which no memory was sampled; making the data is in it",
        spec_of(chart, 24 * len(rows)),
    )


def spec_of(chart: Vega, height: int = HEIGHT) -> dict[str, Any]:
    """Return the chart as Vega-Lite, as wide as the page lets it be."""
    spec: dict[str, Any] = chart.properties(width="container", height=height).to_dict()
    del spec["config"]  # the page's own, for light and dark
    return spec


def named(cell: Cell) -> dict[str, Any]:
    """Return what every row of a chart says of the cell that it is of."""
    return {
        "name": f"{cell.library}: {cell.idiom}",
        "library": cell.library,
        "idiom": cell.idiom,
    }


def _cells(group: Comparable) -> Iterator[Cell]:
    """Yield all cells, an idiom's after another's, by number of workers."""
    for file in group.files:
        for idiom in file.idioms:
            yield from sorted((c for (name, _), c in file.cells.items() if name == idiom), key=lambda c: c.n_jobs)
