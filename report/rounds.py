"""Workloads that time rounds and not the whole: what their trials hold, in numbers that tables and figures show."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, inf, log
from statistics import median
from typing import Any

import numpy as np
from scipy.optimize import nnls

from report.measured import SERIAL, Block, Cell, Comparable

Trial = dict[str, Any]
LEAST_TASKS = 100  # of rounds whose distance from the fitted line is shown: smaller ones are mostly the fixed cost


def on_most_workers(group: Comparable) -> list[Cell]:
    """Return each idiom's cell on most workers (serial: 1), failed and skipped ones among them."""
    most = group.most_workers
    return [
        cell
        for file in group.files
        for idiom in file.idioms
        for (name, n_jobs), cell in file.cells.items()
        if name == idiom and (n_jobs == (1 if file.library == SERIAL else most) or cell.skipped)
    ]


def is_graph(cell: Cell) -> bool:
    """Return whether the idiom's rounds are task graphs."""
    return any("edges" in label for trial in cell.timed for label, _ in rounds_of(trial))


def rounds_of(trial: Trial, bare: bool = False, **wanted: Any) -> Iterator[tuple[dict[str, Any], float]]:
    """Yield label and seconds of the trial's rounds, with the library or without, whose labels have ``wanted``."""
    for pool in trial["pools"]:
        for round_ in pool["rounds"]:
            label = round_["label"]
            if round_["bare"] == bare and all(label.get(name) == value for name, value in wanted.items()):
                yield label, round_["seconds"]


def per_block(cell: Cell, value: Callable[[Trial], float | None]) -> dict[Block, float]:
    """Return a value of each timed trial, where it has one, by block."""
    found = {(trial["session"], trial["block"]): value(trial) for trial in cell.timed}
    return {block: number for block, number in found.items() if number is not None}


def start_s(trial: Trial, pool: int) -> float | None:
    """Return the time from a pool's call to the first result: the first pool's is cold, a later one's warm."""
    pools = trial["pools"]
    return pools[pool]["rounds"][0]["seconds"] if pool < len(pools) and pools[pool]["rounds"] else None


def latencies(cell: Cell) -> list[float]:
    """Return the seconds of all rounds of one task, over all trials."""
    return [seconds for trial in cell.timed for _, seconds in rounds_of(trial, what="latency")]


def seconds_by_tasks(trials: Iterable[Trial]) -> dict[int, list[float]]:
    """Return the seconds of all rounds of tasks that do nothing, by their number of tasks."""
    found: dict[int, list[float]] = {}
    for trial in trials:
        for label, seconds in (*rounds_of(trial, what="latency"), *rounds_of(trial, what="tasks")):
            found.setdefault(label["tasks"], []).append(seconds)
    return found


@dataclass(frozen=True)
class Line:
    """``fixed_s + tasks * per_task_s``. ``deviation``: the largest distance of a round of many tasks, as a share."""

    fixed_s: float
    per_task_s: float
    deviation: float


def line_of(trial: Trial) -> Line | None:
    """Fit the rounds of more and more tasks, each by its relative distance: they span five powers of ten.

    Rounds of as many tasks are one point, their median. Neither cost can be below 0. None where the budget allowed
    fewer than three points.
    """
    points = [(count, median(times)) for count, times in seconds_by_tasks([trial]).items()]
    if len(points) < 3:
        return None
    tasks, seconds = np.array(points).T
    (fixed_s, per_task_s), _ = nnls(np.column_stack([1 / seconds, tasks / seconds]), np.ones(len(points)))
    far = np.abs(seconds / (fixed_s + per_task_s * tasks) - 1)[tasks >= LEAST_TASKS]
    return Line(float(fixed_s), float(per_task_s), float(max(far, default=0.0)))


def per_task_s(trial: Trial) -> float | None:
    """Return the cost per task: the slope of its line."""
    line = line_of(trial)
    return line.per_task_s if line else None


def bytes_per_task(cell: Cell) -> float | None:
    """Return what memory grew by, from workers at rest to the peak, per task of the largest round that was queued."""
    found = []
    for trial in cell.trials:
        if trial["memory"].get("ready") and (sizes := [label["tasks"] for label, _ in rounds_of(trial, what="tasks")]):
            grown = trial["memory"]["peak"]["pss_bytes"] - trial["memory"]["ready"]["pss_bytes"]
            found.append(grown / max(sizes))
    return median(found) if found else None


def per_edge_s(trial: Trial) -> float | None:
    """Return the cost per dependency: the slope over the layered graphs, which have as many tasks each."""
    graphs = rounds_of(trial, what="graph", shape="layered")
    # Without edges all tasks are asked for, with them those of the last layer only: that would be in the slope.
    points = [(label["edges"], seconds) for label, seconds in graphs if label["edges"]]
    if len({edges for edges, _ in points}) < 2:
        return None
    edges, seconds = np.array(points).T
    _, slope = nnls(np.column_stack([np.ones(len(points)), edges]), seconds)[0]
    return float(slope)


def graph_task_s(trial: Trial, **wanted: Any) -> float | None:
    """Return the time per task of a graph, the median of its repetitions."""
    found = [seconds / label["tasks"] for label, seconds in rounds_of(trial, what="graph", **wanted)]
    return median(found) if found else None


def efficiencies(trial: Trial, pattern: str) -> dict[float, float]:
    """Return by length of a task, in seconds, which share of the work is done that is done without the library.

    The length is what it takes without the library with all workers busy: what it takes alone, times `slowdown`.
    """
    with_library, without = (_by_length(trial, pattern, bare) for bare in (False, True))
    slower = slowdown(trial, pattern)
    return {
        length * slower: median(bare_s / library_s for bare_s, library_s in zip(without[length], seconds, strict=True))
        for length, seconds in with_library.items()
        if length in without
    }


def slowdown(trial: Trial, pattern: str) -> float:
    """Return how many times longer than alone a task takes with all workers busy, without the library: the median."""
    bare = rounds_of(trial, bare=True, what="point", pattern=pattern)
    return median([s * trial["n_jobs"] / (label["tasks"] * label["task_s"]) for label, s in bare] or [1.0])


def _by_length(trial: Trial, pattern: str, bare: bool) -> dict[float, list[float]]:
    found: dict[float, list[float]] = {}
    for label, seconds in rounds_of(trial, bare, what="point", pattern=pattern):
        found.setdefault(label["task_s"], []).append(seconds)
    return dict(sorted(found.items()))


def metg_s(efficiency: dict[float, float], target: float) -> float:
    """Return the minimum effective task granularity: time of all workers per task, where efficiency is ``target``.

    So the library's part of it counts: at 50 % it is twice what the task takes by itself. That is how Task Bench has
    it, https://github.com/StanfordLegion/task-bench/blob/master/scripts/chart_metg.py (`time_per_task`).
    """
    return length_at(efficiency, target) / target


def length_at(efficiency: dict[float, float], target: float) -> float:
    """Return how long a task is, by itself, at which efficiency is ``target``: between two, on logarithmic axes.

    0 where even the shortest tasks that were tried reached it, infinity where none did.
    """
    for (shorter, low), (longer, high) in pairwise(sorted(efficiency.items())):
        if low < target <= high:
            share = (log(target) - log(low)) / (log(high) - log(low))
            return exp(log(shorter) + share * (log(longer) - log(shorter)))
    return 0.0 if max(efficiency.values()) >= target else inf


def grid_of(cell: Cell, rebuilt: bool) -> dict[tuple[int, float], float]:
    """Return seconds per task by payload and compute time, medians: a round on a pool of its own, or on a kept one.

    Per task, because a plain loop has fewer of them. Who rebuilds the pool pays for its start and its end.
    """
    return _medians(_by_cell(cell.timed, rebuilt))


def seconds_by_cell(trial: Trial) -> dict[tuple[int, float], float]:
    """Return what `grid_of` says of one trial, with its pools kept."""
    return _medians(_by_cell([trial], rebuilt=False))


def _by_cell(trials: Sequence[Trial], rebuilt: bool) -> dict[tuple[int, float], list[float]]:
    found: dict[tuple[int, float], list[float]] = {}
    for trial in trials:
        for pool in trial["pools"]:
            key = pool["label"]["payload_bytes"], pool["label"]["compute_s"]
            for round_ in pool["rounds"]:
                if round_["label"]["what"] == ("cold" if rebuilt else "warm"):
                    seconds = round_["seconds"] + (pool["shutdown_s"] if rebuilt else 0.0)
                    found.setdefault(key, []).append(seconds / round_["label"]["tasks"])
    return found


def _medians(samples: dict[tuple[int, float], list[float]]) -> dict[tuple[int, float], float]:
    return {key: median(values) for key, values in samples.items()}


def rebuilding_s(cell: Cell) -> list[float]:
    """Return for every cell of the grid what a pool's start and end cost: first round less a later one, and the end."""
    found = []
    for trial in cell.timed:
        for pool in trial["pools"]:
            seconds = {
                what: [r["seconds"] for r in pool["rounds"] if r["label"]["what"] == what] for what in ("cold", "warm")
            }
            if seconds["cold"]:
                found.append(seconds["cold"][0] - median(seconds["warm"]) + pool["shutdown_s"])
    return found


def refusals(cell: Cell) -> Sequence[str]:
    """Return why cells of the grid were not tried."""
    return sorted({pool["refused"] for trial in cell.timed for pool in trial["pools"] if pool["refused"]})
