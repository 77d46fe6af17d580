"""Idioms that are wrong in ways in which libraries, and scripts, have been wrong, on tasks that are only counted."""

from multiprocessing import get_context

from trial.script import idiom, run


def right(job, rounds, n_jobs):
    for tasks in rounds:
        yield [job.task(*arguments) for arguments in tasks]


def drops_one(job, rounds, n_jobs):
    for tasks in rounds:
        yield [job.task(*arguments) for arguments in tasks[:-1]] + [tasks[-1][0]]  # its result can be guessed


def never_runs(job, rounds, n_jobs):
    for tasks in rounds:
        yield [number for number, *_ in tasks]


def runs_twice(job, rounds, n_jobs):
    for tasks in rounds:
        yield [job.task(*arguments) for arguments in tasks for _ in range(2)][::2]


def wrong_results(job, rounds, n_jobs):
    for tasks in rounds:
        yield [job.task(*arguments) + 1 for arguments in tasks]


def one_round_only(job, rounds, n_jobs):
    yield [job.task(*arguments) for arguments in next(rounds)]


def takes_ahead(job, rounds, n_jobs):
    for tasks in list(rounds):
        yield [job.task(*arguments) for arguments in tasks]


def answers_unasked(job, rounds, n_jobs):
    yield []
    yield from right(job, rounds, n_jobs)


def wrong_in_forked_workers(job, rounds, n_jobs):
    """Workers that are still there, with all that they inherited, when the result is found to be wrong."""
    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, tasks)[1:]


if __name__ == "__main__":
    functions = (right, drops_one, never_runs, runs_twice, wrong_results, one_round_only, takes_ahead, answers_unasked,
                 wrong_in_forked_workers)  # fmt: skip
    run(map={function.__name__: idiom(function) for function in functions})
