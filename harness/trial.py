"""One trial, inside its own fresh interpreter: load the inputs, run the function under the clock, check the result."""

import importlib
import json
import os
import sys
import traceback
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter_ns
from typing import Any, cast

from harness import outcome, tasklog
from params import Params, from_dict
from workloads.contract import Workload


def run_trial(spec_path: Path, idioms: Mapping[str, Mapping[str, Any]]) -> None:
    """Run the trial that ``spec_path`` describes and write what became of it beside it, to ``outcome.json``."""
    spec = json.loads(spec_path.read_text())
    params = from_dict(spec["params"])
    workload = load_workload(spec["workload"])
    inputs_folder = Path(spec["inputs"])
    inputs = workload.load(params, inputs_folder)
    function = idioms[spec["workload"]][spec["idiom"]]
    _refuse_head_start(workload)

    # Fairness: nothing but the call lies between the two readings of the clock, and a function returns only when the
    # pool that it opened is closed. BaseException, because SystemExit crosses some libraries from worker to parent.
    start_ns = perf_counter_ns()
    try:
        result = function(inputs, spec["n_jobs"])
    except BaseException as error:  # noqa: BLE001
        traceback.print_exc()
        ended: dict[str, Any] = {"outcome": _outcome_of(error), "reason": _one_line(error)}
    else:
        end_ns = perf_counter_ns()
        reason = _check(workload, params, inputs_folder, result, spec["n_jobs"])
        ended = {"outcome": outcome.WRONG if reason else outcome.OK, "reason": reason or "", "end_ns": end_ns}
    ended |= {"start_ns": start_ns, "pid": os.getpid()}
    (spec_path.parent / "outcome.json").write_text(json.dumps(ended))


def load_workload(name: str) -> Workload:
    """Return the workload module of that name."""
    return cast(Workload, importlib.import_module(f"workloads.{name}"))


def _refuse_head_start(workload: Workload) -> None:
    early = [name for name in workload.NOT_IN_PARENT if name in sys.modules]
    if early:
        raise RuntimeError(
            f"{', '.join(early)} imported before the clock started: forked workers would get it for nothing"
        )


def _check(workload: Workload, params: Params, folder: Path, result: Any, n_jobs: int) -> str | None:
    log = tasklog.read(Path(os.environ[tasklog.ENVIRONMENT_VARIABLE]))
    return (
        check_tasks([index for index, *_ in log.tasks], workload.num_tasks(params))
        or check_workers(log.workers, n_jobs, tasklog.cpus_allowed(), os.getpid())
        or _check_result(workload, result, folder)
    )


def check_tasks(indices: list[int], asked: int) -> str | None:
    """Every task must have run exactly once: libraries have dropped tasks that look alike, and run others twice."""
    times = Counter(indices)
    missing = [index for index in range(asked) if not times[index]]
    if len(indices) == asked and not missing:
        return None
    twice = sum(count > 1 for count in times.values())
    return f"{asked} tasks asked for, {len(indices)} ran: {len(missing)} never, {twice} more than once"


def check_workers(workers: Mapping[int, tuple[int, int]], n_jobs: int, cpus: int, parent: int) -> str | None:
    """At most ``n_jobs`` workers, each on one compute thread and free to run on every CPU that the trial may use.

    With more than one job, none of them is the parent: threads, or a fallback to a loop, would run there.
    """
    if n_jobs > 1 and parent in workers:
        return f"tasks ran in the calling process, and n_jobs is {n_jobs}"
    if len(workers) > n_jobs:
        return f"tasks ran in {len(workers)} processes, n_jobs is {n_jobs}"
    for pid, (allowed, threads) in workers.items():
        if threads != 1:
            return f"worker {pid} computes with {threads or 'an unlimited number of'} threads, 1 is the rule for all"
        if allowed != cpus:
            return f"worker {pid} is pinned to {allowed} CPUs of {cpus}"
    return None


def _check_result(workload: Workload, result: Any, folder: Path) -> str | None:
    try:
        return workload.check(result, folder)
    except Exception as error:  # noqa: BLE001 -- a result of another shape than asked for is a wrong result
        return f"the result cannot be checked: {_one_line(error)}"


def _outcome_of(error: BaseException) -> str:
    return outcome.OUT_OF_MEMORY if isinstance(error, MemoryError) else outcome.ERROR


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
