"""A script with head starts: torch imported before the clock, a pool opened at import, a clock of its own."""

import os
import time
from functools import partial
from multiprocessing import get_context

from trial import accidents
from trial.script import idiom, run


def loop(job, rounds, n_jobs):
    made = job.make()
    for tasks in rounds:
        yield [job.task(*arguments, made) for arguments in tasks]


def not_closed(job, rounds, n_jobs):
    pool = get_context("fork").Pool(n_jobs)
    for tasks in rounds:
        yield pool.starmap(partial(call, job), tasks, chunksize=1)
    kept.append(pool)


def call(job, *arguments):
    return job.task(*arguments, job.shared)


def in_early_pool(job, rounds, n_jobs):
    return iter(())


kept = []

if __name__ == "__main__":
    wanted = os.environ.get("EARLY", "")
    if wanted == "torch":
        import torch  # noqa: F401
    if wanted == "pool":
        kept.append(get_context("fork").Pool(1))
    if wanted == "clock":
        time.perf_counter_ns = lambda: 0
    accidents.CLOSING_S = 1.0  # a test need not wait for as long as a busy machine may take
    run(
        setup={"loop": idiom(loop)},
        shared={
            "in_early_pool": idiom(in_early_pool),
            "not_closed": idiom(not_closed, start="fork", closes="terminates its workers"),
        },
    )
