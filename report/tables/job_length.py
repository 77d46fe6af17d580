"""How long a job must be: where start-up is paid for, and predictions beside what longer jobs took."""

from report.numbers.cell import CONNECTED
from report.numbers.job_length import FIXED_SHARE, NEAR, JobLength, Line, Row, starts_s
from report.numbers.names import FLOOR
from report.numbers.said_of_length import said_of_choice, said_of_errors
from report.numbers.words import about, workers
from report.tables.console import IdiomTable, Titled, number, work_from


def titled_job_length(jobs: JobLength) -> Titled:
    """Return a row for the loop and each tuned idiom on most workers, with a column pair for each length measured."""
    table = IdiomTable(
        "best of its library",
        "start",
        "stop",
        "ties with\nthe loop at",
        f"start, stop\n< {FIXED_SHARE:.0%} from",
        f"within {NEAR - 1:.0%}\nof the best from",
        *(f"x{times:g}, {about(work_s)}:\npredicted / measured" for times, work_s in jobs.checked.items()),
    )
    table.add(jobs.loop.cell, *[""] * 6, *_measured(jobs, jobs.loop))
    for row in jobs.rows:
        for line in row.lines:
            table.add(
                line.cell,
                _said_of_pieces(row, line),
                number(line.cell.middle(starts_s)),
                number(line.cell.middle(lambda trial: trial.stop_s)),
                work_from(jobs.ties_with_loop_s([line])),
                work_from(line.small_from_s),
                work_from(jobs.near_from_s([line])),
                *_measured(jobs, line),
            )
    return Titled(f"how long must a job be, on {workers(jobs.group.most_workers)}: times in s", table, _note(jobs))


def _said_of_pieces(row: Row, line: Line) -> str:
    """Return between which lengths it is the best of the row."""
    starts = [*(begin for begin, _ in row.pieces), None]
    pieces = [(begin, end) for (begin, piece), end in zip(row.pieces, starts[1:], strict=True) if piece is line]
    if len(row.pieces) == 1 and pieces:
        return "always"
    ranges = [f"from {about(begin)}" if end is None else f"{about(begin)} to {about(end)}" for begin, end in pieces]
    return ", ".join(ranges)


def _measured(jobs: JobLength, line: Line) -> list[str]:
    points = {point.times: point for point in jobs.points if point.line is line}
    return [
        f"{line.at(work_s):.2f} / {points[times].measured_s:.2f}, {points[times].error:+.0%}" if times in points else ""
        for times, work_s in jobs.checked.items()
    ]


def _note(jobs: JobLength) -> str:
    lines = [
        f"Work: what the loop's kept round takes, {jobs.work_s:.3f} s for this one. Predicted time of a job: start "
        "and stop + work x kept / the loop's kept, medians over the trials. The best: the fastest library at that "
        "length, each at its fastest tuned idiom.",
        said_of_choice(jobs),
        said_of_errors(jobs),
    ]
    if any(row.style == CONNECTED for row in jobs.rows):
        lines.append("Workers that run already start outside the clock: such idioms are no part of the best.")
    if any(row.library == FLOOR for row in jobs.rows):
        lines.append(f"{FLOOR} is written by hand, and no part of the best.")
    return "\n".join([*lines, *(f"left out: {line}" for line in jobs.left_out)])
