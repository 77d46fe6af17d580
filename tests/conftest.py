"""Small parameters, real libraries."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import matplotlib.pyplot as plt
import pytest
from hypothesis import settings
from rich.console import Console

import benchmark_all
import params
import utils
from harness import cells, inputs
from harness.cells import Cell
from harness.cli import Settings, UserError, parse
from harness.machine.supervise import become_subreaper
from harness.suite import make_inputs
from params import Params
from record.terms import SKIPPED, STUDIES, WORKLOADS
from tests.side_by_side import (  # noqa: F401 -- pytest finds its hooks here
    pytest_configure,
    pytest_deselected,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
    pytest_xdist_setupnodes,
)
from trial.workload import Setting

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "tests" / "scripts"
LONG_S = 300.0  # what ends by an event is waited for as long as a busy machine may need

settings.register_profile("default", max_examples=60, deadline=None, database=None, derandomize=True)
settings.register_profile("many", max_examples=10_000, deadline=None, database=None)
settings.load_profile("default")

TINY = Params(
    trials=1,
    timeout_s=300.0,
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
    overhead_budget_s=0.5,
    latency_tasks=3,
    overhead_edges=(0, 3),
    grid_payload_bytes=(2**21,),
    grid_compute_s=(0.001,),
    kept_rounds=1,
    granularity_work_s=0.01,
    granularity_repeats=1,
    fault_classes=2,
    fault_limit_s=60.0,
    stream_tasks=20,
    stream_taken=10,
    stream_most=200,
    soak_tasks=80,
    soak_pools=2,
)

LIBRARIES = ("dask", "fork", "futures", "joblib", "mp", "mpire", "ray", "serial")

_list_all = cells._list_all


@cache
def _listing_of(library: str, path: Path) -> dict:
    return _list_all({library: path})[library]


def all_cells(settings: Settings) -> list[Cell]:
    """Return the cells of all scripts, each of which is started only once for it."""
    with patch.object(cells, "_list_all", lambda scripts: {name: _listing_of(name, scripts[name]) for name in scripts}):
        return cells.all_cells(settings)


def cells_of(workload: str, *libraries: str) -> list[Cell]:
    """Return the cells of a workload on 2 workers, of some libraries, or of all."""
    return all_cells(parse([workload, "--n-jobs", "2", "--libraries", *(libraries or LIBRARIES)]))


def first_row(workload: str, library: str) -> Cell:
    """Return the first row that a library has of a workload; the test is skipped where the library is not installed."""
    rows = cells_of(workload, library)
    if rows[0].idiom == cells.NO_IDIOM and rows[0].outcome == SKIPPED:
        pytest.skip(rows[0].reason)
    return next(cell for cell in rows if not cell.outcome)


def cell_of(workload: str, library: str, idiom: str) -> Cell:
    """Return one of these cells."""
    return next(cell for cell in cells_of(workload, library) if cell.idiom == idiom)


needs_torch = pytest.mark.skipif(not find_spec("torch"), reason="torch is not installed")


@pytest.fixture(scope="session")
def tiny() -> Params:
    """Parameters of trials that take a moment, with their inputs."""
    become_subreaper()
    for workload in (*WORKLOADS, *STUDIES):
        if inputs.facts(workload, TINY) or (workload == "initialization" and not find_spec("torch")):
            continue
        if workload == "initialization":  # in a process of its own, because it imports torch: see harness/inputs.py
            assert make_inputs(workload, TINY, Console(quiet=True)) == ""
        else:
            inputs.make(workload, TINY)  # here: a process for each takes longer than all that they make
    return TINY


def wait_until(condition: Callable[[], Any]) -> Any:
    """Wait for what happens by an event, as long as a busy machine may need; return what the condition came to."""
    give_up_s = time.monotonic() + LONG_S
    while not (found := condition()) and time.monotonic() < give_up_s:
        time.sleep(0.02)
    return found


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


def _run(main: Callable[[], int], *arguments) -> Ended:
    stdout, stderr = StringIO(), StringIO()
    given = patch.object(sys, "argv", list(map(str, arguments)))
    with given, redirect_stdout(stdout), redirect_stderr(stderr):
        try:
            status = main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return Ended(status, stdout.getvalue(), stderr.getvalue())


def run_utils(*arguments) -> Ended:
    """Do what ``python utils.py`` does with these arguments, in this process: another one takes a second to start."""
    plt.switch_backend("Agg")
    return _run(utils.main, "utils.py", *arguments)


def run_suite(*arguments, script: str | Path | None = None, sizes: Params = TINY) -> Ended:
    """Do what ``python benchmark_all.py`` does, or a script of tests/scripts, in this process, with tiny sizes.

    Trials have their own interpreters, as always, and end all children of this process. The machine is not warmed up:
    that takes longer than they do.
    """
    script = SCRIPTS / f"benchmark_{script}.py" if isinstance(script, str) else script
    given = [f"--script={script}", *arguments] if script else arguments
    with (
        signals_kept(),
        patch.dict(os.environ),
        patch.dict(params.PROFILES, {params.DEFAULT_PROFILE: sizes}),
        patch("harness.suite._warm_up", lambda *_: (1e10, "")),
    ):
        return _run(benchmark_all.main, "benchmark_all.py", *given)


@contextmanager
def signals_kept() -> Iterator[None]:
    """Set back what signals do: a suite turns some into a KeyboardInterrupt."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def run_program(*arguments, script: str | None = None, variables=(), **options) -> subprocess.CompletedProcess:
    """Run a script, or benchmark_all.py, as a user would."""
    path = SCRIPTS / f"benchmark_{script}.py" if script else ROOT / "benchmark_all.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **dict(variables)}
    command = [sys.executable, str(path), *map(str, arguments)]
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=LONG_S, check=False, **options
    )


def refusal(*arguments) -> str:
    """Return the line that a script refuses these arguments with, whose exit status is then 2."""
    stderr = StringIO()
    with patch.dict(os.environ), redirect_stderr(stderr), pytest.raises((UserError, SystemExit)) as refused:
        parse(arguments)
    assert not isinstance(refused.value, SystemExit) or refused.value.code == 2
    return stderr.getvalue() or f"{refused.value}\n"
