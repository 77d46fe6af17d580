"""Shared-memory stores: how long until workers hold their data, and what these take in memory."""

from rich.markup import escape
from rich.table import Table

from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.sharing import grown_bytes, has_held, held_bytes
from report.numbers.words import mib, workers
from report.tables.console import Titled, number

COLUMNS = (
    "one-shot s", "ready to\nheld s", "made to\nspread s", "objects\nput", "put\nMiB", "RSS MiB\nready - held",
    "USS MiB\nready - held", "PSS MiB\nready - held", "PSS MiB\npeak", "system MiB\nheld, peak", "Shmem\nMiB",
)  # fmt: skip


def titled_stores(group: Group) -> Titled:
    """Return a row per store, on most workers.

    The moments are those that idioms mark: workers ready, data made, spread, and held. System and Shmem are their
    growth since ``ready``; copies are the growth of PSS, or of /dev/shm where that is more, over the input's size.
    """
    table = Table(pad_edge=False)
    table.add_column("store", no_wrap=True)
    copies = ("copies\nheld, peak",) if group.shared_bytes else ()
    for title in (*COLUMNS, *copies):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    for cell in group.on_most_workers:
        values = (*_times(cell), *_memory(cell, group.shared_bytes), cell.skipped or cell.failure)
        table.add_row(*map(escape, (cell.idiom, *values)))
    return Titled(f"memory of all processes on {workers(group.most_workers)}", table)


def _times(cell: Cell) -> list[str]:
    if cell.one_shot is None:
        return [""] * 5
    spans = (cell.one_shot.median, cell.between("ready", "held"), cell.between("made", "spread"))
    placed, placed_bytes = cell.middle(lambda trial: trial.placed), cell.middle(lambda trial: trial.placed_bytes)
    return [*map(number, spans), f"{placed or 0:.0f}", mib(placed_bytes or 0)]


def _memory(cell: Cell, shared_bytes: int) -> list[str]:
    if not has_held(cell):
        return [""] * (7 if shared_bytes else 6)
    memory = cell.memory
    ready_and_held = [(memory[f"{name}_ready_bytes"], memory[f"{name}_held_bytes"]) for name in ("rss", "uss", "pss")]
    copies = [held_bytes(cell, moment) / (shared_bytes or 1) for moment in ("held", "peak")]
    return [
        *(f"{mib(ready)} - {mib(held)}" for ready, held in ready_and_held),
        mib(memory["pss_peak_bytes"]),
        ", ".join(mib(grown_bytes(cell, "used", moment)) for moment in ("held", "peak")),
        mib(grown_bytes(cell, "shmem", "held")),
        *([", ".join(f"{count:.2f}" for count in copies)] if shared_bytes else []),
    ]
