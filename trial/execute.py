"""One trial, inside its own fresh interpreter: load the inputs, run the idiom under the clock, check every result."""

import json
import os
import resource
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter_ns
from typing import Any, cast

from params import from_dict
from record import terms
from record.terms import COLD, KEPT, MEMORY, WRITE
from trial import remote, tasklog
from trial.accidents import check_closed, refuse_head_start
from trial.bare import bare_processes
from trial.breakdown import check_parts, parts_of
from trial.rounds import measure
from trial.rules import Rules, WrongResult, check_counts, check_tasks, check_work, check_workers
from trial.script import Function, Idiom
from trial.survive import survive
from trial.whole_file import write_whole
from trial.workload import Faulty, Setting, Workload, Writing, load_workload


def run_trial(spec_path: Path, patterns: Mapping[str, Mapping[str, Any]], import_s: float) -> None:
    """Run the trial that ``spec_path`` describes; write what became of it to ``outcome.json`` in the same folder.

    ``import_s``: what importing the library took, which is before the clock.
    """
    spec = json.loads(spec_path.read_text())
    workload, setting = load_workload(spec["workload"]), Setting(**spec["setting"])
    row = patterns[setting.pattern][spec["idiom"]]
    rules = _rules(row.traits, setting.n_jobs)
    samples = Path(os.environ[tasklog.SAMPLES_VARIABLE]) if spec["kind"] == MEMORY else None
    inputs, memory_start_ns = _load(workload, spec, samples)
    # The kernel is timed now: while a pool starts it would seem slower, and tasks would be made too short.
    kernel = asdict(setting.kernel) if workload.TIMES_KERNEL else {}
    pools = workload.pools(inputs, setting)
    if address := spec["address"]:
        pools = remote.with_records(pools, remote.Traffic(spec["interface"]))
    refuse_head_start(workload)
    cpu_before = _cpu_seconds(with_children=True)
    start_ns = 0
    # BaseException, because SystemExit crosses some libraries from worker to parent.
    try:
        with (
            _function_of(row, setting.n_jobs, spec["slowdown"], address) as function,
            bare_processes(rules.n_jobs) if workload.BARE else nullcontext() as bare,
        ):
            start_ns = perf_counter_ns()
            if workload.FAULTS:
                names_cause = partial(cast(Faulty, workload).names_cause, spec["kind"])
                survive(pools, function, rules.n_jobs, names_cause, spec_path.parent)
                measured: list[dict[str, Any]] = []
            else:
                measured = measure(pools, function, rules, bare, start_ns)
            end_ns, cpu_end = perf_counter_ns(), _cpu_seconds(with_children=False)
    except BaseException as error:  # noqa: BLE001
        traceback.print_exc()
        ended: dict[str, Any] = {"outcome": _outcome_of(error), "reason": _one_line(error)}
    else:
        released_ns = tasklog.wait_for_sample(samples) if samples else 0
        ended = {"memory_ns": [memory_start_ns, start_ns, end_ns, released_ns], "pools": measured}
        if workload.FAULTS:
            ended |= {"outcome": terms.OK, "reason": ""}
        elif address:
            ended |= _checked_on_hosts(measured)
        else:
            ended |= _checked(workload, measured, rules, row.traits, start_ns, spec["least_serial_s"])
        ended["kernel"] = kernel
        if spec["kind"] == WRITE:
            ended["on_write"] = cast(Writing, workload).on_write(inputs)
        cpu_checked = _cpu_seconds(with_children=False)
        ended["cpu_outside_s"] = [
            before + checked - end for before, checked, end in zip(cpu_before, cpu_checked, cpu_end, strict=True)
        ]
    ended |= {"start_ns": start_ns, "pid": os.getpid(), "import_s": import_s}
    write_whole(spec_path.parent / "outcome.json", ended)


@contextmanager
def _function_of(row: Idiom, n_jobs: int, slowdown: float, address: str) -> Iterator[Function]:
    """Yield the function of a row. It gets the ``address`` of a cluster, or of workers that are started for it."""
    function = _slowed(row.function, slowdown) if slowdown else row.function
    if address:
        yield partial(cast(Callable[..., Any], function), address=address)
        return
    if row.connects_to is None:
        yield function
        return
    from trial.running import running  # only here: other idioms shall not find its imports loaded

    with running(row.connects_to, n_jobs) as address:
        yield partial(cast(Callable[..., Any], function), address=address)


def _load(workload: Workload, spec: dict[str, Any], samples: Path | None) -> tuple[Any, int]:
    """Return the inputs, and when memory was sampled without them, in ns; 0 where it is not sampled."""
    params, folder = from_dict(spec["params"]), Path(spec["inputs"])
    inputs = workload.load(params, folder)
    memory_start_ns = 0
    if samples:
        # Memory is sampled after all imports and before the inputs are loaded, so that they count as the first copy.
        del inputs
        memory_start_ns = tasklog.wait_for_sample(samples)
        inputs = workload.load(params, folder)
    return cast(Writing, workload).writing(inputs) if spec["kind"] == WRITE else inputs, memory_start_ns


def _rules(traits: terms.Traits, n_jobs: int) -> Rules:
    if traits.workers == terms.THREADS:
        tasklog.workers_are_threads()
    cpus = tasklog.cpus_allowed()
    parent = os.getpid() if traits.workers == terms.PROCESSES else None
    return Rules(n_jobs, cpus, cpus if traits.all_cores else 1, parent, traits.renews)


def _checked(
    workload: Workload,
    pools: list[dict[str, Any]],
    rules: Rules,
    traits: terms.Traits,
    start_ns: int,
    least_serial_s: float,
) -> dict[str, Any]:
    """Return the outcome of a trial, and its rounds' parts. `measure` has already found its results right."""
    path = Path(os.environ[tasklog.ENVIRONMENT_VARIABLE])
    log = tasklog.read(path)
    asked = sum(round_["tasks"] for pool in pools for round_ in pool.get("rounds", ()))
    if workload.RECORDED:
        ran, reason = len(log.tasks), check_tasks([index for index, *_ in log.tasks], asked)
    else:
        allowed = {"may_drop": workload.MAY_DROP, "may_repeat": workload.MAY_REPEAT}
        ran, reason = check_counts(path, asked, **allowed) if asked else (0, None)
    parts: dict[str, Any] = {}
    reason = reason or check_workers(log.workers, rules) or check_closed(log.workers, traits)
    if not reason and workload.RECORDED:
        parts, reason = _parts(log, pools[0]["rounds"], rules.n_jobs, start_ns)
        works_s = [part["work_s"] * rules.n_jobs for part in parts.values()]
        wrongs = (check_work(work_s, least_serial_s, rules.compute_threads) for work_s in works_s)
        reason = reason or next(filter(None, wrongs), None)
    ended = {"tasks_asked": asked, "tasks_run": ran, **parts}
    return ended | {"outcome": terms.WRONG if reason else terms.OK, "reason": reason or ""}


def _checked_on_hosts(pools: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the outcome of a trial on a cluster, by the records that came with the results."""
    asked = sum(round_["tasks"] for pool in pools for round_ in pool.get("rounds", ()))
    reason = check_tasks([record.number for record in remote.gathered], asked)
    hosts = remote.hosts()
    if not reason and (many := [host for host in hosts if host["threads"] != 1]):
        reason = f"workers on {many[0]['name']} compute with {many[0]['threads']} threads, 1 is the rule for all"
    ended = {"tasks_asked": asked, "tasks_run": len(remote.gathered), "hosts": hosts}
    return ended | {"outcome": terms.WRONG if reason else terms.OK, "reason": reason or ""}


def _parts(
    log: tasklog.TaskLog, rounds: list[dict[str, Any]], n_jobs: int, call_ns: int
) -> tuple[dict[str, Any], str | None]:
    """Return the parts of the cold round and of the median kept round, or what is wrong with them."""
    first, by_phase = 0, {}
    kept = sorted((each for each in rounds if each["phase"] == KEPT), key=lambda each: each["seconds"])
    middle = kept[(len(kept) - 1) // 2] if kept else None
    for round_ in rounds:
        numbers = range(first, first + round_["tasks"])
        first = numbers.stop
        if round_["phase"] == COLD or round_ is middle:
            start_ns = call_ns + round(1e9 * round_["start_s"])
            tasks = [record for record in log.tasks if record[0] in numbers]
            parts = parts_of(tasks, log.made, start_ns, start_ns + round(1e9 * round_["seconds"]), n_jobs)
            if wrong := check_parts(parts, round_["seconds"]):
                return {}, f"{round_['phase']} round: {wrong}"
            by_phase[round_["phase"]] = parts
    return by_phase, None


def _slowed(function: Function, share: float) -> Function:
    """Return ``function`` made slower by a known share of its own time: a difference that the suite has to find."""

    def slower(job: Any, rounds: Iterator[list[Any]], n_jobs: int, **given: str) -> Generator[Any, None, None]:
        answers = function(job, rounds, n_jobs, **given)
        while True:
            start = perf_counter_ns()
            results = next(answers, None)
            end = perf_counter_ns()
            while perf_counter_ns() < end + share * (end - start):
                pass
            if results is None:
                return
            yield results

    return slower


def _cpu_seconds(with_children: bool) -> tuple[float, float]:
    """Return user and system CPU time of this process, and of those of its children that have ended."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    if not with_children:
        return own.ru_utime, own.ru_stime
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + ended.ru_utime, own.ru_stime + ended.ru_stime


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, WrongResult):
        return terms.WRONG
    return terms.OUT_OF_MEMORY if isinstance(error, MemoryError) else terms.ERROR


def _one_line(error: BaseException) -> str:
    """Return the error in words and what caused it: libraries wrap what a task, or a store, has raised."""
    lines = str(error).strip().splitlines()
    line = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    if isinstance(error, WrongResult):
        line = lines[0]
    # Pools set the traceback of a worker's error as the error's cause: that is not a second error.
    cause = error.__cause__
    if cause is None or type(cause).__name__ == "_RemoteTraceback":
        return line
    return f"{line}, caused by {_one_line(cause)}"
