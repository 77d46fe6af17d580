"""Tasks without any library: the same functions in processes that were forked beforehand.

Every process has its share of a round before the clock starts, which runs from the word to go until the last is done.
"""

import os
import pickle
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any

from harness.tasklog import no_worker

READY, GO, DONE = b"r", b"g", b"d"


class Bare:
    """``n_jobs`` processes, each behind a socket."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._sockets = sockets

    def seconds(self, task: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> float:
        """Return how long all calls of ``task`` take, dealt out evenly. Raises RuntimeError if one of them fails."""
        for number, connection in enumerate(self._sockets):
            message = pickle.dumps((task, arguments[number :: len(self._sockets)]), pickle.HIGHEST_PROTOCOL)
            connection.sendall(len(message).to_bytes(8, "little") + message)
        for connection in self._sockets:
            _expect(connection, READY)
        start = perf_counter_ns()
        for connection in self._sockets:
            connection.sendall(GO)
        for connection in self._sockets:
            _expect(connection, DONE)
        return (perf_counter_ns() - start) / 1e9


@contextmanager
def bare_processes(n_jobs: int) -> Iterator[Bare]:
    """Fork them, before any library has started threads; they end with the block."""
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
            connection.shutdown(socket.SHUT_RDWR)  # closing would not reach them: forked workers have the socket too
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
                for each in arguments:
                    task(*each)
                connection.sendall(DONE)
        status = 0
    except Exception:  # noqa: BLE001 -- whatever it is, the parent is told that it failed, and the reader what
        traceback.print_exc()
    finally:
        os._exit(status)


def _expect(connection: socket.socket, answer: bytes) -> None:
    try:
        received = connection.recv(len(answer))
    except ConnectionError:
        received = b""
    if received != answer:
        raise RuntimeError("a process that runs tasks without a library has failed")
