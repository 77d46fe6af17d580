"""What is said of the lengths of jobs, in figures, tables and the page."""

from report.numbers.cell import CONNECTED
from report.numbers.job_length import LONGEST_S, NEAR, SHORTEST_S, JobLength, Row, from_s
from report.numbers.words import about, called, listed

CLOSE = 1.2  # times the best: what a title calls close

HOW = "Predicted: start and stop + work x kept / the loop's kept round, medians over the trials"


def title_of(jobs: JobLength) -> str:
    """Return the answer in two lines: what short jobs ask for, and from which length on it matters little."""
    loop_until_s = from_s(jobs.best, [jobs.loop])
    if loop_until_s is None:
        return "No library is faster than a plain loop, however long the job"
    begin_s = max(SHORTEST_S, loop_until_s)
    quick = [row.name for row in jobs.choices if jobs.relative(row, begin_s) <= NEAR]
    loop = f"Below {about(loop_until_s)} of work a plain loop; then " if loop_until_s > SHORTEST_S else "Short jobs: "
    return f"{loop}{'any library' if len(quick) == len(jobs.choices) else listed(quick)}.\n{_said_of_close(jobs)}"


def _said_of_close(jobs: JobLength) -> str:
    from_each = {row.name: _within_axis(jobs, row, CLOSE) for row in jobs.choices}
    close = {name: work_s for name, work_s in from_each.items() if work_s is not None}
    far = [name for name in from_each if name not in close]
    latest = max(close.values(), default=0.0)
    when = f"From about {about(latest)} on" if latest > SHORTEST_S else "At any length"
    if not far:
        return f"{when}, every library is within {CLOSE - 1:.0%} of the fastest"
    if len(close) == 1:
        return f"In long jobs no other library comes within {CLOSE - 1:.0%} of {listed(list(close))}"
    who = f"only {listed(list(close))}" if len(far) > len(close) else f"all but {listed(far)}"
    return f"{when}, {who} are within {CLOSE - 1:.0%} of the fastest"


def _within_axis(jobs: JobLength, row: Row, factor: float) -> float | None:
    """Return the work from which a row is within the factor of the best; None also where that is beyond LONGEST_S."""
    work_s = jobs.near_from_s(row.lines, factor)
    return work_s if work_s is not None and work_s <= LONGEST_S else None


def said_of_choice(jobs: JobLength) -> str:
    """Return who is fastest at which length, and from which length each library is as good."""
    pieces = Row("", "", tuple(jobs.best)).pieces
    ends = [begin for begin, _ in pieces[1:]]
    fastest = [f"{called(line.cell.name)} up to {about(end)}" for (_, line), end in zip(pieces, ends, strict=False)]
    fastest.append(f"{called(pieces[-1][1].cell.name)} {'from there on' if ends else 'at any length'}")
    sentences = [f"Predicted to be fastest, by the work in the job: {', '.join(fastest)}."]
    near = [text for row in jobs.choices if (text := _said_of_near(jobs, row))]
    sentences.append(f"Within {NEAR - 1:.0%} of the fastest: {', '.join(near)}.")
    far = [row for row in jobs.choices if _within_axis(jobs, row, NEAR) is None]
    if far:
        times = [f"{row.name} ({jobs.relative(row, LONGEST_S):.2f} times)" for row in far]
        sentences.append(f"Further behind it at {about(LONGEST_S)}: {listed(times)}.")
    connected = [row for row in jobs.rows if row.style == CONNECTED]
    if connected:
        told = [
            f"within {NEAR - 1:.0%} is {text}"
            if (text := _said_of_near(jobs, row))
            else f"{row.name} takes {jobs.relative(row, LONGEST_S):.2f} times as long at {about(LONGEST_S)}"
            for row in connected
        ]
        sentences.append(f"With the start outside the clock, {'; '.join(told)}.")
    return " ".join(sentences)


def _said_of_near(jobs: JobLength, row: Row) -> str:
    work_s = _within_axis(jobs, row, NEAR)
    if work_s is None:
        return ""
    return f"{row.name} from {about(work_s)} on" if work_s > SHORTEST_S else f"{row.name} at any length"


def said_of_errors(jobs: JobLength) -> str:
    """Return how far predictions are off what was measured."""
    errors = jobs.errors
    if errors is None:
        return "No longer job was measured, so that the prediction is not checked."
    return (
        f"Checked by {errors.times} measured times of longer jobs: off by {errors.median:.0%} in the middle, "
        f"{errors.largest:.0%} at most; ratios to the best by {errors.ratio_median:.0%} and {errors.ratio_largest:.0%}."
    )
