"""How many processes, and messages under way, refer to an object in a store: counted in a file per object."""

import fcntl
import os
from pathlib import Path


class References:
    """Counts below ``folder``, which all processes of a trial share. Each change is made under the file's lock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, key: str) -> None:
        """Count one more reference to ``key``."""
        self._change(key, 1)

    def drop(self, key: str) -> bool:
        """Count one less; return whether that was the last."""
        return self._change(key, -1) == 0

    def _change(self, key: str, by: int) -> int:
        path = self.folder / key
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            count = int(os.pread(descriptor, 20, 0) or 0) + by
            if count:
                os.pwrite(descriptor, b"%020d" % count, 0)
            else:
                path.unlink()
            return count
        finally:
            os.close(descriptor)
