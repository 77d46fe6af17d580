"""How much room there is: memory, within the cgroup's limit, and shared memory."""

import shutil
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
SHARED_MEMORY = Path("/dev/shm")


def available_bytes() -> int:
    """Return the memory that new processes of this cgroup can have."""
    available: int = psutil.virtual_memory().available
    limit = read(CGROUP / "memory.max")
    return min(available, int(limit) - _cgroup_used()) if limit.isdigit() else available


def shared_free_bytes() -> int | None:
    """Return how much more fits into /dev/shm; None where there is none."""
    return shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else None


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def _cgroup_used() -> int:
    """Return the memory of this cgroup that the kernel cannot simply take back, as file pages not lately read."""
    cached = [
        line.split()[1] for line in read(CGROUP / "memory.stat").splitlines() if line.startswith("inactive_file ")
    ]
    return int(read(CGROUP / "memory.current") or 0) - sum(map(int, cached))


def read(path: Path) -> str:
    """Return what the kernel says in a file, or an empty string where it says nothing."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
