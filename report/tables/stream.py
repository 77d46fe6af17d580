"""Input without end and a slow consumer: a row per idiom."""

from collections.abc import Callable

from record.schema import Round
from record.terms import KEPT, SLOW
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.rounds import rounds_of
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
        "drawn ahead: at most so many tasks more than results were taken, of "
        f"{params.get('stream_most')} that could be. held: PSS of all processes when the consumer has taken what it "
        f"wants ({params.get('stream_taken')} results if slow). stop: closing after the slow consumer, who leaves most "
        "of the input."
    )
    return [Titled(f"input without end, {group.most_workers} workers, {group.said_of_trials}", table, note)]


def _row(cell: Cell) -> list[str]:
    def of(phase: str, value: Callable[[Round], float | None]) -> float | None:
        return cell.middle(lambda trial: next((value(each) for each in rounds_of(trial, phase)), None))

    def labelled(phase: str, name: str) -> float | None:
        return of(phase, lambda each: _number_in(each, name))

    held = [labelled(phase, "pss_bytes") for phase in (SLOW, KEPT)]
    per_task_s = of(KEPT, lambda each: each.seconds / each.tasks if each.tasks else None)
    return [
        number(labelled(SLOW, "most_ahead"), ".0f"),
        *("" if pss_bytes is None else mib(pss_bytes) for pss_bytes in held),
        number(labelled(KEPT, "most_ahead"), ".0f"),
        "" if per_task_s is None else micro(per_task_s),
        "yes" if labelled(KEPT, "in_order") else "no",
        number(cell.middle(lambda trial: trial.pools[0].stop_s)),
    ]


def _number_in(each: Round, name: str) -> float | None:
    """Return a number of a round's label, or None."""
    return float(value) if isinstance(value := each.label.get(name), int | float) else None
