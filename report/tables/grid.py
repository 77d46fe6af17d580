"""Compute against payload: what rebuilding a pool costs, and from which compute time on it pays; a row per idiom."""

from collections.abc import Mapping
from math import inf
from statistics import median, quantiles

from rich.table import Table

from record.terms import KEPT
from report.numbers.cell import Cell
from report.numbers.grid import REBUILT, Grid, Times, axes_of, faster_from, first_of, grids_of, rebuilding_s, refusals
from report.numbers.group import Group
from report.numbers.names import REFERENCE, SERIAL, Name
from report.numbers.words import duration, size
from report.tables.console import IdiomTable, Titled


def tables_of_grid(group: Group) -> list[Titled]:
    """Return what rebuilding costs, and from which compute time on an idiom is faster than serial and the reference."""
    behind = f"{group.most_workers} workers, {group.said_of_trials}"
    rebuilding = (
        "rebuilding: first round on a new pool less a later one, and the pool's end; median over the grid (10th to "
        "90th percentile)."
    )
    note = (
        "By payload of a task, each way: the compute time of a task from which a round is faster, between two cells of "
        "the grid. Never: not at the longest of it; always: at the shortest too."
    )
    grids = grids_of(group)
    return [
        Titled(f"what rebuilding a pool costs, {behind}", _rebuilding_table(group, grids), rebuilding),
        *(
            Titled(
                f"compute from which a pool {how} is faster than {whom}, {behind}",
                _lines(group, grids, kind, other),
                note,
            )
            for how, kind, whom, other in (
                ("that is kept", KEPT, SERIAL, first_of(grids, SERIAL, KEPT)),
                (REBUILT, REBUILT, SERIAL, first_of(grids, SERIAL, KEPT)),
                ("that is kept", KEPT, f"{REFERENCE}'s", first_of(grids, REFERENCE, KEPT)),
            )
            if other
        ),
    ]


def _rebuilding_table(group: Group, grids: Mapping[Name, Grid]) -> Table:
    table = IdiomTable("cells", "rebuilding\ns", note="note")
    for cell in group.on_most_workers:
        grid = grids.get(cell.name)
        note = "; ".join(filter(None, (cell.skipped, cell.failure, *refusals(cell))))
        table.add(cell, str(len(grid[KEPT])) if grid else "", _rebuilding(cell), note)
    return table


def _lines(group: Group, grids: Mapping[Name, Grid], kind: str, others: Times) -> Table:
    payloads, _ = axes_of([others])
    table = IdiomTable(*map(size, payloads))
    for cell in group.on_most_workers:
        times = grids[cell.name][kind] if cell.name in grids else {}
        if times and times is not others:
            lines = faster_from(times, others)
            table.add(cell, *(_from(lines.get(payload)) for payload in payloads))
    return table


def _from(compute_s: float | None) -> str:
    if compute_s is None:
        return ""
    return {0.0: "always", inf: "never"}.get(compute_s) or duration(compute_s)


def _rebuilding(cell: Cell) -> str:
    extra = rebuilding_s(cell)
    if len(extra) < 2:
        return "".join(f"{seconds:.3f}" for seconds in extra)
    tenths = quantiles(extra, n=10, method="inclusive")
    return f"{median(extra):.3f} ({tenths[0]:.3f}-{tenths[-1]:.3f})"
