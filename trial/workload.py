"""What every workload module offers to the harness."""

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from params import Params


class Workload(Protocol):
    """A module of this package is one. All files live in ``folder``, made once per parameter set."""

    PARAMS: tuple[str, ...]
    """The names of the parameters that its inputs depend on."""

    NOT_IN_PARENT: tuple[str, ...]
    """Modules that a trial's parent must not have imported when the clock starts: a fork would hand them over free."""

    def prepare(self, params: Params, folder: Path) -> dict[str, Any]:
        """Write the inputs and the serial reference result; return plain facts about them for the record.

        ``moved_bytes``: the input read once and the result written once, which is the least that any implementation
        moves. ``shared_bytes``, where there is one large input for all tasks: its size, which copies are counted by.

        Raises ValueError, in one line, where ``params`` allow no valid input.
        """

    def load(self, params: Params, folder: Path) -> Any:
        """Return the inputs, as every library's function gets them. Runs before the clock starts."""

    def num_tasks(self, params: Params) -> int:
        """Return how many tasks a trial must run, with the indices 0 to that number."""

    def memory_bytes(self, params: Params, n_jobs: int) -> tuple[int, int]:
        """Return the memory that a trial of any idiom may take, and how much of it may lie in /dev/shm: estimates."""

    def check(self, result: Any, folder: Path) -> str | None:
        """Return what is wrong with a function's result, in one line, or None. Runs after the clock has stopped."""


class Sharing(Workload, Protocol):
    """A workload whose tasks share one input. Trials of the kind `write` find out what a write to it does."""

    def writing(self, inputs: Any) -> Any:
        """Return ``inputs`` with a task that tries to write in place of the one that computes."""

    def on_write(self, result: Any, inputs: Any) -> str:
        """Return what happened, in a few words, from a function's result and the caller's own inputs afterwards."""


class Node(NamedTuple):
    """A task of a graph: its own arguments, and the positions in the graph of those whose results follow them."""

    arguments: tuple[Any, ...]
    needs: tuple[int, ...]


@dataclass(frozen=True)
class Round:
    """Tasks that start together; the next round starts when all of them have been answered.

    ``label``: plain data, for the record; its ``tasks`` is their number. ``tasks``: the arguments of each task, a tuple
    that starts with its number, or the nodes of a graph. ``wrong(results)`` says in one line what is wrong with the
    results, in any order, or nothing. ``bare``: without the library, by as many processes, for comparison.
    """

    label: dict[str, str | int | float]
    tasks: list[Any]
    wrong: Callable[[list[Any]], str | None]
    bare: bool = False


@dataclass(frozen=True)
class Pool:
    """Rounds on one pool of workers. ``rounds`` is sent each round's seconds, and chooses the next one by them.

    ``refused``: why it is not tried.
    """

    label: dict[str, str | int | float]
    task: Callable[..., Any]
    rounds: Generator[Round, float, None] | None
    refused: str = ""


@dataclass(frozen=True)
class Kernel:
    """What ``compute(iterations)`` takes on this machine: ``fixed_s + iterations * iteration_s``."""

    fixed_s: float
    iteration_s: float

    def iterations(self, seconds: float) -> int:
        """Return how many iterations take about ``seconds``; none for 0, and for anything else at least one."""
        return max(1, round((seconds - self.fixed_s) / self.iteration_s)) if seconds else 0

    def seconds(self, iterations: int) -> float:
        """Return what they take."""
        return self.fixed_s + iterations * self.iteration_s if iterations else 0.0


class Rounds(Workload, Protocol):
    """A workload that times rounds, not the whole: its idioms are ``map_rounds(task, rounds, n_jobs)``.

    They yield the results of one round after another from one live pool of workers; with ``@graphs``, of one graph
    after another, the results of those tasks that no other needs. It has no `check` and no `num_tasks`: each round
    knows its tasks and what is wrong with its results.
    """

    BARE: bool
    """Whether rounds without the library are asked for."""

    SAMPLED: bool
    """Whether trials for memory tell something."""

    EVERY_COUNT: bool
    """Whether it is asked on every number of workers, or on the most only."""

    PATIENCE: int
    """How many times ``params.timeout_s`` a trial may take."""

    def pools(self, inputs: Any, n_jobs: int, kernel: Kernel, graphs: bool) -> Iterator[Pool]:
        """Return what to run."""
