"""A process, the tree that grows from it, and the certainty that nothing of it survives.

Everything here ends processes by the ids that it started or adopted, never by name.
"""

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from harness.machine.room import SHARED_MEMORY

LEFT_S = 0.2
GRACE_S = 3.0  # for daemons and resource trackers to end by themselves after their parent has
SEGMENT_NAMES = (
    "psm_",
    "pym-",
    "sem.mp-",
    "sem.loky-",
    "loky-",
    "joblib_memmapping_folder_",
    "plasma",
    "torch_",
    "bench-store-",
)
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    ``cpu_s``: user and system time of its whole tree. ``adopted``: its orphans, whose time came to this process.
    ``left``: what it left behind that had to be removed, as counts and bytes.
    """

    returncode: int
    timed_out: bool
    seconds: float
    cpu_s: tuple[float, float]
    adopted: set[int] = field(default_factory=set)
    left: dict[str, int] = field(default_factory=dict)


def become_subreaper() -> None:
    """Make the kernel hand orphaned descendants (daemons, workers of a dead parent) to this process. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def run_to_end(command: list[str], *, environment: dict[str, str], cwd: Path, output: Path, timeout_s: float) -> Ended:
    """Run ``command`` in a session of its own until it, and all that it started, has ended or was ended.

    ``output`` gets its stdout and stderr. A KeyboardInterrupt ends the tree too, and goes on.
    """
    segments = _shared_memory()
    cpu_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.monotonic()
    timed_out = False
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C at the terminal reaches this process alone, which then ends the tree
        )
        left: dict[str, int] = {}
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            timed_out = True
        finally:
            with interrupts_wait():
                seconds = time.monotonic() - start
                orderly = process.poll() is not None
                left["processes"], adopted = end_descendants(grace_s=GRACE_S if orderly else 0.0)
                returncode = process.wait()
                left |= _remove_segments(_shared_memory() - segments)
    # Every descendant has been waited for by now: by its own parent or, orphans, by this process. Not in it are those
    # whose parent ignores SIGCHLD (see `tasklog`).
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = cpu.ru_utime - cpu_before.ru_utime, cpu.ru_stime - cpu_before.ru_stime
    return Ended(returncode, timed_out, seconds, cpu_s, adopted, left)


@contextmanager
def interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C and its like back until the block has ended: cleaning up that is cut off leaks what it cleans up."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_descendants(grace_s: float) -> tuple[int, set[int]]:
    """Kill every descendant that does not end within ``grace_s``; return how many that were.

    And the ids of all that this process has waited for, orphans among them: their CPU time is in RUSAGE_CHILDREN.
    """
    gone, alive = psutil.wait_procs(_descendants(), timeout=grace_s)
    killed = 0
    while alive := [process for process in {*alive, *_descendants()} if process.is_running()]:
        for process in alive:
            try:
                killed += process.status() != psutil.STATUS_ZOMBIE
                process.kill()
            except psutil.NoSuchProcess:
                continue
        gone += psutil.wait_procs(alive, timeout=5)[0]
    return killed, {process.pid for process in gone if process.returncode is not None}  # only a parent learns it


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _shared_memory() -> set[str]:
    return set(os.listdir(SHARED_MEMORY)) if SHARED_MEMORY.is_dir() else set()


def _remove_segments(names: set[str]) -> dict[str, int]:
    """Count the segments that appeared, are this user's and are mapped by no process that lives; remove known ones.

    Known by their name: what another program put into shared memory meanwhile is not ours to remove.
    """
    count = size = 0
    names = {name for name in names if _is_left(SHARED_MEMORY / name)}
    if names:
        time.sleep(LEFT_S)  # another program's, which has made it and not mapped it yet, will be mapped by then
    for name in names:
        path = SHARED_MEMORY / name
        try:
            if not _is_left(path):
                continue
            size += size_of(path)
            count += 1
            if name.startswith(SEGMENT_NAMES):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        except FileNotFoundError:
            continue
    return {"shm_segments": count, "shm_bytes": size}


def _is_left(path: Path) -> bool:
    return path.exists() and path.lstat().st_uid == os.getuid() and not _is_mapped(path)


def _is_mapped(path: Path) -> bool:
    for process in psutil.process_iter():
        try:
            if any(Path(mapping.path).is_relative_to(path) for mapping in process.memory_maps(grouped=False)):
                return True
        except psutil.Error:
            continue
    return False


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def raise_interrupt_on_termination() -> None:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt, so that they end a run as Ctrl-C does: in order."""

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
        signal.signal(signal.SIGHUP, interrupt)
