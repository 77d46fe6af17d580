"""What came of faults: a row per idiom, a column per fault, coloured by how bad it is for the caller."""

from collections.abc import Iterator

import altair as alt

from report.numbers.faults import GRADES, LEGEND, survivals
from report.numbers.group import Group
from report.numbers.words import workers
from report.page.charts.vega import Chart, named, one_below_the_other, spec_of
from report.palette import GRADE_COLORS

ROW_HEIGHT = 24


def charts_of_faults(group: Group) -> Iterator[Chart]:
    """Yield the overview, where anything was measured."""
    by_fault = survivals(group)
    rows = [
        {**named(row.cell), "fault": fault, "said": row.said, "grade": row.grade}
        for fault, of_fault in by_fault.items()
        for row in of_fault
    ]
    if not rows:
        return
    grades = sorted(set(GRADES.values()))
    color = alt.Color("grade:O", scale=alt.Scale(domain=grades, range=list(GRADE_COLORS)), legend=None)
    x = alt.X("fault:N", sort=list(by_fault), title=None, axis=alt.Axis(labelAngle=-40, labelLimit=0))
    base = alt.Chart(alt.Data(values=rows)).encode(x=x, y=one_below_the_other("name", rows))
    chart = alt.layer(
        base.mark_rect(stroke="white").encode(color=color, tooltip=["name:N", "fault:N", "said:N"]),
        base.mark_text(fontSize=9, color="black").encode(text="said:N"),
    )
    note = "; ".join(LEGEND)
    title = f"{group.workload} on {workers(group.most_workers)}: what does the caller learn, and when?"
    height = ROW_HEIGHT * len({row["name"] for row in rows}) + 60
    yield Chart(f"{group.workload}-overview", title, note, spec_of(chart, height))
