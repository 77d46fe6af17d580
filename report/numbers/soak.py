"""What many tasks on one pool do to memory and speed, and what pools that come and go leave."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import scipy

from record.schema import Round, Trial
from record.terms import COLD, STRETCH
from report.numbers.cell import Cell
from report.numbers.statistics import LEVEL

WARMING = 5  # stretches at first in which caches fill: memory and speed after them are compared


@dataclass(frozen=True)
class Growth:
    """Bytes of PSS per 1 000 tasks: the median slope through all pairs of stretches, with its interval (Theil, Sen)."""

    slope: float
    low: float
    high: float

    @property
    def is_growth(self) -> bool:
        """Whether the interval lies above 0."""
        return self.low > 0


def stretches(trial: Trial) -> list[Round]:
    """Return the rounds on the pool with many tasks: the cold one is the first stretch."""
    rounds = trial.pools[0].rounds if trial.pools else []
    return [each for each in rounds if each.phase in (COLD, STRETCH)]


def held(trial: Trial, what: str) -> list[tuple[int, float]]:
    """Return after how many tasks how much of ``what`` the trial's processes held: see `workloads.held`."""
    points, tasks = [], 0
    for each in stretches(trial):
        tasks += each.tasks
        if isinstance(number := each.label.get(what), int | float):
            points.append((tasks, float(number)))
    return points


def growth(cell: Cell) -> Growth | None:
    """Return the growth of memory after the warming, over all trials; None with fewer than three stretches."""
    x, y = [], []
    for trial in cell.timed:
        points = held(trial, "pss_bytes")[WARMING:]
        level = median(pss for _, pss in points) if points else 0.0
        x += [tasks for tasks, _ in points]
        y += [pss - level for _, pss in points]
    if len(set(x)) < 3:
        return None
    slope, _, low, high = scipy.stats.theilslopes(y, x, LEVEL)
    return Growth(*(float(1000 * each) for each in (slope, low, high)))


def slowdown(trial: Trial) -> float | None:
    """Return the seconds per task of the last stretches over those of the first ones, the cold one left out."""
    seconds = [each.seconds / each.tasks for each in stretches(trial) if each.tasks][1:]
    return median(seconds[-WARMING:]) / median(seconds[:WARMING]) if seconds else None


def task_s(trial: Trial) -> float | None:
    """Return the seconds per task, the median of all stretches but the cold one."""
    seconds = [each.seconds / each.tasks for each in stretches(trial) if each.tasks][1:]
    return median(seconds) if seconds else None


def added(trial: Trial, what: str) -> float | None:
    """Return how much more of ``what`` is held after the last stretch than after the first."""
    points = held(trial, what)
    return points[-1][1] - points[0][1] if points else None


def short_pools(trial: Trial) -> int:
    """Return how many pools came and went, one after the other."""
    return max(0, len(trial.pools) - 1)


def left_per_pool(trial: Trial, what: str) -> float | None:
    """Return how much more of ``what`` is held after each of the short pools."""
    held_after = list(_held_between(trial, what))
    return (held_after[-1] - held_after[0]) / (len(held_after) - 1) if len(held_after) > 1 else None


def _held_between(trial: Trial, what: str) -> Iterator[float]:
    for pool in trial.pools[1:]:
        if isinstance(number := pool.label.get(what), int | float):
            yield float(number)
