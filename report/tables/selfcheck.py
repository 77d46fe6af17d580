"""What the self-check found, in words."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console

from record.terms import SELF_AGAIN, SELF_SLOWDOWN
from report.numbers.measured import read
from report.numbers.selfcheck import self_check
from report.numbers.statistics import SLOWER, Ratio
from report.tables.console import say


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
    outcome = "found" if ratio.verdict == SLOWER else "not found"
    return f"slowed down by {SELF_SLOWDOWN:.0%} on purpose: {number}, {outcome}"
