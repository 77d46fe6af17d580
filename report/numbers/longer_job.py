"""A user's own job with more tasks, on more workers: predicted from the measured rows.

A job takes the start and stop of the pool once. Each task takes the worker's time that was measured, the library's part
included. Three things bound the job: one process hands out all tasks, and takes some time for each; the job is no
shorter than its longest task; and threads that wait for the GIL gain by Amdahl's law, with the serial share that their
measured gain shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from statistics import median

from record.terms import CALLER, KEPT, PROCESSES, THREADS
from report.numbers.cell import TUNED, Cell
from report.numbers.group import Group
from report.numbers.measured import NoMeasurement
from report.numbers.names import FLOOR
from report.numbers.overhead import per_task_s
from report.numbers.own_job import is_own_job


@dataclass(frozen=True)
class Expected:
    """Of one row: seconds in one shot and on a pool that is kept.

    ``bound_by``: what holds the job back however many workers there are; empty where more workers help.
    """

    cell: Cell
    one_shot_s: float
    kept_s: float
    bound_by: str


@dataclass(frozen=True)
class LongerJob:
    """``rows``: the fastest in one shot first. ``uncertain``: the share by which the sample may miss the mean task.

    ``has_overhead``: whether the cost of handing out a task was measured; if not, all lost time counts as that cost.
    """

    group: Group
    tasks: int
    n_jobs: int
    rows: list[Expected]
    uncertain: float
    has_overhead: bool


def longer_job(groups: Mapping[str, Group], name: str, tasks: int | None, n_jobs: int | None) -> LongerJob:
    """Return the prediction for the tuned rows. None: all tasks, or as many workers as were measured.

    Raises NoMeasurement where the job, or the plain loop in it, was not measured.
    """
    group = groups.get(name)
    if group is None or not is_own_job(group.newest.run.inputs) or not group.serial_kept_s:
        raise NoMeasurement(f"{name} was not measured with the plain loop: run python benchmark_all.py {name}.py")
    facts = group.newest.run.inputs
    measured, of_tasks = int(facts["tasks"]), int(facts["of_tasks"])
    tasks, n_jobs = tasks or of_tasks, n_jobs or group.most_workers
    overhead = groups.get("overhead")
    tuned = [cell for cell in group.timed_on_most_workers if cell.style == TUNED and cell.library != FLOOR]
    rows = [row for cell in tuned if (row := _expected(group, overhead, cell, measured, tasks, n_jobs))]
    rows.sort(key=lambda row: row.one_shot_s)
    spread = float(facts["task_deviation_s"]) / float(facts["task_mean_s"])
    uncertain = 2 * spread / sqrt(measured) if measured < of_tasks else 0.0
    return LongerJob(group, tasks, n_jobs, rows, uncertain, overhead is not None)


def _expected(
    group: Group, overhead: Group | None, cell: Cell, measured: int, tasks: int, n_jobs: int
) -> Expected | None:
    fixed_s, serial_s = cell.middle(lambda trial: trial.fixed_s), group.serial_kept_s
    if fixed_s is None or cell.kept is None or not serial_s:
        return None
    kept_s, times = cell.kept.median, tasks / measured
    hand_out_s = _hand_out_s(overhead, cell)
    if hand_out_s is None:  # of threads, the wait for the GIL is in the lost time too: see `_on_workers`
        lost_s = max(0.0, kept_s - serial_s / cell.n_jobs) if cell.traits.workers == PROCESSES else 0.0
        hand_out_s = lost_s / measured
    bounds = {
        "": times * _on_workers(cell, kept_s, serial_s, n_jobs),
        "one process hands out the tasks": tasks * hand_out_s if cell.traits.workers != CALLER else 0.0,
        "the longest task": group.longest_task_s(KEPT),
    }
    bound_by = max(bounds, key=lambda name: bounds[name])
    return Expected(cell, max(0.0, fixed_s) + bounds[bound_by], bounds[bound_by], bound_by)


def _on_workers(cell: Cell, kept_s: float, serial_s: float, n_jobs: int) -> float:
    """Return the seconds of the measured round on so many workers."""
    if cell.traits.workers == CALLER:
        return kept_s
    if cell.traits.workers == THREADS and cell.n_jobs > 1:
        serial_share = max(0.0, (kept_s / serial_s * cell.n_jobs - 1) / (cell.n_jobs - 1))
        return serial_s * (serial_share + (1 - min(1.0, serial_share)) / n_jobs)
    return kept_s * cell.n_jobs / n_jobs


def _hand_out_s(overhead: Group | None, cell: Cell) -> float | None:
    """Return the cost of a task that does nothing, of the library's like idiom; None where that was not measured."""
    files = [file for file in overhead.files if file.library == cell.library] if overhead else []
    costs_s = [
        cost
        for file in files
        for other in file.cells.values()
        if (other.kind, other.traits.batched, other.n_jobs) == (cell.kind, cell.traits.batched, cell.n_jobs)
        if (cost := other.middle(per_task_s)) is not None
    ]
    return median(costs_s) if costs_s else None
