"""Every idiom of every library, through the real suite: right result, every task once, on the workers asked for."""

import ast
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import benchmark_fork
from harness.cli import all_scripts, parse
from harness.launch import run_cell
from record.terms import (
    CALLER,
    COLD,
    IN_CALLER,
    IN_EVERY_TASK,
    KEPT,
    OK,
    ONCE_PER_WORKER,
    SKIPPED,
    WORKLOADS,
)
from tests.conftest import LIBRARIES, all_cells, cell_of, cells_of, first_row, needs_torch, shared_memory

ASKED = {"numerical": 8, "stateful": 24, "initialization": 8, "sharing": 8}  # in a round


def test_all_libraries_are_found():
    assert tuple(all_scripts()) == tuple(sorted((*LIBRARIES, "dask_stores")))
    for workload in ASKED:
        assert {cell.library for cell in cells_of(workload) if not cell.outcome} == set(LIBRARIES)


def test_a_script_without_an_idiom_is_left_out_unless_it_was_named():
    assert "dask_stores" not in {cell.library for cell in all_cells(parse(["numerical", "--n-jobs", "2"]))}
    (cell,) = all_cells(parse(["numerical", "--libraries", "dask_stores", "--n-jobs", "2"]))
    assert (cell.outcome, cell.reason) == (SKIPPED, "benchmark_dask_stores.py has no idiom of the pattern shared")
    assert {cell.library for cell in all_cells(parse(["client_scatter"]))} == {"dask_stores"}


WITH_TORCH = {name: pytest.param(name, marks=needs_torch if name == "initialization" else ()) for name in ASKED}


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_row_of_each_library(library, tiny):
    check_row(first_row("stateful", library), tiny)


@pytest.mark.parametrize("library", ["fork", "futures", "joblib", "mp", "mpire", "serial"])  # others take seconds
def test_a_row_with_a_large_input(library, tiny):
    check_row(first_row("numerical", library), tiny)


@needs_torch
def test_a_row_with_a_setup(tiny):
    check_row(first_row("initialization", "mp"), tiny)


@pytest.mark.full
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("workload", WITH_TORCH.values())
def test_every_row(workload, library, tiny, subtests):
    for cell in cells_of(workload, library):
        with subtests.test(cell.idiom):
            check_row(cell, tiny)


def check_row(cell, tiny):
    """Run one trial of a row, and hold its record to all that a right one says."""
    if cell.outcome:
        assert cell.outcome == SKIPPED
        assert len(cell.reason) > 20
        return
    segments = shared_memory()
    trial = run_cell(cell, tiny)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    asked = ASKED[cell.workload] * (1 + tiny.kept_rounds)
    # Counted by the workers themselves: Dask, for one, runs calls that look alike only once.
    assert sorted(trial.tasks.index) == list(range(asked))
    assert trial.tasks_run == trial.tasks_asked == asked
    # A pool that is kept has the workers of its first round.
    assert 1 <= trial.workers <= cell.n_jobs * (1 if cell.shown.traits.keeps_pool else 1 + tiny.kept_rounds)
    assert trial.in_parent == (cell.shown.traits.workers == CALLER)
    (pool,) = trial.pools
    assert [round_.phase for round_ in pool.rounds] == [COLD] + [KEPT] * tiny.kept_rounds
    assert trial.one_shot_s == pool.rounds[0].seconds + pool.stop_s
    for number, round_ in enumerate(pool.rounds):
        begin, end = 1e9 * round_.start_s, 1e9 * (round_.start_s + round_.seconds)
        own = range(number * ASKED[cell.workload], (number + 1) * ASKED[cell.workload])
        assert all(begin <= start <= stop <= end for index, start, stop in _spans(trial) if index in own)
    for parts, seconds in ((trial.cold, trial.cold_s), (trial.kept, trial.kept_s)):
        total = parts.start_s + parts.work_s + parts.wait_s + parts.gather_s
        assert total == pytest.approx(seconds, rel=0.01)
    if cell.workload == "initialization":
        assert trial.setup_s > 0
        least = {IN_CALLER: 1, IN_EVERY_TASK: asked, ONCE_PER_WORKER: trial.workers}[cell.shown.traits.sets_up]
        assert least <= trial.setups <= max(least, cell.n_jobs)
    traits = cell.shown.traits
    in_turn = cell.library in ("dask", "ray") or (cell.library == "mpire" and traits.keeps_state and traits.keeps_pool)
    if cell.workload == "stateful" and trial.workers > 1 and not in_turn:
        # Documents are long and short in turn: a script that gave document i to worker i mod n would give one worker
        # all the long ones. (Dask's and Ray's schedulers are asked nothing, and may do just that. MPIRE's `order_tasks`
        # gives out chunks in turn, which here are of one document.)
        parities = [{i % 2 for i, p in _owners(trial) if p == pid} for pid in _pids(trial)]
        assert {0, 1} in parities
    assert trial.left_behind.processes == 0
    assert trial.left_behind.shm_segments == 0
    assert shared_memory() <= segments


def _spans(trial):
    return zip(trial.tasks.index, trial.tasks.start_ns, trial.tasks.end_ns, strict=True)


def _owners(trial):
    return zip(trial.tasks.index, trial.tasks.pid, strict=True)


def _pids(trial):
    return set(trial.tasks.pid)


@pytest.mark.parametrize("library", ["mp", "futures"])
def test_many_short_tasks_are_sent_in_chunks_by_one_rule(library):
    """A sixteenth of each worker's share, whatever the workload."""
    script = __import__(f"benchmark_{library}")
    sizes = {(len(tasks), n_jobs): script.sixteenths(tasks, n_jobs) for tasks, n_jobs in _rounds_of_tasks()}
    assert sizes == {(8, 2): 1, (12, 4): 1, (24, 4): 1, (300, 4): 4, (300, 1): 18, (2000, 4): 31}


def _rounds_of_tasks():
    return [(range(tasks), n) for tasks, n in ((8, 2), (12, 4), (24, 4), (300, 4), (300, 1), (2000, 4))]


@pytest.mark.full
@needs_torch
def test_a_second_trial_finds_no_warm_worker(tiny):
    cell = cell_of("initialization", "joblib", "loky, made once")
    for trial in (run_cell(cell, tiny), run_cell(cell, tiny)):
        assert trial.setups == trial.workers >= 1  # a warm worker would have its model already


def test_by_hand_a_worker_that_fails_is_heard():
    """And no worker is left: a floor that hangs on an error would be none."""

    def start():
        return {1: "one", 2: "two"}.__getitem__, lambda: "end"

    rounds = benchmark_fork.rounds_by_hand(iter([[1, 2], [1]]), 2, start)
    assert [sorted(answers) for answers in rounds] == [["one", "two"], ["one"]]
    rounds = benchmark_fork.rounds_by_hand(iter([[1, 2, 1], [1]]), 2, start, hands_back=True)
    assert list(rounds) == [["end", "end"]] * 2
    for rounds in ([[1, 3, 2]], [[1, 2], [3]]):
        with pytest.raises(KeyError, match="3"):
            list(benchmark_fork.rounds_by_hand(iter(rounds), 2, start))
    with pytest.raises(ChildProcessError):  # there is none to wait for
        os.waitpid(-1, os.WNOHANG)


def test_naive_idioms_are_marked_and_exist():
    for library in set(LIBRARIES) - {"serial", "fork"}:
        for workload in ("initialization", "numerical", "sharing"):
            assert any(cell.shown.traits.naive for cell in cells_of(workload, library))
    for cell in (cell for workload in ASKED for cell in cells_of(workload)):
        assert cell.shown.traits.naive == cell.idiom.startswith("naive: ")  # for people, too


def test_start_methods_are_rows_of_their_own():
    for library in ("mp", "futures", "mpire"):
        for workload in WORKLOADS:
            assert {"fork", "spawn"} <= {traits.start for traits in traits_of(workload, library)}


def traits_of(workload, *libraries):
    return [cell.shown.traits for cell in cells_of(workload, *libraries)]


def test_what_sentences_are_about_is_in_the_scripts():
    """Without such an idiom, an answer of the page would fall silent, and nobody would notice."""
    setups = traits_of("initialization")
    assert {traits.sets_up for traits in setups} == {ONCE_PER_WORKER, IN_CALLER, IN_EVERY_TASK}
    (unlimited,) = [traits for traits in setups if traits.all_cores]
    limited = traits_of("initialization", "mp")
    assert replace(unlimited, all_cores=False, naive=False) in limited
    assert any(traits.keeps_state for traits in traits_of("stateful", "joblib"))  # skipped, with its reason
    assert {traits.start for traits in traits_of("sharing", "futures")} >= {"fork", "spawn"}
    assert {traits.batched for traits in traits_of("overhead", "mp")} == {True, False}
    assert {traits.start for traits in traits_of("overhead", "mp")} >= {"fork", "spawn", "forkserver"}


def test_joblib_with_one_job_says_that_it_ran_in_the_parent(tiny):
    cells = all_cells(parse(["numerical", "--libraries", "joblib", "--n-jobs", "1"]))
    trial = run_cell(cells[0], tiny)
    assert trial.outcome == OK
    assert trial.in_parent


def test_scripts_are_short_and_name_no_workload():
    lines = {path.stem: path.read_text().count("\n") for path in all_scripts().values()}
    assert max(lines.values()) <= 330
    for path in all_scripts().values():
        names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
        assert not names & set(WORKLOADS)


def test_scripts_import_their_own_library_alone_and_know_only_trial():
    own = {
        "mp": {"stores"},
        "futures": {"stores"},
        "joblib": {"joblib"},
        "dask": {"dask", "distributed"},
        "dask_stores": {"dask", "distributed", "pandas", "stores"},
        "ray": {"ray"},
        "mpire": {"mpire"},
    }
    for library, path in all_scripts().items():
        nodes = list(ast.walk(ast.parse(Path(path).read_text())))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        packages = {name.partition(".")[0] for name in imported - {"trial.script", "trial.tasklog", "trial.remote"}}
        assert packages - sys.stdlib_module_names - {"numpy"} <= own.get(library, set())
        assert "time" not in imported
        # A Manager's proxy would put all workers' state into one process and one GIL.
        assert "Manager(" not in Path(path).read_text()
