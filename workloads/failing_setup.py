"""What happens when a worker's setup fails: in the first pool it raises, in a new one it works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from params import Params
from record import terms
from trial.patterns import Setup
from trial.tasklog import count
from trial.workload import Pool, Setting
from workloads import faults

PATTERNS = ("setup",)
PARAMS = ("fault_limit_s",)
RECORDED = False
SAMPLED = False
EVERY_COUNT = False
FAULTS = (terms.SETUP_FAILS,)
MOST_TRIALS = "fault_trials"
LEFT_OUT = faults.LEFT_OUT | {
    ("sets_up", terms.IN_CALLER): "the setup runs in the caller, which gets its error at once",
    ("naive", True): "",
    ("connects", True): "",
}


def fail() -> str:
    """Raise what a missing file, or a device that is in use, raises."""
    raise ValueError(faults.CAUSE)


def make() -> str:
    """Return what the tasks need."""
    return "a sensor"


def work(number: int, fault: str, made: str) -> tuple[int, int]:
    """Task: return the number, and its square."""
    count(number)
    return number, number * number


def names_cause(fault: str, error: str) -> bool:
    """See `Faulty`."""
    return faults.CAUSE in error


def limit_s(params: Params, fault: str) -> float:
    """See `Faulty`."""
    return params.fault_limit_s


def shared_bytes(fault: str) -> None:
    """See `Faulty`."""


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> None:
    """See `Workload`."""


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`."""
    return faults.memory_bytes(params, n_jobs)


def pools(inputs: None, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: the same tasks with either setup; of the first pool, one is looked at as the faulty one."""
    tasks = faults.TASKS * setting.n_jobs
    yield Pool(Setup(work, fail), faults.round_of(range(tasks), 0, setting.kind))
    yield Pool(Setup(work, make), faults.round_of(range(tasks, 2 * tasks), None, setting.kind))
