"""The contract of scripts and workloads: six patterns of parallel work, each a question to a library.

A workload makes a job of its pattern; a script's idioms schedule jobs of that pattern; neither knows the other.

An idiom is a generator ``idiom(job, rounds, n_jobs)``. It opens what it needs, takes rounds from the iterator
``rounds``, yields each round's results before it takes the next one, and closes what it has opened when there are no
more. A round is a list of tasks, a task is a tuple of arguments; results come in any order. Jobs, arguments and results
can be pickled. Of a `Stream`, a round is an iterator of tasks, and so are its results.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple


@dataclass(frozen=True)
class _Tasks:
    """What all jobs have. ``imports``: the modules that a task imports."""

    task: Callable[..., Any]
    imports: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def modules(self) -> list[str]:
        """The modules that tasks need: some start methods import them once, ahead of all workers.

        The task's module is among them. Start methods should import the main module by themselves, but some versions of
        Python do not (https://github.com/python/cpython/issues/137996).
        """
        return [self.task.__module__, *self.imports]


@dataclass(frozen=True)
class Map(_Tasks):
    """Independent tasks: ``task(*arguments)``."""


@dataclass(frozen=True)
class Shared(_Tasks):
    """Tasks that all read one large input: ``task(*arguments, shared)``. ``nbytes``: its size."""

    shared: Any
    nbytes: int


@dataclass(frozen=True)
class Setup(_Tasks):
    """Tasks that need something slow to make: ``task(*arguments, made)`` with ``made = make()``, once per worker."""

    make: Callable[[], Any]

    def made_once(self) -> Any:
        """Return what is made, at the first call in a process: for libraries without a hook at a worker's start."""
        global _made
        if _made is None:
            _made = self.make()
        return _made


_made: Any = None  # a trial has one job


@dataclass(frozen=True)
class State(_Tasks):
    """Tasks that change a state: ``task(*arguments, state)``, with ``state = start()`` once per worker.

    At the end of a round, every worker gives ``hand_back(state)``, and its state starts anew. The round's result is
    ``combine(parts)`` of all that was handed back. If workers keep no state, each batch of tasks hands back a part.
    """

    start: Callable[[], Any]
    hand_back: Callable[[Any], Any]
    combine: Callable[[Iterable[Any]], Any]

    def part(self, tasks: Iterable[tuple[Any, ...]]) -> Any:
        """Return what some of a round's tasks hand back."""
        state = self.start()
        for arguments in tasks:
            self.task(*arguments, state)
        return self.hand_back(state)


@dataclass(frozen=True)
class Graph(_Tasks):
    """Tasks that need others' results: ``task(*arguments, *results)``. A round's tasks are nodes.

    The round's results are those of its ``wanted`` nodes.
    """


@dataclass(frozen=True)
class Stream(_Tasks):
    """Tasks that are drawn from an input which may have no end: ``task(*arguments)``.

    Results are taken one at a time, by a consumer that may be slow, and may stop in the middle.
    """


class Node(NamedTuple):
    """A task of a graph. ``needs``: the places in the round of the nodes whose results it takes."""

    arguments: tuple[Any, ...]
    needs: tuple[int, ...]
    wanted: bool


Job = Map | Shared | Setup | State | Graph | Stream
