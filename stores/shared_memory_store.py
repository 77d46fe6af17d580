"""The standard library's shared memory as a store: a segment per object. No server, nothing to install.

https://docs.python.org/3.11/library/multiprocessing.shared_memory.html
"""

import mmap
import shutil
from multiprocessing import resource_tracker, shared_memory
from pathlib import Path

from stores.copying import copy_memory

SEGMENTS = Path("/dev/shm")


class SharedMemoryStore:
    """See `family.Store`."""

    def put(self, buffer: memoryview) -> str:
        """See `family.Store`."""
        # A segment may be made larger than the room that is left; writing to it would then end the process (SIGBUS).
        free = shutil.disk_usage(SEGMENTS).free
        if buffer.nbytes > free:
            raise MemoryError(f"{buffer.nbytes} bytes do not fit into {SEGMENTS}: {free} are free")
        segment = shared_memory.SharedMemory(create=True, size=buffer.nbytes)
        # Else the resource tracker would remove it when this process ends (from Python 3.13 on: track=False).
        resource_tracker.unregister(f"/{segment.name}", "shared_memory")
        assert segment.buf is not None  # it is open
        copy_memory(segment.buf[: buffer.nbytes], buffer)
        segment.close()
        return segment.name

    def get(self, key: str) -> memoryview:
        """See `family.Store`. The file is mapped read-only, which `SharedMemory` cannot do."""
        with (SEGMENTS / key).open("rb") as file:
            return memoryview(mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ))

    def delete(self, key: str) -> None:
        """See `family.Store`."""
        (SEGMENTS / key).unlink()
