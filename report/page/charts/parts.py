"""Where the time of a round goes: stacked bars, and its tasks worker by worker."""

from collections.abc import Iterator
from typing import Any

import altair as alt

from record.terms import COLD
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.parts import PARTS, SHOWN, bars_of, median_trial, tasks_of
from report.numbers.words import row_name
from report.page.charts.vega import (
    Chart,
    Vega,
    and_limit,
    library_scale,
    named,
    one_below_the_other,
    spec_of,
    with_limit,
)
from report.palette import PART_COLORS

MOST_TASKS = 4000  # that a timeline shows; further ones are left out, and it says so


def where_the_time_goes(group: Group, phase: str) -> Chart | None:
    """Return the stacked parts of the median trial on most workers."""
    rows = [
        {**named(cell), "part": part, "order": PARTS.index(part), "seconds": seconds}
        for cell, parts in bars_of(group.timed_on_most_workers, phase)
        for part, seconds in parts.items()
    ]
    if not rows:
        return None
    parts = [part for part in PARTS if any(row["part"] == part for row in rows)]
    color = alt.Scale(domain=parts, range=PART_COLORS[: len(parts)])
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_bar()
        .encode(
            x=alt.X("seconds:Q", title=f"time of a {SHOWN[phase]}, s"),
            y=one_below_the_other("name", rows),
            color=alt.Color("part:N", scale=color, legend=alt.Legend(title=None, orient="top", columns=3)),
            order="order:Q",
            tooltip=["name:N", "part:N", alt.Tooltip("seconds:Q", format=".3g")],
        )
    )
    title = f"{group.workload}: where the time of a {SHOWN[phase]} goes"
    note = f"tuned idioms, the fastest first; median trial on {group.most_workers} workers"
    return _chart(group, phase, "parts", title, note, chart, 20 * len({row["name"] for row in rows}))


def timeline(group: Group, phase: str) -> Chart | None:
    """Return each library's fastest idiom on most workers: one row per worker, a bar per task, one time scale."""
    rows = [row for cell in group.fastest_of_each_library for row in _tasks(cell, phase)]
    if not rows:
        return None
    lanes = list(dict.fromkeys(row["lane"] for row in rows))
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    shown = rows[:: -(-len(rows) // MOST_TASKS)]
    after = "call" if phase == COLD else "round's start"
    chart = (
        alt.Chart(alt.Data(values=shown))
        .mark_bar(height=9)  # without an edge: it would hide short tasks
        .encode(
            x=alt.X("start:Q", title=f"time after the {after}, s"),
            x2="end:Q",
            y=alt.Y("lane:N", sort=lanes, title=None, axis=alt.Axis(ticks=False, labelLimit=0)),
            color=alt.Color("library:N", scale=library_scale(libraries), legend=None),
            opacity=alt.condition("datum.task % 2", alt.value(0.6), alt.value(1)),  # tells neighbours apart
            tooltip=["name:N", "task:Q", alt.Tooltip("start:Q", format=".4g"), alt.Tooltip("end:Q", format=".4g")],
        )
    )
    note = "each library's fastest idiom, its median trial; a row per worker"
    if len(shown) < len(rows):
        note += f"; {len(shown)} of {len(rows)} tasks are drawn"
    title = f"{group.workload}: every task of a {phase} round on {group.most_workers} workers"
    return _chart(group, phase, "timeline", title, note, chart, 13 * len(lanes))


def _chart(group: Group, phase: str, what: str, title: str, note: str, chart: Vega, height: int) -> Chart:
    """Return the chart with its words and the limit of such a round."""
    anchor = f"{group.workload}-{what}" if phase == COLD else f"{group.workload}-{what}-{phase}"
    spec = spec_of(with_limit(chart, group, phase, "x"), height)
    return Chart(anchor, title, f"{note}{and_limit(group, phase)}", spec)


def _tasks(cell: Cell, phase: str) -> Iterator[dict[str, Any]]:
    trial = median_trial(cell, phase)
    for task in sorted(tasks_of(trial, phase), key=lambda task: task.worker) if trial else []:
        yield {
            "name": row_name(cell),
            "library": cell.library,
            "lane": f"{cell.library} {task.worker + 1}",
            "task": task.number,
            "start": round(task.start_s, 5),
            "end": round(task.end_s, 5),
        }
