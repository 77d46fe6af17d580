"""How an input without end is drawn, and what is held, when the consumer is fast (KEPT) and slow (SLOW)."""

from collections.abc import Callable

from record.schema import Round, Trial
from report.numbers.rounds import rounds_of


def of_round(trial: Trial, phase: str, value: Callable[[Round], float | None]) -> float | None:
    """Return a value of the trial's round of that phase; None where there is none."""
    return next((value(each) for each in rounds_of(trial, phase)), None)


def labelled(trial: Trial, phase: str, name: str) -> float | None:
    """Return a number of that round's label, as `workloads.stream` writes it; None where there is none."""

    def of(each: Round) -> float | None:
        return float(value) if isinstance(value := each.label.get(name), int | float) else None

    return of_round(trial, phase, of)
