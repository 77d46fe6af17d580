"""Idioms of rounds that are wrong in ways in which libraries, and scripts, have been wrong."""

from multiprocessing import get_context

from trial.script import run


def right(task, rounds, n_jobs):
    for tasks in rounds:
        yield [task(*arguments) for arguments in tasks]


def drops_one(task, rounds, n_jobs):
    for tasks in rounds:
        yield [task(*arguments) for arguments in tasks[:-1]] + [tasks[-1][0]]  # its result can be guessed


def never_runs(task, rounds, n_jobs):
    for tasks in rounds:
        yield [number for number, *_ in tasks]


def runs_twice(task, rounds, n_jobs):
    for tasks in rounds:
        yield [task(*arguments) for arguments in tasks for _ in range(2)][::2]


def wrong_results(task, rounds, n_jobs):
    for tasks in rounds:
        yield [task(*arguments) + 1 for arguments in tasks]


def one_round_only(task, rounds, n_jobs):
    yield [task(*arguments) for arguments in next(rounds)]


def takes_ahead(task, rounds, n_jobs):
    for tasks in list(rounds):
        yield [task(*arguments) for arguments in tasks]


def answers_unasked(task, rounds, n_jobs):
    yield []
    yield from right(task, rounds, n_jobs)


def wrong_in_forked_workers(task, rounds, n_jobs):
    """Workers that are still there, with all that they inherited, when the result is found to be wrong."""
    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(task, tasks)[1:]


if __name__ == "__main__":
    named = (right, drops_one, never_runs, runs_twice, wrong_results, one_round_only, takes_ahead, answers_unasked)
    run(
        overhead={idiom.__name__: idiom for idiom in named},
        granularity={"wrong_in_forked_workers": wrong_in_forked_workers},
    )
