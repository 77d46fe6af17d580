"""Rounds of tasks on one pool of workers after another, timed one by one, and every result of them checked."""

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path
from statistics import median
from time import perf_counter_ns
from typing import Any

from trial import tasklog
from trial.bare import Bare, bare_processes
from trial.kernel import compute
from trial.workload import Kernel, Node, Pool, Round, Rounds

MapRounds = Callable[[Callable[..., Any], Iterator[list[Any]], int], Generator[list[Any], None, None]]

CALIBRATED_ITERATIONS = (1, 4000)
CALIBRATION_REPEATS = 15


class WrongResult(Exception):
    """A round's results are not what they must be."""


def calibrate() -> Kernel:
    """Time the kernel in this process: medians, because what disturbs it only ever adds time."""
    short, long = (median(_time_of(count) for _ in range(CALIBRATION_REPEATS)) for count in CALIBRATED_ITERATIONS)
    few, many = CALIBRATED_ITERATIONS
    iteration_s = (long - short) / (many - few)
    return Kernel(max(0.0, short - few * iteration_s), iteration_s)


def _time_of(iterations: int) -> float:
    start = perf_counter_ns()
    compute(iterations)
    return (perf_counter_ns() - start) / 1e9


def measure_rounds(
    workload: Rounds, idiom: MapRounds, kernel: Kernel, graphs: bool, inputs: Any, n_jobs: int
) -> list[dict[str, Any]]:
    """Return for each pool its label, its rounds and what its shut-down took, or why it was refused.

    Raises WrongResult.
    """
    processes: AbstractContextManager[Bare | None] = bare_processes(n_jobs) if workload.BARE else nullcontext()
    with processes as bare:
        return [_measured(pool, idiom, n_jobs, bare) for pool in workload.pools(inputs, n_jobs, kernel, graphs)]


def _measured(pool: Pool, idiom: MapRounds, n_jobs: int, bare: Bare | None) -> dict[str, Any]:
    if pool.rounds is None:
        return {"label": pool.label, "refused": pool.refused, "rounds": [], "shutdown_s": None}
    clock = _Clock(pool, pool.rounds, n_jobs, bare)
    clock.asked_ns = perf_counter_ns()
    with closing(idiom(pool.task, clock.hand_out(), n_jobs)) as answers:  # so that a failure closes the pool too
        # Between two readings of the clock lies what the library does, and nothing of ours: making tasks, running them
        # bare and checking results is done while it waits.
        while (results := next(answers, None)) is not None:
            clock.answered(results)
            del results  # some lie in a library's store for as long as they are held
        ended_ns = perf_counter_ns()
    if clock.begun or not clock.all_out:
        raise WrongResult("not all rounds were taken and answered")
    return {
        "label": pool.label,
        "refused": "",
        "rounds": clock.measured,
        "shutdown_s": (ended_ns - clock.asked_ns) / 1e9,
    }


class _Clock:
    """Hands out rounds, and knows since when the library has them: the first since the call, so with its start-up."""

    def __init__(self, pool: Pool, rounds: Generator[Round, float, None], n_jobs: int, bare: Bare | None) -> None:
        self.task, self.rounds, self.n_jobs, self.bare = pool.task, rounds, n_jobs, bare
        self.workers = _workers()
        self.measured: list[dict[str, Any]] = []
        self.begun: Round | None = None
        self.all_out = False
        self.started_ns = 0  # before it: the pool's start-up
        self.asked_ns = 0  # since when the library works for its own sake

    def hand_out(self) -> Iterator[list[Any]]:
        """Yield one list of tasks after another; end when no round is wanted any more."""
        startup_ns = perf_counter_ns() - self.asked_ns
        round_ = next(self.rounds, None)
        while round_ is not None:
            if round_.bare:
                seconds = self._run_bare(round_)
            else:
                self.begun = round_
                self.started_ns = perf_counter_ns() - startup_ns
                yield round_.tasks
                if self.begun:
                    raise WrongResult("a round was taken before the one before it was answered")
                seconds, startup_ns = self.measured[-1]["seconds"], 0
            try:
                round_ = self.rounds.send(seconds)
            except StopIteration:
                round_ = None
        self.all_out = True
        self.asked_ns = perf_counter_ns()

    def answered(self, results: list[Any]) -> None:
        """Take the results of the round that is out, and check them."""
        now_ns = perf_counter_ns()
        if self.begun is None:
            raise WrongResult("results came without a round")
        round_, self.begun = self.begun, None
        if wrong := round_.wrong(results):
            raise WrongResult(f"{round_.label}: {wrong}")
        workers = _workers()
        if workers - self.workers > self.n_jobs:
            raise WrongResult(f"a round ran on {workers - self.workers} new workers, n_jobs is {self.n_jobs}")
        self.workers = workers
        self.measured.append({"label": round_.label, "bare": False, "seconds": (now_ns - self.started_ns) / 1e9})

    def _run_bare(self, round_: Round) -> float:
        if self.bare is None:
            raise RuntimeError("rounds without the library are wanted, and the workload has not said so: BARE")
        arguments = [task.arguments if isinstance(task, Node) else task for task in round_.tasks]
        seconds = self.bare.seconds(self.task, arguments)
        self.measured.append({"label": round_.label, "bare": True, "seconds": seconds})
        return seconds


def _workers() -> int:
    """Return how many workers have shown up so far."""
    return len(tasklog.read(Path(os.environ[tasklog.ENVIRONMENT_VARIABLE])).workers)


def handed_out(pools: list[dict[str, Any]]) -> int:
    """Return how many tasks were asked for in all."""
    return sum(round_["label"]["tasks"] for pool in pools for round_ in pool["rounds"])


def check_counts(path: Path, asked: int) -> tuple[int, str | None]:
    """Return how many tasks were run, and what is wrong with that: each must have been, once, in whichever process."""
    with tasklog.counts(path) as counted:
        times = counted[:asked]
        more = counted[asked : asked + 1000].strip(b"\0")
    never, often = times.count(0), asked - times.count(0) - times.count(1)
    run = sum(times) + sum(more)
    if times == b"\1" * asked and not more:
        return run, None
    return run, f"of {asked} tasks, {never} were never run, {often} more than once, {len(more)} were run unasked"
