"""Workers on other machines: no common file system and no common clock, so records of tasks travel with the results.

Times of other hosts are durations only: nothing compares their clocks with this one's.
"""

import os
import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial, wraps
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any, NamedTuple

from trial import tasklog
from trial.patterns import State
from trial.script import CODE_VARIABLE
from trial.workload import JOB_VARIABLE, Pool, Round


class Record(NamedTuple):
    """A task that a worker of another host has run, for so many ns. ``cpus``, ``threads``: see `tasklog.TaskLog`."""

    number: int
    host: str
    pid: int
    ns: int
    cpus: int
    threads: int


PACKAGES = ("numpy", "scipy", "scikit-image", "torch")  # that tasks compute with
SENT_BYTES = (2**20, 2**23, 2**26)  # more and more, until sending takes so long that it can be timed
TIMED_S = 0.05
ROUND_TRIPS = 20


def network(ask: Callable[[], Any], send: Callable[[bytes], Any]) -> dict[str, float]:
    """Return how long ``ask()`` waits for one worker's answer, the median, and how fast ``send`` gets bytes to it."""
    waits_s = [_seconds(ask) for _ in range(ROUND_TRIPS)]
    for sent_bytes in SENT_BYTES:
        send_s = _seconds(partial(send, bytes(sent_bytes)))
        if send_s >= TIMED_S:
            break
    return {"round_trip_s": median(waits_s), "bytes_per_s": sent_bytes / send_s}


def _seconds(call: Callable[[], Any]) -> float:
    start_ns = perf_counter_ns()
    call()
    return (perf_counter_ns() - start_ns) / 1e9


def code() -> str:
    """Return the path of the zip file with what workers import of the suite, and of the user's job."""
    return os.environ[CODE_VARIABLE]


def variables() -> dict[str, str]:
    """Return the environment variables that workers need."""
    return {JOB_VARIABLE: os.environ[JOB_VARIABLE]} if JOB_VARIABLE in os.environ else {}


def set_variables(values: dict[str, str]) -> None:
    """Set environment variables, in a worker."""
    os.environ.update(values)


gathered: list[Record] = []  # by this process; a trial has one job


def host() -> str:
    """Return what tells hosts apart: two network namespaces of one machine are two hosts."""
    return f"{socket.gethostname()}/{Path('/proc/self/ns/net').stat().st_ino}"


def _record(number: int, start_ns: int) -> Record:
    seconds_ns = perf_counter_ns() - start_ns
    return Record(number, host(), os.getpid(), seconds_ns, tasklog.cpus_allowed(), tasklog.compute_threads())


def recorded(job: Any) -> Any:
    """Return a job of the same pattern whose results, or parts, come with the records of their tasks."""
    if isinstance(job, State):
        kept = _RecordedState(job)
        return State(kept.task, kept.start, kept.hand_back, partial(_combined, job.combine), imports=job.imports)
    return replace(job, task=_with_record(job.task))


def _with_record(task: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(task)  # a function, because Ray takes no other callable
    def call(number: int, *arguments: Any) -> tuple[Any, Record]:
        start_ns = perf_counter_ns()
        result = task(number, *arguments)
        return result, _record(number, start_ns)

    return call


class _RecordedState:
    """The state of a worker, and the records of the tasks that have changed it."""

    def __init__(self, job: State) -> None:
        self.job = job

    def start(self) -> tuple[Any, list[Record]]:
        return self.job.start(), []

    def task(self, number: int, *arguments: Any) -> None:
        *own, (state, records) = arguments
        start_ns = perf_counter_ns()
        self.job.task(number, *own, state)
        records.append(_record(number, start_ns))

    def hand_back(self, state: tuple[Any, list[Record]]) -> tuple[Any, list[Record]]:
        own, records = state
        return self.job.hand_back(own), records


def _combined(combine: Callable[[Iterable[Any]], Any], parts: Iterable[tuple[Any, list[Record]]]) -> Any:
    """Return what the job makes of the parts, in the caller; keep their records."""
    own = []
    for part, records in parts:
        gathered.extend(records)
        own.append(part)
    return combine(own)


class Traffic:
    """What this machine has sent and received by a network interface, of all its programs, since the last reading."""

    def __init__(self, interface: str) -> None:
        self.folder = Path("/sys/class/net", interface, "statistics") if interface else None
        self.before = self._counters()

    def _counters(self) -> dict[str, int]:
        # https://www.kernel.org/doc/html/latest/networking/statistics.html
        names = {"sent_bytes": "tx_bytes", "received_bytes": "rx_bytes"} if self.folder else {}
        return {what: int((self.folder / name).read_text()) for what, name in names.items() if self.folder}

    def read(self) -> dict[str, int]:
        """Return ``sent_bytes`` and ``received_bytes``; nothing where the interface is not known."""
        before, self.before = self.before, self._counters()
        return {what: now - before[what] for what, now in self.before.items()}


def with_records(pools: Iterable[Pool], traffic: Traffic) -> Iterator[Pool]:
    """Yield the pools with jobs that record, and rounds that take the records from the results.

    What the network carried since the round before is in a round's label; connecting is in the first one.
    """
    for pool in pools:
        if pool.rounds is None:
            yield pool
        else:
            yield replace(
                pool, job=recorded(pool.job), rounds=_rounds(pool.rounds, isinstance(pool.job, State), traffic)
            )


def _rounds(rounds: Generator[Round, float, None], has_parts: bool, traffic: Traffic) -> Generator[Round, float, None]:
    round_ = next(rounds, None)
    while round_ is not None:
        seconds = yield round_ if has_parts else replace(round_, take=_results)
        round_.label.update(traffic.read())
        try:
            round_ = rounds.send(seconds)
        except StopIteration:
            return


def _results(results: Iterable[tuple[Any, Record]]) -> list[Any]:
    """Return the results alone, and keep their records."""
    own = []
    for result, record in results:
        gathered.append(record)
        own.append(result)
    return own


def hosts() -> list[dict[str, Any]]:
    """Return what each host has done, as `record.schema.Host` says it."""
    by_host: dict[str, list[Record]] = {}
    for record in gathered:
        by_host.setdefault(record.host, []).append(record)
    return [
        {
            "name": name,
            "workers": len({record.pid for record in records}),
            "tasks": len(records),
            "work_s": sum(record.ns for record in records) / 1e9,
            "cpus": max(record.cpus for record in records),
            "threads": max(record.threads for record in records),
        }
        for name, records in sorted(by_host.items())
    ]
