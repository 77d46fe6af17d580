"""Where the time of a round goes, and its tasks: of the cold round with the pool's stop, or of a kept round."""

from collections.abc import Iterable
from typing import NamedTuple

from record.schema import Round, Trial
from record.terms import COLD, KEPT
from report.numbers.cell import NAIVE, Cell

PARTS = ("start-up", "work", "waiting", "waiting for the last worker", "gathering", "stop")
SHOWN = {COLD: "cold round and stop", KEPT: "kept round"}  # the rounds whose parts and tasks are shown


class Task(NamedTuple):
    """Times in seconds after the round's start; ``worker``: from 0, in the order of their first tasks."""

    number: int
    worker: int
    start_s: float
    end_s: float


def parts_of(trial: Trial, phase: str) -> dict[str, float]:
    """Return the seconds by part; they add up to the round's time, with stop if it is cold. Empty if not known."""
    parts = trial.cold if phase == COLD else trial.kept
    if parts is None:
        return {}
    waiting = parts.wait_s - parts.tail_s
    seconds = [parts.start_s, parts.work_s, waiting, parts.tail_s, parts.gather_s]
    if phase == COLD:
        seconds.append(trial.stop_s or 0.0)
    return dict(zip(PARTS, seconds, strict=False))  # a kept round has no stop


def median_trial(cell: Cell, phase: str) -> Trial | None:
    """Return the timed trial in the middle: medians of the parts of several trials would not add up."""
    known = [trial for trial in cell.timed if parts_of(trial, phase)]
    order = sorted(known, key=lambda trial: (trial.one_shot_s if phase == COLD else trial.kept_s) or 0.0)
    return order[(len(order) - 1) // 2] if order else None


def bars_of(cells: Iterable[Cell], phase: str) -> list[tuple[Cell, dict[str, float]]]:
    """Return the parts of each cell's median trial, the shortest round first; naive idioms are left out."""
    trials = [(cell, trial) for cell in cells if cell.style != NAIVE and (trial := median_trial(cell, phase))]
    bars = [(cell, parts_of(trial, phase)) for cell, trial in trials]
    return sorted(bars, key=lambda bar: sum(bar[1].values()))


def round_of(trial: Trial, phase: str) -> Round | None:
    """Return the cold round, or the one in the middle of those on the kept pool."""
    rounds = [each for pool in trial.pools for each in pool.rounds if each.phase == phase and not each.bare]
    if not rounds:
        return None
    if phase != KEPT:
        return rounds[0]
    return sorted(rounds, key=lambda each: each.seconds)[(len(rounds) - 1) // 2]


def tasks_of(trial: Trial, phase: str) -> list[Task]:
    """Return the tasks that started within that round, where it recorded them."""
    chosen = round_of(trial, phase)
    if chosen is None:
        return []
    columns = (trial.tasks.index, trial.tasks.pid, trial.tasks.start_ns, trial.tasks.end_ns)
    start_ns, end_ns = 1e9 * chosen.start_s, 1e9 * (chosen.start_s + chosen.seconds)
    tasks = [task for task in zip(*columns, strict=True) if start_ns <= task[2] < end_ns]
    workers = {pid: number for number, pid in enumerate(dict.fromkeys(pid for _, pid, *_ in tasks))}
    return [Task(i, workers[pid], (start - start_ns) / 1e9, (end - start_ns) / 1e9) for i, pid, start, end in tasks]
