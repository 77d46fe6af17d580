"""A workload that is added as CONTRIBUTING.md says, in a copy of the suite: no script changes, and it is measured."""

import os
import shutil
import subprocess
import sys

import pytest

from record import files as results
from record.terms import OK, SKIPPED
from tests.conftest import ROOT, says

SQUARES = '''"""Numbers squared: a workload that is there to be added."""

from functools import partial

from trial.patterns import Map
from trial.tasklog import task
from trial.workload import by_number, repeated

PATTERNS = ("map",)
PARAMS = ("squares_numbers",)


def square(number, value):
    """Task: return the number of the task, and the square."""
    with task(number):
        return number, value * value


def prepare(params, folder):
    """See `Workload`."""
    (folder / "reference.txt").write_text("\\n".join(str(value * value) for value in range(params.squares_numbers)))
    return {"moved_bytes": 8 * params.squares_numbers}


def load(params, folder):
    """See `Workload`."""
    return [int(line) for line in (folder / "reference.txt").read_text().splitlines()]


def pools(inputs, setting):
    """See `Workload`."""
    return repeated(Map(square), [(value,) for value in range(len(inputs))], partial(wrong, expected=inputs), setting)


def wrong(numbers, results, expected):
    """Squares must be those of the reference."""
    return None if by_number(results, numbers) == expected else "squares differ"


def memory_bytes(params, n_jobs):
    """See `Workload`."""
    return n_jobs * 2**27, 0
'''
# What the recipe changes besides: the file, what stands there, and what is put before it.
CHANGES = (
    ("params.py", "    # sharing, sharing_frame:", "    # squares\n    squares_numbers: int = 50  # tasks\n\n"),
    ("record/terms.py", "    *LENGTHS, ", '    "squares",\n'),
    ("report/numbers/names.py", '    "sharing": ', '    "squares": "numbers squared",\n'),
)


@pytest.fixture
def copy(tmp_path):
    """The suite's own files, in a folder of their own."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, timeout=600, check=True)
    for name in listed.stdout.splitlines():
        if name.endswith((".py", ".toml")) and not name.startswith("tests/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_a_workload_is_one_file_and_its_name(copy):
    (copy / "workloads" / "squares.py").write_text(SQUARES)
    for name, place, added in CHANGES:
        text = (copy / name).read_text()
        assert text.count(place) == 1
        (copy / name).write_text(text.replace(place, added + place))
    command = ["benchmark_all.py", "squares", "--profile", "quick", "--libraries", "serial", "mp", "--anyway"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        [sys.executable, *command], cwd=copy, env=environment, capture_output=True, text=True, timeout=600, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    for library in ("serial", "mp"):
        (run,) = results.load(copy / "results" / f"squares_{library}.p3").runs
        assert run.bandwidth_bytes_per_s > 0
        tried = [trial for trial in run.trials if trial.outcome != SKIPPED]
        assert {(trial.outcome, trial.tasks_run) for trial in tried} == {(OK, 100)}  # a cold round, and a kept one
    shown = subprocess.run(
        [sys.executable, "utils.py", "table"], cwd=copy, env=environment, capture_output=True, text=True, timeout=600,
        check=False,
    )  # fmt: skip
    assert says(shown.stdout, "squares", "mp", "ThreadPool")
