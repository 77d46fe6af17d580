"""Workers that run already when a trial's clock starts: in a process of their own, which the idiom connects to."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

from trial.script import Serve

START_TIMEOUT_S, STOP_TIMEOUT_S = 120.0, 60.0


@contextmanager
def running(serve: Serve, n_jobs: int) -> Iterator[str]:
    """Run ``serve(n_jobs)`` in a process of its own, and give its address. Raises RuntimeError if there is none."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(serve, n_jobs, theirs))
    process.start()
    theirs.close()  # or this process would not notice when the other one ends
    try:
        yield _address(ours)
    finally:
        ours.close()  # which tells it to end
        process.join(STOP_TIMEOUT_S)
        process.kill()


def _address(connection: Connection) -> str:
    with suppress(EOFError):  # it has ended
        if connection.poll(START_TIMEOUT_S):
            return connection.recv()
    raise RuntimeError(f"the workers to connect to did not start, or not within {START_TIMEOUT_S:g} s")


def _serve(serve: Serve, n_jobs: int, connection: Connection) -> None:
    with serve(n_jobs) as address:
        connection.send(address)
        with suppress(EOFError):
            connection.recv()
