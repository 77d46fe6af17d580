"""A run: prepare the inputs, lay the cells in blocks, run every trial, save after each."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from time import strftime
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

import params
from harness import environment, inputs, outcome, process, results
from harness.cells import Cell, all_cells, shuffled
from harness.cli import Settings, UserError
from harness.launch import run_cell, tail, temporary_folder, trial_record
from harness.trial import load_workload

INPUTS_TIMEOUT_S = 3600.0
WARM_UP_TIMEOUT_S = 60.0


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
            run.add(cell, trial_record(outcome=cell.outcome, reason=cell.reason))
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
        temporary_folder() as temporary,
    ):
        output = temporary / "output.txt"
        variables = environment.trial_environment(temporary)
        for name in environment.THREAD_LIMITS:  # making inputs is no part of any measurement
            del variables[name]
        try:
            ended = process.run_to_end(
                inputs.command(workload, chosen),
                environment=variables,
                cwd=environment.ROOT,
                output=output,
                timeout_s=INPUTS_TIMEOUT_S,
            )
        finally:
            inputs.remove_unfinished(workload, chosen)
        lines = tail(output).strip().splitlines() or [f"exit status {ended.returncode}"]
        if ended.returncode == inputs.BAD_PARAMS:
            raise UserError(lines[-1])
        return "" if ended.returncode == 0 else f"its inputs cannot be made: {lines[-1]}"


def _unless_impossible(cell: Cell, reason: str) -> Cell:
    return replace(cell, outcome=outcome.ERROR, reason=reason) if reason and not cell.outcome else cell


def _warm_up(console: Console) -> None:
    with console.status("warming up memory and disk cache"), temporary_folder() as temporary:
        process.run_to_end(
            [sys.executable, "-m", "harness.warmup"],
            environment=environment.trial_environment(temporary),
            cwd=environment.ROOT,
            output=temporary / "output.txt",
            timeout_s=WARM_UP_TIMEOUT_S,
        )
