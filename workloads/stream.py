"""Input without end, and a slow consumer: how far ahead is it drawn, what is held, and does it stop in the middle?

Tasks are drawn from a generator, and results taken one at a time. A first round and a second one have a fast consumer
and an end. In the third, the consumer pauses after each result, and stops long before the input ends.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from functools import partial
from itertools import count as count_from
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from params import Params
from record.terms import CALLER, COLD, KEPT, SLOW
from trial.patterns import Stream
from trial.tasklog import count
from trial.workload import Drawn, Pool, Round, Setting
from workloads.held import held_now

PATTERNS = ("stream",)
PARAMS = ("stream_tasks", "stream_taken", "stream_most")
LEFT_OUT = {("workers", CALLER): ""}  # a loop draws one task, and gives its result
RECORDED = False
SAMPLED = False
EVERY_COUNT = False
MAY_DROP = True

TASK_S = 0.001
PAUSE_S = 0.01  # of the slow consumer: on 2 workers, tasks end 20 times as fast
PAYLOAD_BYTES = 50_000  # of a task, and of its result
PROCESS_BYTES = 100 * 2**20


class Inputs(NamedTuple):
    """As in `params`."""

    tasks: int
    taken: int
    most: int


def work(number: int, payload: bytes) -> tuple[int, bytes]:
    """Task: wait a moment; return the number, and what came with it."""
    count(number)
    time.sleep(TASK_S)
    return number, payload


def payload_of(number: int) -> bytes:
    """Return what a task carries: no two alike."""
    return number.to_bytes(8, "big") * (PAYLOAD_BYTES // 8)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    return Inputs(params.stream_tasks, params.stream_taken, params.stream_most)


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`. At worst, all that can be drawn is held three times: as it came, on its way, and as a result."""
    return n_jobs * PROCESS_BYTES + 3 * params.stream_most * PAYLOAD_BYTES, params.stream_most * PAYLOAD_BYTES


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: one pool with all rounds."""
    yield Pool(Stream(work), _rounds(inputs, setting.n_jobs))


def _rounds(inputs: Inputs, n_jobs: int) -> Generator[Round, float, None]:
    numbers = count_from()
    yield _round(COLD, numbers, 4 * n_jobs, 4 * n_jobs, 0.0)
    for phase, most, wanted, pause_s in (
        (KEPT, inputs.tasks, inputs.tasks, 0.0),
        (SLOW, inputs.most, inputs.taken, PAUSE_S),
    ):
        round_ = _round(phase, numbers, most, wanted, pause_s)
        yield round_
        round_.label.update(held_now())


def _round(phase: str, numbers: Iterator[int], most: int, wanted: int, pause_s: float) -> Round:
    """Return a round whose input has ``most`` tasks, of which the consumer takes ``wanted`` results."""
    tasks = Drawn((number, payload_of(number)) for number in islice(numbers, most))
    label: dict[str, str | int | float] = {}
    return Round(phase, tasks, partial(wrong, wanted), label=label, take=partial(_take, tasks, wanted, pause_s, label))


def _take(tasks: Drawn, wanted: int, pause_s: float, label: dict[str, str | int | float], results: Any) -> list[Any]:
    """Return the first ``wanted`` results; write into ``label`` how far ahead the input was drawn, and their order."""
    taken: list[Any] = []
    ahead = 0
    for result in results:
        taken.append(result)
        ahead = max(ahead, tasks.count - len(taken))
        if len(taken) == wanted:
            break
        time.sleep(pause_s)
    tasks.end()
    numbers = [number for number, _ in taken]
    label |= {"most_ahead": ahead, "in_order": int(numbers == sorted(numbers))}
    return taken


def wrong(wanted: int, results: list[tuple[int, bytes]]) -> str | None:
    """As many results as were wanted must come, each what came with its number, and none twice."""
    numbers = [number for number, _ in results]
    if len(numbers) != wanted:
        return f"{len(numbers)} results came, {wanted} were wanted"
    if len(set(numbers)) != len(numbers):
        return f"{len(numbers) - len(set(numbers))} results came twice"
    odd = next((number for number, payload in results if payload != payload_of(number)), None)
    return None if odd is None else f"the result of task {odd} is not what it was called with"
