"""Vineyard as a store: a server that holds blobs in shared memory, which its clients map.

https://v6d.io/notes/developers/python-api.html
"""

from pathlib import Path

import vineyard

from stores.copying import copy_memory


class VineyardStore:
    """See `family.Store`. ``socket``: where the server listens."""

    def __init__(self, socket: Path) -> None:
        self._client = vineyard.connect(str(socket))

    def put(self, buffer: memoryview) -> str:
        """See `family.Store`."""
        try:
            builder = self._client.create_blob(buffer.nbytes)
        except vineyard.NotEnoughMemoryException as error:
            raise MemoryError(f"{buffer.nbytes} bytes do not fit into Vineyard: {error}") from error
        copy_memory(memoryview(builder), buffer)
        return repr(builder.seal(self._client).id)

    def get(self, key: str) -> memoryview:
        """See `family.Store`."""
        return memoryview(self._client.get_blob(vineyard.ObjectID(key))).toreadonly()

    def delete(self, key: str) -> None:
        """See `family.Store`."""
        self._client.delete([vineyard.ObjectID(key)])
