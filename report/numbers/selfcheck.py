"""What the self-check found: the false difference of a library from itself, and whether a known slowdown was seen."""

from collections.abc import Iterable

from record.terms import SELF_AGAIN, SELF_SLOWED
from report.numbers.cell import Cell
from report.numbers.measured import Measured
from report.numbers.statistics import Ratio, paired


def self_check(files: Iterable[Measured], workload: str) -> dict[str, Ratio]:
    """Return the ratios of ``SELF_AGAIN`` and ``SELF_SLOWED`` to the library itself, of which the truth is known.

    Of the newest self-check of ``workload``; empty where ``files`` hold none.
    """
    mine = [file for file in files if file.workload == workload]
    newest = max((file.run.started for file in mine), default="")
    cells: dict[str, Cell] = {
        file.library: cell for file in mine if file.run.started == newest for cell in file.cells.values()
    }
    itself = next((name for name in cells if name + SELF_AGAIN in cells), None)
    if itself is None:
        return {}
    others = {suffix: cells[itself + suffix] for suffix in (SELF_AGAIN, SELF_SLOWED) if itself + suffix in cells}
    ratios: dict[str, Ratio] = {}
    for suffix, cell in others.items():  # each is a family of its own: one family of two needs more blocks
        ratios |= paired({suffix: (cell.times, cells[itself].times)})
    return ratios
