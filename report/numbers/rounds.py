"""The rounds of a trial, chosen by what they are there for."""

from collections.abc import Iterator
from typing import Any

from record.schema import Round, Trial
from report.numbers.cell import Cell


def rounds_of(trial: Trial, *phases: str, bare: bool = False, **label: Any) -> Iterator[Round]:
    """Yield the trial's rounds of those phases, with the library or ``bare`` of it, whose labels have ``label``."""
    for pool in trial.pools:
        for each in pool.rounds:
            if each.phase in phases and each.bare == bare and label.items() <= each.label.items():
                yield each


def is_graph(cell: Cell) -> bool:
    """Return whether the idiom's rounds are task graphs."""
    return any("edges" in each.label for trial in cell.timed for pool in trial.pools for each in pool.rounds)
