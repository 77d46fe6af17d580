"""What came of faults: one table of all idioms and faults, and one for each fault."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from report.numbers.faults import LEGEND, Survival, survivals
from report.numbers.group import Group
from report.numbers.words import duration
from report.tables.console import IdiomTable, Titled


def tables_of_faults(group: Group) -> list[Titled]:
    """Return the tables."""
    by_fault = survivals(group)
    note = f"{'; '.join(LEGEND)}."
    return [
        Titled("what comes of it", _overview(group, by_fault), note),
        *(Titled(fault, _of_one(rows)) for fault, rows in by_fault.items()),
    ]


def _overview(group: Group, by_fault: Mapping[str, Sequence[Survival]]) -> Table:
    """Return a row per idiom, a column per fault."""
    table = IdiomTable(*(fault.replace(" ", "\n", 1) for fault in by_fault), note="note")
    for cell in group.on_most_workers:
        said = [next((row.said for row in rows if row.cell is cell), "") for rows in by_fault.values()]
        table.add(cell, *said, cell.skipped or cell.failure)
    return table


def _of_one(rows: Sequence[Survival]) -> Table:
    columns = ("learned", "after", "results\nlost", "task\nbegun", "others\nagain", "new\npool", "processes\nleft")
    table = IdiomTable(*columns, note="the error, in the library's words")
    for row in rows:
        returned = row.returned
        table.add(
            row.cell,
            " or ".join(row.words),
            duration(row.learned_s) if row.learned_s is not None else "",
            _range([fault.lost for fault in returned]),
            _range([fault.runs for fault in returned]),
            _range([fault.repeated for fault in returned]),
            "fails" if any(fault.new_pool for fault in returned) else "works" if returned else "",
            _range(row.processes_left),
            next((fault.error for fault in returned if fault.error), ""),
        )
    return table


def _range(counts: Sequence[int]) -> str:
    if not counts:
        return ""
    low, high = min(counts), max(counts)
    return f"{low}" if low == high else f"{low}-{high}"
