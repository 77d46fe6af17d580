"""One trial, seen from outside: start its interpreter, wait, clean up after it, and say what became of it."""

import json
import re
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import params
from harness import inputs
from harness.cells import Cell
from harness.machine import environment, process
from harness.machine.memory import Sampler, summary_of
from record import terms
from record.terms import MEMORY, TIME
from trial import script, tasklog
from trial.execute import load_workload

OUTPUT_KEPT = 2000  # characters of a failed trial's output that are kept beside its reason
_ERROR_LINE = re.compile(r"^\w[\w.]*(?:Error|Exception): .+$", re.MULTILINE)


def run_cell(cell: Cell, chosen: params.Params, kind: str = TIME) -> dict[str, Any]:
    """Run one trial of ``cell`` in a fresh interpreter and return its record, whatever became of it.

    ``kind``: what the trial is there for: see `kinds`.
    """
    workload = load_workload(cell.workload)
    killed_before = _kernel_oom_kills()
    with temporary_folder() as folder:
        samples = folder / "samples.log" if kind == MEMORY else None
        spec = {
            "workload": cell.workload,
            "idiom": cell.idiom,
            "n_jobs": cell.n_jobs,
            "slowdown": cell.slowdown,
            "params": params.as_dict(chosen),
            "inputs": str(inputs.folder_of(cell.workload, chosen)),
            "kind": kind,
        }
        (folder / "trial.json").write_text(json.dumps(spec))
        variables = environment.trial_environment(folder)
        with sampled(samples) as sampler:
            ended = process.run_to_end(
                [cell.interpreter, str(cell.script)],
                environment={
                    **variables,
                    script.TRIAL_VARIABLE: str(folder / "trial.json"),
                    tasklog.ENVIRONMENT_VARIABLE: str(folder / "tasks.log"),
                    **({tasklog.SAMPLES_VARIABLE: str(samples)} if samples else {}),
                },
                cwd=environment.ROOT,
                output=folder / "output.txt",
                timeout_s=chosen.timeout_s * getattr(workload, "PATIENCE", 1),
            )
        record = _record(folder, ended, 0 if hasattr(workload, "pools") else workload.num_tasks(chosen), kind)
        if sampler and sampler.error:
            record |= {"outcome": terms.ERROR, "reason": f"memory could not be sampled: {sampler.error}"}
        elif sampler and record["outcome"] == terms.OK:
            start_ns, call_ns, end_ns, released_ns = _said(folder / "outcome.json")["memory_ns"]
            moments_ns = tasklog.read(folder / "tasks.log").moments_ns
            record["memory"] = summary_of(
                sampler.path, sampler.cpu_s, start_ns, call_ns, end_ns, released_ns, moments_ns
            )
        if record["outcome"] != terms.OK and _kernel_oom_kills() > killed_before:
            record |= {"outcome": terms.OUT_OF_MEMORY, "reason": f"the kernel ended a process: {record['reason']}"}
        record["left_behind"] |= _left_files(Path(variables["HOME"]), Path(variables["TMPDIR"]))
    return record


def _record(folder: Path, ended: process.Ended, tasks_asked: int, kind: str) -> dict[str, Any]:
    said = _said(folder / "outcome.json")
    log = tasklog.read(folder / "tasks.log")
    ended_as, reason = _outcome(said, ended, folder / "output.txt")
    start_ns = said.get("start_ns", log.tasks[0][2] if log.tasks else 0)
    columns = list(zip(*log.tasks, strict=True)) or [(), (), (), ()]
    record = trial_record(
        kind=kind,
        outcome=ended_as,
        reason=reason,
        trial_s=ended.seconds,
        import_s=said.get("import_s"),
        tasks_asked=said.get("tasks_asked", tasks_asked),
        tasks_run=said.get("tasks_run", len(log.tasks)),
        workers=len(log.workers),
        in_parent=said.get("pid") in log.workers,
        tasks={
            "index": list(columns[0]),
            "pid": list(columns[1]),
            "start_ns": [start - start_ns for start in columns[2]],
            "end_ns": [end - start_ns for end in columns[3]],
        },
        moments_s={name: (when - start_ns) / 1e9 for name, when in log.moments_ns.items()},
        placed=len(log.placed),
        place_s=sum(end - start for _, start, end in log.placed) / 1e9 if log.placed else None,
        placed_bytes=sum(nbytes for nbytes, *_ in log.placed) if log.placed else None,
        on_write=said.get("on_write", ""),
        pools=said.get("pools", []),
        kernel=said.get("kernel", {}),
        left_behind=dict(ended.left),
        output="" if ended_as == terms.OK else tail(folder / "output.txt"),
    )
    if ended_as == terms.OK:
        record |= {"wall_s": (said["end_ns"] - start_ns) / 1e9, **said.get("parts", {})}
        # Of the whole tree, but without what the trial's interpreter did before the call and after the return.
        for i, name in enumerate(("cpu_user_s", "cpu_system_s")):
            forgotten = sum(used[i] for pid, used in log.forgotten_cpu_ns.items() if pid not in ended.adopted) / 1e9
            record[name] = ended.cpu_s[i] - said["cpu_outside_s"][i] + forgotten
    return record


def trial_record(**fields: Any) -> dict[str, Any]:
    """Return a trial's record; what a trial that was not run cannot know is None or zero.

    Times are in seconds, but for ``tasks``, in nanoseconds after the call. The parts of the wall time are those of
    `breakdown.parts_of`, memory is that of `memory.summary_of`.
    """
    blank = {
        "kind": TIME, "outcome": "", "reason": "", "session": 0, "block": 0, "position": None,
        "yardstick_s": None, "trial_s": None,
        "import_s": None, "wall_s": None, "startup_s": None, "work_s": None, "wait_s": None, "tail_s": None,
        "straggler_s": None, "shutdown_s": None, "cpu_user_s": None, "cpu_system_s": None,
        "moments_s": {}, "place_s": None, "placed": 0, "placed_bytes": None, "on_write": "", "tasks_asked": 0,
        "tasks_run": 0, "workers": 0, "in_parent": False, "tasks": {}, "memory": {}, "pools": [], "kernel": {},
        "left_behind": {}, "output": "",
    }  # fmt: skip
    return {**blank, **fields}


@contextmanager
def sampled(path: Path | None) -> Iterator[Sampler | None]:
    """Sample the memory of all descendants into ``path``, if there is one, until the block has ended."""
    if path is None:
        yield None
        return
    path.touch()
    sampler = Sampler(path)
    sampler.start()
    try:
        yield sampler
    finally:
        sampler.stop()


def _said(path: Path) -> dict[str, Any]:
    """Return what the trial's interpreter says; nothing if it was ended before, or while, it said so."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _outcome(said: dict[str, Any], ended: process.Ended, output: Path) -> tuple[str, str]:
    if ended.timed_out:
        where = "its interpreter did not end" if said else "it did not return"
        return terms.TIMEOUT, f"{where} within {ended.seconds:.0f} s{_first_error(output)}"
    if said:
        return said["outcome"], said["reason"]
    lines = tail(output).strip().splitlines()
    last = lines[-1] if lines else "no output"
    if ended.returncode < 0:
        return terms.CRASH, f"its interpreter was ended by {signal.Signals(-ended.returncode).name}: {last}"
    return terms.CRASH, f"its interpreter ended with status {ended.returncode} and no result: {last}"


def _first_error(output: Path) -> str:
    """Return the first error that was printed: libraries that try again for ever print the cause of their waiting.

    What there was no room for comes first: others are printed before it that follow from it.
    """
    found: list[str] = _ERROR_LINE.findall(output.read_text(errors="replace"))
    found.sort(key=lambda line: not line.startswith("MemoryError"))
    return f"; it printed: {found[0]}" if found else ""


def tail(output: Path) -> str:
    """Return the end of what a process printed."""
    return output.read_text(errors="replace")[-OUTPUT_KEPT:]


def _left_files(*folders: Path) -> dict[str, int]:
    files = [path for folder in folders for path in folder.rglob("*") if not path.is_dir()]
    return {"files": len(files), "file_bytes": sum(process.size_of(path) for path in files)}


def _kernel_oom_kills() -> int:
    """Return how many processes the kernel has ended for want of memory: in this container, or else on this machine."""
    for path in (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat")):
        if path.exists():
            lines = path.read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder that is removed at the end; its path is short because Ray's sockets will lie in it."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)
