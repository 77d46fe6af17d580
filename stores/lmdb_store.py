"""LMDB as a store: a memory-mapped B-tree without a server, its file in shared memory, an entry per object.

https://lmdb.readthedocs.io/en/release/
"""

import shutil
import uuid
from pathlib import Path

import lmdb


class LmdbStore:
    """See `family.Store`. ``folder`` is shared by all processes; ``size_bytes``: what it may grow to."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        # writemap: large values are copied once, into the map; nothing needs to survive a crash, so nothing is synced.
        self._environment = lmdb.open(str(folder), map_size=size_bytes, writemap=True, sync=False, metasync=False)
        self._folder, self._size_bytes = folder, size_bytes

    def put(self, buffer: memoryview) -> str:
        """See `family.Store`."""
        key = uuid.uuid4().hex
        # The map may be larger than the space that is free; writing beyond that would end the process (SIGBUS).
        if buffer.nbytes > (free := shutil.disk_usage(self._folder).free):
            raise MemoryError(f"{buffer.nbytes} bytes do not fit into {self._folder}: {free} are free")
        try:
            with self._environment.begin(write=True) as transaction:
                transaction.put(key.encode(), buffer.cast("B"))
        except lmdb.MapFullError as error:
            raise MemoryError(f"{buffer.nbytes} bytes do not fit into an LMDB map of {self._size_bytes}") from error
        return key

    def get(self, key: str) -> memoryview:
        """See `family.Store`.

        LMDB promises a buffer only while its transaction lasts: later transactions may use freed pages again. This
        transaction still ends at once. A value as large as ours has pages of its own, and LMDB neither moves nor frees
        them before `delete`, which comes after the last reference. Open transactions would keep all pages that are
        freed meanwhile, and fill the store.
        """
        with self._environment.begin(buffers=True) as transaction:
            value = transaction.get(key.encode())
        assert value is not None  # nobody asks for what was not put
        return value

    def delete(self, key: str) -> None:
        """See `family.Store`."""
        with self._environment.begin(write=True) as transaction:
            transaction.delete(key.encode())
        # Freed pages are used by the next transaction but one. Without this one, a store must hold one object more.
        with self._environment.begin(write=True) as transaction:
            transaction.put(b"turn", b"")
