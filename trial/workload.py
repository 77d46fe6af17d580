"""What every workload module offers, and the rounds and pools that it asks for."""

import importlib
import os
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Protocol, TypeVar, cast

from params import Params
from record.terms import COLD, KEPT, TIME
from trial.kernel import Kernel, calibrate
from trial.rules import WrongResult

SHOWN_ON_REQUEST = ("limits", "renews")  # traits whose idioms answer a question that most workloads do not ask
LEAST_PASSES, MOST_PASSES, SHORT_LOOP_S = 2, 5, 1.0  # of a plain loop: two, and up to five until a second has passed
JOB_VARIABLE = "BENCHMARK_JOB"  # the path of the user's own job, in all processes of a run that measures one


class Drawn(Iterator[Any]):
    """The tasks of a stream's round, how many of them have been drawn so far, and an end that can be set."""

    def __init__(self, tasks: Iterator[Any]) -> None:
        self.tasks, self.count = tasks, 0
        self._is_ended = False
        self._one_at_a_time = threading.Lock()  # some libraries draw in a thread

    def __next__(self) -> Any:
        with self._one_at_a_time:
            if self._is_ended:
                raise StopIteration
            task = next(self.tasks)
            self.count += 1
            return task

    def end(self) -> None:
        """Give out no more tasks."""
        with self._one_at_a_time:
            self._is_ended = True


@dataclass(frozen=True)
class Round:
    """Tasks that start together; the next round starts when all of them have been answered.

    ``phase``: what it is there for, see `record.terms`. ``tasks``: tuples of arguments that start with the task's
    number, or nodes with these tuples. Tasks are numbered from 0 through all rounds of a trial, so that an answer of an
    earlier round is found wrong. ``wrong(results)`` says in one line what is wrong with an idiom's results, or nothing.
    ``bare``: without the library, by ``n_jobs`` processes, for comparison. ``label``: plain data, for the record; a
    workload may add to it when the round has been answered. ``take(results)``: takes a stream's results one by one,
    under the clock, and returns those that it took.
    """

    phase: str
    tasks: list[Any] | Drawn
    wrong: Callable[[Any], str | None]
    bare: bool = False
    label: dict[str, str | int | float] = field(default_factory=dict)
    take: Callable[[Any], Any] | None = None

    @property
    def asked(self) -> int:
        """How many tasks have been handed out."""
        return self.tasks.count if isinstance(self.tasks, Drawn) else len(self.tasks)


@dataclass(frozen=True)
class Pool:
    """Rounds on one pool of workers. ``rounds`` is sent each round's seconds, and chooses the next one by them.

    ``refused``: why it is not tried.
    """

    job: Any
    rounds: Generator[Round, float, None] | None
    label: dict[str, str | int | float] = field(default_factory=dict)
    refused: str = ""


@dataclass(frozen=True)
class Setting:
    """What a workload may ask before it chooses its rounds.

    ``free_bytes``: of memory; ``shared_free_bytes``: of /dev/shm, None where there is none. ``on_cluster``: its workers
    may be on other machines, which have no files of this one.
    """

    pattern: str
    n_jobs: int
    kept_rounds: int
    free_bytes: int
    shared_free_bytes: int | None
    kind: str = TIME
    on_cluster: bool = False

    @cached_property
    def kernel(self) -> Kernel:
        """How long the kernel of `trial.kernel` computes in this process: timed when it is first asked for."""
        return calibrate()


class Workload(Protocol):
    """A module of `workloads` is one. All files live in ``folder``, made once per parameter set.

    A constant that it does not define is as in `DEFAULTS`.
    """

    PATTERNS: tuple[str, ...]
    """The patterns that it is an instance of."""

    PARAMS: tuple[str, ...]
    """The names of the parameters that its inputs depend on."""

    NOT_IN_PARENT: tuple[str, ...]
    """Modules that a trial's parent must not have imported when the clock starts: a fork would hand them over free."""

    LEFT_OUT: Mapping[tuple[str, Any], str]
    """Idioms that it does not show, by a trait and its value, with the reason why they are impossible.

    An empty reason: a reader need not see them.
    """

    RECORDED: bool
    """Whether every task is recorded with its times (`tasklog.task`). Else they are counted (`tasklog.count`)."""

    BARE: bool
    """Whether rounds without the library are asked for."""

    SHOWS: tuple[str, ...]
    """Of `SHOWN_ON_REQUEST`, the traits whose idioms it shows."""

    FAULTS: tuple[str, ...]
    """What its trials are there for, if for faults: then a trial that hangs or dies is an answer."""

    MOST_TRIALS: str
    """The parameter that says how many trials a cell has at most; empty: as many as there are blocks."""

    SAMPLED: bool
    """Whether trials for memory tell something."""

    EVERY_COUNT: bool
    """Whether it is measured on every number of workers, or only on the most."""

    MAY_DROP: bool
    """Whether tasks may never run that were handed out: those of an input that is left in the middle."""

    MAY_REPEAT: bool
    """Whether tasks may run again whose worker was renewed before their results had left it."""

    TIMES_KERNEL: bool
    """Whether its tasks compute with the kernel, which then is timed in every trial."""

    WRITES: bool
    """Whether there are trials in which tasks try to write to their shared input: then it is a `Writing`."""

    PATIENCE: int
    """How many times ``params.timeout_s`` a trial may take."""

    OWN: bool
    """Whether it is a user's own job: made anew for every run, and run in the user's current directory."""

    IDENTITY: Mapping[str, str]
    """What identifies its inputs besides the parameters: the name of a file and its hash."""

    def prepare(self, params: Params, folder: Path) -> dict[str, Any]:
        """Write the inputs and the serial reference result; return plain facts about them for the record.

        ``moved_bytes``: the input read once and the result written once, which is the least that any implementation
        moves. ``least_serial_s``: what all tasks of a round take at least in a plain loop, see `plain_loop`.
        ``shared_bytes``: the size of the one large input for all tasks, if there is one; it is the unit of copies.

        Raises ValueError, in one line, where ``params`` allow no valid input.
        """

    def load(self, params: Params, folder: Path) -> Any:
        """Return the inputs. Runs before the clock starts."""

    def pools(self, inputs: Any, setting: Setting) -> Iterator[Pool]:
        """Return what to run, one pool after another."""

    def memory_bytes(self, params: Params, n_jobs: int) -> tuple[int, int]:
        """Return the memory that a trial of any idiom may take, and how much of it may lie in /dev/shm: estimates."""


class Faulty(Workload, Protocol):
    """A workload whose trials are there for faults."""

    def names_cause(self, fault: str, error: str) -> bool:
        """Return whether the text of an error tells what has gone wrong."""

    def limit_s(self, params: Params, fault: str) -> float:
        """Return after how many seconds a trial that has not come to an end is said to hang."""

    def shared_bytes(self, fault: str) -> int | None:
        """Return how large the trial's own shared memory must be; None: as large as the machine's."""


class Writing(Workload, Protocol):
    """A workload whose tasks share one input. Trials of the kind `write` find out what a write to it does."""

    def writing(self, inputs: Any) -> Any:
        """Return ``inputs`` with a task that tries to write in place of the one that computes."""

    def on_write(self, inputs: Any) -> str:
        """Return what happened, in a few words, after the trial."""


DEFAULTS: dict[str, Any] = {
    "PARAMS": (),
    "NOT_IN_PARENT": (),
    "LEFT_OUT": {},
    "SHOWS": (),
    "RECORDED": True,
    "BARE": False,
    "FAULTS": (),
    "MOST_TRIALS": "",
    "SAMPLED": True,
    "EVERY_COUNT": True,
    "MAY_DROP": False,
    "MAY_REPEAT": False,
    "TIMES_KERNEL": False,
    "WRITES": False,
    "PATIENCE": 1,
    "OWN": False,
    "IDENTITY": {},
}


def load_workload(name: str) -> Workload:
    """Return the workload module ``name``; the user's own job if the file in JOB_VARIABLE has that name."""
    own = Path(os.environ.get(JOB_VARIABLE, "")).stem
    module = importlib.import_module(f"workloads.{'own_job' if name == own else name}")
    for constant, value in DEFAULTS.items():
        vars(module).setdefault(constant, value)
    return cast(Workload, module)


Result = TypeVar("Result")


def plain_loop(tasks: Callable[[], Result]) -> tuple[Result, float]:
    """Run all ``tasks`` of a round in this process; return their results, and the seconds that they take at least.

    A rule holds trials to these seconds, and must never refuse a right one. So they are the least of several passes,
    because the first loads what is needed; and of clock and CPU time, because other processes may have held it up, or
    a task may have computed in several threads. Of tasks that wait, they say little.
    """
    passes: list[float] = []
    begin_s = perf_counter()
    while len(passes) < LEAST_PASSES or (len(passes) < MOST_PASSES and perf_counter() - begin_s < SHORT_LOOP_S):
        cpu_s, start_s = process_time(), perf_counter()
        results = tasks()
        passes.append(min(perf_counter() - start_s, process_time() - cpu_s))
    return results, min(passes)


def repeated(
    job: Any, arguments: Sequence[tuple[Any, ...]], wrong: Callable[[range, Any], str | None], setting: Setting
) -> Iterator[Pool]:
    """Yield one pool: a cold round, then kept rounds, of tasks that get their number and these ``arguments``.

    ``wrong(numbers, results)`` says what is wrong with the results of the tasks of those numbers.
    """
    yield Pool(job, _repeated(arguments, wrong, setting.kept_rounds))


def _repeated(
    arguments: Sequence[tuple[Any, ...]], wrong: Callable[[range, Any], str | None], kept_rounds: int
) -> Generator[Round, float, None]:
    for repeat in range(1 + kept_rounds):
        numbers = range(repeat * len(arguments), (repeat + 1) * len(arguments))
        tasks = [(number, *each) for number, each in zip(numbers, arguments, strict=True)]
        yield Round(KEPT if repeat else COLD, tasks, partial(wrong, numbers))


def by_number(results: Any, numbers: range) -> list[Any]:
    """Return the values of ``results``, pairs of number and value in any order, in the order of their numbers.

    Raises WrongResult for other numbers than ``numbers``.
    """
    values = dict(results)
    if sorted(values) != list(numbers):
        raise WrongResult(f"results of {len(set(numbers) & values.keys())} of {len(numbers)} tasks of the round")
    return [values[number] for number in numbers]
