"""A job of the user's own, over all libraries: a file with ``tasks`` and ``task``. `JOB_VARIABLE` has its path.

The names in the file tell which pattern it is: see docs/own_job.md. Inputs and serial results come from the user's
files, so they are made anew for every run. The user's functions run in the user's current directory.
"""

import hashlib
import inspect
import os
import pickle
import random
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import fmean, median, stdev
from time import perf_counter, process_time
from types import ModuleType
from typing import Any, NamedTuple

from params import Params
from trial.accidents import child_processes
from trial.patterns import Job, Map, Setup, Shared, State
from trial.rules import WrongResult
from trial.workload import JOB_VARIABLE, Pool, Setting, by_number, repeated
from workloads.equal import equal
from workloads.job_file import pattern_of

PATH = Path(os.environ[JOB_VARIABLE])
OWN = True
PATTERN = pattern_of(PATH)
PATTERNS = (PATTERN,)
PARAMS = ("job_tasks", "seed")
IDENTITY = {PATH.name: hashlib.sha256(PATH.read_bytes()).hexdigest()[:16]}

PROCESS_BYTES = 150 * 2**20  # an interpreter with a library
MOST_TASKS = 100_000  # of which each trial keeps a record


class Inputs(NamedTuple):
    """``arguments``: of each task. ``shared_bytes``: the size of ``shared``.

    ``results``: the file of the serial results, None where they are not compared.
    """

    arguments: list[tuple[Any, ...]]
    shared: Any
    shared_bytes: int
    results: Path | None


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """Run the job twice in a plain loop, write its arguments and results, and return what was found: see `Workload`.

    Seconds are those of the second pass: by then everything is imported. Raises ValueError, in one line, for a job that
    cannot be measured.
    """
    start = perf_counter()
    with _users("importing it", params):
        from workloads.own_task import own
    import_s = perf_counter() - start
    if running := child_processes():
        raise ValueError(
            f"{PATH}: importing it starts processes ({len(running)} still run), and every worker would: start them in "
            "setup(), or under if __name__ == '__main__'"
        )
    with _users("tasks()", params):
        every = list(own.tasks())
    arguments = _sample(every, params)
    with _users("shared()", params):
        shared = own.shared() if hasattr(own, "shared") else None
    _check_call(own, arguments)
    bytes_in = [len(_pickled(each, f"the arguments of task {place}")) for place, each in enumerate(arguments)]
    (folder / "arguments.pickle").write_bytes(_pickled(arguments, "what tasks() returns"))
    of_shared = _pickled(shared, "what shared() returns")
    (folder / "shared.pickle").write_bytes(of_shared)
    first, _, first_least_s, setup_s = _pass(own, arguments, shared, params)
    stored = [_pickled(each, f"the result of task {place}") for place, each in enumerate(first)]
    second, seconds, second_least_s, _ = _pass(own, arguments, shared, params)
    if compared := _compared(own):
        (folder / "results.pickle").write_bytes(b"".join(stored))
        _check_repeats(compared, second, stored, params)
    _check_length(sum(seconds) + setup_s, params)
    facts_of_shared: dict[str, Any] = {}
    if shared is not None:
        facts_of_shared = {"shared_bytes": _size(shared, of_shared), "shared_type": type(shared).__name__}
    return {
        "job": str(PATH),
        "pattern": PATTERN,
        "tasks": len(arguments),
        "of_tasks": len(every),
        **_lengths(seconds),
        "least_serial_s": min(first_least_s, second_least_s),
        "setup_s": setup_s,
        "import_s": import_s,
        "bytes_in": round(fmean(bytes_in)),
        "bytes_out": round(sum(map(len, stored)) / len(arguments)),
        "moved_bytes": sum(bytes_in) + sum(map(len, stored)) + (len(of_shared) if shared is not None else 0),
        "results": "compared" if compared else "not compared",
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **facts_of_shared,
    }


def _check_repeats(same: Callable[[Any, Any], Any], results: list[Any], stored: list[bytes], params: Params) -> None:
    """Raise ValueError if the second pass gave other ``results`` than the ``stored`` ones of the first."""
    for place, (result, kept) in enumerate(zip(results, stored, strict=True)):
        with _users(f"same(), for task {place},", params):
            is_same = same(result, pickle.loads(kept))
        if not is_same:
            which = "" if PATTERN == "state" else f": task {place}"
            raise ValueError(
                f"{PATH}: results differ between two serial passes{which}; does it depend on chance, on the time, "
                "or change its arguments? Make it repeatable, define same(result, expected), or say same = None"
            )


def _lengths(seconds: list[float]) -> dict[str, float]:
    """Return the facts about how long the tasks are."""
    return {
        "task_median_s": median(seconds),
        "task_longest_s": max(seconds),
        "task_shortest_s": min(seconds),
        "task_mean_s": fmean(seconds),
        "task_deviation_s": stdev(seconds) if len(seconds) > 1 else 0.0,
        "serial_s": sum(seconds),
    }


def _size(shared: Any, pickled: bytes) -> int:
    """Return the size of an array in bytes, and of anything else the size of its pickle."""
    return int(getattr(shared, "nbytes", len(pickled)))


class _TooLong(BaseException):
    """The user's code took longer than a trial may. It is no Exception, because that code might catch one."""


@contextmanager
def _users(what: str, params: Params) -> Iterator[None]:
    """Run code of the user's. Whatever it raises becomes a ValueError in one line that names the file and ``what``."""

    def too_long(*_: object) -> None:
        raise _TooLong

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, params.timeout_s)
    try:
        yield
    except _TooLong:
        raise ValueError(
            f"{PATH}: {what} did not end within {params.timeout_s:g} s: allow more with --timeout SECONDS"
        ) from None
    except (Exception, SystemExit) as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(PATH)]
        where = f", line {lines[-1]}" if lines else ""
        text = " ".join(str(error).split())
        raise ValueError(f"{PATH}{where}: {what} raised {type(error).__name__}: {text}".rstrip(": ")) from error
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _sample(every: list[Any], params: Params) -> list[tuple[Any, ...]]:
    """Return all tasks, or as many of them as ``params`` ask for, chosen by chance, in their order."""
    if not every:
        raise ValueError(f"{PATH}: tasks() returns no task")
    for place, each in enumerate(every):
        if not isinstance(each, tuple):
            raise ValueError(
                f"{PATH}: tasks() gives {_short(each)} for task {place}: it must be a tuple of arguments, of one "
                "argument (x,)"
            )
    wanted = params.job_tasks or len(every)
    if wanted > len(every):
        raise ValueError(f"--tasks is {wanted}: {PATH} has {len(every)}")
    if wanted > MOST_TASKS:
        raise ValueError(f"{PATH}: {wanted} tasks are more than the {MOST_TASKS} that can be measured: --tasks 2000")
    return [every[place] for place in sorted(random.Random(params.seed).sample(range(len(every)), wanted))]


def _check_call(own: ModuleType, arguments: list[tuple[Any, ...]]) -> None:
    """Raise ValueError if ``task`` cannot take its arguments and what the pattern adds after them."""
    try:
        signature = inspect.signature(own.task)
    except (TypeError, ValueError):  # some functions in C do not say
        return
    last = {"shared": ("shared",), "setup": ("made",), "state": ("state",)}.get(PATTERN, ())
    for place, each in enumerate(arguments):
        try:
            signature.bind(*each, *last)
        except TypeError as error:
            after = f", and then {last[0]}" if last else ""
            raise ValueError(
                f"{PATH}: task{signature} does not take what task {place} is called with, "
                f"{len(each)} from tasks(){after}: {error}"
            ) from error


def _pass(
    own: ModuleType, arguments: list[tuple[Any, ...]], shared: Any, params: Params
) -> tuple[list[Any], list[float], float, float]:
    """Run all tasks in a loop; return the results (one for a job with state), each task's seconds and the setup's.

    Before the setup's stand those that all tasks take at least: see `trial.workload.plain_loop`.
    """
    last, setup_s = _last_argument(own, shared, params)
    results, seconds, least_s = [], [], 0.0
    for place, each in enumerate(arguments):
        with _users(f"task {place}", params):
            cpu_s, start = process_time(), perf_counter()
            result = own.task(*each, *last)
            seconds.append(perf_counter() - start)
            least_s += min(seconds[-1], process_time() - cpu_s)
        results.append(result)
    if PATTERN == "state":
        with _users("hand_back() or combine()", params):
            results = [own.combine(iter([own.hand_back(*last)]))]
    return results, seconds, least_s, setup_s


def _last_argument(own: ModuleType, shared: Any, params: Params) -> tuple[tuple[Any, ...], float]:
    """Return the argument after a task's own, if the pattern adds one, and the seconds that making it took."""
    if PATTERN == "shared":
        return (shared,), 0.0
    made_by = {"setup": "setup", "state": "start"}.get(PATTERN)
    if made_by is None:
        return (), 0.0
    with _users(f"{made_by}()", params):
        start = perf_counter()
        made = getattr(own, made_by)()
        return (made,), perf_counter() - start


def _pickled(value: Any, what: str) -> bytes:
    """Return ``value`` as bytes. Where pickle cannot, cloudpickle does it, as in some libraries. Raises ValueError."""
    import cloudpickle  # here: what only makes the inputs needs it

    try:
        return pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 -- whatever a class raises
        try:
            return cloudpickle.dumps(value)
        except Exception as error:
            raise ValueError(
                f"{PATH}: {what} cannot be pickled, so that no other process can get it: {' '.join(str(error).split())}"
            ) from error


def _compared(own: ModuleType) -> Callable[[Any, Any], Any] | None:
    return getattr(own, "same", equal)


def _check_length(serial_s: float, params: Params) -> None:
    """Raise ValueError where a plain loop would not end within a trial's time limit."""
    trial_s = (1 + params.kept_rounds) * serial_s
    if trial_s > params.timeout_s:
        raise ValueError(
            f"{PATH}: a plain loop takes {serial_s:.0f} s, {1 + params.kept_rounds} times in a trial, which may take "
            f"{params.timeout_s:g} s: take a sample with --tasks N, or allow more with --timeout {2 * trial_s:.0f}"
        )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`. What the user's file imports is there when the clock starts, as in a script of theirs."""
    from workloads.own_task import own

    results = folder / "results.pickle"
    arguments = pickle.loads((folder / "arguments.pickle").read_bytes())
    shared = pickle.loads(of_shared := (folder / "shared.pickle").read_bytes())
    return Inputs(arguments, shared, _size(shared, of_shared), results if _compared(own) else None)


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`."""
    return repeated(_job(inputs), inputs.arguments, partial(wrong, results=inputs.results), setting)


def _job(inputs: Inputs) -> Job:
    from workloads import own_task

    imports = (PATH.stem,)
    if PATTERN == "shared":
        return Shared(own_task.call, inputs.shared, inputs.shared_bytes, imports=imports)
    if PATTERN == "setup":
        return Setup(own_task.call, own_task.make, imports=imports)
    if PATTERN == "state":
        return State(own_task.change, own_task.start, own_task.hand_back, own_task.combine, imports=imports)
    return Map(own_task.call, imports=imports)


def wrong(numbers: range, result: Any, results: Path | None) -> str | None:
    """Each result must be the same as the serial one, by the user's ``same`` or by `equal`."""
    from workloads.own_task import own

    values = _of_state(result, numbers) if PATTERN == "state" else by_number(result, numbers)
    if results is None:
        return None
    same = _compared(own)
    assert same is not None
    with results.open("rb") as file:  # read one by one: all at once would be in the trial's memory
        for place, value in enumerate(values):
            if not same(value, expected := pickle.load(file)):
                return (
                    f"{PATH.name}: the result of task {place} is {_short(value)}, the serial one {_short(expected)}; "
                    "where both are right, say so with same(result, expected)"
                )
    return None


def _of_state(result: tuple[Any, list[int]], numbers: range) -> list[Any]:
    value, counted = result
    if sorted(counted) != list(numbers):
        raise WrongResult(f"{len(counted)} tasks are in the state that are not the {len(numbers)} of the round")
    return [value]


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`. What its tasks need is known when they have run: see ``peak_bytes`` of the facts."""
    return n_jobs * PROCESS_BYTES, 0
