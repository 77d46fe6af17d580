"""LMDB as a store: a memory-mapped B-tree without a server, its file in shared memory, an entry per object.

https://lmdb.readthedocs.io/en/release/
"""

import uuid
from pathlib import Path

import lmdb

MAX_READERS = 8192  # each object that a process has mapped is a read transaction


class LmdbStore:
    """See `family.Store`. ``folder`` is shared by all processes; ``size_bytes``: what it may grow to."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        # writemap: large values are copied once, into the map; nothing needs to survive a crash, so nothing is synced.
        self._environment = lmdb.open(
            str(folder), map_size=size_bytes, max_readers=MAX_READERS, writemap=True, sync=False, metasync=False
        )
        self._size_bytes = size_bytes
        self._transactions: dict[str, lmdb.Transaction] = {}

    def put(self, buffer: memoryview) -> str:
        """See `family.Store`."""
        key = uuid.uuid4().hex
        try:
            with self._environment.begin(write=True) as transaction:
                transaction.put(key.encode(), buffer.cast("B"))
        except lmdb.MapFullError as error:
            raise MemoryError(f"{buffer.nbytes} bytes do not fit into an LMDB map of {self._size_bytes}") from error
        return key

    def get(self, key: str) -> memoryview:
        """See `family.Store`. Buffers are valid within their transaction only, so it stays open until `release`."""
        transaction = self._transactions[key] = self._environment.begin(buffers=True)
        return transaction.get(key.encode())

    def release(self, key: str) -> None:
        """See `family.Store`."""
        self._transactions.pop(key).abort()

    def delete(self, key: str) -> None:
        """See `family.Store`. Its pages are used again once no older transaction is open."""
        with self._environment.begin(write=True) as transaction:
            transaction.delete(key.encode())
        # What a transaction frees is used by the next but one; without this one, a store would have to hold one more.
        with self._environment.begin(write=True) as transaction:
            transaction.put(b"turn", b"")
