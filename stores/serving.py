"""A store for the time of one cluster: made or started, its place told to all processes, and removed or stopped."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stores.family import Store, register
from stores.references import References

VARIABLE = "BENCHMARK_STORE"  # name, folder and size of the store, for the workers, which inherit the environment
SHARED_MEMORY = "/dev/shm"
SERVER_START_S = 60.0


@contextmanager
def serving(name: str, size_bytes: int) -> Iterator[None]:
    """Keep the store ``name``, of ``size_bytes`` at most, for the time of the block; register its family here.

    Workers do the same by `stores.preload`. Raises RuntimeError where a server does not start.
    """
    with tempfile.TemporaryDirectory(prefix="bench-store-", dir=SHARED_MEMORY) as folder:
        references = Path(folder) / "references"
        references.mkdir()
        with _server(name, Path(folder), size_bytes):
            os.environ[VARIABLE] = f"{name} {folder} {size_bytes}"
            try:
                register_from_environment()
                yield
            finally:
                del os.environ[VARIABLE]
                # Processes that end do not drop their references, so their segments would stay.
                if name == "shared_memory":
                    for left in references.iterdir():
                        (Path(SHARED_MEMORY) / left.name).unlink(missing_ok=True)


def register_from_environment() -> None:
    """Register the family of the store that is being served."""
    name, folder, size_bytes = os.environ[VARIABLE].split()
    register(name, _open(name, Path(folder), int(size_bytes)), References(Path(folder) / "references"))


def _open(name: str, folder: Path, size_bytes: int) -> Store:
    # Imported here: each has packages of its own, which the others do not need.
    if name == "shared_memory":
        from stores.shared_memory_store import SharedMemoryStore

        return SharedMemoryStore()
    if name == "lmdb":
        from stores.lmdb_store import LmdbStore

        return LmdbStore(folder, size_bytes)
    if name == "vineyard":
        from stores.vineyard_store import VineyardStore

        return VineyardStore(folder / "socket")
    from stores.plasma_store import PlasmaStore

    return PlasmaStore(folder / "socket")


@contextmanager
def _server(name: str, folder: Path, size_bytes: int) -> Iterator[subprocess.Popen | None]:
    """Run the store's server, if it has one, until the block ends; yield its process."""
    socket = folder / "socket"
    commands = {
        # Without --rpc=false it would listen on all interfaces.
        "vineyard": [
            sys.executable,
            "-m",
            "vineyard",
            f"--socket={socket}",
            f"--size={size_bytes}",
            "--meta=local",
            "--rpc=false",
            f"--log_dir={folder}",  # else its logs stay in the system's temporary folder
        ],
        "plasma": [str(Path(sys.executable).with_name("plasma_store")), "-m", str(size_bytes), "-s", str(socket)],
    }
    if name not in commands:
        yield None
        return
    server = subprocess.Popen(commands[name], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + SERVER_START_S
        while not socket.exists():
            if server.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{name}'s server did not start: {' '.join(commands[name])}, status {server.poll()}")
            time.sleep(0.01)
        yield server
    finally:
        server.terminate()
        server.wait()


def missing(name: str) -> str | None:
    """Return which package the store lacks under this interpreter, or None."""
    package = {"lmdb": "lmdb", "vineyard": "vineyard"}.get(name)
    return package if package and importlib.util.find_spec(package) is None else None
