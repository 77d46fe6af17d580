"""A command, the tree of processes that grows from it, and the certainty that nothing of it survives.

A supervisor stands between this process and the tree (see `harness.machine.supervise`). Where the kernel allows it, the
supervisor and the tree have namespaces of their own: nobody else sees their shared memory and ports, which end with
them. Processes are ended by the ids that were started or adopted here, never by name.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from harness.machine.environment import ROOT
from harness.machine.room import SHARED_MEMORY
from harness.machine.supervise import end_descendants

SUPERVISOR = "harness.machine.supervise"
OWN_PROCESSES = ("--pid", "--fork", "--kill-child", "--mount-proc")
NAMESPACES = ("--mount", *OWN_PROCESSES)
TRY_TIMEOUT_S = 60.0
END_TIMEOUT_S = 60.0  # of a supervisor that was told to end: it may wait 18 s for its tree


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    ``cpu_s``: user and system time of its whole tree. ``adopted``: orphans of the tree; ``cpu_s`` has their time too.
    ``left``: what had to be removed after it, as counts and bytes. ``sampler_cpu_s``: the CPU time of sampling its
    memory; ``sampler_error``: why sampling ended early.
    """

    returncode: int
    timed_out: bool
    seconds: float
    cpu_s: tuple[float, float]
    adopted: list[int]
    left: dict[str, int]
    sampler_cpu_s: float = 0.0
    sampler_error: str = ""


def run_to_end(
    command: list[str],
    *,
    environment: dict[str, str],
    cwd: Path,
    output: Path,
    timeout_s: float,
    samples: Path | None = None,
    network: bool = False,
    isolated: bool = True,
    shared_bytes: int | None = None,
    answer: Path | None = None,
) -> Ended:
    """Run ``command`` until it, and all that it started, has ended or was ended.

    ``output`` gets its stdout and stderr; the folder of ``output`` is removed if this process dies. ``samples`` gets
    samples of its memory. ``network`` lets it reach more than its own loopback device. Without ``isolated`` it has no
    namespaces of its own, even where that is allowed. ``shared_bytes``: of its own shared memory, if it has one; None:
    as large as the machine's. A command that has written ``answer`` when its time is up may take ``timeout_s`` once
    more. A KeyboardInterrupt ends the tree, and is raised on. If the supervisor itself was ended,
    its exit status stands for the command's.
    """
    own = namespaces() if isolated else ()
    spec = {
        "command": command,
        "environment": environment,
        "cwd": str(cwd),
        "folder": str(output.parent),
        "timeout_s": timeout_s,
        "answer": str(answer) if answer else None,
        "samples": str(samples) if samples else None,
        "isolated": bool(own),
        "shared_bytes": (shared_bytes or shutil.disk_usage(SHARED_MEMORY).total) if own else 0,
    }
    spec_path = output.parent / "supervised.json"
    spec_path.write_text(json.dumps(spec))
    own_network = ("--net",) if own and not network else ()
    start = time.monotonic()
    with output.open("wb") as file:
        # Only this process holds the writing end of the pipe, so the pipe is closed when this process dies.
        supervisor = subprocess.Popen(
            [*own, *own_network, sys.executable, "-P", "-m", SUPERVISOR, str(spec_path)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal reaches this process alone, which then ends the tree
        )
    try:
        supervisor.wait()
    finally:
        with interrupts_wait():
            _end(supervisor)
    answer = output.parent / "ended.json"
    if answer.exists():
        return Ended(**json.loads(answer.read_text()))
    return Ended(supervisor.returncode, False, time.monotonic() - start, (0.0, 0.0), [], {})


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    """Close the pipe: the supervisor then ends all. If the supervisor is dead, end what it has left."""
    assert supervisor.stdin
    supervisor.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        supervisor.wait(END_TIMEOUT_S)
    end_descendants(grace_s=0.0)


@cache
def namespaces() -> tuple[str, ...]:
    """Return what to put before a command to give it namespaces of its own; nothing where that is not allowed.

    Root may do so; others may if the kernel lets them have a user namespace.
    """
    if sys.platform != "linux" or not SHARED_MEMORY.is_dir() or not shutil.which("unshare"):
        return ()
    mapped = () if os.geteuid() == 0 else ("--map-root-user",)
    command = ("unshare", *mapped, *NAMESPACES)
    try:
        mount = ["mount", "-t", "tmpfs", "tmpfs", str(SHARED_MEMORY)]
        tried = subprocess.run([*command, "--net", *mount], capture_output=True, timeout=TRY_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return command if tried.returncode == 0 else ()


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold back Ctrl-C, SIGTERM and SIGHUP until the block has ended: a clean-up cut short leaves things behind."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def raise_interrupt_on_termination() -> None:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt, so that they end a run as Ctrl-C does: in order."""

    def interrupt(number: int, _frame: Any) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, interrupt)
