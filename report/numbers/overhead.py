"""What starting and scheduling cost: start-up, latency, cost per task and per dependency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import scipy

from record.schema import Trial
from record.terms import GRAPH, KEPT, TASKS
from report.numbers.cell import TUNED, Cell
from report.numbers.group import Group
from report.numbers.names import Name
from report.numbers.rounds import rounds_of
from report.numbers.statistics import Ratio

LEAST_TASKS = 100  # of rounds whose distance from the fitted line is shown: smaller ones are mostly the fixed cost


def starts_s(cell: Cell, pool: int) -> list[float]:
    """Return the times from a pool's call to its first result: the first pool's is cold, the second one's warm."""
    times_s = [trial.pools[pool].cold_s for trial in cell.timed if pool < len(trial.pools)]
    return [seconds for seconds in times_s if seconds is not None]


def latencies_s(cell: Cell) -> list[float]:
    """Return the times of all rounds of one task on a pool that is up, over all trials."""
    return [each.seconds for trial in cell.timed for each in rounds_of(trial, KEPT)]


def seconds_by_tasks(trials: Iterable[Trial]) -> dict[int, list[float]]:
    """Return the seconds of all rounds of tasks that do nothing, by their number of tasks."""
    by_tasks: dict[int, list[float]] = {}
    for trial in trials:
        for each in rounds_of(trial, KEPT, TASKS):
            by_tasks.setdefault(each.tasks, []).append(each.seconds)
    return by_tasks


def per_task_by_tasks(cell: Cell) -> list[tuple[int, float]]:
    """Return seconds per task by the number of tasks, medians over all rounds of that size."""
    by_tasks = sorted(seconds_by_tasks(cell.timed).items())
    return [(tasks, median(seconds) / tasks) for tasks, seconds in by_tasks if tasks]


@dataclass(frozen=True)
class Line:
    """``fixed_s + tasks * per_task_s``. ``deviation``: the largest distance of a round of many tasks, as a share."""

    fixed_s: float
    per_task_s: float
    deviation: float


def line_of(trial: Trial) -> Line | None:
    """Fit a line to rounds of more and more tasks, by relative distance: they span five powers of ten.

    Rounds with the same number of tasks are one point, their median. Neither cost can be below 0. None where the budget
    allowed fewer than three points.
    """
    points = [(count, median(times)) for count, times in seconds_by_tasks([trial]).items()]
    if len(points) < 3:
        return None
    tasks, seconds = np.array(points).T
    (fixed_s, per_task_s), _ = scipy.optimize.nnls(
        np.column_stack([1 / seconds, tasks / seconds]), np.ones(len(points))
    )
    far = np.abs(seconds / (fixed_s + per_task_s * tasks) - 1)[tasks >= LEAST_TASKS]
    return Line(float(fixed_s), float(per_task_s), float(max(far, default=0.0)))


def per_task_s(trial: Trial) -> float | None:
    """Return the cost per task: the slope of its line."""
    line = line_of(trial)
    return line.per_task_s if line else None


def references(group: Group, cells: Iterable[Cell]) -> dict[bool, Name]:
    """Return what costs per task are compared with, by whether tasks travel in batches: like is compared with like.

    Each kind's reference is the first tuned idiom of that kind in the reference's library.
    """
    by_batched: dict[bool, Name] = {}
    for cell in cells:
        if group.reference and cell.library == group.reference[0] and cell.style == TUNED:
            by_batched.setdefault(cell.traits.batched, cell.name)
    return by_batched


def versus(group: Group, cells: Sequence[Cell]) -> dict[Name, Ratio]:
    """Return each idiom's cost per task over its kind's reference, paired by block; each kind is a family.

    Rows on clusters are compared with none: more than the idiom differs.
    """
    cells = [cell for cell in cells if not cell.traits.cluster]
    ratios: dict[Name, Ratio] = {}
    for batched, reference in references(group, cells).items():
        costs = {cell.name: cell.per_block(per_task_s) for cell in cells if cell.traits.batched == batched}
        ratios |= group.compared({name: cost for name, cost in costs.items() if cost}, reference)
    return ratios


def bytes_per_task(cell: Cell) -> float | None:
    """Return the growth of memory, from workers at rest to the peak, per task of the largest queued round."""
    per_task_bytes = []
    for trial in cell.trials:
        sizes = [each.tasks for each in rounds_of(trial, TASKS)]
        if trial.memory and trial.memory.ready and any(sizes):
            per_task_bytes.append((trial.memory.peak.pss_bytes - trial.memory.ready.pss_bytes) / max(sizes))
    return median(per_task_bytes) if per_task_bytes else None


def per_edge_s(trial: Trial) -> float | None:
    """Return the cost per dependency: the slope over the layered graphs, which all have equally many tasks."""
    # A graph without edges returns all its tasks, one with edges only the last layer: this would be in the slope.
    graphs = [each for each in rounds_of(trial, GRAPH, shape="layered") if each.label.get("edges")]
    if len({each.label["edges"] for each in graphs}) < 2:
        return None
    edges, seconds = np.array([(each.label["edges"], each.seconds) for each in graphs]).T
    _, slope = scipy.optimize.nnls(np.column_stack([np.ones(len(graphs)), edges]), seconds)[0]
    return float(slope)


def graph_task_s(trial: Trial, **label: Any) -> float | None:
    """Return the time per task of a graph, the median of its repetitions."""
    times_s = [each.seconds / each.tasks for each in rounds_of(trial, GRAPH, **label) if each.tasks]
    return median(times_s) if times_s else None
