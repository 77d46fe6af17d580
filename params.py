"""Every number that a user may change.

Edit a profile here, then run ``python benchmark_ray.py``, or name one: ``python benchmark_ray.py --profile quick``.
"""

from dataclasses import asdict, dataclass, fields, replace
from math import isfinite
from typing import Any

POWERS_OF_TWO = ()
"""As ``n_jobs``: 1, 2, 4, 8, ... up to the physical cores that this process may use."""

ALL_CORES = -1
"""In ``n_jobs``: the number of physical cores that this process may use."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """One profile. Sizes are counts unless the name carries a unit."""

    # How often and how widely to measure
    n_jobs: tuple[int, ...] = (ALL_CORES,)  # worker counts
    trials: int = 10  # of every cell; below 6 no confidence interval is claimed
    kept_rounds: int = 1  # at least 1: the same tasks again on the pool that is up; a trial's time is their median
    memory_trials: int = 1  # of every cell besides: sampling memory holds a trial up, so it is not timed
    timeout_s: float = 120.0  # of one trial, from the start of its interpreter to its end
    seed: int = 20261121  # of the inputs and of the order of the trials

    # A job of your own: a file in the place of a workload's name
    job_tasks: int = 0  # how many of its tasks, chosen by chance; 0: all

    # numerical: every filter on the same image
    image_size: int = 2000  # pixels a side, float32: 2000 is 16 MB
    num_filters: int = 36  # tasks

    # stateful: prefixes counted over all documents
    num_documents: int = 1100  # tasks
    words_per_document: int = 10_000
    words_delta: int = 5_000  # documents alternate between mean + delta and mean - delta words
    vocabulary_size: int = 100_000

    # initialization: a network that is slow to set up labels batches of images
    hidden_units: int = 4096  # of both hidden layers: 4096 is 68 MB of weights
    num_batches: int = 32  # tasks
    batch_size: int = 384  # images in a task

    # sharing, sharing_frame: one large input that every task reads whole
    sharing_bytes: int = 512 * 2**20
    sharing_tasks: int = 8

    # array: a chunked array, smoothed across its chunks
    array_side: int = 1000  # 500 x 1000 x 1000 float64: 4 GB, about half of it in memory at a time
    array_chunk: int = 250  # 250 x 250 x 250: 125 MB
    array_depth: int = 5  # of the halo, the part of a chunk that its neighbour needs

    # dataframe: a time series in partitions of a day, and a rolling mean across them
    frame_days: int = 30
    frame_freq_s: int = 1
    frame_window_h: int = 2

    # overhead: more and more tasks that do nothing, and graphs of them
    overhead_tasks: int = 100_000  # in the largest round
    overhead_budget_s: float = 5.0  # for all rounds of an idiom: no round begins that would exceed it
    latency_tasks: int = 300  # one after another
    overhead_edges: tuple[int, ...] = (0, 1, 3, 10, 30, 100)  # that a task of a graph needs

    # grid: compute against payload
    grid_payload_bytes: tuple[int, ...] = tuple(round(2 ** (10 + 15 * k / 9)) for k in range(10))  # 1 KiB to 32 MiB
    grid_compute_s: tuple[float, ...] = (0.0, *(1e-5 * 10 ** (k / 3) for k in range(13)))  # 0, 10 us to 100 ms
    grid_tasks_per_worker: int = 4

    # faults: one task among healthy ones goes wrong
    fault_classes: int = 16  # of `record.terms.FAULTS`, those that users ask about most first
    fault_limit_s: float = 15.0  # after which a library that has not returned is said to hang
    fault_trials: int = 1  # of every fault and idiom at most: nearly all end alike each time

    # soak: many tasks on one pool, then one pool after another
    soak_tasks: int = 20_000
    soak_pools: int = 100
    soak_budget_s: float = 30.0  # for these pools: none is begun after it
    soak_trials: int = 2  # of every idiom at most: they are long

    # stream: tasks drawn from an input that may have no end
    stream_tasks: int = 2_000  # with a fast consumer
    stream_taken: int = 200  # by a slow one
    stream_most: int = 10_000  # that can be drawn meanwhile: 500 MB

    # granularity: a fixed amount of work in shorter and shorter tasks
    granularity_work_s: float = 0.2  # of each worker, in each round
    granularity_repeats: int = 3  # of each length


PROFILES = {
    # All libraries in a few minutes: one trial of each cell, small inputs. A plain loop still takes a second or more.
    "quick": Params(
        trials=1,
        memory_trials=0,
        timeout_s=60.0,
        image_size=1000,
        num_documents=280,
        hidden_units=2048,
        sharing_bytes=64 * 2**20,
        array_side=400,
        array_chunk=100,
        frame_days=10,
        frame_freq_s=10,
        overhead_tasks=10_000,
        overhead_budget_s=0.5,
        latency_tasks=30,
        overhead_edges=(0, 3, 30),
        grid_payload_bytes=(2**10, 2**20),
        grid_compute_s=(0.0, 0.01),
        granularity_work_s=0.02,
        granularity_repeats=1,
        fault_classes=3,
        stream_tasks=500,
        stream_taken=100,
        stream_most=2_000,
        soak_tasks=4_000,
        soak_pools=10,
        soak_budget_s=3.0,
    ),
    # One library in 11 to 25 minutes on 2 cores: a plain loop takes 4 seconds or more.
    "default": Params(),
    # The sizes of the blog post that started this suite.
    "paper": Params(
        trials=2,
        timeout_s=1800.0,
        image_size=5000,
        num_filters=60,
        num_documents=2000,
        num_batches=500,
        batch_size=64,
        array_side=2000,
        array_chunk=500,
    ),
}

DEFAULT_PROFILE = "default"

_LEAST = {
    "image_size": 32,
    "sharing_bytes": 100_000,
    "hidden_units": 64,
    "words_delta": 0,
    "seed": 0,
    "memory_trials": 0,
    "job_tasks": 0,
    "soak_tasks": 20,
    "overhead_edges": 0,
    "grid_compute_s": 0,
}


def check(params: Params) -> None:
    """Raise ValueError, in one line, for the first parameter that makes no sense."""
    for field in fields(params):
        value = getattr(params, field.name)
        if field.name == "n_jobs":  # its values depend on the machine: see worker_counts
            if not isinstance(value, tuple):
                raise ValueError(f"n_jobs is {value!r}: it must be a tuple of worker counts, such as (1, 2, 4)")
        elif isinstance(field.default, tuple):
            if not isinstance(value, tuple) or not value:
                raise ValueError(f"{field.name} is {value!r}: it must be a tuple of at least one value, such as (1,)")
            for each in value:
                _check_number(field.name, each, field.default[-1])
        else:
            _check_number(field.name, value, field.default)
    if params.words_delta >= params.words_per_document:
        raise ValueError(
            f"words_delta is {params.words_delta}: it must be below words_per_document ({params.words_per_document})"
        )


def _check_number(name: str, value: object, like: object) -> None:
    if isinstance(like, float):
        least = _LEAST.get(name)
        usable = isinstance(value, int | float) and isfinite(value) and (value > 0 or value == least)
        if not usable:
            allowed = "0 or above 0 seconds" if least == 0 else "above 0 seconds"
            raise ValueError(f"{name} is {value!r}: it must be {allowed}")
        return
    least = _LEAST.get(name, 1)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is {value!r}: it must be a whole number of at least {least}")


def worker_counts(n_jobs: tuple[int, ...], limit: int) -> tuple[int, ...]:
    """Return the worker counts that ``n_jobs`` stands for where ``limit`` physical cores may be used.

    Raises ValueError for a count below 1 or above ``limit``.
    """
    if n_jobs == POWERS_OF_TWO:
        return tuple(2**k for k in range(limit.bit_length()))
    counts = [limit if count == ALL_CORES else count for count in n_jobs]
    for count in counts:
        if not isinstance(count, int) or not 1 <= count <= limit:
            raise ValueError(f"n_jobs is {count}: it must be between 1 and {limit}, the physical cores usable here")
    return tuple(sorted(set(counts)))


def as_dict(params: Params) -> dict:
    """Return ``params`` as plain data."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(params).items()}


def from_dict(data: dict) -> Params:
    """Return what ``as_dict`` was given."""
    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in data.items()}
    return replace(Params(), **given)
