"""Where the data live: how soon workers have a shared input, how often it is in memory, what a write to it does."""

from rich.markup import escape
from rich.table import Table

from report.console import idiom_table
from report.measured import SERIAL, Cell, Comparable, Measured

COLUMNS = ("wall s", "first task\nafter s", "placing s", "placed\nMiB")


def has_sharing(group: Comparable) -> bool:
    """Return whether anything was measured that only workloads with a shared input have."""
    return any(cell.on_write for file in group.files for cell in file.cells.values())


def sharing_table(group: Comparable) -> Table:
    """Return a row per idiom: times on most workers, copies per number of workers, what a write does, what is left."""
    counts = group.worker_counts
    table = idiom_table(*COLUMNS, *(f"copies\non {count}" for count in counts), "left\nbehind")
    table.add_column("what a worker's write to the input does", overflow="fold")
    for file in group.files:
        for idiom in file.idioms:
            table.add_row(escape(file.library), escape(idiom), *_row(group, file, idiom))
    return table


def _row(group: Comparable, file: Measured, idiom: str) -> list[str]:
    counts = group.worker_counts
    cells = [file.cells.get((idiom, count)) for count in counts]
    last = cells[0] if file.library == SERIAL else cells[-1]
    copies = [cell.copies(group.shared_bytes) if cell else None for cell in cells]
    left = [sum(t["left_behind"].get(name, 0) for name in _LEFT) for cell in cells if cell for t in cell.trials]
    return [
        *_times(last),
        *("" if number is None else f"{number:.2f}" for number in copies),
        str(max(left, default="")),
        escape("; ".join(filter(None, (*(cell.failure for cell in cells if cell), _on_write(cells))))),
    ]


def _on_write(cells: list[Cell | None]) -> str:
    return next((said for cell in cells if cell and (said := cell.skipped or cell.on_write)), "")


_LEFT = ("processes", "shm_segments", "files")


def _times(cell: Cell | None) -> list[str]:
    if not (cell and cell.summary):
        return ["", "", "", ""]
    placed = cell.middle("placed_bytes")
    values = (cell.summary.median, cell.middle("startup_s"), cell.middle("place_s"))
    return [*("" if value is None else f"{value:.2f}" for value in values), _mib(placed) if placed else ""]


def has_stores(group: Comparable) -> bool:
    """Return whether memory was read while workers ran and held their data, as in the workflows of stores."""
    return any(has_held(cell) for file in group.files for cell in file.cells.values())


def has_held(cell: Cell) -> bool:
    """Return whether its memory was read while workers held their data."""
    return "pss_held_bytes" in cell.memory


STORE_COLUMNS = (
    "wall s", "ready to\nheld s", "made to\nspread s", "objects\nput", "put\nMiB", "RSS MiB\nready - held",
    "USS MiB\nready - held", "PSS MiB\nready - held", "PSS MiB\npeak", "system MiB\nheld, peak", "Shmem\nMiB",
)  # fmt: skip


def stores_table(group: Comparable) -> Table:
    """Return a row per store, on most workers.

    The moments are those of `trial.tasklog.moment_is`: workers ready, data made, spread, and held. System and
    Shmem are what they have grown by since ``ready``; copies are the same of PSS, over the size of the input.
    """
    table = Table(pad_edge=False)
    table.add_column("store", no_wrap=True)
    copies = ("copies\nheld, peak",) if group.shared_bytes else ()
    for title in (*STORE_COLUMNS, *copies):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    most = group.most_workers
    for file in group.files:
        for idiom in file.idioms:
            if cell := file.cells.get((idiom, most)):
                note = escape(cell.skipped or cell.failure)
                table.add_row(escape(idiom), *_store_times(cell), *_store_memory(cell, group.shared_bytes), note)
    return table


def _store_times(cell: Cell) -> list[str]:
    if not cell.summary:
        return [""] * 5
    spans = (cell.summary.median, cell.between("ready", "held"), cell.between("made", "spread"))
    return [
        *("" if span is None else f"{span:.2f}" for span in spans),
        f"{cell.middle('placed') or 0:.0f}",
        _mib(cell.middle("placed_bytes") or 0),
    ]


def _store_memory(cell: Cell, shared_bytes: int) -> list[str]:
    if not has_held(cell):
        return [""] * (6 + bool(shared_bytes))
    memory = cell.memory

    copies = [kept_bytes(cell, moment) / (shared_bytes or 1) for moment in ("held", "peak")]
    return [
        *(
            f"{_mib(memory[f'{field}_ready_bytes'])} - {_mib(memory[f'{field}_held_bytes'])}"
            for field in ("rss", "uss", "pss")
        ),
        _mib(memory["pss_peak_bytes"]),
        f"{_mib(_grown(cell, 'used', 'held'))}, {_mib(_grown(cell, 'used', 'peak'))}",
        _mib(_grown(cell, "shmem", "held")),
        *([f"{copies[0]:.2f}, {copies[1]:.2f}"] if shared_bytes else []),
    ]


def kept_bytes(cell: Cell, moment: str) -> int:
    """Return what the data take at ``held`` or ``peak``: PSS, or /dev/shm where that is more, since ``ready``."""
    return max(_grown(cell, "pss", moment), _grown(cell, "shm", moment))  # no PSS has a segment that nobody has mapped


def _grown(cell: Cell, field: str, moment: str) -> int:
    return cell.memory[f"{field}_{moment}_bytes"] - cell.memory[f"{field}_ready_bytes"]


def _mib(size: float) -> str:
    return f"{size / 2**20:.0f}"
