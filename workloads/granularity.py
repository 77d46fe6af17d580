"""How fine tasks may be: a fixed amount of work in shorter and shorter tasks, against the same without the library.

The search is for the shortest mean task (wall time x workers / tasks) at which a library still does half of the work
that the same cores do without it in the same time. It goes down in large steps, then bisects, on a logarithmic axis,
where efficiency crosses each of TARGETS. Task Bench's METG (Slaughter et al., SC'20,
https://doi.org/10.1109/SC41405.2020.00066) is another number: there, the number of tasks is fixed and their kernel
shrinks, and the best rate of any length is the reference.
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
from record.terms import COLD, KEPT, POINT, SCATTERED
from trial.kernel import compute
from trial.patterns import Graph, Map
from trial.tasklog import count
from trial.workload import Pool, Round, Setting
from workloads import graphs as shapes
from workloads.overhead import graph_round
from workloads.settling import TASK_S, settled

PATTERNS = ("map", "graph")
PARAMS = ("granularity_work_s", "granularity_repeats", "seed")
# Not asked here: how a pool starts, and what payloads cost. One core does the same as a plain loop.
LEFT_OUT = {
    ("varies_start", True): "",
    ("varies_scheduler", True): "",
    ("keeps_pool", False): "",
    ("shares", SCATTERED): "",
}
RECORDED = False
BARE = True
SAMPLED = False
TIMES_KERNEL = True
PATIENCE = 10

PROCESS_BYTES = 100 * 2**20
INDEPENDENT = "independent"
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
    """See `Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    return Inputs(params.granularity_work_s, params.granularity_repeats, params.seed)


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`."""
    return n_jobs * PROCESS_BYTES + 2**30, 2**20


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: a pool for every shape of the work."""
    numbers = count_from()
    graphs = setting.pattern == "graph"
    for shape in ("stencil", "tree", "random") if graphs else (INDEPENDENT,):
        search = _Search(shape, inputs, setting, numbers)
        yield Pool(Graph(work_in_graph) if graphs else Map(work), search.rounds(), {"pattern": shape})


class _Search:
    """The rounds in which the shortest tasks are searched for, with work of one shape."""

    def __init__(self, shape: str, inputs: Inputs, setting: Setting, numbers: Iterator[int]) -> None:
        self.shape, self.inputs, self.setting, self.numbers = shape, inputs, setting, numbers
        self.efficiencies: dict[int, float] = {}  # efficiency by iterations

    def rounds(self) -> Generator[Round, float, None]:
        """Yield rounds on the pool until it is up, then pairs of rounds, one of them without the library."""
        kernel, work_s, n_jobs = self.setting.kernel, self.inputs.work_s, self.setting.n_jobs
        short = kernel.iterations(TASK_S)
        yield self._round(COLD, n_jobs, short)
        yield self._round(KEPT, n_jobs, short)  # at least one, where the pool is up at once
        yield from settled(lambda: self._round(KEPT, n_jobs, short))
        iterations = kernel.iterations(work_s / LONGEST)
        while True:
            yield from self._measure(iterations)
            shorter = max(1, iterations // STEP)
            too_many = work_s * n_jobs / kernel.seconds(shorter) > MOST_TASKS
            # At an efficiency of 1 / n_jobs, all workers do as much as one core: below that, parallel is pointless.
            if self.efficiencies[iterations] < min(*TARGETS, 1 / n_jobs) or iterations == 1 or too_many:
                break
            iterations = shorter
        for target in TARGETS:
            while between := crossing(self.efficiencies, target):
                middle = round(sqrt(between[0] * between[1]))
                if kernel.seconds(between[1]) / kernel.seconds(between[0]) <= PRECISION or middle in self.efficiencies:
                    break
                yield from self._measure(middle)

    def _measure(self, iterations: int) -> Generator[Round, float, None]:
        """Find the efficiency with tasks of so many iterations: the median of paired rounds."""
        tasks = _tasks(self.inputs.work_s, self.setting.kernel.seconds(iterations), self.setting.n_jobs)
        ratios = []
        for _ in range(self.inputs.repeats):
            # Each round has tasks of its own, because every task is counted.
            bare_s = yield self._round(POINT, tasks, iterations, bare=True)
            library_s = yield self._round(POINT, tasks, iterations)
            ratios.append(bare_s / library_s)
        self.efficiencies[iterations] = median(ratios)

    def _round(self, phase: str, tasks: int, iterations: int, *, bare: bool = False) -> Round:
        seconds = self.setting.kernel.seconds(iterations)
        label: dict[str, Any] = {"pattern": self.shape, "iterations": iterations, "task_s": seconds}
        if self.shape != INDEPENDENT:
            # Until the pool is up, one layer of tasks.
            shape = self._graph(tasks) if phase == POINT else shapes.layered(tasks, 1, 0)
            computed = (compute(iterations),)
            return graph_round(phase, label, shape, self.numbers, iterations, computed=computed, bare=bare)
        chosen = [next(self.numbers) for _ in range(tasks)]

        def wrong(results: list[tuple[int, int]]) -> str | None:
            computed = compute(iterations)
            right = [number for number, given in results if given == computed]
            return None if sorted(right) == chosen else f"{len(right)} of {tasks} results are right"

        return Round(phase, [(number, iterations) for number in chosen], wrong, bare, label)

    def _graph(self, tasks: int) -> shapes.Shape:
        width = WIDTH * self.setting.n_jobs
        depth = max(1, tasks // width)
        if self.shape == "tree":
            return shapes.tree(max(1, (tasks + 1) // 2))
        if self.shape == "stencil":
            return shapes.stencil(width, depth)
        return shapes.random(width, depth, RANDOM_NEEDS, self.inputs.seed)


def crossing(efficiency: dict[int, float], target: float) -> tuple[int, int] | None:
    """Return the two neighbours between which efficiency crosses ``target``, at the shortest tasks; None if nowhere."""
    lengths = sorted(efficiency)
    pairs = [(a, b) for a, b in pairwise(lengths) if efficiency[a] < target <= efficiency[b]]
    return pairs[0] if pairs else None


def _tasks(work_s: float, task_s: float, n_jobs: int) -> int:
    """Return how many tasks make up the work: the same number for every worker, so that all can end together."""
    return n_jobs * max(LONGEST, round(work_s / task_s))
