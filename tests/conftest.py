"""Small parameters, real libraries."""

import os
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from io import StringIO
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import matplotlib.pyplot as plt
import pytest
from hypothesis import settings
from rich.console import Console

import utils
from harness import inputs, suite
from harness.cells import Cell, all_cells
from harness.cli import UserError, parse
from harness.machine.supervise import become_subreaper
from params import Params
from record.terms import STUDIES, WORKLOADS
from trial.workload import Setting

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "tests" / "scripts"

settings.register_profile("default", max_examples=60, deadline=None, database=None, derandomize=True)
settings.register_profile("many", max_examples=10_000, deadline=None, database=None)
settings.load_profile("default")

TINY = Params(
    trials=1,
    timeout_s=60.0,
    image_size=200,
    num_filters=8,
    num_documents=24,
    words_per_document=400,
    words_delta=200,
    vocabulary_size=2000,
    hidden_units=64,
    num_batches=8,
    batch_size=8,
    array_side=80,
    array_chunk=20,
    frame_days=4,
    frame_freq_s=60,
    sharing_bytes=2**21,  # joblib maps what is larger than 1 MiB
    overhead_tasks=100,
    overhead_budget_s=2.0,
    latency_tasks=3,
    overhead_edges=(0, 3),
    grid_payload_bytes=(2**21,),
    grid_compute_s=(0.001,),
    kept_rounds=1,
    granularity_work_s=0.01,
    granularity_repeats=1,
    fault_classes=2,
    fault_limit_s=8.0,
    stream_tasks=20,
    stream_taken=10,
    stream_most=200,
    soak_tasks=80,
    soak_pools=2,
)


@cache
def every_cell() -> list[Cell]:
    """Return the cells of all workloads on 2 workers: all scripts are started for it, so only once in a session."""
    return all_cells(parse([*WORKLOADS, *STUDIES, "--n-jobs", "2"]))


def cells_of(*workloads: str) -> list[Cell]:
    """Return the libraries' cells of some workloads; those of the stores are of `dask_stores`, and not among them."""
    return [cell for cell in every_cell() if cell.workload in workloads and cell.library != "dask_stores"]


@pytest.fixture(scope="session")
def tiny() -> Params:
    """Parameters of trials that take a moment, with their inputs."""
    become_subreaper()
    assert suite.make_inputs(WORKLOADS[-1], TINY, Console(quiet=True)) == ""
    for workload in (*WORKLOADS[:-1], *STUDIES):
        if not inputs.facts(workload, TINY):
            inputs.make(workload, TINY)  # here: a process for each takes longer than all that they make
    return TINY


def shared_memory() -> set[str]:
    """Return the names of all shared-memory segments."""
    return set(os.listdir("/dev/shm"))


def without(params: Params, **changes) -> Params:
    """Return ``params`` with other values."""
    return replace(params, **changes)


def setting(pattern: str, n_jobs: int = 2, kept_rounds: int = 1, kernel=None, free_bytes=2**40, shared_free_bytes=None):
    """Return what a workload is told in a trial; with a kernel of known speed, if one is given."""
    made = Setting(pattern, n_jobs, kept_rounds, free_bytes, shared_free_bytes)
    if kernel:
        vars(made)["kernel"] = kernel
    return made


def says(text: str, *facts: str) -> bool:
    """Return whether a text has these names and numbers in this order, whatever the words between them are."""
    return re.search(".*?".join(map(re.escape, facts)), text, re.DOTALL) is not None


class Ended(NamedTuple):
    """What a command line came to."""

    returncode: int
    stdout: str
    stderr: str


def run_utils(*arguments) -> Ended:
    """Do what ``python utils.py`` does with these arguments, in this process: another one takes a second to start."""
    stdout, stderr = StringIO(), StringIO()
    plt.switch_backend("Agg")
    given = patch.object(sys, "argv", ["utils.py", *map(str, arguments)])
    with given, redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            status = utils.main()
        except SystemExit as ended:
            status = ended.code
    return Ended(status or 0, stdout.getvalue(), stderr.getvalue())


def run_suite(
    *arguments: str, script: str | None = None, variables: dict[str, str] | None = None, **options
) -> subprocess.CompletedProcess:
    """Run a script, or benchmark_all.py, as a user would."""
    path = SCRIPTS / f"benchmark_{script}.py" if script else ROOT / "benchmark_all.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **(variables or {})}
    command = [sys.executable, str(path), *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False, **options
    )


def refusal(*arguments) -> str:
    """Return the line that a script refuses these arguments with, whose exit status is then 2."""
    stderr = StringIO()
    with redirect_stderr(stderr), pytest.raises((UserError, SystemExit)) as refused:
        parse(arguments)
    assert not isinstance(refused.value, SystemExit) or refused.value.code == 2
    return stderr.getvalue() or f"{refused.value}\n"
