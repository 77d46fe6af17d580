"""Rounds: every task counted, every lie noticed; searches and fits against simulated truth; every library's idioms."""

import hashlib
import hmac
import re
import time
from math import exp
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.cells import Cell
from harness.launch import run_cell
from harness.machine import room
from record.schema import Pool, Round, Trial
from record.terms import KEPT, MEMORY, OK, POINT, SKIPPED, TASKS, WRONG
from report.numbers import granularity as shown
from tests.conftest import LIBRARIES, SCRIPTS, cell_of, cells_of, first_row, setting, shared_memory, without
from trial import kernel
from trial.bare import bare_processes
from trial.kernel import Kernel
from workloads import granularity, graphs, grid

# Beside `overhead`, whose rows are those of every library: rows that have something of their own to go wrong with.
OF_GRID = (("mp", "spawn, default chunksize"), ("fork", "by hand"), ("joblib", "loky, automatic batches"),
           ("ray", "naive: Pool for every round"), ("dask", "distributed, scatter"))  # fmt: skip
OF_GRANULARITY = (("serial", "loop"), ("mp", "fork, chunksize 1"), ("dask", "threads, graph"), ("mp", "graph"))
SHORT = (("grid", "fork", "by hand"), ("granularity", "serial", "loop"), ("granularity", "mp", "fork, chunksize 1"))


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_row_of_each_library(library, tiny):
    check_row(first_row("overhead", library), tiny)


@pytest.mark.parametrize(("workload", "library", "idiom"), SHORT)
def test_a_row_of_each_workload(workload, library, idiom, tiny):
    check_row(cell_of(workload, library, idiom), tiny)


@pytest.mark.full
@pytest.mark.parametrize("library", LIBRARIES)
def test_every_row(library, tiny, subtests):
    others = [cell_of("grid", *name) for name in OF_GRID if name[0] == library]
    others += [cell_of("granularity", *name) for name in OF_GRANULARITY if name[0] == library]
    for cell in (*cells_of("overhead", library), *others):
        with subtests.test(f"{cell.workload} {cell.idiom}"):
            check_row(cell, tiny)


def check_row(cell, tiny):
    """Run one trial of a row, and hold its record to all that a right one says."""
    if cell.outcome:
        assert cell.outcome == SKIPPED
        assert "no task graphs" in cell.reason or "Python 3.14" in cell.reason
        return
    before = shared_memory()
    trial = run_cell(cell, tiny)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    given = sum(round_.tasks for pool in trial.pools for round_ in pool.rounds)
    assert trial.tasks_run == trial.tasks_asked == given > 0
    assert all(round_.seconds > 0 for pool in trial.pools for round_ in pool.rounds)
    assert all(pool.stop_s >= 0 for pool in trial.pools)
    assert min(trial.cold_s, trial.kept_s) > 0
    assert trial.spent_s <= trial.trial_s
    assert trial.left_behind.processes == 0
    assert shared_memory() <= before


@pytest.mark.parametrize(
    ("idiom", "n_jobs", "reason"),
    [
        ("right", 1, None),
        ("right", 2, "tasks ran in the calling process, and n_jobs is 2"),
        ("drops_one", 1, r"of \d+ tasks, \d+ were never run"),
        ("never_runs", 1, r"of (\d+) tasks, \1 were never run"),
        ("runs_twice", 1, r"0 were never run, [1-9]\d* more than once"),
        ("wrong_results", 1, "results that are not those of the tasks asked"),
        ("one_round_only", 1, "not all rounds were taken and answered"),
        ("takes_ahead", 1, "a round was taken before the one before it was answered"),
        ("answers_unasked", 1, "results came without a round"),
    ],
)
def test_lies_are_noticed(idiom, n_jobs, reason, tiny):
    trial = run_cell(Cell("liars", SCRIPTS / "benchmark_liars.py", "overhead", idiom, n_jobs, "map"), tiny)
    if reason is None:
        assert (trial.outcome, trial.reason) == (OK, ""), trial.output
        return
    assert trial.outcome == WRONG, trial.output
    assert re.search(reason, trial.reason), trial.reason


def test_a_wrong_result_ends_forked_workers_and_bare_processes(tiny):
    cell = Cell("liars", SCRIPTS / "benchmark_liars.py", "granularity", "wrong_in_forked_workers", 2, "map")
    trial = run_cell(cell, tiny)
    assert (trial.outcome, trial.left_behind.processes) == (WRONG, 0)


def test_memory_of_queued_tasks_is_known(tiny):
    trial = run_cell(cell_of("overhead", "mp", "fork, chunksize 1"), tiny, MEMORY)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    assert trial.memory.peak.pss_bytes >= trial.memory.ready.pss_bytes > 0


def test_bare_processes_run_every_task_and_fail_aloud(tmp_path):
    with bare_processes(2) as bare:
        assert bare.seconds(touch, [(str(tmp_path / str(number)),) for number in range(7)]) > 0
        assert sorted(path.name for path in tmp_path.iterdir()) == list("0123456")
        assert bare.seconds(time.sleep, [(0.2,), (0.6,)]) >= 0.6  # until the last one's end
        with pytest.raises(RuntimeError, match="has failed"):
            bare.seconds(touch, [(str(tmp_path / "no" / "folder"),)])


def touch(path):
    Path(path).touch()


def test_the_kernel_computes_all_its_iterations():
    """Against the definition of PBKDF2 (RFC 8018), by hand."""
    block = total = hmac.new(b"benchmark", b"salt" + (1).to_bytes(4, "big"), hashlib.sha256).digest()
    for _ in range(6):
        block = hmac.new(b"benchmark", block, hashlib.sha256).digest()
        total = bytes(a ^ b for a, b in zip(total, block, strict=True))
    assert kernel.compute(7) == int.from_bytes(total[:8], "little")
    assert kernel.compute(0) == 0
    calibrated = Kernel(fixed_s=2e-6, iteration_s=5e-7)
    assert [calibrated.iterations(seconds) for seconds in (0, 1e-9, 1e-4)] == [0, 1, 196]
    assert calibrated.seconds(calibrated.iterations(1e-3)) == pytest.approx(1e-3, rel=0.001)


@pytest.mark.parametrize("leaves", range(1, 40))
def test_a_tree_sums_all_its_leaves(leaves):
    shape = graphs.tree(leaves)
    assert len(shape) == 2 * leaves - 1
    below = [{i} if not needs else set() for i, needs in enumerate(shape)]
    for position, needs in enumerate(shape):
        assert all(other < position for other in needs)
        below[position] = below[position].union(*(below[other] for other in needs))
    (root,) = graphs.sinks(shape)
    assert below[root] == set(range(leaves))


def test_layers_have_the_edges_asked_for():
    for needed in (0, 1, 3, 10):
        shape = graphs.layered(10, 3, needed)
        assert len(shape) == 30
        assert graphs.edges(shape) == 20 * needed
        assert [len(set(needs)) for needs in shape] == [0] * 10 + [needed] * 20
        assert all(position // 10 - 1 == other // 10 for position, needs in enumerate(shape) for other in needs)
    assert graphs.stencil(4, 2) == [(), (), (), (), (0, 1), (0, 1, 2), (1, 2, 3), (2, 3)]
    assert graphs.random(8, 4, 3, seed=1) == graphs.random(8, 4, 3, seed=1) != graphs.random(8, 4, 3, seed=2)


def test_a_graphs_values_change_with_every_input():
    shape = graphs.tree(5)
    right = graphs.values(shape)
    for position in range(len(shape) - 1):
        changed = list(right)
        changed[position] += 1
        user = next(i for i, needs in enumerate(shape) if position in needs)
        assert graphs.value(user, [changed[other] for other in shape[user]]) != right[user]


def rounds_of_a_library(overhead_s, n_jobs=2, noise=0.0, seed=1):
    """Search with a simulated library that costs each worker so much for every task; return trial and truth."""
    random = np.random.default_rng(seed)
    calibrated = Kernel(fixed_s=0.0, iteration_s=1e-6)
    inputs = granularity.Inputs(work_s=0.5, repeats=3, seed=1)
    (pool,) = granularity.pools(inputs, setting("map", n_jobs, kernel=calibrated))
    measured: list[Round] = []
    seconds: Any = None
    while True:
        try:
            round_ = pool.rounds.send(seconds)
        except StopIteration:
            break
        if round_.phase != POINT:
            seconds = 0.0
            continue
        each = float(round_.label["task_s"]) + (0 if round_.bare else overhead_s)
        seconds = round_.asked / n_jobs * each * exp(noise * random.standard_normal())
        measured.append(
            Round(phase=round_.phase, tasks=round_.asked, seconds=seconds, bare=round_.bare, label=dict(round_.label))
        )
    return Trial(idiom="simulated", n_jobs=n_jobs, pools=[Pool(label=dict(pool.label), rounds=measured, stop_s=0.0)])


@pytest.mark.parametrize("overhead_s", [2e-5, 3e-4, 4e-3])
def test_the_search_finds_a_known_granularity(overhead_s):
    """A task of the overhead's length is 50 % efficient, one nine times as long 90 %; the overhead is in the mean."""
    for seed in range(5):
        curve = shown.efficiencies(rounds_of_a_library(overhead_s, noise=0.01, seed=seed), "independent")
        assert shown.shortest_task_s(curve, 0.5) == pytest.approx(2 * overhead_s, rel=0.1)
        assert shown.shortest_task_s(curve, 0.9) == pytest.approx(
            10 * overhead_s, rel=0.3
        )  # flat there: noise of 1 % moves it


def test_a_search_that_never_crosses_ends():
    assert min(shown.efficiencies(rounds_of_a_library(0.0), "independent").values()) > 0.5
    assert max(shown.efficiencies(rounds_of_a_library(10.0), "independent").values()) < 0.5


def test_a_disturbed_round_of_long_tasks_does_not_hide_what_short_ones_reach():
    found = {100: 0.3, 500: 0.7, 2000: 0.93, 8000: 0.96, 30000: 0.89, 100000: 0.97}
    assert granularity.crossing(found, 0.9) == (500, 2000)


def test_payloads_that_do_not_fit_are_refused_before_they_are_tried(tiny):
    huge = without(tiny, grid_payload_bytes=(2**10, 2**45), grid_compute_s=(0.0,))
    trial = run_cell(cell_of("grid", "fork", "by hand"), huge)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    tried = {pool.label["payload_bytes"]: pool for pool in trial.pools}
    assert sum(round_.phase == KEPT for round_ in tried[2**10].rounds) == huge.kept_rounds
    assert tried[2**10].refused == ""
    assert tried[2**45].rounds == []
    assert "bytes of memory" in tried[2**45].refused
    assert trial.cold_s > 0  # of the first that was not refused


def test_the_cgroups_limit_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(room, "CGROUP", tmp_path)
    assert room.available_bytes() > 2**22
    (tmp_path / "memory.max").write_text(str(2**22))
    assert room.available_bytes() == 2**22
    (tmp_path / "memory").mkdir()  # of version 1
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(str(2**21))
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text(str(2**20))
    (tmp_path / "memory" / "memory.stat").write_text(f"cache 7\ntotal_inactive_file {2**19}\n")
    assert room.available_bytes() == 2**21 - (2**20 - 2**19)


def test_room_that_is_too_small_is_said():
    assert grid.too_large(2**20, setting("map")) == ""
    small = setting("map", free_bytes=2**22)
    assert "6291456 bytes of memory, 4194304 are available" in grid.too_large(2**20, small)
    shared = setting("map", kept_rounds=1, shared_free_bytes=2**20)
    assert grid.too_large(2**18, shared) == ""
    assert "/dev/shm, 1048576 are free" in grid.too_large(2**18, setting("map", kept_rounds=2, shared_free_bytes=2**20))


def test_a_budget_that_nothing_fits_into_leaves_the_least(tiny):
    trial = run_cell(cell_of("overhead", "fork", "by hand"), without(tiny, overhead_budget_s=1e-9))
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    assert {round_.tasks for pool in trial.pools for round_ in pool.rounds if round_.phase == TASKS} == {3}


def test_results_of_the_grid_are_checked_byte_by_byte():
    inputs = grid.Inputs((1000,), (0.0,), 2, 1)
    (pool,) = grid.pools(inputs, setting("map", kernel=Kernel(0.0, 1e-6)))
    round_ = next(pool.rounds)
    right = [(number, 0, np.invert(payload)) for number, payload, _ in round_.tasks]
    assert len(right) == 4
    assert len({payload.tobytes() for _, payload, _ in round_.tasks}) == 4  # none travels for another
    assert round_.wrong(right[::-1]) is None
    changed = right[1][2].copy()
    changed[999] ^= 1
    assert "3 of 4" in round_.wrong([right[0], (1, 0, changed), *right[2:]])
    assert "3 of 4" in round_.wrong(right[1:])
    assert "3 of 4" in round_.wrong([*right[1:], (right[0][0], 1, right[0][2])])
