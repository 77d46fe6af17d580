"""A program that spares the first trials what is slow only once: first touch of memory, first read of the packages.

Otherwise whichever library the shuffled order puts first on a fresh machine would pay for all that come after it.
"""

import sysconfig
from pathlib import Path

import psutil

MOST_BYTES = 2**30


def touch_memory() -> int:
    """Write to up to 1 GiB, or half of what is free, so that the machine has handed it out once; return the bytes."""
    size = min(MOST_BYTES, psutil.virtual_memory().available // 2)
    return len(b"\1" * size)


def read_packages() -> int:
    """Read all that is installed into the disk cache, but for GPU libraries, which nothing here uses; return bytes."""
    packages = (path for path in Path(sysconfig.get_path("purelib")).iterdir() if path.name != "nvidia")
    files = (path for package in packages for path in package.rglob("*") if path.is_file())
    return sum(len(path.read_bytes()) for path in files)


if __name__ == "__main__":
    touch_memory()
    read_packages()
