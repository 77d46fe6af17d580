"""What many tasks on one pool do to memory and speed, and what pools leave: a row per idiom."""

from functools import partial

from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.soak import added, growth, held, left_per_pool, short_pools, slowdown, task_s
from report.numbers.words import mib, micro
from report.tables.console import IdiomTable, Titled, number

COLUMNS = (
    "per task\nµs", "end over\nstart", "memory\nMiB", "growth per\n1000 tasks\nKiB", "interval\nKiB", "threads\nadded",
    "descriptors\nadded", "pools", "memory left\nper pool KiB", "descriptors\nper pool",
)  # fmt: skip


def tables_of_soak(group: Group) -> list[Titled]:
    """Return the table."""
    table = IdiomTable(*COLUMNS, note="note")
    for cell in group.on_most_workers:
        table.add(cell, *(_row(cell) if cell.timed else [""] * len(COLUMNS)), _note(cell))
    note = (
        "end over start: the time per task in the last quarter of the tasks over that in the first. growth: the median "
        "slope of PSS after the first quarter. pools: that were opened and closed one after the other."
    )
    return [Titled(f"many tasks on one pool, {group.most_workers} workers, {group.said_of_trials}", table, note)]


def _note(cell: Cell) -> str:
    again = max((trial.tasks_run - trial.tasks_asked for trial in cell.timed), default=0)
    repeated = f"at most {again} tasks of a trial were run again" if again else ""
    return cell.skipped or cell.failure or repeated


def _row(cell: Cell) -> list[str]:
    grown, per_task_s = growth(cell), cell.middle(task_s)
    memory_bytes = cell.middle(lambda trial: held(trial, "pss_bytes")[-1][1] if held(trial, "pss_bytes") else None)
    return [
        micro(per_task_s) if per_task_s is not None else "",
        number(cell.middle(slowdown)),
        mib(memory_bytes) if memory_bytes is not None else "",
        f"{grown.slope / 2**10:.1f}" if grown else "",
        f"{grown.low / 2**10:.1f} to {grown.high / 2**10:.1f}" if grown else "",
        *(number(cell.middle(partial(added, what=what)), "z.0f") for what in ("threads", "descriptors")),
        number(cell.middle(short_pools), ".0f"),
        number(_kib(cell.middle(partial(left_per_pool, what="pss_bytes"))), ".1f"),
        number(cell.middle(partial(left_per_pool, what="descriptors")), ".1f"),
    ]


def _kib(number_of_bytes: float | None) -> float | None:
    return None if number_of_bytes is None else number_of_bytes / 2**10
