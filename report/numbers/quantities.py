"""What is shown of every idiom on most workers, or against their number: times, copies of the input, cost per task."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from record.terms import COLD, KEPT, SLOW
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.overhead import per_task_s
from report.numbers.stream import labelled
from report.numbers.words import three_digits


class Point(NamedTuple):
    """``low`` to ``high`` is the value's spread."""

    n_jobs: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Quantity:
    """``limit`` is what cannot be undercut. ``suffix``: of a figure's file. ``is_time``: in seconds."""

    title: str
    axis: str
    suffix: str
    point: Callable[[Group, Cell], Point | None]
    limit: Callable[[Group, int], float | None]
    limit_name: str
    is_time: bool = True

    def shown(self, value: float) -> str:
        """Return a value as text: three digits, and counts as they are."""
        return f"{value:.0f}" if not self.is_time and value == round(value) else three_digits(value)


def point_of(cell: Cell, phase: str) -> Point | None:
    """Return its time in one shot, or on a pool that is kept."""
    summary = cell.summary_of(phase)
    return Point(cell.n_jobs, summary.median, summary.low, summary.high) if summary else None


def sorted_points(group: Group, quantity: Quantity) -> list[tuple[Cell, Point]]:
    """Return each idiom's cell on most workers that has such a point, the least first."""
    points = [(cell, point) for cell in group.on_most_workers if (point := quantity.point(group, cell))]
    return sorted(points, key=lambda each: each[1].value)


def has_kept(group: Group) -> bool:
    """Return whether any round on a pool that is up was measured."""
    return any(cell.kept for cells in group.idioms for cell in cells)


def _copies_of(group: Group, cell: Cell) -> Point | None:
    copies = cell.copies(group.counted_bytes)
    return Point(cell.n_jobs, copies, copies, copies) if copies else None


def _per_task_of(_group: Group, cell: Cell) -> Point | None:
    costs_us = [1e6 * seconds for trial in cell.timed if (seconds := per_task_s(trial))]
    return Point(cell.n_jobs, median(costs_us), min(costs_us), max(costs_us)) if costs_us else None


def _ahead_of(_group: Group, cell: Cell) -> Point | None:
    ahead = [number for trial in cell.timed if (number := labelled(trial, SLOW, "most_ahead"))]
    return Point(cell.n_jobs, median(ahead), min(ahead), max(ahead)) if ahead else None


LEAST_FOR_LINES = 3  # numbers of workers; with fewer, a dot per idiom says more
LIMIT = "limit from serial time"  # and not "physical": it is measured too, and noise can beat it
TIME_NAMES = {COLD: "one-shot", KEPT: "kept"}  # of times


def _time(title: str, suffix: str, phase: str) -> Quantity:
    return Quantity(
        title,
        f"{TIME_NAMES[phase]} time (s)",
        suffix,
        lambda _group, cell: point_of(cell, phase),
        lambda group, n_jobs: group.limit_s(n_jobs, phase),
        LIMIT,
    )


ONE_SHOT = _time("one-shot time", "", COLD)
KEPT_ROUND = _time("kept time: the same round on a pool that is up", "_kept", KEPT)
COPIES = Quantity(
    "copies of the input in memory at the peak, the caller's own among them",
    "copies (growth of memory / size of the input)",
    "_copies",
    _copies_of,
    lambda _group, _count: 1.0,
    "one copy for all",
    is_time=False,
)
PER_TASK = Quantity(
    "what a task that does nothing costs, on a pool that is up",
    "time of a round per task (µs)",
    "",
    _per_task_of,
    lambda _group, _count: None,
    "",
    is_time=False,
)
AHEAD = Quantity(
    "how far an input without end is drawn ahead of a slow consumer",
    "tasks that were drawn before their results were taken, at most",
    "",
    _ahead_of,
    lambda _group, _count: None,
    "",
    is_time=False,
)
