"""How steady the machine was while a run was measured, by the yardstick that was taken before every trial."""

from collections.abc import Iterable, Sequence
from statistics import median

from record.schema import Run, Trial

MOVED = 0.05  # from the run's median: a trial before which the yardstick was further off is marked


def yardstick_of(runs: Iterable[Run]) -> float | None:
    """Return the median of the yardsticks of one run, in seconds; ``runs`` are its parts in several files."""
    found = [trial.yardstick_s for run in runs for trial in run.trials if trial.yardstick_s]
    return median(found) if found else None


def is_marked(trial: Trial, typical_s: float | None) -> bool:
    """Return whether the yardstick before ``trial`` was further off than MOVED."""
    taken = trial.yardstick_s
    return bool(taken and typical_s and abs(taken / typical_s - 1) > MOVED)


def said_of_drift(runs: Sequence[Run]) -> str:
    """Say how far the yardstick drifted over the run, and how many trials are marked."""
    trials = [trial for run in runs for trial in run.trials if trial.yardstick_s]
    typical = yardstick_of(runs)
    if typical is None or len(trials) < 2:
        return "No drift is known: no yardstick was taken before the trials."
    in_order = [trial.yardstick_s or 0.0 for trial in sorted(trials, key=lambda trial: trial.position or 0)]
    quarter = -(-len(in_order) // 4)
    drift = median(in_order[-quarter:]) / median(in_order[:quarter]) - 1
    marked = sum(is_marked(trial, typical) for trial in trials)
    return (
        f"Drift of the machine, last quarter of the run against the first: {drift:+.1%}. Marked: {marked} of "
        f"{len(trials)} trials, before which the yardstick ({typical * 1e3:.2f} ms) was more than {MOVED:.0%} off."
    )
