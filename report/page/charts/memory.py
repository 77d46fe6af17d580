"""Time against memory."""

import altair as alt

from record.terms import COLD
from report.numbers.cell import CONNECTED, NAIVE, TUNED
from report.numbers.group import Group
from report.page.charts.vega import Chart, and_limit, library_scale, log_scale, named, spec_of, with_limit


def against_memory(group: Group) -> Chart | None:
    """Return one-shot time against peak memory on most workers: what is at the lower left is better in both."""
    rows = [
        {**named(cell), "seconds": cell.one_shot.median, "mib": cell.memory["pss_peak_bytes"] / 2**20}
        for cell in group.timed_on_most_workers
        if cell.memory and cell.one_shot
    ]
    if not rows:
        return None
    libraries = list(dict.fromkeys(row["library"] for row in rows))
    styles = alt.Scale(domain=[TUNED, NAIVE, CONNECTED], range=["circle", "cross", "triangle-up"])
    chart = (
        alt.Chart(alt.Data(values=rows))
        .mark_point(filled=True, size=70, opacity=1)
        .encode(
            x=alt.X("mib:Q", scale=log_scale(), title="peak memory of all processes (PSS), MiB"),
            y=alt.Y("seconds:Q", scale=log_scale(), title="one-shot time, s"),
            color=alt.Color("library:N", scale=library_scale(libraries), legend=alt.Legend(title=None)),
            shape=alt.Shape("style:N", scale=styles, legend=alt.Legend(title=None)),
            tooltip=["name:N", alt.Tooltip("seconds:Q", format=".3g"), alt.Tooltip("mib:Q", format=".0f")],
        )
    )
    title = f"{group.workload}: time against memory"
    note = f"on {group.most_workers} workers; lower left is better in both{and_limit(group, COLD)}"
    return Chart(f"{group.workload}-memory", title, note, spec_of(with_limit(chart, group, COLD, "y")))
