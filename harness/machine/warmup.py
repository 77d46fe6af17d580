"""A program that runs before the first trial, in its own process, and prints the machine's memory bandwidth.

It spares the first trials what is slow only once: the first touch of memory and the first read of the packages.
Otherwise whichever library the shuffled order puts first on a fresh machine would pay for all that come after it.
"""

import os
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from time import perf_counter

import psutil

from harness.machine.room import available_bytes

LEAST_BYTES = 2**28
COPY_BYTES = 2**26  # more than a core's share of the last-level cache
COPIES = 3  # of these in each process: the source, the bytes it is made from, the target
COPY_S = 0.3
_buffer = bytearray(2**20)  # one for all files: allocating one per file takes longer than reading it


def touch_memory(needed_bytes: int) -> int:
    """Write to as much memory as a trial may need, so that the machine has handed it out once; return the bytes.

    At least 256 MiB, and at most half of what is free.
    """
    size = min(max(needed_bytes, LEAST_BYTES), available_bytes() // 2)
    return len(b"\1" * size)


def read_packages() -> int:
    """Read all installed packages into the disk cache, except GPU libraries, which nothing uses; return the bytes.

    It does so once after each start of the machine and each installation: then they stay in the cache.
    """
    installed = Path(sysconfig.get_path("purelib"))
    marker = installed.parent / ".read_since_boot"
    now = f"{psutil.boot_time():.0f} {installed.stat().st_mtime_ns}"
    if marker.exists() and marker.read_text() == now:
        return 0
    packages = (path for path in installed.iterdir() if path.name != "nvidia")
    read = sum(
        _read(Path(folder, name)) for package in packages for folder, _, names in os.walk(package) for name in names
    )
    with suppress(OSError):  # an environment that others have made, and only they may write to
        marker.write_text(now)
    return read


def _read(path: Path) -> int:
    try:
        with path.open("rb", buffering=0) as file:
            return sum(iter(lambda: file.readinto(_buffer) or 0, 0))
    except OSError:  # a dangling link, say: there is nothing to read
        return 0


def memory_bandwidth(workers: int) -> float:
    """Return the bytes per second that ``workers`` processes together read and write while they copy memory.

    As STREAM's copy, each byte copied counts twice (McCalpin, https://www.cs.virginia.edu/stream/ref.html). Raises
    MemoryError where the copies do not fit.
    """
    if (needed := workers * COPIES * COPY_BYTES) > (available := available_bytes()):
        raise MemoryError(f"{workers} copies need {needed / 2**20:.0f} MiB, {available / 2**20:.0f} MiB are available")
    read_end, write_end = os.pipe()
    children = []
    for _ in range(workers):
        if not (pid := os.fork()):
            os.write(write_end, f"{_copy_rate()}\n".encode())
            os._exit(0)
        children.append(pid)
    os.close(write_end)
    for pid in children:
        os.waitpid(pid, 0)
    with os.fdopen(read_end) as rates:
        return sum(map(float, rates))


def _copy_rate() -> float:
    source, target = bytearray(b"\1" * COPY_BYTES), bytearray(COPY_BYTES)
    copied, start = 0, perf_counter()
    while (elapsed := perf_counter() - start) < COPY_S:
        target[:] = source
        copied += COPY_BYTES
    return 2 * copied / elapsed


if __name__ == "__main__":
    touch_memory(int(sys.argv[2]))
    read_packages()
    print(memory_bandwidth(int(sys.argv[1])))
