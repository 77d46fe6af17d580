"""Shared-memory stores: what the data take in memory, and how long until workers have them."""

import altair as alt

from report.numbers.group import Group
from report.numbers.sharing import has_held, held_bytes
from report.page.charts.vega import Chart, named, one_below_the_other, spec_of
from report.palette import LIMIT_COLOR, color_of


def held_by_stores(group: Group) -> Chart | None:
    """Return what the data take in memory with each store: while workers hold them, and at the peak."""
    rows = [
        {**named(cell), **{moment: held_bytes(cell, moment) / 2**20 for moment in ("held", "peak")}}
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


def time_of_stores(group: Group) -> Chart | None:
    """Return, for each store, the time from workers at rest until all of them had the data."""
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
