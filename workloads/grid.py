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
from record.terms import COLD, KEPT, SETTLING
from trial.kernel import compute
from trial.patterns import Map
from trial.tasklog import count
from trial.workload import Pool, Round, Setting
from workloads.settling import TASK_S, settled

PATTERNS = ("map",)
PARAMS = ("grid_payload_bytes", "grid_compute_s", "grid_tasks_per_worker", "seed")
# One map for each mechanism. A round has so few tasks that a batch is one task anyway.
LEFT_OUT = {("varies_batches", True): "", ("varies_scheduler", True): "", ("start", "forkserver"): ""}
RECORDED = False
SAMPLED = False
EVERY_COUNT = False
TIMES_KERNEL = True
PATIENCE = 20

PROCESS_BYTES = 100 * 2**20
HELD = 6  # copies of a round's payload: sent and received, as arrays, as pickles, and in a store
HELD_SHARED = 2  # of those, in shared memory; joblib keeps what it has mapped there until the pool is closed


class Inputs(NamedTuple):
    """As in `params`."""

    payload_bytes: tuple[int, ...]
    compute_s: tuple[float, ...]
    tasks_per_worker: int
    seed: int


def transform(number: int, payload: Any, iterations: int) -> tuple[int, int, Any]:
    """Task: compute; return the number, what was computed, and ``payload``, an array of uint8, with all bits turned."""
    import numpy as np

    count(number)
    return number, compute(iterations), np.invert(payload)


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    import numpy  # noqa: F401 -- a caller with arrays has loaded it: forked workers inherit it

    return Inputs(
        params.grid_payload_bytes,
        params.grid_compute_s,
        params.grid_tasks_per_worker,
        params.seed,
    )


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`."""
    payload = max(params.grid_payload_bytes) * params.grid_tasks_per_worker * n_jobs
    return n_jobs * PROCESS_BYTES + HELD * payload, HELD_SHARED * payload


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: a pool for every cell, in a random order."""
    numbers = count_from()
    cells = list(product(inputs.payload_bytes, inputs.compute_s))
    random.Random(inputs.seed).shuffle(cells)
    for payload_bytes, compute_s in cells:
        label: dict[str, Any] = {"payload_bytes": payload_bytes, "compute_s": compute_s}
        refused = too_large(payload_bytes * inputs.tasks_per_worker * setting.n_jobs, setting)
        rounds = None if refused else _rounds(inputs, payload_bytes, compute_s, setting, numbers)
        yield Pool(Map(transform), rounds, label, refused)


def too_large(round_bytes: int, setting: Setting) -> str:
    """Return why rounds with payloads of so many bytes are not tried, or an empty string."""
    if (held := HELD * round_bytes) > setting.free_bytes:
        return f"its payloads need about {held} bytes of memory, {setting.free_bytes} are available"
    shared, free = HELD_SHARED * (1 + setting.kept_rounds) * round_bytes, setting.shared_free_bytes
    if free is not None and shared > free:
        return f"its payloads need about {shared} bytes of /dev/shm, {free} are free"
    return ""


def _rounds(
    inputs: Inputs, payload_bytes: int, compute_s: float, setting: Setting, numbers: Iterator[int]
) -> Generator[Round, float, None]:
    def of(phase: str, tasks: int, payload_bytes: int, compute_s: float) -> Round:
        chosen = [next(numbers) for _ in range(tasks)]
        return _round(inputs.seed, phase, chosen, payload_bytes, setting.kernel.iterations(compute_s))

    cell = (inputs.tasks_per_worker * setting.n_jobs, payload_bytes, compute_s)
    yield of(COLD, *cell)
    yield from settled(lambda: of(SETTLING, setting.n_jobs, 1, TASK_S))
    for _ in range(setting.kept_rounds):
        yield of(KEPT, *cell)


def _round(seed: int, phase: str, numbers: list[int], payload_bytes: int, iterations: int) -> Round:
    import numpy as np

    # Each task has an array of its own: one array for all tasks would be pickled only once per message.
    random_bytes = np.random.default_rng(seed).integers(0, 256, payload_bytes, dtype=np.uint8)
    payloads = {number: random_bytes ^ np.uint8(number % 256) for number in numbers}

    def wrong(results: list[tuple[int, int, Any]]) -> str | None:
        computed = compute(iterations)
        right = [
            number
            for number, given, turned in results
            if given == computed and np.array_equal(np.invert(payloads[number]), turned)
        ]
        return None if sorted(right) == numbers else f"{len(right)} of {len(numbers)} results are right"

    return Round(phase, [(number, payload, iterations) for number, payload in payloads.items()], wrong)
