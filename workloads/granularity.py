"""How fine tasks may be: a fixed amount of work in shorter and shorter tasks, against the same without the library.

METG(50 %), the minimum effective task granularity, is the shortest mean task (wall time times workers, by tasks) at
which a library still does half of the work that the same cores do without it in the same time (Slaughter et al., "Task
Bench", SC'20, https://doi.org/10.1109/SC41405.2020.00066). The search goes down in large steps, then bisects where
efficiency crosses each of TARGETS, on a logarithmic axis.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import count as count_from
from itertools import pairwise
from math import sqrt
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from params import Params
from trial.kernel import compute
from trial.tasklog import count
from trial.workload import Kernel, Pool, Round
from workloads import graphs as shapes
from workloads.overhead import graph_round
from workloads.settling import TASK_S, settled

PARAMS = ("granularity_work_s", "granularity_repeats", "seed")
NOT_IN_PARENT = ()
BARE = True
SAMPLED = False
EVERY_COUNT = True
PATIENCE = 10

PROCESS_BYTES = 100 * 2**20
TARGETS = (0.5, 0.9)  # efficiencies
LONGEST = 4  # tasks per worker, where the search begins
STEP = 4  # from one length to the next, before bisecting
PRECISION = 1.21  # ratio of the two lengths that a crossing lies between, at most: ± 10 %
MOST_TASKS = 2**18
WIDTH = 4  # tasks per worker in a layer of a graph
RANDOM_NEEDS = 3


class Inputs(NamedTuple):
    """``work_s``: of every worker, in each round."""

    work_s: float
    repeats: int
    seed: int


def work(number: int, iterations: int) -> tuple[int, int]:
    """Task: compute; return the number and what was computed."""
    count(number)
    return number, compute(iterations)


def work_in_graph(number: int, position: int, iterations: int, *inputs: int) -> int:
    """Task of a graph: compute, and return what `graphs.value` says."""
    count(number)
    return shapes.value(position, (compute(iterations), *inputs))


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `contract.Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `contract.Workload`."""
    return Inputs(params.granularity_work_s, params.granularity_repeats, params.seed)


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `contract.Workload`."""
    return n_jobs * PROCESS_BYTES + 2**30, 2**20


def pools(inputs: Inputs, n_jobs: int, kernel: Kernel, graphs: bool) -> Iterator[Pool]:
    """See `contract.Rounds`: a pool for every pattern."""
    numbers = count_from()
    for pattern in ("stencil", "tree", "random") if graphs else ("independent",):
        rounds = _search(pattern, inputs, n_jobs, kernel, numbers)
        yield Pool({"pattern": pattern}, work_in_graph if graphs else work, rounds)


def _search(
    pattern: str, inputs: Inputs, n_jobs: int, kernel: Kernel, numbers: Iterator[int]
) -> Generator[Round, float, None]:
    def measure(iterations: int) -> Generator[Round, float, float]:
        """Return the efficiency with tasks of so many iterations: the median of paired rounds."""
        tasks = _tasks(inputs.work_s, iterations, n_jobs, kernel)
        ratios = []
        for _ in range(inputs.repeats):
            # Both rounds are of tasks of their own, each of which is counted.
            bare_s = yield _round(pattern, tasks, iterations, n_jobs, inputs.seed, kernel, numbers, bare=True)
            library_s = yield _round(pattern, tasks, iterations, n_jobs, inputs.seed, kernel, numbers)
            ratios.append(bare_s / library_s)
        return median(ratios)

    start = kernel.iterations(TASK_S)
    yield from settled(
        lambda: _round(
            "independent" if pattern == "independent" else "stencil",
            n_jobs,
            start,
            n_jobs,
            inputs.seed,
            kernel,
            numbers,
            what="settling",
        )
    )
    found: dict[int, float] = {}
    iterations = kernel.iterations(inputs.work_s / LONGEST)
    while True:
        found[iterations] = yield from measure(iterations)
        shorter = max(1, iterations // STEP)
        too_many = inputs.work_s * n_jobs / kernel.seconds(shorter) > MOST_TASKS
        # As much is done as by one core where efficiency is 1 / n_jobs: below that, parallel is pointless.
        if found[iterations] < min(*TARGETS, 1 / n_jobs) or iterations == 1 or too_many:
            break
        iterations = shorter
    for target in TARGETS:
        while between := crossing(found, target):
            middle = round(sqrt(between[0] * between[1]))
            if kernel.seconds(between[1]) / kernel.seconds(between[0]) <= PRECISION or middle in found:
                break
            found[middle] = yield from measure(middle)


def crossing(found: dict[int, float], target: float) -> tuple[int, int] | None:
    """Return the two neighbours between which efficiency crosses ``target``, at the shortest tasks; None if nowhere."""
    lengths = sorted(found)
    pairs = [(a, b) for a, b in pairwise(lengths) if found[a] < target <= found[b]]
    return pairs[0] if pairs else None


def _tasks(work_s: float, iterations: int, n_jobs: int, kernel: Kernel) -> int:
    """Return how many tasks make up the work: as many for every worker, so that they can end together."""
    return n_jobs * max(LONGEST, round(work_s / kernel.seconds(iterations)))


def _round(
    pattern: str,
    tasks: int,
    iterations: int,
    n_jobs: int,
    seed: int,
    kernel: Kernel,
    numbers: Iterator[int],
    *,
    bare: bool = False,
    what: str = "point",
) -> Round:
    label: dict[str, Any] = {
        "what": what,
        "pattern": pattern,
        "iterations": iterations,
        "task_s": kernel.seconds(iterations),
    }
    if pattern != "independent":
        shape, computed = _shape(pattern, tasks, n_jobs, seed), (compute(iterations),)
        made = graph_round(label, shape, numbers, iterations, computed=computed)
        return Round(made.label, made.tasks, made.wrong, bare)
    chosen = [next(numbers) for _ in range(tasks)]

    def wrong(results: list[tuple[int, int]]) -> str | None:
        computed = compute(iterations)
        right = [number for number, found in results if found == computed]
        return None if sorted(right) == chosen else f"{len(right)} of {tasks} results are right"

    return Round({**label, "tasks": tasks}, [(number, iterations) for number in chosen], wrong, bare)


def _shape(pattern: str, tasks: int, n_jobs: int, seed: int) -> shapes.Shape:
    width = WIDTH * n_jobs
    depth = max(1, tasks // width)
    if pattern == "tree":
        return shapes.tree(max(1, (tasks + 1) // 2))
    if pattern == "stencil":
        return shapes.stencil(width, depth)
    return shapes.random(width, depth, RANDOM_NEEDS, seed)
