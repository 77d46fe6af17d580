"""How long must a job be: predicted time over the best library's, and the jobs that were measured."""

import json

import altair as alt

from report.numbers.cell import CONNECTED
from report.numbers.job_length import LONGEST_S, SHORTEST_S, TICKS, WORK_TICKS, JobLength, Row
from report.numbers.names import SERIAL
from report.numbers.said_of_length import HOW, said_of_errors, title_of
from report.numbers.words import about, workers
from report.page.charts.vega import Chart, Rows, log_scale, spec_of
from report.palette import LIMIT_COLOR, color_of

LOOP_DASHES, CONNECTED_DASHES = [6, 3], [2, 3]


def lengths_of_jobs(jobs: JobLength) -> Chart:
    """Return a line per library and one for the loop; measured jobs, filled where the lines are from them."""
    workload = jobs.group.workload
    rows = [
        {"name": row.name, "work": float(f"{work_s:.4g}"), "relative": float(f"{relative:.4g}")}
        for row in jobs.shown
        for work_s, relative in jobs.curve(row)
    ]
    chart = alt.layer(_not_measured(jobs), *_lines_and_points(jobs, rows))
    note = (
        f"one shot on {workers(jobs.group.most_workers)}, each library's best tuned idiom at that length. {HOW}. "
        f"Filled: measured, the lines are from it; hollow: measured, to check them; bars: least to largest "
        f"measured ratio; grey: beyond what was measured. "
        f"{said_of_errors(jobs)} {jobs.group.said_of_trials}"
    )
    note = "; ".join([note, *(f"left out: {line}" for line in jobs.left_out)])
    return Chart(f"{workload}-job-length", title_of(jobs).replace("\n", " "), note, spec_of(chart))


def _lines_and_points(jobs: JobLength, rows: Rows) -> list[alt.Chart]:
    names = [row.name for row in jobs.shown]
    colors = alt.Scale(domain=names, range=[color_of(row.library) for row in jobs.shown])
    dashes = alt.Scale(domain=names, range=[_dashes(row) for row in jobs.shown])
    legend = alt.Legend(title=None, orient="bottom", columns=3, labelLimit=0, symbolType="stroke")
    labels = json.dumps({f"{work_s:g}": about(work_s) for work_s in WORK_TICKS})
    x_axis = alt.Axis(values=list(WORK_TICKS), labelExpr=f"{labels}[datum.value]", grid=False)
    y_axis = alt.Axis(values=list(TICKS), labelExpr="datum.value == 1 ? 'fastest' : datum.value + ' x'")
    x_scale = alt.Scale(type="log", nice=False, domain=[SHORTEST_S, LONGEST_S])
    encoded = {
        "x": alt.X("work:Q", scale=x_scale, title="work in the job: what a plain loop takes", axis=x_axis),
        "y": alt.Y("relative:Q", scale=log_scale(), title="time over the fastest library's", axis=y_axis),
        "color": alt.Color("name:N", scale=colors, legend=legend),
    }
    lines = alt.Chart(alt.Data(values=rows)).mark_line()
    points = [
        {"name": row.name, "work": work_s, "relative": relative, "measured": own.measured_s,
         "predicted": row.at(work_s), "times": times, "least": least, "largest": largest}
        for row in jobs.shown
        for times, work_s in jobs.lengths.items()
        if (own := jobs.measured(row, times)) and (relative := jobs.measured_relative(row, times))
        for least, largest in [jobs.measured_range(row, times) or (relative, relative)]
    ]  # fmt: skip
    shown = ("work", "measured", "predicted", "relative", "least", "largest")
    tooltip = ["name:N", *(alt.Tooltip(f"{field}:Q", format=".3g") for field in shown)]
    bars = alt.Chart(alt.Data(values=points)).mark_rule()
    ranges = bars.encode(**encoded | {"y": alt.Y("least:Q", scale=log_scale(), axis=y_axis)}, y2="largest:Q")
    both = [
        alt.Chart(alt.Data(values=[point for point in points if (point["times"] == 1) == filled]))
        .mark_point(filled=filled, size=55, opacity=1)
        .encode(**encoded, tooltip=tooltip)
        for filled in (True, False)
    ]
    return [lines.encode(**encoded, strokeDash=alt.StrokeDash("name:N", scale=dashes, legend=legend)), ranges, *both]


def _dashes(row: Row) -> list[int]:
    return LOOP_DASHES if row.library == SERIAL else CONNECTED_DASHES if row.style == CONNECTED else [1, 0]


def _not_measured(jobs: JobLength) -> alt.Chart:
    measured = jobs.lengths.values()
    spans = [{"begin": SHORTEST_S, "end": min(measured)}, {"begin": max(measured), "end": LONGEST_S}]
    mark = alt.Chart(alt.Data(values=spans)).mark_rect(color=LIMIT_COLOR, opacity=0.1, clip=True)
    return mark.encode(x="begin:Q", x2="end:Q")
