"""One trial, seen from outside: start its interpreter, wait, clean up after it, and say what became of it."""

import json
import re
import signal
from pathlib import Path
from typing import Any, cast

import params
from harness import inputs
from harness.cells import Cell
from harness.clusters import interface_to, write_code
from harness.folders import temporary_folder
from harness.machine import environment, process, room
from harness.machine.memory import summary_of
from record import terms
from record.schema import Fault, Host, Left, Parts, Pool, Round, Tasks, Trial, printable
from record.terms import MEMORY, TIME
from trial import script, tasklog
from trial.workload import Faulty, load_workload

OUTPUT_KEPT = 2000  # characters of a failed trial's output that are kept beside its reason
_ERROR_LINE = re.compile(r"^\w[\w.]*(?:Error|Exception): .+$", re.MULTILINE)


def run_cell(cell: Cell, chosen: params.Params, kind: str = TIME) -> Trial:
    """Run one trial of ``cell`` in a fresh interpreter and return its record, whatever became of it.

    ``kind``: what the trial is there for: see `record.terms`.
    """
    killed_before = _kernel_oom_kills()
    with temporary_folder() as folder:
        samples = folder / "samples.log" if kind == MEMORY else None
        (folder / "trial.json").write_text(json.dumps(_spec(cell, chosen, kind)))
        variables = environment.trial_environment(folder, to_cluster=bool(cell.address))
        if cell.address:
            variables[script.CODE_VARIABLE] = str(write_code(folder))
        workload = load_workload(cell.workload)
        faulty = cast(Faulty, workload) if workload.FAULTS else None
        ended = process.run_to_end(
            [cell.interpreter, str(cell.script)],
            environment={
                **variables,
                script.TRIAL_VARIABLE: str(folder / "trial.json"),
                tasklog.ENVIRONMENT_VARIABLE: str(folder / "tasks.log"),
                **({tasklog.SAMPLES_VARIABLE: str(samples)} if samples else {}),
            },
            cwd=environment.working_folder(workload.OWN),
            output=folder / "output.txt",
            timeout_s=faulty.limit_s(chosen, kind) if faulty else chosen.timeout_s * workload.PATIENCE,
            samples=samples,
            network=workload.OWN,  # a user's job may need it; nothing of the suite's own does
            isolated=not cell.address,  # a cluster is reached by the network
            shared_bytes=faulty.shared_bytes(kind) if faulty else None,
            answer=folder / "fault.json" if faulty else None,  # the new pool after a fault has as much time again
        )
        trial = _record(cell, kind, folder, ended)
        if ended.sampler_error:
            trial.outcome, trial.reason = terms.ERROR, f"memory could not be sampled: {ended.sampler_error}"
        elif samples and trial.outcome == terms.OK:
            times_ns = _written_json(folder / "outcome.json")["memory_ns"]
            moments_ns = tasklog.read(folder / "tasks.log").moments_ns
            trial.memory = summary_of(samples, ended.sampler_cpu_s, times_ns, moments_ns)
        if trial.outcome != terms.OK and _kernel_oom_kills() > killed_before:
            trial.outcome, trial.reason = terms.OUT_OF_MEMORY, f"the kernel ended a process: {trial.reason}"
        left = [path for name in ("HOME", "TMPDIR") for path in Path(variables[name]).rglob("*") if not path.is_dir()]
        trial.left_behind.files, trial.left_behind.file_bytes = len(left), sum(map(room.size_of, left))
    return trial


def _spec(cell: Cell, chosen: params.Params, kind: str) -> dict[str, Any]:
    """Return what a trial's interpreter is told. A trial that is not timed needs only one round."""
    folder = inputs.folder_of(cell.workload, chosen)  # once: it hashes the sources
    return {
        "workload": cell.workload,
        "idiom": cell.idiom,
        "address": cell.address,
        "interface": interface_to(cell.address) if cell.address else "",
        "slowdown": cell.slowdown,
        "params": params.as_dict(chosen),
        "inputs": str(folder),
        "least_serial_s": inputs.facts_in(folder).get("least_serial_s", 0.0),
        "kind": kind,
        "setting": {
            "pattern": cell.pattern,
            "n_jobs": cell.n_jobs,
            "kind": kind,
            "on_cluster": bool(cell.address),
            "kept_rounds": chosen.kept_rounds if kind == TIME else 0,
            "free_bytes": room.available_bytes(),
            "shared_free_bytes": room.shared_free_bytes(),
        },
    }


def _record(cell: Cell, kind: str, folder: Path, ended: process.Ended) -> Trial:
    result = _written_json(folder / "outcome.json")
    log = tasklog.read(folder / "tasks.log")
    outcome, reason = _outcome(result, ended, folder / "output.txt")
    fault = _fault(ended, folder) if load_workload(cell.workload).FAULTS else None
    if fault:  # a trial that hangs or dies of its fault is an answer, and so is ok
        outcome, reason = terms.OK, ""
    is_timed = outcome == terms.OK and not fault
    start_ns = result.get("start_ns", log.tasks[0][2] if log.tasks else 0)
    trial = Trial(
        idiom=cell.idiom,
        n_jobs=cell.n_jobs,
        kind=kind,
        outcome=outcome,
        reason=reason,
        trial_s=ended.seconds,
        import_s=result.get("import_s"),
        setups=len(log.made),
        setup_s=sum(end - start for _, start, end in log.made) / 1e9 if log.made else None,
        tasks_asked=result.get("tasks_asked", 0),
        tasks_run=result.get("tasks_run", len(log.tasks)),
        workers=len(log.workers) or sum(host["workers"] for host in result.get("hosts", ())),
        in_parent=result.get("pid") in log.workers,
        tasks=_tasks(log, start_ns),
        moments_s={name: (when - start_ns) / 1e9 for name, when in log.moments_ns.items()},
        placed=len(log.placed),
        place_s=sum(end - start for _, start, end in log.placed) / 1e9 if log.placed else None,
        placed_bytes=sum(nbytes for nbytes, *_ in log.placed) if log.placed else None,
        on_write=result.get("on_write", ""),
        kernel=result.get("kernel", {}),
        left_behind=Left(**ended.left),
        fault=fault,
        hosts=[Host(**host) for host in result.get("hosts", ())],
        # A trial that is not ok has an outcome, and never a number.
        **(_measured(result) if is_timed else {"output": tail(folder / "output.txt")}),
    )
    if trial.spent_s > ended.seconds:
        trial.outcome, trial.reason = terms.WRONG, "its rounds took longer than its interpreter ran"
        trial.pools = []
    elif is_timed:
        # The whole tree's CPU time, but without the interpreter's own before the call and after the return.
        forgotten = [used for pid, used in log.forgotten_cpu_ns.items() if pid not in ended.adopted]
        user_s, system_s = (sum(used[i] for used in forgotten) / 1e9 for i in range(2))
        trial.cpu_user_s = ended.cpu_s[0] - result["cpu_outside_s"][0] + user_s
        trial.cpu_system_s = ended.cpu_s[1] - result["cpu_outside_s"][1] + system_s
    return trial


def _tasks(log: tasklog.TaskLog, call_ns: int) -> Tasks:
    return Tasks(
        index=[index for index, *_ in log.tasks],
        pid=[pid for _, pid, *_ in log.tasks],
        start_ns=[start - call_ns for _, _, start, _ in log.tasks],
        end_ns=[end - call_ns for *_, end in log.tasks],
    )


def _fault(ended: process.Ended, folder: Path) -> Fault | None:
    """Return what came of a fault; None where the trial failed before it could come to one."""
    if noted := _written_json(folder / "fault.json"):
        return Fault(**noted | {name: printable(noted[name]) for name in ("error", "new_pool")})
    if ended.timed_out:
        return Fault(learned=terms.NOTHING, learned_s=ended.seconds)
    return Fault(learned=terms.CALLER_DIED) if ended.returncode < 0 else None


def _measured(result: dict[str, Any]) -> dict[str, Any]:
    """Return the rounds, and the parts of two of them where they are known."""
    parts = {phase: Parts(**result[phase]) for phase in (terms.COLD, terms.KEPT) if phase in result}
    return {"pools": [_pool(pool) for pool in result["pools"]], **parts}


def _pool(result: dict[str, Any]) -> Pool:
    return Pool(**{**result, "rounds": [Round(**round_) for round_ in result.get("rounds", ())]})


def _written_json(path: Path) -> dict[str, Any]:
    """Return what the trial's interpreter has written; nothing if it was ended before the file was whole."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _outcome(outcome_file: dict[str, Any], ended: process.Ended, output: Path) -> tuple[str, str]:
    if ended.timed_out:
        where = "its interpreter did not end" if outcome_file else "it did not return"
        return terms.TIMEOUT, f"{where} within {ended.seconds:.0f} s{_first_error(output)}"
    if outcome_file:
        return outcome_file["outcome"], outcome_file["reason"]
    lines = tail(output).strip().splitlines()
    last = lines[-1] if lines else "no output"
    if ended.returncode < 0:
        return terms.CRASH, f"its interpreter was ended by {signal.Signals(-ended.returncode).name}: {last}"
    return terms.CRASH, f"its interpreter ended with status {ended.returncode} and no result: {last}"


def _first_error(output: Path) -> str:
    """Return the first error that was printed: a library that retries for ever prints there why it waits.

    A MemoryError goes before all others: errors that it causes may be printed before it.
    """
    errors: list[str] = _ERROR_LINE.findall(output.read_text("utf-8", errors="replace"))
    errors.sort(key=lambda line: not line.startswith("MemoryError"))
    return f"; it printed: {errors[0]}" if errors else ""


def tail(output: Path) -> str:
    """Return the end of what a process printed."""
    return output.read_text("utf-8", errors="replace")[-OUTPUT_KEPT:]


def _kernel_oom_kills() -> int:
    """Return how many processes the kernel has ended for want of memory: in this container, or else on this machine."""
    for path in (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")):
        if path.exists():
            lines = path.read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0
