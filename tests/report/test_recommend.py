"""Recommendations: what was measured, in its order, or that nothing near was measured."""

import re

import pytest

from record import files as results
from record.schema import Fault
from record.terms import MEMORY, NOTHING, RESULTS, WORKER_KILLED_ONCE, Traits
from tests.conftest import run_utils, says
from tests.made_up import a_grid, a_run, a_trial, grid_folder, memory_of, of_tasks, parts_of, save, save_pools

STATE = {
    "fork, state": Traits(start="fork", keeps_state=True),
    "state at worker exit": Traits(start="fork", keeps_state=True),
}


def test_recommend_ranks_by_what_was_measured(tmp_path):
    ended = run_utils(
        "recommend", "--task-ms", 4, "--bytes-in", "1e6", "--n-jobs", 4, "--results", grid_folder(tmp_path)
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = (line for line in ended.stdout.splitlines() if "│" in line and "library" not in line)
    assert "ThreadPoolExecutor" in first
    assert "fastest" in first
    assert "fork" in second
    assert " 2 ms " in first  # 1 ms, and a quarter of 4 ms
    assert "2.5 ms" in second
    assert "slower" in second
    assert "GIL" in ended.stdout


def test_without_a_grid_the_order_in_a_workload_is_shown_with_its_caveat(tmp_path):
    save(tmp_path, "mp", {("fork", 4): [2.0] * 6}, kept={("fork", 4): [1.5] * 6})
    save(tmp_path, "ray", {("tasks", 4): [6.0] * 6}, kept={("tasks", 4): [1.2] * 6})
    ended = run_utils("recommend", "--task-ms", 4, "--n-jobs", 4, "--results", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = (line.split("│") for line in ended.stdout.splitlines() if "│" in line)
    assert [cell.strip() for cell in first[1:3]] == ["ray", "tasks"]
    assert [cell.strip() for cell in second[3:7]] == ["1.25", "1.5 s", "500 ms", "2 s"]
    assert "No tasks like these were measured" in ended.stdout
    ended = run_utils("recommend", "--task-ms", 4, "--n-jobs", 3, "--results", tmp_path)
    assert ended.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task-ms", 4000, "--n-jobs", 4], "no measurement near"),
        (["--task-ms", 4, "--bytes-in", "1GB", "--n-jobs", 4], "no measurement near"),
        (["--task-ms", 4, "--n-jobs", 3], "--n-jobs 3"),
        (["--task-ms", 4, "--n-jobs", 0], "--n-jobs is 0: it must be at least 1"),
        (["--task-ms", -1, "--n-jobs", 4], "--task-ms is -1: it must be 0 or more"),
        (["--task-ms", 1, "--n-jobs", 4, "--shared", "lots"], "'lots' is no size"),
    ],
)
def test_recommend_does_not_guess(tmp_path, arguments, said):
    ended = run_utils("recommend", *arguments, "--results", grid_folder(tmp_path, blocks=1))
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_recommend_leaves_out_what_memory_does_not_allow(tmp_path):
    wanted = ["--task-ms", 4, "--n-jobs", 4, "--shared", "512MB", "--memory", "1GB"]
    ended = run_utils("recommend", *wanted, "--results", grid_folder(tmp_path))
    assert "Nothing that was measured can do this." in ended.stdout
    assert (
        "left out: mp (fork): its memory was not measured near this: run python benchmark_all.py sharing"
        in ended.stdout
    )


def test_what_was_refused_is_not_taken_for_something_smaller(tmp_path):
    """Ray did 1 KiB only: what it took for that says nothing of 1 MB."""
    grid_folder(tmp_path)
    grids = [a_grid(0.1, lambda p, c: 8 * (1e-6 + c / 4), refused=(2**20,)) for _ in range(6)]
    save_pools(tmp_path, "grid", "ray", {"tasks": grids}, n_jobs=4)
    task = ("--task-ms", 4, "--n-jobs", 4, "--results", tmp_path)
    assert "1 │ ray" in run_utils("recommend", *task).stdout.replace("│1", "1")
    ended = run_utils("recommend", *task, "--bytes-in", "1e6")
    assert "left out: ray (tasks): not measured near this" in ended.stdout


def test_only_idioms_that_kept_state_are_named_for_it(tmp_path):
    grid_folder(tmp_path)
    save(
        tmp_path, "mp", {("fork, state", 4): [1.0], ("fork, merge counts", 4): [1.0]}, workload="stateful", traits=STATE
    )
    save(tmp_path, "futures", {("fork, merge counts", 4): [1.0]}, workload="stateful", traits=STATE)
    ended = run_utils("recommend", "--task-ms", 4, "--n-jobs", 4, "--state", "worker", "--results", tmp_path)
    rows = [line for line in ended.stdout.splitlines() if "│" in line and "library" not in line]
    assert len(rows) == 1
    assert "mp" in rows[0]
    assert "left out: futures (ThreadPoolExecutor): it kept no state" in ended.stdout


def test_state_is_named_of_an_idiom_that_kept_it(tmp_path):
    """Idioms that a library cannot do are stored first."""
    grid_folder(tmp_path)
    times = {("state at worker exit", 4): ["skipped"], ("fork, state", 2): [1.0]}
    save(tmp_path, "futures", times, workload="stateful", traits=STATE)
    save(tmp_path, "mp", {("fork, state", 2): [1.0]}, workload="stateful", traits=STATE)
    ended = run_utils("recommend", "--task-ms", 4, "--n-jobs", 4, "--state", "worker", "--results", tmp_path)
    assert re.search(r"1 +│ mp +│ fork ", ended.stdout.replace("│1", "1"))  # whatever the number of workers
    said = "left out: futures (ThreadPoolExecutor): in this idiom no state was kept; it was in futures (fork, state)"
    assert said in ended.stdout


def test_start_up_of_other_numbers_of_workers_is_not_taken(tmp_path):
    grid_folder(tmp_path)
    task = ("recommend", "--task-ms", 4, "--n-jobs", 4, "--results", tmp_path)
    for n_jobs, said in ((8, "not measured"), (4, "ms")):
        pools = [of_tasks(1e-3, 1e-5, 1000, seed=seed, cold_s=0.05) for seed in range(6)]
        save_pools(tmp_path, "overhead", "mp", {"fork, chunksize 1": pools}, n_jobs=n_jobs)
        row = next(line for line in run_utils(*task).stdout.splitlines() if "fork" in line and "│" in line)
        assert said in row.split("│")[6]


def test_a_grid_that_failed_is_said_to_have(tmp_path):
    save_pools(tmp_path, "grid", "mp", {"fork": [a_grid(0.1, lambda p, c: 1e-3)]}, n_jobs=4, outcome="error")
    ended = run_utils("recommend", "--task-ms", 4, "--n-jobs", 4, "--results", tmp_path)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "all of the grid has failed" in ended.stderr


def test_memory_grows_with_the_shared_input(tmp_path):
    """Two copies of 256 MiB and 100 MiB besides: with 512 MiB that is 1124 MiB; 56 MiB more are 112 MiB more."""
    grid_folder(tmp_path)
    mib = 2**20
    memory, larger = (memory_of(start=100, peak=peak, end=20) for peak in (612, 668))
    inputs = {"shared_bytes": 256 * mib}
    of_trial = {"idiom": "fork, global", "n_jobs": 4}
    sampled = [a_trial(kind=MEMORY, memory=found, **of_trial) for found in (memory, larger)]
    run = a_run(a_trial(cold=parts_of(1.0), **of_trial), *sampled, inputs=inputs)
    results.save(tmp_path, "sharing", "mp", [run])
    task = ("--task-ms", 4, "--n-jobs", 4, "--shared", "512MiB", "--results", tmp_path)
    found = run_utils("recommend", *task, "--memory", "2GiB").stdout
    row = next(line for line in found.splitlines() if "fork" in line and "│" in line)
    cells = [cell.strip() for cell in row.split("│")]
    assert cells[-6:-2] == ["100 ms", "1.15 GiB", "1.1 GiB - 1.21 GiB", "fork, global"]  # start-up is sharing's too
    found = run_utils("recommend", *task, "--memory", "1.2GiB").stdout
    assert "left out: mp (fork): it would take 1.21 GiB, 1.2 GiB are allowed" in found


def test_what_a_dead_worker_stops_is_left_out(tmp_path):
    grid_folder(tmp_path)
    task = ("--task-ms", 4, "--n-jobs", 4, "--must", "survive-worker-death", "--results", tmp_path)
    assert "run python benchmark_all.py faults" in run_utils("recommend", *task).stdout
    for library, idiom, fault in (
        ("mp", "fork", Fault(learned=NOTHING, learned_s=20.0)),
        ("futures", "ThreadPoolExecutor", Fault(learned=RESULTS, is_answered=True, learned_s=1.5)),
    ):
        trial = a_trial(None, idiom=idiom, n_jobs=4, kind=WORKER_KILLED_ONCE, fault=fault)
        results.save(tmp_path, "faults", library, [a_run(trial)])
    ended = run_utils("recommend", *task)
    rows = [line for line in ended.stdout.splitlines() if "│" in line and "library" not in line]
    assert len(rows) == 1
    assert "ThreadPoolExecutor" in rows[0]
    assert says(ended.stdout, "left out", "mp (fork)", "hangs")
