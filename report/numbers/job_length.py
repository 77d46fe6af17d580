"""How long a job must be: the times of longer jobs, predicted from one round, and measured.

Work is the time that a plain loop takes for it in kept rounds, in seconds. A job's predicted time is the pool's start
and end, once, and for each second of work the library's kept round over the loop's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from math import sqrt
from statistics import median
from typing import NamedTuple

from record.schema import Trial
from record.terms import CALLER
from report.numbers.cell import CONNECTED, NAIVE, TUNED, Cell
from report.numbers.group import Group
from report.numbers.names import NO_LIBRARIES, SERIAL

SHORTEST_S, LONGEST_S = 0.1, 3600.0  # the work in the jobs that are looked at
WORK_TICKS = (0.1, 1.0, 10.0, 60.0, 600.0, 3600.0)
TICKS = (0.2, 0.5, 1.0, 1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)  # times the best
NEAR = 1.1  # times the best: as good as that
FIXED_SHARE = 0.1  # of a job's time, below which start and end matter little


@dataclass(frozen=True)
class Line:
    """An idiom's predicted time: ``fixed_s`` for start and end, ``per_work`` seconds for each second of work."""

    cell: Cell
    fixed_s: float
    per_work: float

    def at(self, work_s: float) -> float:
        """Return the predicted seconds of a job of so much work."""
        return self.fixed_s + self.per_work * work_s

    @property
    def small_from_s(self) -> float:
        """The work from which start and end take less than FIXED_SHARE of the time."""
        return (1 / FIXED_SHARE - 1) * self.fixed_s / self.per_work


@dataclass(frozen=True)
class Row:
    """The tuned idioms of a library, or its idioms that connect to running workers; at each length, the best counts."""

    library: str
    style: str
    lines: tuple[Line, ...]

    @property
    def name(self) -> str:
        """How it is called in figures and tables."""
        if self.library == SERIAL:
            return "a plain loop"
        return f"{self.library} running already" if self.style == CONNECTED else self.library

    @property
    def is_choice(self) -> bool:
        """Whether it is one of the libraries among which the best is chosen."""
        return self.style == TUNED and self.library not in NO_LIBRARIES

    def best(self, work_s: float) -> Line:
        """Return the idiom that is predicted to be its fastest."""
        return min(self.lines, key=lambda line: line.at(work_s))

    def at(self, work_s: float) -> float:
        """Return the predicted seconds of its fastest idiom."""
        return self.best(work_s).at(work_s)

    @cached_property
    def pieces(self) -> list[tuple[float, Line]]:
        """Its best idioms between SHORTEST_S and LONGEST_S, each with the work from which it is the best."""
        within = [work_s for work_s in _crossings(self.lines) if SHORTEST_S < work_s < LONGEST_S]
        pieces: list[tuple[float, Line]] = []
        for begin, end in pairwise([SHORTEST_S, *within, LONGEST_S]):
            line = self.best(sqrt(begin * end))
            if not pieces or pieces[-1][1] is not line:
                pieces.append((begin, line))
        return pieces


class Point(NamedTuple):
    """A measured job beside its prediction. ``times``: how many times as long as the round that lines are from.

    ``cell``: its trials, of ``group``.
    """

    line: Line
    times: float
    work_s: float
    measured_s: float
    cell: Cell
    group: Group

    @property
    def is_check(self) -> bool:
        """Whether it checks the line, which is then from another job."""
        return self.times != 1

    @property
    def error(self) -> float:
        """How far the prediction is off, as a share of what was measured."""
        return self.line.at(self.work_s) / self.measured_s - 1


class Errors(NamedTuple):
    """Absolute errors of predictions, as shares: of times (``times``: how many), and of their ratios to the best."""

    times: int
    median: float
    largest: float
    ratio_median: float
    ratio_largest: float


@dataclass(frozen=True)
class JobLength:
    """``work_s``: in the round that the lines are from. ``left_out``: longer jobs that cannot check any line."""

    group: Group
    loop: Line
    work_s: float
    rows: tuple[Row, ...]
    points: tuple[Point, ...]
    left_out: tuple[str, ...]

    @cached_property
    def choices(self) -> list[Row]:
        """The libraries: without the floor, and what runs already."""
        return [row for row in self.rows if row.is_choice]

    @cached_property
    def best(self) -> list[Line]:
        """The lines of all libraries, except those that another line beats at every length; the least is the best."""
        return _undominated([line for row in self.choices for line in row.lines])

    @property
    def shown(self) -> list[Row]:
        """What is drawn: libraries, what runs already, and last the loop; not the floor, which is none to choose."""
        libraries = [row for row in self.rows if row.library not in NO_LIBRARIES]
        return [*libraries, Row(SERIAL, TUNED, (self.loop,))]

    def curve(self, row: Row) -> list[tuple[float, float]]:
        """Return its predicted time over the best library's, by work, evenly on a logarithmic axis."""
        steps = 120
        works = [SHORTEST_S * (LONGEST_S / SHORTEST_S) ** (step / steps) for step in range(steps + 1)]
        return [(work_s, self.relative(row, work_s)) for work_s in works]

    def relative(self, row: Row, work_s: float) -> float:
        """Return its predicted time over the best library's."""
        return row.at(work_s) / self.best_s(work_s)

    def best_s(self, work_s: float) -> float:
        """Return the least time that is predicted of a library."""
        return min(line.at(work_s) for line in self.best)

    def ties_with_loop_s(self, lines: Sequence[Line]) -> float | None:
        """Return the work from which the best of ``lines`` is no slower than the loop; None where it stays slower."""
        return from_s(lines, [self.loop])

    def near_from_s(self, lines: Sequence[Line], factor: float = NEAR) -> float | None:
        """Return the work from which the best of ``lines`` is within ``factor`` of the best library; None: never."""
        return from_s(lines, self.best, factor)

    @cached_property
    def lengths(self) -> dict[float, float]:
        """The work in the measured jobs, by their length as a multiple of the round's."""
        return {point.times: point.work_s for point in sorted(self.points, key=lambda point: point.times)}

    @property
    def checked(self) -> dict[float, float]:
        """Those of `lengths` that no line is from."""
        return {times: work_s for times, work_s in self.lengths.items() if times != 1}

    def points_of(self, row: Row, times: float) -> list[Point]:
        """Return the measured jobs of that length of its idioms."""
        return [point for point in self.points if point.line in row.lines and point.times == times]

    def measured(self, row: Row, times: float) -> Point | None:
        """Return the measured job of that length of its fastest idiom; None if not measured."""
        return min(self.points_of(row, times), key=lambda point: point.measured_s, default=None)

    def measured_best(self, times: float) -> Point | None:
        """Return the job of that length for which a library took the least time."""
        points = [point for row in self.choices if (point := self.measured(row, times))]
        return min(points, key=lambda point: point.measured_s, default=None)

    def measured_relative(self, row: Row, times: float) -> float | None:
        """Return its time for that job over the best library's, each by its fastest idiom; None if not measured."""
        best, own = self.measured_best(times), self.measured(row, times)
        return own.measured_s / best.measured_s if best and own else None

    def measured_range(self, row: Row, times: float) -> tuple[float, float] | None:
        """Return the least and the largest of these ratios, trial by trial; None where there are none."""
        best, own = self.measured_best(times), self.measured(row, times)
        ratio = own.group.ratio(own.cell, best.cell) if best and own and own is not best else None
        return (ratio.least, ratio.largest) if ratio else None

    @cached_property
    def errors(self) -> Errors | None:
        """How far predictions were off in the jobs that check them; None without such jobs."""
        checks = [point for point in self.points if point.is_check]
        if not checks:
            return None
        of_times = [abs(point.error) for point in checks]
        of_ratios = [abs(error) for point in checks if (error := self._error_of_ratio(point)) is not None]
        return Errors(
            len(checks), median(of_times), max(of_times), median(of_ratios or [0.0]), max(of_ratios, default=0.0)
        )

    def _error_of_ratio(self, point: Point) -> float | None:
        best = self.measured_best(point.times)
        if not best:
            return None
        expected = point.line.at(point.work_s) / self.best_s(point.work_s)
        return expected / (point.measured_s / best.measured_s) - 1


def starts_s(trial: Trial) -> float | None:
    """Return what the start of the pool takes: ``cold_s - kept_s``."""
    return None if trial.cold_s is None or trial.kept_s is None else trial.cold_s - trial.kept_s


def line_of(group: Group, cell: Cell) -> Line | None:
    """Return the line of an idiom from the medians over its trials; None where it, or the loop, has no kept round.

    Noise can make a kept round slower than one shot: then the pool's start and end count as 0.
    """
    fixed_s = cell.middle(lambda trial: trial.fixed_s)
    if fixed_s is None or cell.kept is None or not group.serial_kept_s:
        return None
    return Line(cell, max(0.0, fixed_s), cell.kept.median / group.serial_kept_s)


def job_length(group: Group) -> JobLength | None:
    """Return what is known of the lengths of jobs on most workers; None where no library has both kinds of rounds.

    An idiom that runs its tasks in the caller is a loop, and no choice, whatever its library.
    """
    loop = line_of(group, group.serial) if group.serial else None
    by_row: dict[tuple[str, str], list[Line]] = {}
    for cell in group.timed_on_most_workers:
        if cell.traits.workers != CALLER and cell.style != NAIVE and (line := line_of(group, cell)):
            by_row.setdefault((cell.library, cell.style), []).append(line)
    rows = tuple(Row(*key, tuple(lines)) for key, lines in by_row.items())
    if not (loop and group.serial_kept_s and any(row.is_choice for row in rows)):
        return None
    lines = [loop, *(line for row in rows for line in row.lines)]
    alike = [longer for longer in group.longer if not _unlike(group, longer)]
    measured = [(group, 1.0), *((longer, longer.newest.run.times) for longer in alike)]
    points = [p for of_length, times in measured for p in _points(of_length, lines, times, times * group.serial_kept_s)]
    left_out = tuple(f"{other.workload}: {why}" for other in group.longer if (why := _unlike(group, other)))
    return JobLength(group, loop, group.serial_kept_s, rows, tuple(points), left_out)


def _unlike(group: Group, longer: Group) -> str:
    """Return why the longer job checks no prediction from this round; empty where it does."""
    if longer.newest.run.times <= 0:
        return "it does not say how many times as long it is"
    if longer.newest.machine != group.newest.machine:
        return f"another machine ({longer.newest.machine})"
    same = longer.newest.run.params_hash == group.newest.run.params_hash
    return "" if same else f"other parameters ({longer.newest.run.profile} profile)"


def _points(group: Group, lines: Iterable[Line], times: float, work_s: float) -> Iterator[Point]:
    for line in lines:
        cell = group.cells(line.cell.n_jobs).get(line.cell.name)
        if cell and cell.one_shot:
            yield Point(line, times, work_s, cell.one_shot.median, cell, group)


def from_s(own: Sequence[Line], others: Sequence[Line], factor: float = 1.0) -> float | None:
    """Return the work from which on the best of ``own`` takes at most ``factor`` times as long as the best of others.

    It holds for all longer jobs too. 0 where it holds for every job; None where it does not hold in the end.
    """

    def behind_s(work_s: float) -> float:
        return min(line.at(work_s) for line in own) - factor * min(line.at(work_s) for line in others)

    own, others = _undominated(own), _undominated(others)
    knots = sorted([0.0, *_crossings(own), *_crossings(others)])
    # Between two knots, and after the last one, it is a straight line.
    growth = min(line.per_work for line in own) - factor * min(line.per_work for line in others)
    if growth > 0 or (growth == 0 and behind_s(knots[-1]) > 0):
        return None
    if behind_s(knots[-1]) > 0:
        return knots[-1] - behind_s(knots[-1]) / growth
    for later, earlier in pairwise(reversed(knots)):
        if (behind := behind_s(earlier)) > 0:
            return earlier + (later - earlier) * behind / (behind - behind_s(later))
    return 0.0


def _undominated(lines: Sequence[Line]) -> list[Line]:
    """Return the lines, except those that another line beats or equals at every length."""
    undominated: list[Line] = []
    for line in sorted(lines, key=lambda line: (line.fixed_s, line.per_work)):
        if not undominated or line.per_work < undominated[-1].per_work:
            undominated.append(line)
    return undominated


def _crossings(lines: Sequence[Line]) -> list[float]:
    """Return, in order, the work at which two of the lines meet."""
    pairs = [(a, b) for a, b in combinations(lines, 2) if a.per_work != b.per_work]
    return sorted(work_s for a, b in pairs if (work_s := (b.fixed_s - a.fixed_s) / (a.per_work - b.per_work)) > 0)
