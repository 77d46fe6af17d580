"""The code beside a number: what the idiom uses, counted as a reader would count it."""

import ast
from functools import partial
from typing import Any

import pytest

from harness.cells import all_cells
from harness.cli import parse
from record.terms import SKIPPED
from trial.source import source_of

SCRIPT = '''"""A script."""
import contextlib

LIMIT = 3


def unused():
    return LIMIT


@contextlib.contextmanager
def opened(n_jobs):
    """Open it."""
    # Why it is opened.
    yield n_jobs


class Task:
    def __call__(self, number):

        return helper(number)


def helper(number):
    return number


def results():
    return []


def measure(inputs, n_jobs, chunk=1):
    """Do it.

    At length.
    """
    with opened(n_jobs) as pool:
        results = [Task()(number) for number in inputs]
        return results
'''


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "benchmark_example.py"
    path.write_text(SCRIPT)
    return path


def functions_of(path):
    found: dict[str, Any] = {}
    exec(compile(path.read_text(), str(path), "exec"), found)
    return found


def test_what_the_idiom_uses_is_shown_in_the_scripts_order(script):
    found: dict[str, Any] = source_of(partial(partial(functions_of(script)["measure"], chunk=4), chunk=2), script)
    assert found["call"] == "measure(chunk=2)"
    # Neither what nothing uses, nor what a variable is named like.
    assert [getattr(node, "name", "") for node in ast.parse(found["code"]).body] == [
        "opened",
        "Task",
        "helper",
        "measure",
    ]
    assert "@contextlib.contextmanager\ndef opened" in found["code"]
    assert "# Why it is opened." in found["code"]
    assert found["lines"] == 3 + 3 + 2 + 4


def test_every_idiom_that_runs_has_its_code():
    cells = all_cells(parse(["numerical", "overhead", "--libraries", "mp", "futures", "serial"]))
    assert len(cells) > 10
    for cell in cells:
        assert bool(cell.shown.code) == (cell.outcome != SKIPPED), cell
        if cell.shown.code:
            assert f"def {cell.shown.call.partition('(')[0]}(" in cell.shown.code
