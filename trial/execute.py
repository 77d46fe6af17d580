"""One trial, inside its own fresh interpreter: load the inputs, run the function under the clock, check the result."""

import importlib
import json
import os
import resource
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import Any, NamedTuple, cast

from params import from_dict
from record import terms
from record.terms import MEMORY, WRITE
from trial import tasklog
from trial.breakdown import check_parts, parts_of
from trial.rounds import WrongResult, calibrate, check_counts, handed_out, measure_rounds
from trial.workload import Rounds, Sharing, Workload


class Rules(NamedTuple):
    """What a trial's workers must be like. ``cpus``: that each may run on. ``parent``: in which no task may run.

    ``parent`` is None where workers are its threads on purpose.
    """

    n_jobs: int
    cpus: int
    compute_threads: int
    parent: int | None


def run_trial(spec_path: Path, idioms: Mapping[str, Mapping[str, Any]], import_s: float) -> None:
    """Run the trial that ``spec_path`` describes and write what became of it beside it, to ``outcome.json``.

    ``import_s``: what importing the library took, which is before the clock.
    """
    spec = json.loads(spec_path.read_text())
    params = from_dict(spec["params"])
    workload = load_workload(spec["workload"])
    inputs_folder = Path(spec["inputs"])
    function = idioms[spec["workload"]][spec["idiom"]]
    samples = Path(os.environ[tasklog.SAMPLES_VARIABLE]) if spec["kind"] == MEMORY else None
    rules = Rules(
        n_jobs=spec["n_jobs"],
        cpus=tasklog.cpus_allowed(),
        compute_threads=tasklog.cpus_allowed() if hasattr(function, "computes_on_all_cores") else 1,
        parent=None if hasattr(function, "workers_are_threads") else os.getpid(),
    )
    if rules.parent is None:
        tasklog.workers_are_threads()
    inputs = workload.load(params, inputs_folder)
    memory_start_ns = 0
    if samples:
        # Memory starts where all that loading imports is there and the inputs are not: they count as the first copy.
        del inputs
        memory_start_ns = tasklog.wait_for_sample(samples)
        inputs = workload.load(params, inputs_folder)
    if spec["kind"] == WRITE:
        inputs = cast(Sharing, workload).writing(inputs)
    if spec["slowdown"]:
        function = _slowed(function, spec["slowdown"])
    in_rounds = hasattr(workload, "pools")
    if in_rounds:
        kernel = calibrate()
        graphs = hasattr(function, "takes_graphs")
        function = partial(measure_rounds, cast(Rounds, workload), function, kernel, graphs)
    _refuse_head_start(workload)

    # Fairness: nothing but the call lies between the two readings of the clock, and a function returns only when the
    # pool that it opened is closed. BaseException, because SystemExit crosses some libraries from worker to parent.
    cpu_before = _cpu_seconds(with_children=True)
    start_ns = perf_counter_ns()
    try:
        result = function(inputs, spec["n_jobs"])
    except BaseException as error:  # noqa: BLE001
        traceback.print_exc()
        ended: dict[str, Any] = {"outcome": _outcome_of(error), "reason": _one_line(error)}
    else:
        end_ns = perf_counter_ns()
        cpu_end = _cpu_seconds(with_children=False)
        released_ns = tasklog.wait_for_sample(samples) if samples else 0
        ended = {"memory_ns": [memory_start_ns, start_ns, end_ns, released_ns], "end_ns": end_ns}
        if in_rounds:
            ended |= {"pools": result, "kernel": asdict(kernel)} | _checked_rounds(result, rules)
        elif spec["kind"] == WRITE:
            ended |= {"on_write": cast(Sharing, workload).on_write(result, inputs)}
            ended |= _checked(None, workload.num_tasks(params), rules, start_ns, end_ns)
        else:
            wrong = _check_result(workload, result, inputs_folder)
            ended |= _checked(wrong, workload.num_tasks(params), rules, start_ns, end_ns)
        cpu_checked = _cpu_seconds(with_children=False)
        ended["cpu_outside_s"] = [
            before + checked - end for before, checked, end in zip(cpu_before, cpu_checked, cpu_end, strict=True)
        ]
    ended |= {"start_ns": start_ns, "pid": os.getpid(), "import_s": import_s}
    written = spec_path.parent / "outcome.unfinished"  # renamed when whole: a trial may be ended at any moment
    written.write_text(json.dumps(ended))
    written.rename(spec_path.parent / "outcome.json")


def _checked_rounds(pools: list[dict[str, Any]], rules: Rules) -> dict[str, Any]:
    """Return the outcome of a trial in rounds: their results are right, or `measure_rounds` would have said so."""
    asked, path = handed_out(pools), Path(os.environ[tasklog.ENVIRONMENT_VARIABLE])
    workers = tasklog.read(path).workers
    ran, reason = check_counts(path, asked) if asked else (0, None)
    if asked and not reason:
        reason = check_worker_state(workers, rules)
    ended: dict[str, Any] = {"tasks_asked": asked, "tasks_run": ran}
    return ended | {"outcome": terms.WRONG if reason else terms.OK, "reason": reason or ""}


def _slowed(function: Callable[[Any, int], Any], share: float) -> Callable[[Any, int], Any]:
    """Return ``function`` made slower by a known share of its own time: a difference that the suite has to find."""

    def slower(inputs: Any, n_jobs: int) -> Any:
        start = perf_counter_ns()
        result = function(inputs, n_jobs)
        end = perf_counter_ns()
        while perf_counter_ns() < end + share * (end - start):
            pass
        return result

    return slower


def _cpu_seconds(with_children: bool) -> tuple[float, float]:
    """Return user and system CPU time of this process, and of those of its children that have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    if not with_children:
        return own.ru_utime, own.ru_stime
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + ended.ru_utime, own.ru_stime + ended.ru_stime


def load_workload(name: str) -> Workload:
    """Return the workload module of that name."""
    return cast(Workload, importlib.import_module(f"workloads.{name}"))


def _refuse_head_start(workload: Workload) -> None:
    early = [name for name in workload.NOT_IN_PARENT if name in sys.modules]
    if early:
        raise RuntimeError(
            f"{', '.join(early)} imported before the clock started: forked workers would get it for nothing"
        )


def _checked(wrong: str | None, tasks_asked: int, rules: Rules, start_ns: int, end_ns: int) -> dict[str, Any]:
    """Return the outcome and where the wall time went; parts that cannot be right are an outcome too.

    ``wrong``: what is wrong with the result, or None.
    """
    log = tasklog.read(Path(os.environ[tasklog.ENVIRONMENT_VARIABLE]))
    reason = check_tasks([index for index, *_ in log.tasks], tasks_asked) or check_workers(log.workers, rules) or wrong
    if reason:
        return {"outcome": terms.WRONG, "reason": reason}
    parts = parts_of(log.tasks, start_ns, end_ns, rules.n_jobs)
    if reason := check_parts(parts, (end_ns - start_ns) / 1e9):
        return {"outcome": terms.WRONG, "reason": reason}
    return {"outcome": terms.OK, "reason": "", "parts": parts}


def check_tasks(indices: list[int], asked: int) -> str | None:
    """Every task must have run exactly once: libraries have dropped tasks that look alike, and run others twice."""
    times = Counter(indices)
    missing = [index for index in range(asked) if not times[index]]
    if len(indices) == asked and not missing:
        return None
    twice = sum(count > 1 for count in times.values())
    return f"{asked} tasks asked for, {len(indices)} ran: {len(missing)} never, {twice} more than once"


def check_workers(workers: Mapping[int, tuple[int, int]], rules: Rules) -> str | None:
    """At most ``n_jobs`` workers, and what `check_worker_state` says of them."""
    if len(workers) > rules.n_jobs:
        return f"tasks ran on {len(workers)} workers, n_jobs is {rules.n_jobs}"
    return check_worker_state(workers, rules)


def check_worker_state(workers: Mapping[int, tuple[int, int]], rules: Rules) -> str | None:
    """Each worker computes with as many threads as it should, and may run on every CPU that the trial may use.

    With more than one job, none of them is the process ``parent``: threads, or a fallback to a loop, would run there.
    """
    if rules.n_jobs > 1 and rules.parent in workers:
        return f"tasks ran in the calling process, and n_jobs is {rules.n_jobs}"
    for pid, (allowed, threads) in workers.items():
        if threads != rules.compute_threads:
            many = threads or "an unlimited number of"
            return f"worker {pid} computes with {many} threads, {rules.compute_threads} is the rule for all"
        if allowed != rules.cpus:
            return f"worker {pid} is pinned to {allowed} CPUs of {rules.cpus}"
    return None


def _check_result(workload: Workload, result: Any, folder: Path) -> str | None:
    try:
        return workload.check(result, folder)
    except Exception as error:  # noqa: BLE001 -- a result of another shape than asked for is a wrong result
        return f"the result cannot be checked: {_one_line(error)}"


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, WrongResult):
        return terms.WRONG
    return terms.OUT_OF_MEMORY if isinstance(error, MemoryError) else terms.ERROR


def _one_line(error: BaseException) -> str:
    """Return the error in words and what caused it: libraries wrap what a task, or a store, has raised."""
    lines = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    # Pools give the traceback of a worker's error as its cause: that is no other error.
    cause = error.__cause__
    if cause is None or type(cause).__name__ == "_RemoteTraceback":
        return said
    return f"{said}, caused by {_one_line(cause)}"
