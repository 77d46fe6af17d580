"""The suite: prepare the inputs, lay the cells in blocks, run every trial."""

import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import isfinite
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

import params
from harness import inputs
from harness.cells import NO_IDIOM, Cell, all_cells, self_check_cells, shuffled
from harness.cli import Settings, UserError
from harness.clusters import with_facts
from harness.enough_blocks import EnoughBlocks
from harness.exclusive import only_run_in, only_suite_on_machine
from harness.folders import remove_abandoned, temporary_folder
from harness.launch import run_cell, tail
from harness.machine import environment, process
from harness.machine.conditions import disturbances
from harness.machine.memory import MEMORY_UNAVAILABLE
from harness.machine.supervise import become_subreaper
from harness.machine.yardstick import yardstick_s
from harness.recording import Recording
from record import terms
from record.schema import Run, Stopping, Trial, printable
from record.terms import FAULTS, MEMORY, SETUP_FAILS, TIME, WRITE
from trial.workload import load_workload

INPUTS_TIMEOUT_S = 3600.0
WARM_UP_TIMEOUT_S = 60.0
SAY_EVERY_S = 60.0  # how often a run prints where it is, if no terminal shows it
# The types that some ways of sharing an input are limited to.
SHAREABLE = {terms.ARRAY_IN_FILE: ("ndarray",), terms.SHARED_MEMORY: ("ndarray", "DataFrame", "Series")}
START_S = 3.0  # of a trial besides its rounds: the interpreter, the library, what closing waits for


Widest = Callable[[list[tuple[str, str, Run]]], tuple[float, str] | None]
"""Takes a run's parts (see `Recording.parts`); returns the widest interval's half-width as a share, and its cell."""


SaidOf = Callable[[dict[str, Any]], list[str]]
"""Takes the facts about a user's own job; returns the lines to print about it before the run."""


def measure(settings: Settings, widest: Widest, said_of_job: SaidOf, console: Console) -> Recording:
    """Run every trial of ``settings``; one that fails does not stop the others. Raises UserError before the first."""
    become_subreaper()
    process.raise_interrupt_on_termination()
    with (
        only_run_in(settings.results),
        only_suite_on_machine(settings.anyway, partial(console.print, highlight=False, soft_wrap=True)) as beside,
    ):
        remove_abandoned()
        return _measure(with_facts(settings), widest, said_of_job, console, beside)


def _measure(settings: Settings, widest: Widest, said_of_job: SaidOf, console: Console, beside: str) -> Recording:
    cells = self_check_cells(settings) if settings.self_check else all_cells(settings)
    run = Recording(settings, cells)
    impossible = {workload: _inputs(workload, settings, console) for workload in settings.workloads}
    facts = {workload: inputs.facts(workload, settings.params) for workload in settings.workloads}
    cells = [_unless_impossible(cell, impossible[cell.workload], facts[cell.workload]) for cell in cells]
    for workload in settings.workloads:
        if load_workload(workload).OWN and not impossible[workload]:
            for line in (*said_of_job(facts[workload]), _said_of_run(cells, facts, settings.params)):
                console.print(line, highlight=False, markup=False, soft_wrap=True)
    bandwidth, cold = _warm_up(_needs(settings)[0], console)
    run.begin(cells, bandwidth, [*filter(None, [beside, cold]), *_check_conditions(settings, console)])
    for cell in cells:
        if cell.outcome and (TIME, 0, cell) not in run.done:
            run.add(cell, Trial(idiom=cell.idiom, n_jobs=cell.n_jobs, outcome=cell.outcome, reason=cell.reason))
            if cell.outcome != terms.SKIPPED or cell.idiom == NO_IDIOM:  # what an idiom cannot do is in its row
                _say(console, cell, cell.outcome, cell.reason)
    to_run = [cell for cell in cells if not cell.outcome]
    with _progress(console) as progress:
        blocks = Blocks(run, to_run, progress)
        enough = EnoughBlocks(blocks.most, settings.precision, settings.budget_s, lambda: widest(run.parts()))
        block = 0
        while to_run and enough.wants(block):
            if sum(blocks.measure(kind, block) for kind in blocks.kinds):
                enough.block_done()
            if settings.precision is not None and (known := widest(run.parts())):
                width = f"± {known[0]:.1%}" if isfinite(known[0]) else "not known yet"
                progress.console.print(f"block {block + 1}: widest interval {width} ({known[1]})", markup=False)
            if block == 0:
                for memory_block in range(settings.params.memory_trials):
                    blocks.measure(MEMORY, memory_block)
                blocks.measure(WRITE, 0)
            block += 1
    reached = enough.reached(run.blocks())
    run.finish(reached)
    console.print(_said_of(reached), highlight=False, markup=False, soft_wrap=True)
    return run


class Blocks:
    """Lays trials in blocks: each holds every cell once, in a new random order, so that drift favours none."""

    def __init__(self, run: Recording, cells: list[Cell], progress: Progress) -> None:
        self.run, self.cells, self.progress = run, cells, progress
        self.position = 0
        chosen = run.settings.params
        self.kinds = (TIME, *FAULTS[: chosen.fault_classes], SETUP_FAILS)  # of the trials of a block
        blocks_are_known = run.settings.precision is None and run.settings.budget_s is None
        self.most = sum(any(self._asked(kind, block) for kind in self.kinds) for block in range(chosen.trials))
        # Where the number of blocks is not known, the total grows with each block.
        blocks = self.most if blocks_are_known else 0
        asked = {MEMORY: chosen.memory_trials, WRITE: 1} | dict.fromkeys(self.kinds, blocks)
        self.total = sum(len(self._asked(kind, block)) for kind, count in asked.items() for block in range(count))
        self.bar = progress.add_task("", total=self.total)
        self.said_s = time.monotonic()

    def measure(self, kind: str, block: int) -> int:
        """Run one block of trials, but for those that an interrupted run has done; return how many were run."""
        run_before = self.run.trials
        for cell in shuffled(self._asked(kind, block), self.run.order_seed, f"{kind} {block}"):
            what = f"{cell.workload} {cell.library}: {cell.idiom}, {cell.n_jobs} workers"
            self.total = max(self.total, self.position + 1)
            self.progress.update(self.bar, description=what, completed=self.position, total=self.total)
            self._say_where(what)
            if (kind, block, cell) not in self.run.done and not self.run.has_hung(kind, cell):
                self._trial(kind, block, cell)
            self.position += 1
        self.progress.update(self.bar, completed=self.position)
        return self.run.trials - run_before

    def _say_where(self, what: str) -> None:
        """Say once a minute where the run is, where no terminal shows the bar."""
        if not self.progress.console.is_terminal and time.monotonic() - self.said_s > SAY_EVERY_S:
            self.said_s = time.monotonic()
            line = f"{self.position} of {self.total}: {what}"
            self.progress.console.print(printable(line), highlight=False, markup=False, soft_wrap=True)

    def _asked(self, kind: str, block: int) -> list[Cell]:
        """Return the cells that have a trial of this kind in this block."""
        cells = self._of(kind)
        if kind in (MEMORY, WRITE):
            return cells
        most = {cell: load_workload(cell.workload).MOST_TRIALS for cell in cells}
        return [c for c in cells if not most[c] or block < getattr(self.run.settings.params, most[c])]

    def _of(self, kind: str) -> list[Cell]:
        """Return the cells that have trials of this kind.

        Trials for writes run on the most workers, in workloads with a shared input. Memory is not sampled where a
        workload says that this would tell nothing.
        """
        if kind == TIME:
            return [cell for cell in self.cells if not load_workload(cell.workload).FAULTS]
        if kind == MEMORY:
            return [c for c in self.cells if load_workload(c.workload).SAMPLED and not c.address]  # it is elsewhere
        if kind == WRITE:
            most = {(cell.workload, cell.library, cell.idiom): cell for cell in self.cells}  # worker counts ascend
            return [cell for cell in most.values() if load_workload(cell.workload).WRITES]
        return [cell for cell in self.cells if kind in load_workload(cell.workload).FAULTS]

    def _trial(self, kind: str, block: int, cell: Cell) -> None:
        if kind == MEMORY and MEMORY_UNAVAILABLE:
            trial = Trial(
                idiom=cell.idiom, n_jobs=cell.n_jobs, kind=kind, outcome=terms.SKIPPED, reason=MEMORY_UNAVAILABLE
            )
        else:
            yardstick = yardstick_s()
            trial = run_cell(cell, self.run.settings.params, kind)
            trial.yardstick_s = yardstick
        trial.block, trial.position = block, self.position
        self.run.add(cell, trial)
        if trial.outcome in terms.FAILURES:
            _say(self.progress.console, cell, trial.outcome, trial.reason)


def _said_of(reached: Stopping) -> str:
    said = f"{reached.blocks} blocks in {reached.spent_s / 60:.1f} min, {reached.reason}"
    if not reached.widest_cell:  # nothing here has an interval
        return f"{said}."
    widest = reached.reached_precision
    sure = f"the widest interval is ± {widest:.1%} ({reached.widest_cell})" if widest else "too few for intervals"
    return f"{said}; {sure}."


def _needs(settings: Settings) -> tuple[int, int]:
    """Return the memory that a trial may take, and how much of it may lie in /dev/shm."""
    n_jobs = settings.worker_counts[-1]
    needs = [load_workload(workload).memory_bytes(settings.params, n_jobs) for workload in settings.workloads]
    peaks = [inputs.facts(workload, settings.params).get("peak_bytes", 0) for workload in settings.workloads]
    return max(n_jobs * max(peaks), *(in_all for in_all, _ in needs)), max(shared for _, shared in needs)


def _check_conditions(settings: Settings, console: Console) -> list[str]:
    """Say what would disturb the measurement; return it for the record. Nothing is refused: the user decides."""
    warnings = disturbances(settings.worker_counts[-1], *_needs(settings))
    for line in warnings:
        console.print(f"warning: {line}", highlight=False, markup=False, soft_wrap=True)
    return warnings


def _progress(console: Console) -> Progress:
    # A redraw costs CPU time beside the trial that runs, so there is only one a second.
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
    console.print(printable(line), highlight=False, markup=False, soft_wrap=True)


def _inputs(workload: str, settings: Settings, console: Console) -> str:
    """Make the inputs (see `make_inputs`). Those of a user's own job are made anew, unless a run is resumed."""
    if load_workload(workload).OWN and not settings.resume:
        inputs.remove(workload)
    return make_inputs(workload, settings.params, console)


def _said_of_run(cells: Sequence[Cell], facts: Mapping[str, Mapping[str, Any]], chosen: params.Params) -> str:
    """Return a line on how long the run will take at least: the estimate gives every library a perfect speedup."""
    rounds = chosen.trials * (1 + chosen.kept_rounds) + chosen.memory_trials
    trials = chosen.trials + chosen.memory_trials
    seconds = 0.0
    for cell in cells:
        if not cell.outcome:
            known = facts[cell.workload]
            start_s = START_S + known.get("setup_s", 0.0) + known.get("import_s", 0.0)
            seconds += rounds * known.get("serial_s", 0.0) / cell.n_jobs + trials * start_s
    return f"The run will take {max(1.0, seconds / 60):.0f} min or more: {len(cells)} rows, {chosen.trials} blocks."


def make_inputs(workload: str, chosen: params.Params, console: Console) -> str:
    """Make the inputs unless they are there; return why that cannot be done, or an empty string.

    Raises UserError if the parameters allow no inputs.
    """
    if inputs.facts(workload, chosen):
        return ""
    with (
        console.status(f"making the inputs of {workload}: its tasks, in a plain loop"),
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
                cwd=environment.working_folder(load_workload(workload).OWN),
                output=output,
                timeout_s=INPUTS_TIMEOUT_S,
            )
        finally:
            inputs.remove_unfinished(workload, chosen)
        lines = tail(output).strip().splitlines() or [f"exit status {ended.returncode}"]
        if ended.returncode < 0:
            name = signal.Signals(-ended.returncode).name
            lines = [f"the process that makes them was ended by {name}; is there enough memory?"]
        if ended.returncode == inputs.BAD_PARAMS:
            raise UserError(lines[-1])
        return "" if ended.returncode == 0 else f"its inputs cannot be made: {lines[-1]}"


def _unless_impossible(cell: Cell, reason: str, facts: Mapping[str, Any]) -> Cell:
    """Return the cell, with an outcome if its workload has no inputs or its idiom cannot share their type."""
    if cell.outcome:
        return cell
    if reason:
        return replace(cell, outcome=terms.ERROR, reason=reason)
    shares, shared_type = cell.shown.traits.shares, facts.get("shared_type", "ndarray")
    if shares in SHAREABLE and shared_type not in SHAREABLE[shares]:
        why = f"it shares an array's memory, and the shared input is a {shared_type}"
        return replace(cell, outcome=terms.SKIPPED, reason=why)
    return cell


def _warm_up(needed_bytes: int, console: Console) -> tuple[float, str]:
    """Return the memory bandwidth in bytes per second; or 0.0, and why it could not be measured."""
    with (
        console.status("warming up memory and disk cache"),
        temporary_folder() as temporary,
    ):
        output = temporary / "output.txt"
        ended = process.run_to_end(
            [sys.executable, "-m", "harness.machine.warmup", str(environment.physical_cores()), str(needed_bytes)],
            environment=environment.trial_environment(temporary),
            cwd=environment.ROOT,
            output=output,
            timeout_s=WARM_UP_TIMEOUT_S,
        )
        last = (tail(output).strip().splitlines() or [f"exit status {ended.returncode}"])[-1]
    if ended.returncode == 0:
        return float(last), ""
    why = f"the memory's bandwidth could not be measured, so limits do not account for it: {last}"
    console.print(f"warning: {why}", highlight=False, markup=False, soft_wrap=True)
    return 0.0, why
