"""A run: prepare the inputs, lay the cells in blocks, run every trial, save after each."""

import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import strftime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

import params
from harness import environment, inputs, outcome, process, results, script, tasklog
from harness.cells import Cell, all_cells, shuffled
from harness.cli import Settings, UserError
from harness.trial import load_workload

INPUTS_TIMEOUT_S = 3600.0
WARM_UP_TIMEOUT_S = 60.0
OUTPUT_KEPT = 2000  # characters of a failed trial's output that are kept beside its reason


class Run:
    """What one run has measured so far, on disk after every trial."""

    def __init__(self, settings: Settings, cells: list[Cell]) -> None:
        self.settings = settings
        self.trials = 0
        self.failures = 0
        self._common: dict[str, Any] = {
            "started": strftime("%Y-%m-%dT%H:%M:%S%z"),
            "profile": settings.profile,
            "params": params.as_dict(settings.params),
            "worker_counts": list(settings.worker_counts),
            "seed": settings.params.seed,
            "environment": environment.collect(),
        }
        self._files = {(cell.workload, cell.library): self._earlier(cell) for cell in cells}

    def _earlier(self, cell: Cell) -> list[dict[str, Any]]:
        """Return the runs that a file holds already. Raises UserError for a file that would have to be overwritten."""
        path = results.path_of(self.settings.results, cell.workload, cell.library)
        try:
            return results.load(path)["runs"] if path.exists() else []
        except results.ResultsError as error:
            raise UserError(str(error)) from error

    def begin(self, cells: list[Cell]) -> None:
        """Open a new run in every file, without a trial yet."""
        for (workload, library), runs in self._files.items():
            relevant = {name: self._common["params"][name] for name in load_workload(workload).PARAMS}
            idioms = dict.fromkeys(c.idiom for c in cells if (c.workload, c.library) == (workload, library))
            new = {
                "params_hash": results.hash_of(relevant),
                "inputs": inputs.facts(workload, self.settings.params),
                "idioms": list(idioms),
                "trials": [],
            }
            runs.append({**self._common, **new})

    def add(self, cell: Cell, trial: dict[str, Any]) -> None:
        """Record a trial and save the file that it belongs to."""
        runs = self._files[cell.workload, cell.library]
        runs[-1]["trials"].append({"idiom": cell.idiom, "n_jobs": cell.n_jobs, **trial})
        results.save(self.settings.results, cell.workload, cell.library, runs)
        self.trials += trial["outcome"] != outcome.SKIPPED
        self.failures += trial["outcome"] in outcome.FAILURES


def measure(settings: Settings, console: Console) -> Run:
    """Run every trial of ``settings``; one that fails costs nothing but itself. Raises UserError before the first."""
    process.become_subreaper()
    process.raise_interrupt_on_termination()
    cells = all_cells(settings)
    run = Run(settings, cells)
    impossible = {workload: make_inputs(workload, settings.params, console) for workload in settings.workloads}
    cells = [_unless_impossible(cell, impossible[cell.workload]) for cell in cells]
    _warm_up(console)
    run.begin(cells)
    for cell in cells:
        if cell.outcome:
            run.add(cell, _trial(outcome=cell.outcome, reason=cell.reason))
            _say(console, cell, cell.outcome, cell.reason)
    to_run = [cell for cell in cells if not cell.outcome]
    with _progress(console) as progress:
        bar = progress.add_task("", total=len(to_run) * settings.params.trials)
        for position, (block, cell) in enumerate(_plan(to_run, settings.params)):
            progress.update(bar, description=f"{cell.workload} {cell.library}: {cell.idiom}, {cell.n_jobs} workers")
            trial = run_cell(cell, settings.params) | {"block": block, "position": position}
            run.add(cell, trial)
            if trial["outcome"] != outcome.OK:
                _say(progress.console, cell, trial["outcome"], trial["reason"])
            progress.advance(bar)
    return run


def _plan(cells: list[Cell], chosen: params.Params) -> Iterator[tuple[int, Cell]]:
    """Lay the trials in blocks: each holds every cell once, in a new random order, so that drift meets all alike."""
    for block in range(chosen.trials):
        for cell in shuffled(cells, chosen.seed, block):
            yield block, cell


def _progress(console: Console) -> Progress:
    # A redraw costs CPU time beside the trial that runs: one a second is seldom enough.
    fixed = Column(no_wrap=True, min_width=7)
    return Progress(
        BarColumn(20),
        MofNCompleteColumn(table_column=fixed),
        TimeElapsedColumn(table_column=fixed),
        TextColumn("left", table_column=Column(no_wrap=True)),
        TimeRemainingColumn(table_column=fixed),
        TextColumn("{task.description}", table_column=Column(no_wrap=True, ratio=1)),
        console=console,
        refresh_per_second=1,
        expand=True,
    )


def _say(console: Console, cell: Cell, ended: str, reason: str) -> None:
    line = f"{ended}: {cell.workload}, {cell.library}, {cell.idiom}, {cell.n_jobs} workers: {reason}"
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def make_inputs(workload: str, chosen: params.Params, console: Console) -> str:
    """Make the inputs unless they are there; return why that cannot be done, or an empty string.

    Raises UserError where it is the parameters that allow no inputs.
    """
    if inputs.facts(workload, chosen):
        return ""
    with (
        console.status(f"making the inputs of {workload}, once for these parameters"),
        _temporary_folder() as temporary,
    ):
        output = temporary / "output.txt"
        variables = environment.trial_environment(temporary)
        for name in environment.THREAD_LIMITS:  # making inputs is no part of any measurement
            del variables[name]
        ended = process.run_to_end(
            inputs.command(workload, chosen),
            environment=variables,
            cwd=environment.ROOT,
            output=output,
            timeout_s=INPUTS_TIMEOUT_S,
        )
        lines = _tail(output).strip().splitlines() or [f"exit status {ended.returncode}"]
        if ended.returncode == inputs.BAD_PARAMS:
            raise UserError(lines[-1])
        return "" if ended.returncode == 0 else f"its inputs cannot be made: {lines[-1]}"


def _unless_impossible(cell: Cell, reason: str) -> Cell:
    return replace(cell, outcome=outcome.ERROR, reason=reason) if reason and not cell.outcome else cell


def _warm_up(console: Console) -> None:
    with console.status("warming up memory and disk cache"), _temporary_folder() as temporary:
        process.run_to_end(
            [sys.executable, "-m", "harness.warmup"],
            environment=environment.trial_environment(temporary),
            cwd=environment.ROOT,
            output=temporary / "output.txt",
            timeout_s=WARM_UP_TIMEOUT_S,
        )


def _temporary_folder() -> tempfile.TemporaryDirectory:
    return _PathDirectory(prefix="bench-", ignore_cleanup_errors=True)


class _PathDirectory(tempfile.TemporaryDirectory):
    def __enter__(self) -> Path:
        return Path(super().__enter__())


def run_cell(cell: Cell, chosen: params.Params) -> dict[str, Any]:
    """Run one trial of ``cell`` in a fresh interpreter and return its record, whatever became of it."""
    killed_before = _kernel_oom_kills()
    with _temporary_folder() as folder:
        spec = {
            "workload": cell.workload,
            "idiom": cell.idiom,
            "n_jobs": cell.n_jobs,
            "params": params.as_dict(chosen),
            "inputs": str(inputs.folder_of(cell.workload, chosen)),
        }
        (folder / "trial.json").write_text(json.dumps(spec))
        variables = environment.trial_environment(folder)
        ended = process.run_to_end(
            [sys.executable, str(cell.script)],
            environment={
                **variables,
                script.TRIAL_VARIABLE: str(folder / "trial.json"),
                tasklog.ENVIRONMENT_VARIABLE: str(folder / "tasks.log"),
            },
            cwd=environment.ROOT,
            output=folder / "output.txt",
            timeout_s=chosen.timeout_s,
        )
        record = _record(folder, ended, load_workload(cell.workload).num_tasks(chosen))
        if record["outcome"] != outcome.OK and _kernel_oom_kills() > killed_before:
            record |= {"outcome": outcome.OUT_OF_MEMORY, "reason": f"the kernel ended a process: {record['reason']}"}
        record["left_behind"] |= _left_files(Path(variables["HOME"]), Path(variables["TMPDIR"]))
    return record


def _record(folder: Path, ended: process.Ended, tasks_asked: int) -> dict[str, Any]:
    said_path = folder / "outcome.json"
    said = json.loads(said_path.read_text()) if said_path.exists() else {}
    log = tasklog.read(folder / "tasks.log")
    kind, reason = _outcome(said, ended, folder / "output.txt")
    start_ns = said.get("start_ns", log.tasks[0][2] if log.tasks else 0)
    columns = list(zip(*log.tasks, strict=True)) or [(), (), (), ()]
    return _trial(
        outcome=kind,
        reason=reason,
        wall_s=(said["end_ns"] - start_ns) / 1e9 if kind == outcome.OK else None,
        trial_s=ended.seconds,
        tasks_asked=tasks_asked,
        tasks_run=len(log.tasks),
        workers=len(log.workers),
        in_parent=said.get("pid") in log.workers,
        tasks={
            "index": list(columns[0]),
            "pid": list(columns[1]),
            "start_ns": [start - start_ns for start in columns[2]],
            "end_ns": [end - start_ns for end in columns[3]],
        },
        left_behind=dict(ended.left),
        output="" if kind == outcome.OK else _tail(folder / "output.txt"),
    )


def _trial(**fields: Any) -> dict[str, Any]:
    """Return a trial's record; what a trial that was not run cannot know is None or zero."""
    blank = {
        "outcome": "", "reason": "", "block": 0, "position": None, "wall_s": None, "trial_s": None, "tasks_asked": 0,
        "tasks_run": 0, "workers": 0, "in_parent": False, "tasks": {}, "left_behind": {}, "output": "",
    }  # fmt: skip
    return {**blank, **fields}


def _outcome(said: dict[str, Any], ended: process.Ended, output: Path) -> tuple[str, str]:
    if ended.timed_out:
        where = "its interpreter did not end" if said else "it did not return"
        return outcome.TIMEOUT, f"{where} within {ended.seconds:.0f} s"
    if said:
        return said["outcome"], said["reason"]
    lines = _tail(output).strip().splitlines()
    last = lines[-1] if lines else "no output"
    if ended.returncode < 0:
        return outcome.CRASH, f"its interpreter was ended by {signal.Signals(-ended.returncode).name}: {last}"
    return outcome.CRASH, f"its interpreter ended with status {ended.returncode} and no result: {last}"


def _tail(output: Path) -> str:
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
