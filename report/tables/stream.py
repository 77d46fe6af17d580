"""Input without end and a slow consumer: a row per idiom."""

from functools import partial

from record.terms import KEPT, SLOW
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.stream import labelled, of_round
from report.numbers.words import mib, micro
from report.tables.console import IdiomTable, Titled, number

COLUMNS = (
    "drawn ahead,\nslow", "held, slow\nMiB", "held, fast\nMiB", "drawn ahead,\nfast", "per task,\nfast µs", "in\norder",
    "stop in the\nmiddle s",
)  # fmt: skip


def tables_of_stream(group: Group) -> list[Titled]:
    """Return the table."""
    table = IdiomTable(*COLUMNS, note="note")
    for cell in group.on_most_workers:
        table.add(cell, *(_row(cell) if cell.timed else [""] * len(COLUMNS)), cell.skipped or cell.failure)
    params = group.newest.run.params
    note = (
        "drawn ahead: the largest number of tasks that were drawn before their results were taken; "
        f"{params.get('stream_most')} could be drawn. held: PSS of all processes when the consumer has taken what it "
        f"wants ({params.get('stream_taken')} results if slow). stop: closing after the slow consumer, who leaves most "
        "of the input."
    )
    return [Titled(f"input without end, {group.most_workers} workers, {group.said_of_trials}", table, note)]


def _row(cell: Cell) -> list[str]:
    def middle(phase: str, name: str) -> float | None:
        return cell.middle(partial(labelled, phase=phase, name=name))

    held = [middle(phase, "pss_bytes") for phase in (SLOW, KEPT)]
    per_task_s = cell.middle(
        partial(of_round, phase=KEPT, value=lambda each: each.seconds / each.tasks if each.tasks else None)
    )
    return [
        number(middle(SLOW, "most_ahead"), ".0f"),
        *("" if pss_bytes is None else mib(pss_bytes) for pss_bytes in held),
        number(middle(KEPT, "most_ahead"), ".0f"),
        "" if per_task_s is None else micro(per_task_s),
        "yes" if middle(KEPT, "in_order") else "no",
        number(cell.middle(lambda trial: trial.pools[0].stop_s)),
    ]
