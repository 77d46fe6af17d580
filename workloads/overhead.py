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
from record.terms import COLD, GRAPH, KEPT, SCATTERED, SETTLING, TASKS
from trial.patterns import Graph, Map, Node
from trial.tasklog import count, moment_is
from trial.workload import Pool, Round, Setting
from workloads import graphs as shapes
from workloads.settling import TASK_S, settled

PATTERNS = ("map", "graph")
PARAMS = ("overhead_tasks", "overhead_budget_s", "latency_tasks", "overhead_edges", "seed")
LEFT_OUT = {("keeps_pool", False): "", ("shares", SCATTERED): ""}  # they change only the start, and payloads
RECORDED = False
EVERY_COUNT = False
PATIENCE = 3

TASK_BYTES = 10_000  # that a scheduler may keep of a queued task
PROCESS_BYTES = 100 * 2**20
FACTOR = sqrt(10)  # from one number of tasks to the next
REPEATS, REPEATED_S = 5, 0.1  # rounds of the same size: a single one is short and noisy where tasks are cheap
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
    """Task: count this task, wait ``seconds``, and return the number."""
    count(number)
    if seconds:
        time.sleep(seconds)
    return number


def combine(number: int, position: int, seconds: float, *inputs: int) -> int:
    """Task of a graph: count this task, wait ``seconds``, and return what `graphs.value` says."""
    count(number)
    if seconds:
        time.sleep(seconds)
    return shapes.value(position, inputs)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`. Raises ValueError for more edges than a layer has tasks."""
    if most := [edges for edges in params.overhead_edges if edges > GRAPH_WIDTH]:
        raise ValueError(f"overhead_edges has {most[0]}: a task can need at most {GRAPH_WIDTH} others")
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    return Inputs(params.overhead_tasks, params.overhead_budget_s, params.latency_tasks, params.overhead_edges)


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`."""
    return n_jobs * PROCESS_BYTES + params.overhead_tasks * TASK_BYTES, 2**20


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: the first start of a pool in this interpreter and what runs on it, and a second start."""
    numbers = count_from()
    if setting.pattern == "graph":
        yield Pool(Graph(combine), _graph_rounds(inputs, setting, numbers), {"start": "cold"})
        return
    yield Pool(Map(nothing), _rounds(inputs, setting.n_jobs, numbers), {"start": "cold"})
    yield Pool(Map(nothing), _one_round(numbers), {"start": "warm"})


def _round(phase: str, numbers: Iterator[int], tasks: int, *arguments: Any) -> Round:
    chosen = [next(numbers) for _ in range(tasks)]
    return Round(phase, [(number, *arguments) for number in chosen], _all_of(chosen))


def _all_of(expected: list[int]) -> Callable[[list[int]], str | None]:
    def wrong(results: list[int]) -> str | None:
        return None if sorted(results) == expected else f"{len(results)} results that are not those of the tasks asked"

    return wrong


def _one_round(numbers: Iterator[int]) -> Generator[Round, float, None]:
    yield _round(COLD, numbers, 1)


def _rounds(inputs: Inputs, n_jobs: int, numbers: Iterator[int]) -> Generator[Round, float, None]:
    yield _round(COLD, numbers, 1)
    yield from settled(lambda: _round(SETTLING, numbers, n_jobs, TASK_S))
    spent = 0.0
    for _ in range(inputs.latency_tasks):
        spent += yield _round(KEPT, numbers, 1)
        if spent > inputs.budget_s / 4:
            break
    moment_is("ready")
    tasks, spent = FACTOR, 0.0
    while round(tasks) <= inputs.most_tasks:
        times: list[float] = []
        while len(times) < REPEATS and sum(times) < REPEATED_S:
            times.append((yield _round(TASKS, numbers, round(tasks))))
        spent += sum(times)
        if spent + FACTOR * max(times) > inputs.budget_s:
            break
        tasks *= FACTOR


def _graph_rounds(inputs: Inputs, setting: Setting, numbers: Iterator[int]) -> Generator[Round, float, None]:
    def trivial(phase: str) -> Round:
        return graph_round(phase, {}, shapes.layered(1, 1, 0), numbers, 0.0)

    yield trivial(COLD)
    yield from settled(lambda: graph_round(SETTLING, {}, shapes.layered(setting.n_jobs, 1, 0), numbers, TASK_S))
    for _ in range(setting.kept_rounds):
        yield trivial(KEPT)
    spent, layered = 0.0, [shapes.layered(GRAPH_WIDTH, GRAPH_DEPTH, edges) for edges in inputs.edges]
    named = [*(("layered", shape) for shape in layered), ("tree", shapes.tree(TREE_LEAVES))]
    for _ in range(GRAPH_REPEATS):
        for name, shape in named:
            spent += yield graph_round(GRAPH, {"shape": name}, shape, numbers, 0.0)
            if spent > inputs.budget_s:
                return


def graph_round(
    phase: str,
    label: dict[str, Any],
    shape: shapes.Shape,
    numbers: Iterator[int],
    *arguments: Any,
    computed: tuple[int, ...] = (),
    bare: bool = False,
) -> Round:
    """Return a round of a graph; its tasks' arguments are their number, their position, and ``arguments``.

    ``computed``: what tasks give `graphs.value` besides the results that they need.
    """
    wanted = set(shapes.sinks(shape))
    nodes = [
        Node((next(numbers), position, *arguments), needs, position in wanted) for position, needs in enumerate(shape)
    ]
    reference = shapes.values(shape, computed)
    expected = sorted(reference[position] for position in wanted)

    def wrong(results: list[int]) -> str | None:
        return None if sorted(results) == expected else f"the graph's {len(expected)} results are not those expected"

    return Round(phase, nodes, wrong, bare, {**label, "edges": shapes.edges(shape)})
