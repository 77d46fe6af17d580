"""Tasks without any library: the same functions in processes that were forked beforehand.

Every process gets its share of a round, waits for the word to go, and says how long the share took.
"""

import os
import pickle
import socket
import struct
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from time import perf_counter
from typing import Any

from trial.tasklog import no_worker

READY, GO, SECONDS = b"r", b"g", struct.Struct("<d")


class Bare:
    """``n_jobs`` processes, each behind a socket."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = sockets

    def seconds(self, task: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> float:
        """Deal all calls of ``task`` out evenly; return how long the slowest process takes for its share.

        A library's round, too, lasts until its last task is done: if a core is held up, it counts alike on both sides.
        Raises RuntimeError if a call fails.
        """
        shares = [arguments[number :: len(self._sockets)] for number in range(len(self._sockets))]
        for connection, share in zip(self._sockets, shares, strict=True):
            message = pickle.dumps((task, share), pickle.HIGHEST_PROTOCOL)
            connection.sendall(len(message).to_bytes(8, "little") + message)
        for connection in self._sockets:
            _receive(connection, len(READY))
        for connection in self._sockets:
            connection.sendall(GO)
        return max(SECONDS.unpack(_receive(connection, SECONDS.size))[0] for connection in self._sockets)


@contextmanager
def bare_processes(n_jobs: int) -> Iterator[Bare]:
    """Fork ``n_jobs`` processes, before any library has started threads. They end with the block."""
    sockets: list[socket.socket] = []
    children = []
    try:
        for _ in range(n_jobs):
            ours, theirs = socket.socketpair()
            if not (child := os.fork()):
                for other in (*sockets, ours):
                    other.close()
                _serve(theirs)
            theirs.close()
            sockets.append(ours)
            children.append(child)
        yield Bare(sockets)
    finally:
        for connection in sockets:
            with suppress(OSError):  # it has ended by itself
                # Closing alone would not end the process: workers that a library has forked hold the socket as well.
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for child in children:
            os.waitpid(child, 0)


def _serve(connection: socket.socket) -> None:
    status = 1
    try:
        no_worker()
        with connection.makefile("rb") as messages:
            while length := messages.read(8):
                task, arguments = pickle.loads(messages.read(int.from_bytes(length, "little")))
                connection.sendall(READY)
                messages.read(len(GO))
                start = perf_counter()
                for each in arguments:
                    task(*each)
                connection.sendall(SECONDS.pack(perf_counter() - start))
        status = 0
    except Exception:  # noqa: BLE001 -- any failure is printed, and the parent learns that there was one
        traceback.print_exc()
    finally:
        os._exit(status)


def _receive(connection: socket.socket, length: int) -> bytes:
    try:
        received = connection.recv(length, socket.MSG_WAITALL)
    except ConnectionError:
        received = b""
    if len(received) != length:
        raise RuntimeError("a process that runs tasks without a library has failed")
    return received
