"""Temporary folders, each with a mark file that its process locks; the kernel unlocks it when the process dies."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX, MARK = "bench-", ".held-by-a-benchmark"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder that is removed at the end; its path is short because Ray's sockets will lie in it."""
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as name:
        unlocked = Path(name) / "unlocked"
        with unlocked.open("w") as mark:
            fcntl.flock(mark, fcntl.LOCK_EX)
            unlocked.rename(unlocked.with_name(MARK))  # no other run finds it before it is locked
            yield Path(name)


def remove_abandoned() -> None:
    """Remove the folders of runs that are dead: those of this user whose mark nobody holds."""
    for mark in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{MARK}"):
        with suppress(OSError), mark.open() as file:
            if mark.parent.lstat().st_uid == os.getuid():
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(mark.parent, ignore_errors=True)
