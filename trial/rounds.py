"""Rounds of tasks on one pool of workers after another: each round is timed, and every result is checked."""

import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from trial import tasklog
from trial.bare import Bare
from trial.patterns import Node
from trial.rules import Rules, WrongResult, check_new_workers
from trial.script import Function
from trial.workload import Drawn, Pool, Round


def measure(
    pools: Iterable[Pool], idiom: Function, rules: Rules, bare: Bare | None, call_ns: int
) -> list[dict[str, Any]]:
    """Return what `record.schema.Pool` says of each pool. ``call_ns``: when the trial's clock started.

    Raises WrongResult, and what the idiom raises.
    """
    return [_measured(pool, idiom, rules, bare, call_ns) for pool in pools]


def _measured(pool: Pool, idiom: Function, rules: Rules, bare: Bare | None, call_ns: int) -> dict[str, Any]:
    if pool.rounds is None:
        return {"label": pool.label, "refused": pool.refused}
    clock = _Clock(pool.job, pool.rounds, rules, bare, call_ns)
    clock.resumed_ns = perf_counter_ns()
    with closing(idiom(pool.job, clock.hand_out(), rules.n_jobs)) as answers:  # so that a failure closes the pool too
        # Only the library's work lies between two readings of the clock. Making tasks, running them bare and checking
        # results is done off the clock, while the library waits.
        while (results := next(answers, None)) is not None:
            clock.answered(results)
            del results  # some lie in a library's store for as long as they are held
            clock.resumed_ns = perf_counter_ns()
        ended_ns = perf_counter_ns()
    if clock.begun or not clock.all_out:
        raise WrongResult("not all rounds were taken and answered")
    return {"label": pool.label, "rounds": clock.measured, "stop_s": (ended_ns - clock.resumed_ns) / 1e9}


class _Clock:
    """Hands out rounds and notes when each one starts.

    The first round starts when the idiom is called, so the pool's start is in its time.
    """

    def __init__(
        self, job: Any, rounds: Generator[Round, float, None], rules: Rules, bare: Bare | None, call_ns: int
    ) -> None:
        self.job, self.rounds, self.rules, self.bare, self.call_ns = job, rounds, rules, bare, call_ns
        self.workers = _workers()
        self.measured: list[dict[str, Any]] = []
        self.begun: Round | None = None
        self.all_out = False
        self.started_ns = 0  # of the round that is out
        self.resumed_ns = 0  # when the idiom was last called, or told that its results are taken

    def hand_out(self) -> Iterator[list[Any] | Drawn]:
        """Yield the tasks of one round after another; end when no round is wanted any more."""
        before_ns = perf_counter_ns() - self.resumed_ns  # what the idiom did before it asked: starting a pool, say
        round_ = next(self.rounds, None)
        while round_ is not None:
            if round_.bare:
                seconds = self._run_bare(round_)
            else:
                self.begun = round_
                self.started_ns = perf_counter_ns() - before_ns
                yield round_.tasks
                if self.begun:
                    raise WrongResult("a round was taken before the one before it was answered")
                before_ns = perf_counter_ns() - self.resumed_ns
                seconds = self.measured[-1]["seconds"]
            try:
                round_ = self.rounds.send(seconds)
            except StopIteration:
                round_ = None
        self.all_out = True
        self.resumed_ns = perf_counter_ns() - before_ns

    def answered(self, results: Any) -> None:
        """Take the results of the round that is out, and check them."""
        now_ns = perf_counter_ns()
        if self.begun is None:
            raise WrongResult("results came without a round")
        round_, self.begun = self.begun, None
        if round_.take:
            results = round_.take(results)
            now_ns = perf_counter_ns()
        if wrong := _wrong(round_, results):
            raise WrongResult(f"{_named(round_)}: {wrong}")
        workers = _workers()
        many = check_new_workers(workers - self.workers, self.rules.n_jobs)
        if many and not self.rules.renews:
            raise WrongResult(many)
        self.workers = workers
        self._add(round_, self.started_ns, now_ns)

    def _run_bare(self, round_: Round) -> float:
        if self.bare is None:
            raise RuntimeError("rounds without the library are wanted, and the workload has not said so: BARE")
        arguments = [task.arguments if isinstance(task, Node) else task for task in round_.tasks]
        start_ns = perf_counter_ns()
        seconds = self.bare.seconds(self.job.task, arguments)
        self._add(round_, start_ns, start_ns + round(1e9 * seconds))
        return seconds

    def _add(self, round_: Round, start_ns: int, end_ns: int) -> None:
        self.measured.append(
            {
                "phase": round_.phase,
                "tasks": round_.asked,
                "seconds": (end_ns - start_ns) / 1e9,
                "start_s": (start_ns - self.call_ns) / 1e9,
                "bare": round_.bare,
                "label": round_.label,
            }
        )


def _wrong(round_: Round, results: Any) -> str | None:
    try:
        return round_.wrong(results)
    except WrongResult as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 -- results of another shape than asked for are wrong results
        return f"the results cannot be checked: {type(error).__name__}: {' '.join(str(error).split())}"


def _named(round_: Round) -> str:
    return ", ".join([f"{round_.phase} round", *(f"{name} {value}" for name, value in round_.label.items())])


def _workers() -> int:
    """Return how many workers have shown up so far."""
    return len(tasklog.read(Path(os.environ[tasklog.ENVIRONMENT_VARIABLE])).workers)
