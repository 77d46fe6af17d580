"""A fault in one task among healthy ones: what the caller learns, what is lost, and whether a new pool works."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import perf_counter_ns
from typing import Any

from record.terms import ERROR_CAUGHT, RESULTS
from trial import tasklog
from trial.script import Function
from trial.whole_file import write_whole
from trial.workload import Pool, Round

MOST_CAUSES = 5  # of an error, the error itself among them
SHOWN = 120  # characters of an error, at its beginning and at its end


def survive(
    pools: Iterator[Pool], idiom: Function, n_jobs: int, names_cause: Callable[[str], bool], folder: Path
) -> None:
    """Run the pool with the fault, then one without, and write what came of it to ``fault.json`` after each.

    What is written is a `record.schema.Fault`. Nothing is written where the library does not return.
    """
    pool = next(pools)
    round_ = _round_of(pool)
    faulty = next(number for number, fault, *_ in round_.tasks if fault)
    results, error, learned_s = _answer(pool, round_, idiom, n_jobs)
    numbers = [number for number, *_ in round_.tasks]
    right = {number for number, value in results if value == number * number}
    runs = _runs(numbers)
    fault = {
        "learned": ERROR_CAUGHT if error else RESULTS,
        "error": _in_short(error) if error else "",
        "names_cause": error is not None and names_cause(_printed(error)),
        "learned_s": learned_s,
        "lost": sum(number not in right for number in numbers if number != faulty),
        "is_answered": faulty in dict(results),
        "runs": runs[faulty],
        "repeated": sum(runs[number] > 1 for number in numbers if number != faulty),
        "new_pool": "it did not return",
    }
    write_whole(folder / "fault.json", fault)
    pool = next(pools)
    round_ = _round_of(pool)
    results, error, fault["new_pool_s"] = _answer(pool, round_, idiom, n_jobs)
    whole = sorted(results) == [(number, number * number) for number, *_ in round_.tasks]
    fault["new_pool"] = _in_short(error) if error else "" if whole else f"{len(results)} results"
    write_whole(folder / "fault.json", fault)


def _round_of(pool: Pool) -> Round:
    assert pool.rounds
    return next(pool.rounds)


def _answer(
    pool: Pool, round_: Round, idiom: Function, n_jobs: int
) -> tuple[list[tuple[int, Any]], BaseException | None, float]:
    """Return the round's results, the error that the caller got, and after how many seconds, the pool closed."""
    results: list[tuple[int, Any]] = []
    caught: BaseException | None = None
    start_ns = perf_counter_ns()
    try:
        with closing(idiom(pool.job, iter([round_.tasks]), n_jobs)) as answers:
            results = list(next(answers))
            next(answers, None)
    except BaseException as error:  # noqa: BLE001 -- SystemExit and KeyboardInterrupt are what some faults lead to
        caught = error
    return results, caught, (perf_counter_ns() - start_ns) / 1e9


def _runs(numbers: list[int]) -> dict[int, int]:
    """Return how often each task was begun."""
    counts = tasklog.counts(Path(os.environ[tasklog.ENVIRONMENT_VARIABLE]))
    return {number: counts[number] for number in numbers}


def _printed(error: BaseException) -> str:
    """Return all that Python prints of an error without a traceback: it, and what it was raised from."""
    lines: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(lines) < MOST_CAUSES:
        lines.append(f"{type(cause).__name__}: {cause}")
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines)


def _in_short(error: BaseException) -> str:
    """Return the error in one line: what it is, and the end of its text, where some libraries put the task's own."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 2 * SHOWN else f"{text[:SHOWN]} ... {text[-SHOWN:]}"
