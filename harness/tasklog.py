"""The trial's own log of its tasks: who ran which task, when.

One 32-byte ``O_APPEND`` record per task, so that it costs about a microsecond, is whole whatever else happens, survives
a killed worker, and is the same for every library: none of them is asked what it did.
"""

import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns

ENVIRONMENT_VARIABLE = "BENCHMARK_TASK_LOG"
RECORD = struct.Struct("<qqqq")  # task index, pid, start, end; CLOCK_MONOTONIC nanoseconds, one clock for all processes
TaskRecord = tuple[int, int, int, int]
_WORKER = -1  # in the place of the index: this process' own record, (_WORKER, pid, CPUs allowed, compute threads)
_CPU = -2  # this process' CPU time so far, (_CPU, pid, user, system), nanoseconds

_log = -1
_owner = 0  # the pid that has written its worker record
_forgotten = False  # whether nobody will be told what CPU time this process has used: see `_parent_forgets`


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


def _write(index: int, start: int, end: int) -> None:
    global _log, _owner, _forgotten
    if _log < 0:  # a forked worker inherits the descriptor: O_APPEND keeps its records apart from the others'
        _log = os.open(os.environ[ENVIRONMENT_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    pid = os.getpid()
    os.write(_log, RECORD.pack(index, pid, start, end))
    if _owner != pid:
        _owner, _forgotten = pid, _parent_forgets()
        os.write(_log, RECORD.pack(_WORKER, pid, cpus_allowed(), compute_threads()))
    if _forgotten:
        used = resource.getrusage(resource.RUSAGE_SELF)
        os.write(_log, RECORD.pack(_CPU, pid, int(used.ru_utime * 1e9), int(used.ru_stime * 1e9)))


def _parent_forgets() -> bool:
    """Return whether this process' parent ignores SIGCHLD: the kernel then adds its CPU time to nobody's (wait(2)).

    Ray's raylet does; without its workers' own word, Ray would seem to compute for nothing.
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

    ``forgotten_cpu_ns``: pid to (user, system) of the workers whose CPU time shows nowhere else, up to their last task.
    """

    tasks: list[TaskRecord]
    workers: dict[int, tuple[int, int]]
    forgotten_cpu_ns: dict[int, tuple[int, int]] = field(default_factory=dict)


def read(path: Path) -> TaskLog:
    """Read a log. One that was never written, because no task ran, is empty."""
    data = path.read_bytes() if path.exists() else b""
    records = list(RECORD.iter_unpack(data[: len(data) // RECORD.size * RECORD.size]))
    return TaskLog(
        tasks=sorted((record for record in records if record[0] >= 0), key=lambda record: record[2]),
        workers={pid: (cpus, threads) for index, pid, cpus, threads in records if index == _WORKER},
        forgotten_cpu_ns={pid: (user, system) for index, pid, user, system in records if index == _CPU},  # the last
    )
