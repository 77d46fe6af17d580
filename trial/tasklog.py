"""The trial's own log of its tasks: who ran which task, when.

Each task appends one 32-byte record (``O_APPEND``). It costs 2 to 3 microseconds, is whole whatever else happens, and
survives a killed worker. It is the same for every library: none of them is asked what it did.
"""

import mmap
import os
import resource
import signal
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns, sleep

from record.terms import MARKED_MOMENTS

ENVIRONMENT_VARIABLE = "BENCHMARK_TASK_LOG"
SAMPLES_VARIABLE = "BENCHMARK_MEMORY_SAMPLES"  # where they are written while a memory trial runs
THREADS_VARIABLE = "BENCHMARK_WORKERS_ARE_THREADS"  # in the environment, which interpreters of one process share
SAMPLE_TIMEOUT_S = 60.0
RECORD = struct.Struct("<qqqq")  # task index, pid, start, end; CLOCK_MONOTONIC nanoseconds, one clock for all processes
TaskRecord = tuple[int, int, int, int]
MOST_TASKS = 2**27  # that can be counted
_WORKER = -1  # in the place of the index: this process' own record, (_WORKER, pid, CPUs allowed, compute threads)
_CPU = -2  # this process' CPU time so far, (_CPU, pid, user, system), nanoseconds
_PLACED = -3  # data were put where workers find them, (_PLACED, bytes, start, end)
_MOMENT = -4  # a moment at which to know the memory, (_MOMENT, which, 0, when)
_MADE = -5  # this process has made what tasks need, (_MADE, pid, start, end)

_log = -1
_counts: mmap.mmap | None = None
_worker_id = threading.get_native_id if THREADS_VARIABLE in os.environ else os.getpid
_known: set[int] = set()  # workers that have written their record
_forgotten = False  # whether the kernel drops the CPU time of this process: see `_parent_forgets`


class task:  # noqa: N801 -- reads as a statement: ``with task(index):``
    """Record that task ``index`` ran in this process, from entry to exit; nothing if it raises."""

    __slots__ = ("index", "start")

    def __init__(self, index: int) -> None:
        self.index = index

    def __enter__(self) -> None:
        self.start = perf_counter_ns()

    def __exit__(self, exception_type, *_) -> None:
        end = perf_counter_ns()
        if exception_type is None and ENVIRONMENT_VARIABLE in os.environ:
            _write(self.index, self.start, end)


@contextmanager
def making() -> Iterator[None]:
    """Record that the block makes what a worker's tasks need: a setup, which may take longer than they do."""
    start = perf_counter_ns()
    yield
    if ENVIRONMENT_VARIABLE in os.environ:
        _append(_MADE, _worker_id(), start, perf_counter_ns())


@contextmanager
def placing(nbytes: int) -> Iterator[None]:
    """Record that the block puts ``nbytes`` of input where workers find them: by hand, or by asking the library to.

    Some libraries place the input by themselves, when they start workers or send tasks: their idioms do not use this.
    """
    start = perf_counter_ns()
    yield
    if ENVIRONMENT_VARIABLE in os.environ:
        _append(_PLACED, nbytes, start, perf_counter_ns())


def moment_is(moment: str) -> None:
    """Record ``moment``, one of `record.terms.MARKED_MOMENTS`; in memory trials, wait for a sample of it.

    ``ready``: workers run, and the data is not there yet. ``made``: one process has the data. ``spread``: every worker
    has it. ``held``: all that the idiom computes from the data is there as well, and nothing has been released.
    """
    samples = os.environ.get(SAMPLES_VARIABLE)
    when = wait_for_sample(Path(samples)) if samples else perf_counter_ns()
    if ENVIRONMENT_VARIABLE in os.environ:
        _append(_MOMENT, MARKED_MOMENTS.index(moment), 0, when)


def wait_for_sample(samples: Path) -> int:
    """Wait for two samples of memory, because the one under way began earlier; return when the second was there."""
    give_up = perf_counter_ns() + int(SAMPLE_TIMEOUT_S * 1e9)
    for _ in range(2):
        size = samples.stat().st_size
        while samples.stat().st_size == size:
            if perf_counter_ns() > give_up:
                raise TimeoutError(f"no sample of the memory was taken within {SAMPLE_TIMEOUT_S:g} s")
            sleep(0.001)
    return perf_counter_ns()


def workers_are_threads() -> None:
    """Tell workers of this process apart by their thread: for trials whose workers are threads on purpose."""
    global _worker_id
    os.environ[THREADS_VARIABLE] = "yes"
    _worker_id = threading.get_native_id


def count(number: int) -> None:
    """Count one run of task ``number``, below MOST_TASKS: for tasks that take less time than writing their record.

    It reads no clock and adds to a byte in memory that all processes share: about a quarter of a microsecond.
    """
    worker = _worker_id()
    if worker not in _known:
        _new_worker(worker)
    if _counts is not None:
        _counts[number] += 1


def counted(number: int) -> int:
    """Return how often task ``number`` was counted so far, in all processes."""
    return _counts[number] if _counts is not None else 0


def no_worker() -> None:
    """Count this process' tasks, but do not take it for one of the library's workers."""
    _known.add(_worker_id())
    if ENVIRONMENT_VARIABLE in os.environ:
        _map_counts()


def _new_worker(worker: int) -> None:
    _known.add(worker)
    if ENVIRONMENT_VARIABLE in os.environ:
        _append(_WORKER, worker, cpus_allowed(), compute_threads())
        _map_counts()


def _map_counts() -> None:
    global _counts
    if _counts is None:
        _counts = counts(Path(os.environ[ENVIRONMENT_VARIABLE]))


def counts(log: Path) -> mmap.mmap:
    """Return how often each task was counted in the trial that writes ``log``: one byte per task."""
    descriptor = os.open(log.with_suffix(".counts"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(descriptor, MOST_TASKS)  # a sparse file: only what is written to takes room
        return mmap.mmap(descriptor, MOST_TASKS)
    finally:
        os.close(descriptor)


def _write(index: int, start: int, end: int) -> None:
    global _forgotten
    worker = _worker_id()
    _append(index, worker, start, end)
    if worker not in _known:
        _forgotten = _parent_forgets()
        _new_worker(worker)
    if _forgotten:
        used = resource.getrusage(resource.RUSAGE_SELF)
        _append(_CPU, worker, int(used.ru_utime * 1e9), int(used.ru_stime * 1e9))


def _append(*record: int) -> None:
    global _log
    if _log < 0:  # a forked worker inherits the descriptor: O_APPEND keeps its records apart from the others'
        _log = os.open(os.environ[ENVIRONMENT_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.write(_log, RECORD.pack(*record))


def _parent_forgets() -> bool:
    """Return whether this process' parent ignores SIGCHLD: the kernel then drops this process' CPU time (wait(2)).

    Ray's raylet ignores it: if its workers did not record their own CPU time, Ray would seem to compute for nothing.
    """
    status = Path(f"/proc/{os.getppid()}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    ignored = next((int(line.split()[1], 16) for line in lines if line.startswith("SigIgn:")), 0)
    return bool(ignored >> (signal.SIGCHLD - 1) & 1)


def cpus_allowed() -> int:
    """Return the number of CPUs that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compute_threads() -> int:
    """Return the compute threads that numeric code in this process uses.

    That is torch's own answer where torch is loaded, and otherwise ``OMP_NUM_THREADS``, which OpenBLAS, MKL and OpenMP
    read when they load (0: not set, so as many as there are cores).
    """
    if torch := sys.modules.get("torch"):
        return torch.get_num_threads()
    return int(os.environ.get("OMP_NUM_THREADS") or 0)


@dataclass(frozen=True)
class TaskLog:
    """What a trial's log says. ``tasks``: (index, pid, start_ns, end_ns); ``workers``: pid to (CPUs, threads).

    Where workers are threads, the pid is the native thread id. ``placed``: (bytes, start_ns, end_ns).
    ``moments_ns``: the first time of each moment that an idiom marks. ``made``: (pid, start_ns, end_ns) of every setup.
    ``forgotten_cpu_ns``: pid to (user, system) of the workers whose CPU time shows nowhere else, up to their last task.
    """

    tasks: list[TaskRecord]
    workers: dict[int, tuple[int, int]]
    forgotten_cpu_ns: dict[int, tuple[int, int]] = field(default_factory=dict)
    placed: list[tuple[int, int, int]] = field(default_factory=list)
    moments_ns: dict[str, int] = field(default_factory=dict)
    made: list[tuple[int, int, int]] = field(default_factory=list)


def read(path: Path) -> TaskLog:
    """Read a log. One that was never written, because no task ran, is empty."""
    data = path.read_bytes() if path.exists() else b""
    records = list(RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size]))
    return TaskLog(
        tasks=sorted((record for record in records if record[0] >= 0), key=lambda record: record[2]),
        workers={pid: (cpus, threads) for index, pid, cpus, threads in records if index == _WORKER},
        forgotten_cpu_ns={pid: (user, system) for index, pid, user, system in records if index == _CPU},  # the last
        placed=[(nbytes, start, end) for index, nbytes, start, end in records if index == _PLACED],
        moments_ns={MARKED_MOMENTS[which]: when for index, which, _, when in reversed(records) if index == _MOMENT},
        made=[(pid, start, end) for index, pid, start, end in records if index == _MADE],
    )
