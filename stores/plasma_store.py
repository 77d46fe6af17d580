"""Plasma, Arrow's store up to release 11: a server that holds objects in shared memory and evicts unused ones.

https://arrow.apache.org/docs/11.0/python/plasma.html
"""

from pathlib import Path

from pyarrow import plasma

from stores.copying import copy_memory


class PlasmaStore:
    """See `family.Store`. ``socket``: where the server listens."""

    def __init__(self, socket: Path) -> None:
        self._client = plasma.connect(str(socket))

    def put(self, buffer: memoryview) -> str:
        """See `family.Store`."""
        key = plasma.ObjectID.from_random()
        try:
            copy_memory(memoryview(self._client.create(key, buffer.nbytes)), buffer)
        except plasma.PlasmaStoreFull as error:
            raise MemoryError(f"{buffer.nbytes} bytes do not fit into Plasma: {error}") from error
        self._client.seal(key)
        return key.binary().hex()

    def get(self, key: str) -> memoryview:
        """See `family.Store`. The server does not evict what a client has mapped. It may evict what is under way."""
        (buffer,) = self._client.get_buffers([_id(key)], timeout_ms=0)
        if buffer is None:
            raise LookupError(f"Plasma has evicted {key} before it was read: its store is too small")
        return memoryview(buffer)

    def delete(self, key: str) -> None:
        """See `family.Store`."""
        self._client.delete([_id(key)])


def _id(key: str) -> plasma.ObjectID:
    return plasma.ObjectID(bytes.fromhex(key))
