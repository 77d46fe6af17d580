"""The first screen: how long a job must be, as a chart, a small table and a few sentences."""

from collections.abc import Iterable
from dataclasses import dataclass

from report.numbers.cell import CONNECTED
from report.numbers.group import Group
from report.numbers.job_length import JobLength, Row, job_length
from report.numbers.names import SERIAL
from report.numbers.said_of_length import said_of_choice
from report.numbers.words import about, in_a_column, workers

MISSING, NO_BREAK = "\N{EN DASH}", "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class JobLengthSection:
    """``anchor``: of its chart. ``rows``: text, a number and how it is coloured: None for no number."""

    workload: str
    anchor: str
    said: str
    header: list[str]
    rows: list[tuple[list[str], list[float | None]]]


def job_length_section(groups: Iterable[Group]) -> JobLengthSection | None:
    """Return what is known of the lengths of jobs: of the workload with longer jobs, or else of the first."""
    known = [each for group in groups if (each := job_length(group))]
    chosen = next((each for each in known if each.checked), known[0] if known else None)
    if chosen is None:
        return None
    said = f"On {workers(chosen.group.most_workers)}. {said_of_choice(chosen)}"
    header = [
        "",
        "start + stop",
        "beats a loop from",
        *(f"at {about(work_s)}".replace(" ", NO_BREAK) for work_s in chosen.lengths.values()),
    ]
    return JobLengthSection(
        chosen.group.workload,
        f"{chosen.group.workload}-job-length",
        said,
        header,
        [_row(chosen, row) for row in chosen.shown],
    )


def _row(jobs: JobLength, row: Row) -> tuple[list[str], list[float | None]]:
    """Return the texts of a row, and its measured times over the best library's."""
    ratios = [jobs.measured_relative(row, times) for times in jobs.lengths]
    if row.library == SERIAL:
        return [row.name, MISSING, MISSING], ratios
    ties_s = jobs.ties_with_loop_s(row.lines)
    fixed_s = row.best(jobs.work_s).fixed_s
    start_and_stop = in_a_column(fixed_s) if fixed_s else "\N{ALMOST EQUAL TO} 0"
    beats = "never" if ties_s is None else "any length" if ties_s == 0 else about(ties_s)
    return [row.name, "outside the clock" if row.style == CONNECTED else start_and_stop, beats], ratios
