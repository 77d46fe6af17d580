"""Every idiom of every library, through the real suite: right result, every task once, on the workers asked for."""

import os
import sys
from pathlib import Path

import pytest

import benchmark_fork
from harness.cells import all_cells
from harness.cli import all_scripts, parse
from harness.launch import run_cell
from record.terms import OK, SKIPPED
from tests.conftest import shared_memory
from workloads import WORKLOADS

LIBRARIES = ("dask", "fork", "futures", "joblib", "mp", "mpire", "ray", "serial")
CELLS = all_cells(parse([*WORKLOADS, "sharing", "--n-jobs", "2"]))


def test_all_libraries_are_found():
    assert tuple(all_scripts()) == LIBRARIES
    for library in LIBRARIES:
        workloads = {cell.workload for cell in CELLS if cell.library == library and not cell.outcome}
        assert workloads == {*WORKLOADS, "sharing"}


# Ray takes four seconds to start and end: of its naive rows, one is tried.
TRIED = [
    cell
    for cell in CELLS
    if cell.library != "ray" or not cell.idiom.startswith("naive") or cell.workload == "numerical"
]


@pytest.mark.parametrize("cell", TRIED, ids=lambda cell: f"{cell.workload}-{cell.library}-{cell.idiom}")
def test_idiom(cell, tiny):
    if cell.outcome:
        assert cell.outcome == SKIPPED
        assert len(cell.reason) > 20
        return
    segments = shared_memory()
    trial = run_cell(cell, tiny)
    assert (trial["outcome"], trial["reason"]) == (OK, ""), trial["output"]
    asked = {"numerical": 8, "stateful": 24, "initialization": 8, "sharing": 8}[cell.workload]
    # Counted by the workers themselves: Dask, for one, runs calls that look alike only once.
    assert sorted(trial["tasks"]["index"]) == list(range(asked))
    assert trial["tasks_run"] == trial["tasks_asked"] == asked
    assert 1 <= trial["workers"] <= cell.n_jobs
    assert trial["in_parent"] == (cell.library == "serial")
    assert all(0 <= start <= end <= trial["wall_s"] * 1e9 for start, end in _intervals(trial))
    if cell.workload == "stateful" and trial["workers"] > 1 and cell.library not in ("dask", "ray"):
        # Documents are long and short in turn: a script that gave document i to worker i mod n would give one worker
        # all the long ones. (Dask's and Ray's schedulers are asked nothing, and may do just that.)
        parities = [{i % 2 for i, p in zip(*_columns(trial), strict=True) if p == pid} for pid in _pids(trial)]
        assert {0, 1} in parities
    assert trial["left_behind"]["processes"] == 0
    assert trial["left_behind"]["shm_segments"] == 0
    assert shared_memory() <= segments


def _columns(trial):
    return trial["tasks"]["index"], trial["tasks"]["pid"]


def _pids(trial):
    return set(trial["tasks"]["pid"])


@pytest.mark.parametrize("library", ["mp", "futures"])
@pytest.mark.parametrize("idiom", ["fork, merge counts", "fork, state, barrier", "spawn, state, barrier"])
def test_many_short_tasks_are_sent_in_chunks(library, idiom, tiny):
    (cell,) = [c for c in CELLS if (c.library, c.idiom) == (library, idiom)]
    trial = run_cell(cell, tiny)
    worker = dict(zip(*_columns(trial), strict=True))
    assert all(len({worker[index] for index in range(chunk, chunk + 4)}) == 1 for chunk in range(0, 24, 4))


def test_a_second_trial_finds_no_warm_worker(tiny):
    (cell,) = [c for c in CELLS if c.library == "joblib" and c.idiom == "loky, loaded once"]
    first, second = run_cell(cell, tiny), run_cell(cell, tiny)
    assert not _pids(first) & _pids(second)


def test_by_hand_a_worker_that_fails_is_heard():
    """And no worker is left: a floor that hangs on an error would be none."""

    def start():
        return {1: "one", 2: "two"}.__getitem__, lambda: None

    assert sorted(benchmark_fork.rounds_by_hand([[1, 2], [1]], 2, start)) == ["one", "one", "two"]
    with pytest.raises(KeyError, match="3"):
        list(benchmark_fork.rounds_by_hand([[1, 3, 2]], 2, start))
    with pytest.raises(ChildProcessError):  # there is none to wait for
        os.waitpid(-1, os.WNOHANG)


def test_naive_idioms_are_named_so_and_exist():
    for library in set(LIBRARIES) - {"serial", "fork"}:
        naive = {c.workload for c in CELLS if c.library == library and c.idiom.startswith("naive: ")}
        assert naive == {"initialization", "numerical", "sharing"}


def test_start_methods_are_rows_of_their_own():
    for library in ("mp", "futures", "mpire"):
        for workload in ("numerical", "stateful", "initialization"):
            idioms = [c.idiom for c in CELLS if c.library == library and c.workload == workload]
            assert any(idiom.startswith("fork") for idiom in idioms)
            assert any(idiom.startswith("spawn") for idiom in idioms)


def test_joblib_with_one_job_says_that_it_ran_in_the_parent(tiny):
    cells = all_cells(parse(["numerical", "--libraries", "joblib", "--n-jobs", "1"]))
    trial = run_cell(cells[0], tiny)
    assert trial["outcome"] == OK
    assert trial["in_parent"]


def _intervals(trial):
    return zip(trial["tasks"]["start_ns"], trial["tasks"]["end_ns"], strict=True)


def test_scripts_import_their_own_library_alone_and_know_only_harness_script():
    import ast

    own = {"joblib": {"joblib"}, "dask": {"dask", "distributed", "pandas"}, "ray": {"ray"}, "mpire": {"mpire"}}
    for library, path in all_scripts().items():
        nodes = list(ast.walk(ast.parse(Path(path).read_text())))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        packages = {
            name.partition(".")[0]
            for name in imported - {"trial.script", "trial.tasklog", "workloads", "stores.serving"}
        }
        assert packages - sys.stdlib_module_names - {"numpy"} <= own.get(library, set())
        assert "time" not in imported
        # A Manager's proxy would put all workers' state into one process and one GIL.
        assert "Manager(" not in Path(path).read_text()
