"""Faults: what the suite says of them is what happened: to a library that tells, one that hangs, a killed caller."""

import shutil
from typing import Any

import pytest

from harness.cells import Cell
from harness.launch import run_cell
from harness.machine.process import namespaces
from record import files as results
from record.schema import Fault
from record.terms import CALLER_DIED, ERROR_CAUGHT, FAULTS, NOTHING, OK, RESULTS, SETUP_FAILS, Traits
from report.numbers.faults import ENDS, GRADES, HANGS, LOSES, MEANINGS, ORPHANS, RECOVERS, TELLS, UNCLEAR, survivals
from report.numbers.group import groups_of
from report.page.render import render
from report.tables.workload import tables_of
from tests.conftest import ROOT, shared_memory, without
from tests.made_up import a_run, a_trial
from trial.workload import Setting
from workloads import faults

TASKS = 2 * faults.TASKS


def trial_of(library, idiom, fault, tiny):
    path = ROOT / f"benchmark_{library}.py"
    trial = run_cell(Cell(library, path, "faults", idiom, 2, "map"), tiny, fault)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    return trial


def test_a_dead_worker_is_told_and_a_new_pool_works(tiny):
    before = shared_memory()
    fault = trial_of("futures", "fork, chunksize 1", "worker killed", tiny).fault
    assert (fault.learned, fault.names_cause, fault.new_pool) == (ERROR_CAUGHT, True, "")
    assert "BrokenProcessPool" in fault.error
    assert (fault.runs, fault.lost) == (1, TASKS - 1)  # `map` gives no results before the error
    assert shared_memory() <= before


def test_a_pool_that_does_not_return_hangs_until_the_limit(tiny):
    short = without(tiny, fault_limit_s=2.0)
    trial = trial_of("mp", "fork, default chunksize", "worker killed", short)
    assert trial.fault.learned == NOTHING
    assert trial.fault.learned_s >= short.fault_limit_s


@pytest.mark.full
def test_a_retry_is_counted(tiny):
    fault = trial_of("dask", "distributed, client.map", "worker killed once", tiny).fault
    assert (fault.learned, fault.is_answered, fault.lost, fault.runs) == (RESULTS, True, 0, 2)


def test_an_error_is_named_or_not(tiny):
    fault = trial_of("joblib", "loky, batches of 1", "error", tiny).fault
    assert fault.names_cause
    assert faults.CAUSE in fault.error
    assert faults.names_cause("worker killed", "BrokenProcessPool: a process was terminated abruptly")
    assert not faults.names_cause("error", "RuntimeError: something")
    assert not faults.names_cause("result that cannot be pickled", "TimeoutError: waited")


def test_what_a_killed_caller_leaves_is_counted(tiny):
    trial = trial_of("mp", "fork, default chunksize", "caller killed", tiny)
    assert trial.fault.learned == CALLER_DIED
    assert trial.left_behind.processes in (0, 1, 2)  # which, is the answer


@pytest.mark.skipif(not namespaces(), reason="only a shared memory of the trial's own may be filled")
def test_full_shared_memory_is_told_and_a_new_pool_works(tiny):
    fault = trial_of("mp", "fork, default chunksize", faults.FULL_MEMORY, tiny).fault
    assert (fault.learned, fault.names_cause, fault.new_pool) == (ERROR_CAUGHT, True, "")


def test_a_setup_that_fails_is_told_or_not_and_a_new_pool_works(tiny):
    path = ROOT / "benchmark_futures.py"
    trial = run_cell(Cell("futures", path, "failing_setup", "fork, initializer", 2, "setup"), tiny, SETUP_FAILS)
    fault = trial.fault
    assert (fault.learned, fault.runs, fault.new_pool) == (ERROR_CAUGHT, 0, ""), trial.output
    assert "BrokenProcessPool" in fault.error


@pytest.mark.parametrize("fault", FAULTS)
def test_all_tasks_of_a_round_have_as_many_arguments(fault, monkeypatch):
    """Else an idiom that hands over a column of each argument would fail by itself."""
    monkeypatch.setattr(faults, "LARGE_BYTES", 100)
    (round_,) = faults.round_of(range(4), 2, fault)
    assert len({len(task) for task in round_.tasks}) == 1
    assert [task[1] for task in round_.tasks] == ["", "", fault, ""]


def test_the_machines_shared_memory_is_never_filled():
    setting = Setting("map", 2, 0, 2**30, 2**30, kind=faults.FULL_MEMORY)
    if faults.SHARED_MEMORY.is_dir() and shutil.disk_usage(faults.SHARED_MEMORY).total > faults.SMALL_SHARED_BYTES:
        with pytest.raises(RuntimeError, match="not filled"):
            next(faults.pools(None, setting))


def a_fault_trial(fault, block=0, processes=0, **said):
    trial = a_trial(None, idiom="fork", n_jobs=2, block=block, kind=fault, fault=Fault(**said))
    trial.left_behind.processes = processes
    return trial


WAYS: dict[str, dict[str, Any]] = {
    RECOVERS: {"learned": RESULTS, "is_answered": True, "runs": 2},
    LOSES: {"learned": RESULTS, "is_answered": True, "lost": 3},
    TELLS: {"learned": ERROR_CAUGHT, "names_cause": True, "learned_s": 0.25},
    UNCLEAR: {"learned": ERROR_CAUGHT, "error": "<b>strange"},
    HANGS: {"learned": NOTHING, "learned_s": 30.0},
    ENDS: {"learned": CALLER_DIED},
}


def test_each_way_has_its_word(tmp_path):
    trials = [a_fault_trial(fault, **said) for fault, said in zip(FAULTS, WAYS.values(), strict=False)]
    trials.append(a_fault_trial(FAULTS[6], learned=CALLER_DIED, processes=2))
    results.save(tmp_path, "faults", "mp", [a_run(*trials, traits={"fork": Traits(start="fork")})])
    (group,), refused = groups_of(sorted(tmp_path.glob("*.p3")))
    assert not refused
    found = survivals(group)
    assert [rows[0].words for rows in found.values()] == [*([word] for word in WAYS), [ORPHANS]]
    assert {word for rows in found.values() for word in rows[0].words} == set(GRADES) == set(MEANINGS)
    overview, *each = tables_of(group)
    assert len(each) == len(found)
    assert overview.table.row_count == 1
    page = render({"": [group]}, [])
    assert "<b>strange" not in page
    assert "faults-overview" in page


def test_ways_that_differ_are_all_named(tmp_path):
    trials = [a_fault_trial(FAULTS[0], block, **WAYS[word]) for block, word in enumerate((RECOVERS, HANGS, RECOVERS))]
    results.save(tmp_path, "faults", "mp", [a_run(*trials)])
    (group,), _ = groups_of(sorted(tmp_path.glob("*.p3")))
    (row,) = survivals(group)[FAULTS[0]]
    assert row.words == [RECOVERS, HANGS]
    assert row.grade == GRADES[HANGS]


def test_every_fault_is_done_by_a_function():
    assert tuple(faults.DO) == FAULTS
