"""Many tasks on one pool, then one pool after another: does memory grow, do tasks slow down, what is left over?

Each task allocates and frees pieces of unequal size, as real tasks do. After each stretch of tasks, off the clock, the
memory, threads and descriptors of the trial's processes are counted.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial
from itertools import count as count_from
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, NamedTuple

from params import Params
from record.terms import COLD, SCATTERED, STRETCH
from trial.patterns import Map
from trial.tasklog import count
from trial.workload import Pool, Round, Setting, by_number
from workloads.held import held_now

PATTERNS = ("map",)
PARAMS = ("soak_tasks", "soak_pools", "soak_budget_s")
SHOWS = ("renews",)
# What differs from these rows in start, batches or scheduler only keeps as much.
LEFT_OUT = {
    ("cluster", True): "",  # it acts on, or counts, this machine's own processes
    ("varies_start", True): "",
    ("varies_batches", True): "",
    ("varies_scheduler", True): "",
    ("shares", SCATTERED): "",
    ("keeps_pool", False): "",
}
RECORDED = False
SAMPLED = False
EVERY_COUNT = False
MOST_TRIALS = "soak_trials"
MAY_REPEAT = True  # Dask runs again what a worker had not handed on when its lifetime ended; the table says how many

STRETCHES = 20  # of the tasks on one pool
PIECES, LARGEST_PIECE_BYTES = 16, 200_000  # that a task holds at once
LARGEST_RESULT_BYTES = 4_000
PROCESS_BYTES = 100 * 2**20


class Inputs(NamedTuple):
    """As in `params`."""

    tasks: int
    pools: int
    budget_s: float


def churn(number: int) -> tuple[int, bytes]:
    """Task: hold pieces of unequal size for a moment; return the number, and one of many sizes of result."""
    count(number)
    sizes = Random(number)
    pieces = [b"x" * sizes.randrange(LARGEST_PIECE_BYTES) for _ in range(PIECES)]
    return number, pieces[0][: result_bytes(number)]


def result_bytes(number: int) -> int:
    """Return the size of a task's result, unless its first piece is smaller."""
    return number * 7919 % LARGEST_RESULT_BYTES


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    return Inputs(params.soak_tasks, params.soak_pools, params.soak_budget_s)


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`."""
    return n_jobs * (PROCESS_BYTES + PIECES * LARGEST_PIECE_BYTES), 2**20


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: one pool with all the tasks; then short-lived ones, as many as the budget allows."""
    numbers = count_from()
    yield Pool(Map(churn), _stretches(inputs, numbers))
    end = perf_counter() + inputs.budget_s
    for _ in range(inputs.pools):
        label = held_now()  # what the pools before it have left
        yield Pool(Map(churn), _one_round(numbers, setting.n_jobs), label)
        if perf_counter() > end:
            return


def _stretches(inputs: Inputs, numbers: Iterator[int]) -> Generator[Round, float, None]:
    for stretch in range(STRETCHES):
        round_ = _round(STRETCH if stretch else COLD, numbers, inputs.tasks // STRETCHES)
        yield round_
        round_.label.update(held_now())


def _one_round(numbers: Iterator[int], n_jobs: int) -> Generator[Round, float, None]:
    yield _round(COLD, numbers, 4 * n_jobs)


def _round(phase: str, numbers: Iterator[int], tasks: int) -> Round:
    chosen = [next(numbers) for _ in range(tasks)]
    return Round(phase, [(number,) for number in chosen], partial(wrong, range(chosen[0], chosen[-1] + 1)))


def wrong(numbers: range, results: Any) -> str | None:
    """Each result must be a piece of the size that belongs to its number."""
    values = by_number(results, numbers)
    for number, value in zip(numbers, values, strict=True):
        if value != b"x" * min(result_bytes(number), Random(number).randrange(LARGEST_PIECE_BYTES)):
            return f"the result of task {number} has {len(value)} bytes, or other ones"
    return None
