"""How fine tasks may be: efficiency against the mean task's length, and where it crosses 50 % and 90 %."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, isinf, log
from statistics import median

import numpy as np
import scipy

from record.schema import Trial
from record.terms import POINT
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.rounds import rounds_of

INDEPENDENT = "independent"
TARGETS = (0.5, 0.9)

Curve = list[tuple[float, float]]


def patterns(cell: Cell) -> list[str]:
    """Return the patterns that were measured."""
    names = (str(each.label["pattern"]) for t in cell.timed for each in rounds_of(t, POINT) if "pattern" in each.label)
    return list(dict.fromkeys(names))


def of_pattern(pattern: str) -> str:
    """Return what a row's name says of the pattern, after the idiom: of independent tasks nothing."""
    return "" if pattern == INDEPENDENT else f", {pattern}"


def curves_of(group: Group, graphs: bool) -> list[tuple[Cell, str]]:
    """Return what has an efficiency on most workers, with its pattern: independent tasks, or ``graphs``."""
    pairs = [(cell, pattern) for cell in group.on_most_workers for pattern in patterns(cell)]
    return [(c, pattern) for c, pattern in pairs if (pattern != INDEPENDENT) == graphs and points_of(c, pattern)]


def efficiencies(trial: Trial, pattern: str) -> dict[float, float]:
    """Return, by length of a task in seconds, the time without the library over the time with it, for equal work.

    A task's length is its time without the library with all workers busy: its time alone, times `slowdown`.
    """
    with_library, without = (_by_length(trial, pattern, bare) for bare in (False, True))
    slower = slowdown(trial, pattern)
    return {
        length * slower: median(bare_s / library_s for bare_s, library_s in zip(without[length], seconds, strict=False))
        for length, seconds in with_library.items()
        if length in without
    }


def slowdown(trial: Trial, pattern: str) -> float:
    """Return a task's time with all workers busy over its time alone, both without the library: the median."""
    bare = rounds_of(trial, POINT, bare=True, pattern=pattern)
    alone = [(each.seconds, each.tasks * float(each.label.get("task_s", 0))) for each in bare]
    return median([seconds * trial.n_jobs / alone_s for seconds, alone_s in alone if alone_s] or [1.0])


def _by_length(trial: Trial, pattern: str, bare: bool) -> dict[float, list[float]]:
    by_length: dict[float, list[float]] = {}
    for each in rounds_of(trial, POINT, bare=bare, pattern=pattern):
        by_length.setdefault(float(each.label.get("task_s", 0)), []).append(each.seconds)
    return dict(sorted((length, seconds) for length, seconds in by_length.items() if length))


def shortest_task_s(efficiency: dict[float, float], target: float) -> float:
    """Return the shortest mean task, time of all workers per task, at which efficiency is still ``target``.

    The library's part counts: at 50 %, it is twice what the task takes by itself, as in Task Bench's METG (its
    `scripts/chart_metg.py`, `time_per_task`). But it is no METG. METG has a fixed number of tasks whose kernel shrinks;
    here, the work is fixed, and cut into more and more tasks. METG's efficiency is against the best rate of any length;
    here, it is against the same tasks without the library.
    """
    return length_at(efficiency, target) / target


def length_at(efficiency: dict[float, float], target: float) -> float:
    """Return the length of a task by itself at which efficiency is ``target``, interpolated on logarithmic axes.

    0 where even the shortest tasks that were tried reached it, infinity where none did.
    """
    for (shorter, low), (longer, high) in pairwise(sorted(efficiency.items())):
        if low < target <= high:
            share = (log(target) - log(low)) / (log(high) - log(low))
            return exp(log(shorter) + share * (log(longer) - log(shorter)))
    return 0.0 if max(efficiency.values()) >= target else inf


@dataclass(frozen=True)
class Shortest:
    """The shortest mean task, in seconds, that reached a target.

    ``bound``: "<" where even the shortest tasks tried reached it, and ``seconds`` is their length; ">" where no tasks
    reached it, and ``seconds`` is the length of the longest.
    """

    seconds: float
    bound: str = ""


def within_tried(curves: Sequence[dict[float, float]], target: float, seconds: float) -> Shortest:
    """Return the ``seconds`` of `shortest_task_s`; for 0 and infinity, the shortest or longest tasks tried."""
    if not seconds:
        return Shortest(min(map(min, curves)) / target, "<")
    return Shortest(max(map(max, curves)) / target, ">") if isinf(seconds) else Shortest(seconds)


def curves_of_trials(cell: Cell, pattern: str) -> list[dict[float, float]]:
    """Return the efficiencies of each trial that has any."""
    return [curve for trial in cell.timed if (curve := efficiencies(trial, pattern))]


@dataclass(frozen=True)
class Reach:
    """The shortest tasks of an idiom at each of TARGETS: medians over its trials."""

    cell: Cell
    pattern: str
    shortest: tuple[Shortest, ...]


def reaches_of(group: Group, graphs: bool) -> list[Reach]:
    """Return those of independent tasks, or of ``graphs``, the one with the shortest tasks at 50 % first."""
    reaches = [Reach(cell, pattern, _shortest(cell, pattern)) for cell, pattern in curves_of(group, graphs)]
    return sorted(reaches, key=lambda reach: reach.shortest[0].seconds)


def _shortest(cell: Cell, pattern: str) -> tuple[Shortest, ...]:
    curves = curves_of_trials(cell, pattern)
    medians = [median(shortest_task_s(curve, target) for curve in curves) for target in TARGETS]
    return tuple(within_tried(curves, target, task_s) for target, task_s in zip(TARGETS, medians, strict=True))


def points_of(cell: Cell, pattern: str) -> Curve:
    """Return mean task (time x workers / tasks) and efficiency of all trials, shortest tasks first.

    Every trial searches at lengths of its own.
    """
    return [(length / efficiency, efficiency) for length, efficiency in _of_all_trials(cell, pattern)]


def smoothed(cell: Cell, pattern: str) -> Curve:
    """Return the same, fitted by a line on which efficiency does not fall as tasks grow longer."""
    lengths, efficiency = zip(*_of_all_trials(cell, pattern), strict=True)
    fitted = np.exp(scipy.optimize.isotonic_regression(np.log(efficiency)).x)
    return [(length / float(share), float(share)) for length, share in zip(lengths, fitted, strict=True)]


def _of_all_trials(cell: Cell, pattern: str) -> list[tuple[float, float]]:
    return sorted(point for trial in cell.timed for point in efficiencies(trial, pattern).items())
