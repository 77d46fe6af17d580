"""Recommendations: what was measured, in its order, or that nothing near was measured."""

import pytest

from tests.conftest import run_utils
from tests.test_report_rounds import a_grid, save


def grid_folder(folder, blocks=6):
    """Save a grid in which threads need 1 ms a task and processes 1.5 ms, at every payload and compute time."""
    for library, idiom, each_s in (("mp", "fork", 1.5e-3), ("futures", "ThreadPoolExecutor", 1e-3)):
        grids = [
            a_grid(0.1, lambda p, c, s=each_s, b=block: 8 * (s + c / 4) * (1 + b / 1000)) for block in range(blocks)
        ]
        save(folder, "grid", library, {idiom: grids}, n_jobs=4)
    return folder


def test_recommend_ranks_by_what_was_measured(tmp_path):
    ended = run_utils(
        "recommend", "--task-ms", 4, "--bytes-in", "1e6", "--n-jobs", 4, "--results", grid_folder(tmp_path)
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    first, second = (line for line in ended.stdout.splitlines() if "│" in line and "library" not in line)
    assert "ThreadPoolExecutor" in first
    assert "fastest" in first
    assert "fork" in second
    assert "2 s" in first  # 1 ms and a quarter of 4 ms, a thousand times
    assert "2.5 s" in second
    assert "slower" in second
    assert "GIL" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task-ms", 4000, "--n-jobs", 4], "no measurement near"),
        (["--task-ms", 4, "--bytes-in", "1GB", "--n-jobs", 4], "no measurement near"),
        (["--task-ms", 4, "--n-jobs", 3], "--n-jobs 3"),
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
