"""Compute against payload: rounds of equal tasks that receive bytes, compute for a while, and send as many bytes back.

Every cell of the grid gets a pool of its own: its first round is cold, with the start-up ("rebuilt each time"), the
others are warm ("kept").
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator
from itertools import count as count_from
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from params import Params
from trial.kernel import compute
from trial.tasklog import count
from trial.workload import Kernel, Pool, Round
from workloads.settling import TASK_S, settled

PARAMS = ("grid_payload_bytes", "grid_compute_s", "grid_tasks_per_worker", "grid_warm_rounds", "seed")
NOT_IN_PARENT = ()
BARE = False
SAMPLED = False
EVERY_COUNT = False
PATIENCE = 20

PROCESS_BYTES = 100 * 2**20
HELD = 6  # copies of a round's payload: sent and received, as arrays, as pickles, and in a store
HELD_SHARED = 2  # of those, in shared memory; joblib keeps what it has mapped there until the pool is closed


class Inputs(NamedTuple):
    """As in `params`."""

    payload_bytes: tuple[int, ...]
    compute_s: tuple[float, ...]
    tasks_per_worker: int
    warm_rounds: int
    seed: int


def transform(number: int, payload: Any, iterations: int) -> tuple[int, int, Any]:
    """Task: compute; return the number, what was computed, and ``payload``, an array of uint8, with all bits turned."""
    import numpy as np

    count(number)
    return number, compute(iterations), np.invert(payload)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `contract.Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `contract.Workload`."""
    import numpy  # noqa: F401 -- who has arrays has it loaded: forked workers inherit it

    return Inputs(
        params.grid_payload_bytes,
        params.grid_compute_s,
        params.grid_tasks_per_worker,
        params.grid_warm_rounds,
        params.seed,
    )


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `contract.Workload`."""
    payload = max(params.grid_payload_bytes) * params.grid_tasks_per_worker * n_jobs
    return n_jobs * PROCESS_BYTES + HELD * payload, HELD_SHARED * payload


def pools(inputs: Inputs, n_jobs: int, kernel: Kernel, graphs: bool) -> Iterator[Pool]:
    """See `contract.Rounds`: a pool for every cell, in a random order."""
    numbers = count_from()
    cells = list(product(inputs.payload_bytes, inputs.compute_s))
    random.Random(inputs.seed).shuffle(cells)
    tasks = inputs.tasks_per_worker * n_jobs
    for payload_bytes, compute_s in cells:
        label: dict[str, Any] = {"payload_bytes": payload_bytes, "compute_s": compute_s}
        if refused := too_large(payload_bytes * tasks, 1 + inputs.warm_rounds):
            yield Pool(label, transform, None, refused)
        else:
            yield Pool(label, transform, _rounds(inputs, label, n_jobs, kernel, numbers))


def too_large(round_bytes: int, rounds: int) -> str:
    """Return why rounds with payloads of so many bytes are not tried, or an empty string."""
    from harness.machine import room  # in the trial's own interpreter only: workers call nothing here

    if (held := HELD * round_bytes) > (available := room.available_bytes()):
        return f"its payloads need about {held} bytes of memory, {available} are available"
    shared, free = HELD_SHARED * rounds * round_bytes, room.shared_free_bytes()
    if free is not None and shared > free:
        return f"its payloads need about {shared} bytes of {room.SHARED_MEMORY}, {free} are free"
    return ""


def _rounds(
    inputs: Inputs, label: dict[str, Any], n_jobs: int, kernel: Kernel, numbers: Iterator[int]
) -> Generator[Round, float, None]:
    def of(what: str, tasks: int, payload_bytes: int, compute_s: float) -> Round:
        told = {"what": what, "tasks": tasks}
        chosen = [next(numbers) for _ in range(tasks)]
        return _round(inputs.seed, told, chosen, payload_bytes, kernel.iterations(compute_s))

    cell = (inputs.tasks_per_worker * n_jobs, label["payload_bytes"], label["compute_s"])
    yield of("cold", *cell)
    yield from settled(lambda: of("settling", n_jobs, 1, TASK_S))
    for _ in range(inputs.warm_rounds):
        yield of("warm", *cell)


def _round(seed: int, label: dict[str, Any], numbers: list[int], payload_bytes: int, iterations: int) -> Round:
    import numpy as np

    # Arrays of their own: one array for all tasks would be pickled once for all that travel together.
    random_bytes = np.random.default_rng(seed).integers(0, 256, payload_bytes, dtype=np.uint8)
    payloads = {number: random_bytes ^ np.uint8(number % 256) for number in numbers}

    def wrong(results: list[tuple[int, int, Any]]) -> str | None:
        computed = compute(iterations)
        right = [
            number
            for number, found, turned in results
            if found == computed and np.array_equal(np.invert(payloads[number]), turned)
        ]
        return None if sorted(right) == numbers else f"{len(right)} of {len(numbers)} results are right"

    return Round(label, [(number, payload, iterations) for number, payload in payloads.items()], wrong)
