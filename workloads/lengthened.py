"""`numerical` with more tasks of the same kind: is a longer job as long as it was predicted to be?

A pool is started, used for one round and closed. Rows that start workers in other ways, and naive ones, are left out: a
round takes minutes.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from params import Params
from trial.workload import Pool, Setting
from workloads import numerical

PATTERNS, PARAMS, load = numerical.PATTERNS, numerical.PARAMS, numerical.load
LEFT_OUT = {**numerical.LEFT_OUT, ("naive", True): "", ("start", "spawn"): "", ("start", "forkserver"): ""}
SAMPLED = False
EVERY_COUNT = False
PATIENCE = 8


def prepare(params: Params, folder: Path, times: int) -> dict[str, Any]:
    """See `Workload`. The facts say what it lengthens, and how many ``times``."""
    facts = numerical.prepare(params, folder)
    return {**facts, "least_serial_s": times * facts["least_serial_s"], "lengthens": "numerical", "times": times}


def pools(inputs: numerical.Inputs, setting: Setting, times: int) -> Iterator[Pool]:
    """See `Workload`."""
    return numerical.pools(inputs, replace(setting, kept_rounds=0), times)


def memory_bytes(params: Params, n_jobs: int, times: int) -> tuple[int, int]:
    """See `Workload`. All results of a round are held, until they are checked."""
    needed, shared = numerical.memory_bytes(params, n_jobs)
    results = 8 * times * params.num_filters * (params.image_size // numerical.DECIMATION) ** 2
    return needed + results, shared + results
