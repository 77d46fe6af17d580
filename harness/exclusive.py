"""One run per results folder, one suite per machine: locks that the kernel releases when their process dies."""

import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from harness.cli import UserError
from harness.machine.room import read
from record.files import SUFFIX

ROOM_BYTES = 2**14  # less than any results take: if so little cannot be written, no results can
ADDRESS = "\0benchmark-of-multiprocessing-libraries"  # abstract: it lies in no file system, and nothing listens there
WAIT_S = 1.0


@contextmanager
def only_run_in(folder: Path) -> Iterator[None]:
    """Hold the results folder. Raises UserError if another run holds it, or if nothing can be written."""
    _check_room(folder, "choose another with --results")
    _check_room(Path(tempfile.gettempdir()), "make room there, or choose another with TMPDIR")
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        _lock(descriptor, folder)
        for half in folder.glob(f".*{SUFFIX}.*"):  # of a run that was killed while it wrote
            half.unlink(missing_ok=True)
        yield
    finally:
        os.close(descriptor)


def _check_room(folder: Path, cure: str) -> None:
    """Raise UserError before anything is measured where nothing can be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(ROOM_BYTES))
    except OSError as error:
        raise UserError(f"nothing can be written to {folder}: {error.strerror}; {cure}") from error


def _lock(descriptor: int, folder: Path) -> None:
    """Lock the folder itself: no file of a lock is left in it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UserError(
            f"process {_locking(descriptor)} writes its results to {folder}: wait until it has ended, or choose "
            "another folder with --results"
        ) from error
    except OSError as error:  # some network file systems have no locks
        raise UserError(f"{folder} cannot be locked: {error.strerror}; choose another folder with --results") from error


def _locking(descriptor: int) -> str:
    """Return the id of the process that has locked a file, or a question mark if the kernel does not tell it.

    A line of /proc/locks, see proc_locks(5): ``1: FLOCK ADVISORY WRITE 4711 fd:01:1234 0 EOF``.
    """
    inode = str(os.fstat(descriptor).st_ino)
    lines = [line.split() for line in read(Path("/proc/locks")).splitlines()]
    return next((line[4] for line in lines if line[1] == "FLOCK" and line[5].endswith(f":{inode}")), "?")


@contextmanager
def only_suite_on_machine(anyway: bool, say: Callable[[str], None]) -> Iterator[str]:
    """Hold the machine. If another suite holds it, wait; with ``anyway``, go on and yield a line that says so."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mark:
        beside = ""
        while not _bound(mark):
            if not beside:
                beside = f"another suite measures on this machine, process {_holder()}"
                say(beside + ("" if anyway else ": waiting until it has ended; --anyway measures beside it"))
            if anyway:
                break
            time.sleep(WAIT_S)
        yield beside if anyway else ""


def _bound(mark: socket.socket) -> bool:
    try:
        mark.bind(ADDRESS)
    except OSError:
        return False
    return True


def _holder() -> str:
    """Return the id of the process that holds the machine; a question mark where the kernel does not tell it."""
    try:
        held = [each for each in psutil.net_connections("unix") if ADDRESS[1:] in str(each.laddr)]
    except psutil.Error:
        held = []
    return next((str(each.pid) for each in held if each.pid), "?")
