"""How much room there is: memory, within the cgroup's limit, and shared memory."""

import shutil
from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")
# The files with the limit, the memory in use, and its kinds; and the name of one kind: file pages not lately read.
CGROUP_2 = ("memory.max", "memory.current", "memory.stat", "inactive_file")
CGROUP_1 = (
    "memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat", "total_inactive_file",
)  # fmt: skip
SHARED_MEMORY = Path("/dev/shm")


def available_bytes() -> int:
    """Return the memory that new processes of this cgroup can have, by the files of either version of cgroups."""
    left = [
        int(limit) - _used(CGROUP / used, CGROUP / stat, cached)
        for limit_file, used, stat, cached in (CGROUP_2, CGROUP_1)
        if (limit := read(CGROUP / limit_file)).isdigit()
    ]
    return min([psutil.virtual_memory().available, *left])


def shared_free_bytes() -> int | None:
    """Return how much more fits into /dev/shm; None where there is none."""
    return shutil.disk_usage(SHARED_MEMORY).free if SHARED_MEMORY.is_dir() else None


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    if not path.is_dir():
        return path.lstat().st_size
    return sum(file.lstat().st_size for file in path.rglob("*") if not file.is_dir())


def _used(used: Path, stat: Path, cached: str) -> int:
    """Return a cgroup's memory without what the kernel can simply take back: file pages not lately read."""
    lines = [line.split() for line in read(stat).splitlines()]
    return int(read(used) or 0) - sum(int(size) for name, size in lines if name == cached)


def read(path: Path) -> str:
    """Return what the kernel says in a file, or an empty string where it says nothing."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
