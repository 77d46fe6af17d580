"""What a scheduler costs: tasks that do nothing, more and more of them; graphs of them with more and more edges.

One round of one task is a latency; rounds of many give the cost per task; the first round of a pool includes its start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from itertools import count as count_from
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

from params import Params
from trial.tasklog import count, moment_is
from trial.workload import Kernel, Node, Pool, Round
from workloads import graphs as shapes
from workloads.settling import TASK_S, settled

PARAMS = ("overhead_tasks", "overhead_budget_s", "latency_tasks", "overhead_edges", "seed")
NOT_IN_PARENT = ()
BARE = False
SAMPLED = True
EVERY_COUNT = False
PATIENCE = 3

TASK_BYTES = 10_000  # that a scheduler may keep of a queued task
PROCESS_BYTES = 100 * 2**20
FACTOR = sqrt(10)  # from one number of tasks to the next
REPEATS, REPEATED_S = 5, 0.1  # rounds of as many tasks: one is short and noisy where tasks are cheap
GRAPH_WIDTH, GRAPH_DEPTH = 100, 3  # of the layered graphs
TREE_LEAVES = 150  # so that a tree has as many tasks
GRAPH_REPEATS = 3


class Inputs(NamedTuple):
    """As in `params`."""

    most_tasks: int
    budget_s: float
    latency_tasks: int
    edges: tuple[int, ...]


def nothing(number: int, seconds: float = 0.0) -> int:
    """Task: be counted, and return the number; wait before, where that is asked for."""
    count(number)
    if seconds:
        time.sleep(seconds)
    return number


def combine(number: int, position: int, seconds: float, *inputs: int) -> int:
    """Task of a graph: be counted, and return what `graphs.value` says; wait before, where that is asked for."""
    count(number)
    if seconds:
        time.sleep(seconds)
    return shapes.value(position, inputs)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `contract.Workload`. Raises ValueError for more edges than a layer has tasks."""
    if most := [edges for edges in params.overhead_edges if edges > GRAPH_WIDTH]:
        raise ValueError(f"overhead_edges has {most[0]}: a task can need at most {GRAPH_WIDTH} others")
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `contract.Workload`."""
    return Inputs(params.overhead_tasks, params.overhead_budget_s, params.latency_tasks, params.overhead_edges)


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `contract.Workload`."""
    return n_jobs * PROCESS_BYTES + params.overhead_tasks * TASK_BYTES, 2**20


def pools(inputs: Inputs, n_jobs: int, kernel: Kernel, graphs: bool) -> Iterator[Pool]:
    """See `contract.Rounds`: the first start of a pool in this interpreter and what runs on it, and a second start."""
    numbers = count_from()
    if graphs:
        yield Pool({"start": "cold"}, combine, _graph_rounds(inputs, n_jobs, numbers))
        return
    yield Pool({"start": "cold"}, nothing, _rounds(inputs, n_jobs, numbers))
    yield Pool({"start": "warm"}, nothing, _one_round(numbers))


def _round(what: str, numbers: Iterator[int], tasks: int, *arguments: Any) -> Round:
    chosen = [next(numbers) for _ in range(tasks)]
    return Round({"what": what, "tasks": tasks}, [(number, *arguments) for number in chosen], _all_of(chosen))


def _all_of(expected: list[int]) -> Callable[[list[int]], str | None]:
    def wrong(results: list[int]) -> str | None:
        return None if sorted(results) == expected else f"{len(results)} results that are not those of the tasks asked"

    return wrong


def _one_round(numbers: Iterator[int]) -> Generator[Round, float, None]:
    yield _round("start", numbers, 1)


def _rounds(inputs: Inputs, n_jobs: int, numbers: Iterator[int]) -> Generator[Round, float, None]:
    yield _round("start", numbers, 1)
    yield from settled(lambda: _round("settling", numbers, n_jobs, TASK_S))
    spent = 0.0
    for _ in range(inputs.latency_tasks):
        spent += yield _round("latency", numbers, 1)
        if spent > inputs.budget_s / 4:
            break
    moment_is("ready")
    tasks, spent = FACTOR, 0.0
    while round(tasks) <= inputs.most_tasks:
        times: list[float] = []
        while len(times) < REPEATS and sum(times) < REPEATED_S:
            times.append((yield _round("tasks", numbers, round(tasks))))
        spent += sum(times)
        if spent + FACTOR * max(times) > inputs.budget_s:
            break
        tasks *= FACTOR


def _graph_rounds(inputs: Inputs, n_jobs: int, numbers: Iterator[int]) -> Generator[Round, float, None]:
    yield graph_round({"what": "start"}, shapes.layered(1, 1, 0), numbers, 0.0)
    yield from settled(lambda: graph_round({"what": "settling"}, shapes.layered(n_jobs, 1, 0), numbers, TASK_S))
    spent, layered = 0.0, [shapes.layered(GRAPH_WIDTH, GRAPH_DEPTH, edges) for edges in inputs.edges]
    named = [*(("layered", shape) for shape in layered), ("tree", shapes.tree(TREE_LEAVES))]
    for _ in range(GRAPH_REPEATS):
        for name, shape in named:
            spent += yield graph_round({"what": "graph", "shape": name}, shape, numbers, 0.0)
            if spent > inputs.budget_s:
                return


def graph_round(
    label: dict[str, Any], shape: shapes.Shape, numbers: Iterator[int], *arguments: Any, computed: tuple[int, ...] = ()
) -> Round:
    """Return a round of a graph; its tasks' arguments are their number, their position, and ``arguments``.

    ``computed``: what tasks give `graphs.value` besides the results that they need.
    """
    nodes = [Node((next(numbers), position, *arguments), needs) for position, needs in enumerate(shape)]
    reference = shapes.values(shape, computed)
    expected = sorted(reference[position] for position in shapes.sinks(shape))

    def wrong(results: list[int]) -> str | None:
        return None if sorted(results) == expected else f"the graph's {len(expected)} results are not those expected"

    return Round({**label, "tasks": len(shape), "edges": shapes.edges(shape)}, nodes, wrong)
