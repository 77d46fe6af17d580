"""What a trial's processes hold right now: memory, threads, open descriptors. Read from /proc, without a package."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def held_now() -> dict[str, str | int | float]:
    """Return what this process and all that descend from it hold now: ``pss_bytes`` and counts of the rest."""
    held = [each for pid in _family(os.getpid()) if (each := _held(pid))]
    pss_bytes, threads, descriptors = (sum(column) for column in zip(*held, strict=True))
    return {"pss_bytes": pss_bytes, "processes": len(held), "threads": threads, "descriptors": descriptors}


def _held(pid: int) -> tuple[int, int, int] | None:
    """Return a process' PSS in bytes, its threads and its open descriptors; None if it has ended meanwhile."""
    folder = Path(f"/proc/{pid}")
    with suppress(OSError, StopIteration):
        lines = (folder / "smaps_rollup").read_text().splitlines()
        pss_kib = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        return 1024 * pss_kib, len(os.listdir(folder / "task")), len(os.listdir(folder / "fd"))
    return None


def _family(pid: int) -> Iterator[int]:
    """Yield the ids of a process and of all its descendants."""
    yield pid
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                yield from _family(int(child))
