"""What happens when a task goes wrong: one among healthy ones, in a pool of its own; then a new pool, all healthy.

Each trial has one fault, and is there for it: the trial's kind is the fault's name. What is recorded is what this
suite sees (which tasks ran, what the caller got, which processes are left), and not what the library says.
"""

from __future__ import annotations

import ctypes
import os
import re
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from params import Params
from record import terms
from record.terms import CALLER, COLD, THREADS
from trial.patterns import Map
from trial.tasklog import count, counted
from trial.workload import Pool, Round, Setting

PATTERNS = ("map",)
PARAMS = ("fault_limit_s",)
RECORDED = False
SAMPLED = False
EVERY_COUNT = False
FAULTS = terms.FAULTS
MOST_TRIALS = "fault_trials"
SHOWS = ("limits",)
# A thread has no process of its own: what ends it ends the program, in all libraries alike.
LEFT_OUT = {
    ("cluster", True): "",  # it acts on, or counts, this machine's own processes
    ("workers", THREADS): "a thread has no process of its own: what ends a worker ends the program",
    ("workers", CALLER): "",
    ("varies_start", True): "",
    ("varies_batches", True): "",
    ("varies_scheduler", True): "",
    ("shares", terms.SCATTERED): "",
    ("keeps_pool", False): "",
}

SHARED_MEMORY = Path("/dev/shm")
PROCESS_BYTES = 100 * 2**20
TASKS = 8  # per worker
HEALTHY_S = 0.02  # of a task, so that others run while one goes wrong
CAUSE = "the sensor gave no value"
LARGE_BYTES = 5 * 2**29  # 2.5 GiB: more than fits into a signed length of 32 bits
LARGE_ARGUMENT, LARGE_RESULT, FULL_MEMORY = "argument of 2.5 GiB", "result of 2.5 GiB", "full /dev/shm"
SMALL_SHARED_BYTES = 2**26  # of the shared memory that is filled
SPARE_BYTES = 2**28  # of address space that is left to a worker before it asks for more


class OddError(Exception):
    """It pickles, and cannot be unpickled: its arguments are not those that it was made with."""

    def __init__(self, sensor: int, what: str) -> None:
        super().__init__(f"{what} ({sensor})")


def raise_error(number: int) -> None:
    """Raise what any task may raise."""
    raise ValueError(CAUSE)


def raise_odd_error(number: int) -> None:
    """Raise an exception that cannot be unpickled, a common mistake."""
    raise OddError(number, CAUSE)


def return_a_lock(number: int) -> Any:
    """Return what no library can pickle."""
    return threading.Lock()


def exit_politely(number: int) -> None:
    """Call what a script calls at its end."""
    sys.exit(3)


def exit_at_once(number: int) -> None:
    """End the process as C libraries do, and with status 0."""
    os._exit(0)


def be_killed_once(number: int) -> None:
    """End as by the kernel for want of memory, the first time only: a second try is healthy."""
    if counted(number) == 1:
        be_killed(number)


def be_killed(number: int) -> None:
    """End as by the kernel for want of memory, whenever it is tried."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # the signal is on its way


def crash(number: int) -> None:
    """Read where there is no memory."""
    ctypes.string_at(0)


def never_return(number: int) -> None:
    """Wait for what does not come."""
    time.sleep(3600)


def be_stopped(number: int) -> None:
    """Be stopped, as a debugger or a batch system stops a process."""
    os.kill(os.getpid(), signal.SIGSTOP)


def want_memory(number: int) -> bytes:
    """Ask for more memory than this process may have: its address space is limited first."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + SPARE_BYTES, resource.RLIM_INFINITY))
    try:
        return bytes(4 * SPARE_BYTES)[:1]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def interrupt(number: int) -> None:
    """Send what Ctrl-C sends, to the caller and all others of its group."""
    os.killpg(int(os.environ[CALLER_VARIABLE]), signal.SIGINT)
    time.sleep(1)


def kill_caller(number: int) -> None:
    """End the program that has started the pool."""
    os.kill(int(os.environ[CALLER_VARIABLE]), signal.SIGKILL)
    time.sleep(1)


def return_much(number: int) -> bytes:
    """Return 2.5 GiB."""
    return bytes(LARGE_BYTES)


def do_nothing(number: int, argument: bytes = b"") -> None:
    """Do nothing: the fault is in the argument, or in the machine."""


CALLER_VARIABLE = "BENCHMARK_CALLER"  # the process that has started the pool
DO: dict[str, Callable[..., Any]] = {
    terms.WORKER_KILLED_ONCE: be_killed_once,
    "worker killed": be_killed,
    "error": raise_error,
    "result that cannot be pickled": return_a_lock,
    "error that cannot be unpickled": raise_odd_error,
    "no return": never_return,
    "sys.exit": exit_politely,
    "os._exit": exit_at_once,
    "segmentation fault": crash,
    "memory limit": want_memory,
    "worker stopped": be_stopped,
    "Ctrl-C": interrupt,
    "caller killed": kill_caller,
    LARGE_RESULT: return_much,
    LARGE_ARGUMENT: do_nothing,
    FULL_MEMORY: do_nothing,
}
# Words of an error, one of which tells the reader what has gone wrong.
TOO_LARGE = "2147483647|too large|larger than|exceed|Overflow|MemoryError"
NAMES = {
    "error": CAUSE,
    "error that cannot be unpickled": f"{CAUSE}|OddError",
    "result that cannot be pickled": "pickle|serializ|_thread.lock",
    "no return": "Timeout|timed out",
    "worker stopped": "Timeout|timed out",
    "sys.exit": "SystemExit|exit",
    "memory limit": "MemoryError",
    "Ctrl-C": "KeyboardInterrupt",
    LARGE_RESULT: TOO_LARGE,
    LARGE_ARGUMENT: TOO_LARGE,
    FULL_MEMORY: "no space|shared memory|/dev/shm",
}
OF_DEAD_WORKERS = "SIGKILL|SIGSEGV|died|killed|terminated|abruptly|exit|crash|signal"


def work(number: int, fault: str, *argument: bytes) -> tuple[int, Any]:
    """Task: wait a moment, and go wrong if there is a fault. Return the number, and its square."""
    count(number)
    time.sleep(HEALTHY_S)
    result = DO[fault](number, *argument) if fault else None
    return number, number * number if result is None else result


def names_cause(fault: str, error: str) -> bool:
    """Return whether the error's text tells what has gone wrong."""
    return re.search(NAMES.get(fault, OF_DEAD_WORKERS), error, re.IGNORECASE) is not None


def limit_s(params: Params, fault: str) -> float:
    """See `Faulty`. Dask takes 43 s to send 2.5 GiB."""
    return params.fault_limit_s * (4 if fault in (LARGE_ARGUMENT, LARGE_RESULT) else 1)


def shared_bytes(fault: str) -> int | None:
    """See `Faulty`."""
    return SMALL_SHARED_BYTES if fault == FULL_MEMORY else None


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    return {"moved_bytes": 0}


def load(params: Params, folder: Path) -> None:
    """See `Workload`."""


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`."""
    return n_jobs * PROCESS_BYTES, 0


def pools(inputs: None, setting: Setting) -> Iterator[Pool]:
    """See `Workload`: one with the fault, and one without."""
    os.environ[CALLER_VARIABLE] = str(os.getpid())  # workers inherit it, whatever starts them
    tasks = TASKS * setting.n_jobs
    for first, faulty in ((0, tasks // 2 - 1), (tasks, None)):
        numbers = range(first, first + tasks)
        is_full = faulty is not None and setting.kind == FULL_MEMORY
        with _full_shared_memory() if is_full else nullcontext():
            yield Pool(Map(work), round_of(numbers, faulty, setting.kind))


@contextmanager
def _full_shared_memory() -> Iterator[None]:
    """Leave no room in shared memory. Raises RuntimeError where it is not this trial's own small one."""
    size = shutil.disk_usage(SHARED_MEMORY)
    if size.total > SMALL_SHARED_BYTES:
        raise RuntimeError(f"{SHARED_MEMORY} is the machine's, and is not filled")
    with (SHARED_MEMORY / "full").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size.free)
        yield
        os.ftruncate(file.fileno(), 0)


def round_of(numbers: range, faulty: int | None, fault: str) -> Generator[Round, float, None]:
    """Yield one round of tasks: their numbers, and the fault of the one that is ``faulty``."""
    tasks: list[tuple[Any, ...]] = [(number, fault if number == faulty else "") for number in numbers]
    if fault == LARGE_ARGUMENT:  # all tasks have as many arguments: some idioms hand over a column of each
        tasks = [(number, of_task, bytes(LARGE_BYTES if of_task else 0)) for number, of_task in tasks]
    yield Round(COLD, tasks, lambda results: None)
