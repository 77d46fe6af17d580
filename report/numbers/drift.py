"""How steady the machine was while a run was measured, by the yardstick that was taken before every trial."""

from collections.abc import Iterable, Sequence
from statistics import median

from record.schema import Run, Trial

MOVED = 0.05  # from the run's median: a trial is marked if the yardstick before it was further off
MOST_MARKED = 0.2  # of the trials of a run: with more of them, the machine was not steady
LEAST_TRIALS = 8  # of which that can be said


def yardstick_of(runs: Iterable[Run]) -> float | None:
    """Return the median of the yardsticks of one run, in seconds; ``runs`` are its parts in several files."""
    yardsticks_s = [trial.yardstick_s for run in runs for trial in run.trials if trial.yardstick_s]
    return median(yardsticks_s) if yardsticks_s else None


def is_marked(trial: Trial, typical_s: float | None) -> bool:
    """Return whether the yardstick before ``trial`` was further off than MOVED."""
    taken = trial.yardstick_s
    return bool(taken and typical_s and abs(taken / typical_s - 1) > MOVED)


def disturbed(trials: Iterable[Trial], typical_s: float | None) -> int:
    """Return the number of marked trials."""
    return sum(is_marked(trial, typical_s) for trial in trials)


def said_of_trouble(runs: Sequence[Run]) -> str:
    """Return how much slower the machine was at the end, and how many trials are marked; nothing of a steady one."""
    trials = _with_yardstick(runs)
    if len(trials) < LEAST_TRIALS:
        return ""
    drift, marked = _drift(trials), disturbed(trials, yardstick_of(runs))
    steady = abs(drift) <= MOVED and marked <= MOST_MARKED * len(trials)
    return "" if steady else f"{drift:+.0%}, {marked} of {len(trials)} trials"


def said_of_drift(runs: Sequence[Run]) -> str:
    """Say how far the yardstick drifted over the run, and how many trials are marked."""
    trials = _with_yardstick(runs)
    typical = yardstick_of(runs)
    if typical is None or len(trials) < 2:
        return "No drift is known: no yardstick was taken before the trials."
    marked = disturbed(trials, typical)
    return (
        f"Drift of the machine, last quarter of the run against the first: {_drift(trials):+.1%}. Marked: {marked} of "
        f"{len(trials)} trials, before which the yardstick ({typical * 1e3:.2f} ms) was more than {MOVED:.0%} off."
    )


def _with_yardstick(runs: Iterable[Run]) -> list[Trial]:
    return [trial for run in runs for trial in run.trials if trial.yardstick_s]


def _drift(trials: Sequence[Trial]) -> float:
    """Return how much slower the yardstick was in the last quarter than in the first, as a share."""
    in_order = [trial.yardstick_s or 0.0 for trial in sorted(trials, key=lambda trial: trial.position or 0)]
    quarter = -(-len(in_order) // 4)
    return median(in_order[-quarter:]) / median(in_order[:quarter]) - 1
