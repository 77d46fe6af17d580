"""Tests side by side: each process of tests has a shared memory and a network of its own; what is left out is said."""

import shlex
import sys
from collections import Counter
from pathlib import Path
from shutil import disk_usage

import psutil
import pytest
from xdist.scheduler import LoadGroupScheduling

from harness.machine.process import OWN_PROCESSES, namespaces
from harness.machine.room import SHARED_MEMORY
from harness.machine.supervise import isolate

of_xdist = pytest.hookimpl(optionalhook=True)
TOGETHER = ("tests/report/test_browser.py", "tests/test_new_library.py", "tests/workloads/test_own_job.py")


@of_xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run tests: one more than there are cores, because many tests wait; nine at most.

    0, which is this process alone, where they cannot have a machine of their own each: they would then wait for each
    other's suites, and find each other's shared memory.
    """
    return min(8, len(psutil.Process().cpu_affinity())) + 1 if namespaces() else 0


@of_xdist
def pytest_xdist_setupnodes(specs) -> None:
    """Start the processes that run tests in namespaces of their own."""
    own = [argument for argument in namespaces() if argument not in OWN_PROCESSES]
    for spec in specs:
        spec.python = shlex.join([*own, "--net", sys.executable] if own else [sys.executable])


class _Scheduling(LoadGroupScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """Return what goes to a process as a whole: a file whose tests share what takes long to make, or a test."""
        file = nodeid.partition("::")[0]
        return file if file in TOGETHER else nodeid


@of_xdist
def pytest_xdist_make_scheduler(config, log) -> LoadGroupScheduling:
    """Have tests handed out so; xdist's own mark for this has no effect with pytest 9.2."""
    return _Scheduling(config, log)


def pytest_configure(config) -> None:
    """Give a process that runs tests beside others its own shared memory, and a loopback device."""
    if hasattr(config, "workerinput") and namespaces():
        isolate(disk_usage(SHARED_MEMORY).total)


_left_out: set[str] = set()


def pytest_deselected(items) -> None:
    """Note which tests a run leaves out."""
    _left_out.update(item.nodeid for item in items)


def pytest_sessionfinish(session) -> None:
    """Tell it from a process of tests."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = sorted(_left_out)


@of_xdist
def pytest_testnodedown(node) -> None:
    """Hear it from a process of tests, unless it has died."""
    _left_out.update(getattr(node, "workeroutput", {}).get("left_out", ()))


def pytest_terminal_summary(terminalreporter, config) -> None:
    """Say what `make test` leaves out."""
    if _left_out and config.option.markexpr == "not full" and not config.option.keyword:
        counts = Counter(Path(nodeid.partition("::")[0]).stem for nodeid in _left_out)
        listed = ", ".join(f"{count} of {name}" for name, count in sorted(counts.items()))
        terminalreporter.write_line(f"{len(_left_out)} tests left out, which make test-all runs: {listed}")
