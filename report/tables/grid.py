"""Compute against payload: what rebuilding a pool costs, and in how much of the grid it pays; a row per idiom."""

from statistics import median, quantiles

from rich.table import Table

from record.terms import KEPT
from report.numbers.cell import Cell
from report.numbers.comparable import Comparable
from report.numbers.grid import CLOSE, REBUILT, Times, first_of, grids_of, rebuilding_s, refusals, share_won
from report.numbers.names import REFERENCE, SERIAL
from report.tables.console import IdiomTable, Titled, number


def tables_of_grid(group: Comparable) -> list[Titled]:
    """Return the table."""
    note = (
        "rebuilding: first round on a new pool less a later one, and the pool's end; median over the grid (10th to "
        f"90th percentile). Others: the share of the grid's cells in which it is faster, by more than {CLOSE:.0%}."
    )
    title = f"compute against payload, {group.most_workers} workers, {group.said_of_trials}"
    return [Titled(title, _table(group), note)]


def _table(group: Comparable) -> Table:
    grids = grids_of(group)
    against = {
        "kept, than\nserial": (KEPT, first_of(grids, SERIAL, KEPT)),
        "rebuilt, than\nserial": (REBUILT, first_of(grids, SERIAL, KEPT)),
        f"kept, than\n{REFERENCE} kept": (KEPT, first_of(grids, REFERENCE, KEPT)),
        f"kept, than\n{REFERENCE} rebuilt": (KEPT, first_of(grids, REFERENCE, REBUILT)),
    }
    table = IdiomTable("cells", "rebuilding\ns", *against, note="note")
    for cell in group.on_most_workers:
        grid = grids.get(cell.name)
        note = "; ".join(filter(None, (cell.skipped, cell.failure, *refusals(cell))))
        if grid is None:
            table.add(cell, *[""] * (2 + len(against)), note)
            continue
        shares = [_share(grid[kind], other) for kind, other in against.values()]
        table.add(cell, str(len(grid[KEPT])), _rebuilding(cell), *shares, note)
    return table


def _share(times: Times, others: Times) -> str:
    return "" if times is others else number(share_won(times, others), ".0%")


def _rebuilding(cell: Cell) -> str:
    extra = rebuilding_s(cell)
    if len(extra) < 2:
        return "".join(f"{seconds:.3f}" for seconds in extra)
    tenths = quantiles(extra, n=10, method="inclusive")
    return f"{median(extra):.3f} ({tenths[0]:.3f}-{tenths[-1]:.3f})"
