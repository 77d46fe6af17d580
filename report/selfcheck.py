"""What the self-check found: the false difference of a library from itself, and whether a known slowdown was seen."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from record.terms import SELF_AGAIN, SELF_SLOWDOWN, SELF_SLOWED
from report.console import say
from report.measured import Cell, Measured, read
from report.statistics import SLOWER, Ratio, paired


def self_check(files: Iterable[Measured], workload: str) -> dict[str, Ratio]:
    """Return the ratios of ``SELF_AGAIN`` and ``SELF_SLOWED`` to the library itself, of which the truth is known.

    Of the newest self-check of ``workload``; empty where ``files`` hold none.
    """
    mine = [file for file in files if file.workload == workload]
    newest = max((file.run["started"] for file in mine), default="")
    cells: dict[str, Cell] = {
        file.library: cell for file in mine if file.run["started"] == newest for cell in file.cells.values()
    }
    itself = next((name for name in cells if name + SELF_AGAIN in cells), None)
    if itself is None:
        return {}
    others = {suffix: cells[itself + suffix] for suffix in (SELF_AGAIN, SELF_SLOWED) if itself + suffix in cells}
    ratios: dict[str, Ratio] = {}
    for suffix, cell in others.items():  # two questions, each asked once: no family that would ask for more blocks
        ratios |= paired({suffix: (cell.times, cells[itself].times)})
    return ratios


def print_self_check(folder: Path, workloads: Iterable[str], console: Console) -> None:
    """Print the false difference, and whether the slowdown was found, for each of ``workloads``."""
    files, _ = read(sorted(folder.glob("*.p3")))
    for workload in workloads:
        ratios = self_check(files, workload)
        for suffix, ratio in ratios.items():
            say(console, f"{workload}: {_said(suffix, ratio)}")


def _said(suffix: str, ratio: Ratio) -> str:
    number = f"{ratio.ratio - 1:+.1%}"
    if ratio.low is not None and ratio.high is not None:
        number += f" ({ratio.low - 1:+.1%} to {ratio.high - 1:+.1%}, {ratio.count} blocks)"
    else:
        number += f" ({ratio.count} blocks, too few for an interval)"
    if suffix == SELF_AGAIN:
        return f"the same library under another name: {number}, {ratio.verdict}; the truth is +0.0%, a tie"
    found = "found" if ratio.verdict == SLOWER else "not found"
    return f"slowed down by {SELF_SLOWDOWN:.0%} on purpose: {number}, {found}"
