"""Where the data of a shared input lie in memory."""

from report.numbers.cell import Cell
from report.numbers.group import Group


def has_sharing(group: Group) -> bool:
    """Return whether anything was measured that only workloads with a shared input have."""
    return any(cell.on_write for file in group.files for cell in file.cells.values())


def has_stores(group: Group) -> bool:
    """Return whether memory was read while workers ran and held their data, as in the workflows of stores."""
    return any(has_held(cell) for file in group.files for cell in file.cells.values())


def has_held(cell: Cell) -> bool:
    """Return whether its memory was read while workers were at rest, and while they held their data."""
    return {"pss_ready_bytes", "pss_held_bytes"} <= cell.memory.keys()


def grown_bytes(cell: Cell, field: str, moment: str) -> int:
    """Return what the memory named ``field`` has grown by at ``moment``, since workers were at rest."""
    return cell.memory[f"{field}_{moment}_bytes"] - cell.memory[f"{field}_ready_bytes"]


def held_bytes(cell: Cell, moment: str) -> int:
    """Return what the data take at ``held`` or ``peak``: PSS, or /dev/shm where that is more."""
    return max(grown_bytes(cell, "pss", moment), grown_bytes(cell, "shm", moment))  # PSS misses unmapped segments
