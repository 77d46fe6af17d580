"""Which library and idiom for such tasks: from this machine's `grid`, `sharing`, `overhead` and `stateful`.

Times are interpolated between the cells of the grid around the task, linearly in payload and in compute time, because
the time to move and the time to compute add up. A task that is not near any cell gets no answer. Memory is the sum of
three: workers at rest, the shared input times its measured copies, and an estimate of what is on the way to and from
workers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
import scipy

from record.schema import Trial
from record.terms import WORKER_KILLED_ONCE
from report.numbers.cell import TUNED, Block, Cell
from report.numbers.faults import survivals
from report.numbers.grid import axes_of, seconds_by_cell
from report.numbers.group import Group
from report.numbers.measured import NoMeasurement
from report.numbers.names import FLOOR, SERIAL, Name
from report.numbers.overhead import starts_s
from report.numbers.statistics import TIE, UNKNOWN, Summary, beside_the_fastest, summarize
from report.numbers.words import called, duration, size

NEAR = 10.0  # times longer, shorter, larger or smaller than what was measured, at most
SMALL_BYTES = 4096  # a payload below this is taken for the smallest one measured, if that is no larger


@dataclass(frozen=True)
class Task:
    """What one task is like, and what it runs in. Bytes are per task; ``shared_bytes``: which all tasks read.

    ``survives``: a worker may die in the middle, and all results must come.
    """

    task_s: float
    bytes_in: float
    bytes_out: float
    state: bool
    shared_bytes: float
    memory_bytes: float
    n_jobs: int
    survives: bool = False


@dataclass(frozen=True)
class Choice:
    """``per_task_s``: time by the number of tasks, on a pool that is up. None is what was not measured.

    ``shared_by``: the idiom of `sharing` whose start-up and memory these are; empty where nothing is shared.
    """

    cell: Cell
    per_task_s: Summary
    start_s: float | None
    memory_bytes: Summary | None
    shared_by: str
    verdict: str


@dataclass(frozen=True)
class Recommended:
    """``choices``: the fastest first. ``excluded``: by name, why. ``grid``: what it rests on."""

    choices: list[Choice]
    excluded: dict[Name, str]
    grid: Group


def recommend(groups: Mapping[str, Group], task: Task) -> Recommended:
    """Return the ranking. Raises NoMeasurement."""
    grid = _grid(groups, task)
    # Groups of another machine cannot stand beside the grid.
    groups = {name: group for name, group in groups.items() if group.newest.machine == grid.newest.machine}
    excluded: dict[Name, str] = {}
    times: dict[Name, dict[Block, float]] = {}
    beside: dict[Name, tuple[float | None, Summary | None, str]] = {}
    cells = {c.name: c for c in grid.on_most_workers if c.library != FLOOR and c.style == TUNED}
    for cell in cells.values():
        by_block = cell.per_block(lambda trial: _per_task_s(trial, task))
        beside[cell.name] = _start_and_memory(groups, cell, task)
        why = cell.skipped or _unfit(groups, cell, task, beside[cell.name][1])
        if not by_block:
            why = why or cell.failure or "not measured near this"
        if why:
            excluded[cell.name] = why
        else:
            times[cell.name] = by_block
    middle = {name: summarize(list(blocks.values())) for name, blocks in times.items()}
    order = sorted(times, key=lambda name: middle[name].median)
    ratios = grid.compared(times, reference=order[0]) if order else {}
    verdicts = {name: beside_the_fastest(ratio.verdict) for name, ratio in ratios.items()}
    verdicts |= dict.fromkeys(order[:1], "fastest")
    choices = [Choice(cells[n], middle[n], *beside[n], _said(verdicts.get(n), cells[n])) for n in order]
    return Recommended(choices, excluded, grid)


def nearest_workload(groups: Mapping[str, Group], task: Task) -> Group:
    """Return the workload that is most like the task, for where no grid was measured. Raises NoMeasurement."""
    group = groups.get("stateful" if task.state else "numerical")
    if group is None or group.most_workers != task.n_jobs:
        raise NoMeasurement("no measurement near this: run python benchmark_all.py grid")
    return group


def check_cores(groups: Mapping[str, Group], n_jobs: int) -> None:
    """Raise NoMeasurement for more workers than the cores of every machine that was measured."""
    cores = [group.newest.run.environment.machine.get("physical_cores_usable") for group in groups.values()]
    most = max((count for count in cores if isinstance(count, int)), default=n_jobs)
    if n_jobs > most:
        raise NoMeasurement(
            f"--n-jobs is {n_jobs}: the machine that was measured has {most} cores; for a job of your own, more "
            "workers can be predicted: python utils.py recommend my_job.py"
        )


def _grid(groups: Mapping[str, Group], task: Task) -> Group:
    """Return the grid if the task is near to some of its cells."""
    if "grid" not in groups:
        raise NoMeasurement("no measurement near this: run python benchmark_all.py grid")
    group = groups["grid"]
    if task.n_jobs != group.most_workers:
        raise NoMeasurement(
            f"no measurement near this: the grid was measured on {group.most_workers} workers; "
            f"run python benchmark_all.py grid --n-jobs {task.n_jobs}"
        )
    payloads, computes = axes_of(seconds_by_cell(cell.timed) for cell in group.on_most_workers)
    if not payloads:
        raise NoMeasurement("no measurement near this: all of the grid has failed; see python utils.py table grid")
    moved = max(_moved(task), payloads[0]) if payloads[0] <= SMALL_BYTES else _moved(task)
    if not (_is_near(moved, payloads) and _is_near(task.task_s, computes)):
        has = [*map(size, payloads), *map(duration, computes)]
        raise NoMeasurement(
            f"no measurement near {size(_moved(task))} and {duration(task.task_s)}: the grid has {', '.join(has)}; "
            "add them to grid_payload_bytes and grid_compute_s in params.py and run python benchmark_all.py grid"
        )
    return group


def _moved(task: Task) -> float:
    """Return the grid's payload that moves as many bytes: it goes both ways."""
    return (task.bytes_in + task.bytes_out) / 2


def _is_near(value: float, levels: list[Any]) -> bool:
    """Return whether it lies between the levels and one of them is near."""
    return levels[0] <= value <= levels[-1] and any(
        value == level or (level and 1 / NEAR <= value / level <= NEAR) for level in levels
    )


def _per_task_s(trial: Trial, task: Task) -> float | None:
    """Return the time between the cells around the task; None where one of them is missing."""
    by_cell = seconds_by_cell([trial])
    payloads, computes = axes_of([by_cell])
    axes = [_around(max(_moved(task), min(payloads, default=0)), payloads), _around(task.task_s, computes)]
    if not all(axes):
        return None
    corners = [[by_cell.get((p, c)) for c in axes[1]] for p in axes[0]]
    if any(seconds is None for row in corners for seconds in row):
        return None
    point = [min(max(v, levels[0]), levels[-1]) for v, levels in zip((_moved(task), task.task_s), axes, strict=True)]
    # On an axis of one level, there is nothing to interpolate.
    between = [levels for levels in axes if len(levels) > 1]
    at = [v for v, levels in zip(point, axes, strict=True) if len(levels) > 1]
    values = np.array(corners, dtype=float)
    return (
        float(scipy.interpolate.RegularGridInterpolator(between, values.squeeze())(at)[0])
        if between
        else float(values[0, 0])
    )


def _around(value: float, levels: list[Any]) -> list[Any]:
    """Return the level that equals ``value``, or else the two around it; nothing if it lies outside."""
    if value in levels:
        return [value]
    return next(([low, high] for low, high in pairwise(levels) if low < value < high), [])


def _start_and_memory(groups: Mapping[str, Group], cell: Cell, task: Task) -> tuple[float | None, Summary | None, str]:
    """Return start-up in seconds, peak PSS, and the idiom of `sharing` that has them; empty if `overhead` has them."""
    group = groups.get("sharing" if task.shared_bytes else "overhead")
    of_kind = [other for other in _alike(group, cell) if other.n_jobs == cell.n_jobs]
    alike = [other for other in of_kind if other.style == TUNED]
    least = min((c for c in alike if c.memory), key=lambda other: other.memory["pss_peak_bytes"], default=None)
    memory = None
    if group and least and not (task.shared_bytes and _far(task.shared_bytes, group.shared_bytes)):
        memory = summarize([_peak_bytes(trial, group.shared_bytes, task) for trial in least.sampled])
    if task.shared_bytes:
        start_s = least.middle(lambda trial: trial.cold.start_s if trial.cold else None) if least else None
        return (start_s, memory, least.idiom) if least and memory else (None, None, "")
    # The least time to a first result, in a fresh interpreter.
    return min((median(starts) for other in alike if (starts := starts_s(other, 0))), default=None), memory, ""


def _far(bytes_: float, measured_bytes: float) -> bool:
    return not measured_bytes / NEAR <= bytes_ <= measured_bytes * NEAR


def _peak_bytes(trial: Cell, measured_bytes: int, task: Task) -> float:
    """Return the peak predicted from the trial, its shared input of ``measured_bytes`` scaled to the task's."""
    on_the_way = 2 * task.n_jobs * (task.bytes_in + task.bytes_out)
    peak_bytes = trial.memory["pss_peak_bytes"]
    if not task.shared_bytes:
        return trial.memory.get("pss_ready_bytes", peak_bytes) + on_the_way
    copies = trial.copies(measured_bytes) or 0.0
    return max(0.0, peak_bytes - copies * measured_bytes) + copies * task.shared_bytes + on_the_way


def _alike(group: Group | None, cell: Cell) -> list[Cell]:
    """Return the library's cells of the same kind, or else those whose workers come into being alike."""
    files = [file for file in group.files if file.library == cell.library] if group else []
    cells = [c for file in files for c in file.cells.values() if not c.skipped]
    same = [other for other in cells if other.kind == cell.kind]
    return same or [other for other in cells if other.kind[:2] == cell.kind[:2]]


def _unfit(groups: Mapping[str, Group], cell: Cell, task: Task, memory_bytes: Summary | None) -> str:
    if task.memory_bytes:
        if memory_bytes is None:
            return "its memory was not measured near this: run python benchmark_all.py sharing overhead"
        if memory_bytes.high > task.memory_bytes:  # who says how much is allowed wants to be sure
            return f"it would take {size(memory_bytes.high)}, {size(task.memory_bytes)} are allowed"
    if cell.library == SERIAL:
        return ""
    without_state = _without_state(groups, cell) if task.state else ""
    return without_state or (_without_survival(groups, cell) if task.survives else "")


def _without_survival(groups: Mapping[str, Group], cell: Cell) -> str:
    """Return why all results did not come where a worker died in such an idiom, or an empty string."""
    rows = survivals(groups["faults"]).get(WORKER_KILLED_ONCE, []) if "faults" in groups else []
    alike = [row for row in rows if row.cell.name == cell.name]
    alike = alike or [row for row in rows if (row.cell.library, row.cell.kind) == (cell.library, cell.kind)]
    if not alike:
        return "what a dead worker does to it was not measured: run python benchmark_all.py faults"
    lost = [row for row in alike if row.grade > 0]
    return f"a dead worker: {lost[0].said}" if lost else ""


def _without_state(groups: Mapping[str, Group], cell: Cell) -> str:
    """Return why such an idiom has not shown to keep state in workers and hand it back, or an empty string."""
    if "stateful" not in groups:
        return "whether it keeps state was not measured: run python benchmark_all.py stateful"
    of_library = [c for f in groups["stateful"].files if f.library == cell.library for c in f.cells.values()]
    keeping = [other for other in of_library if other.traits.keeps_state]
    if any(other.timed for other in _alike(groups["stateful"], cell) if other in keeping):
        return ""
    if shown := next((other for other in keeping if other.timed), None):
        return f"in this idiom no state was kept; it was in {called(shown.name)}"
    return next((why for other in keeping if (why := other.skipped or other.failure)), "it kept no state")


def _said(verdict: str | None, cell: Cell) -> str:
    words = {TIE: "ties with it", UNKNOWN: "too few trials to tell", None: "not compared"}
    return ", ".join(filter(None, (words.get(verdict, verdict), cell.failures)))
