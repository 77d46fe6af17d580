"""joblib: `Parallel` on its default backend, loky, whose workers are fresh interpreters that it keeps warm.

Arrays above 1 MB are dumped once and memory-mapped by every worker, without being asked to; batches of short tasks are
sized by joblib itself; results come back in the order in which they end (`return_as="generator_unordered"`). The
context of `Parallel` keeps its workers from round to round ("Reusing a pool of workers").
https://joblib.readthedocs.io/en/stable/parallel.html
"""

from functools import partial

from trial.script import idiom, needs, run, skip

with needs("joblib"):
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor


def close(n_jobs):
    # Fairness: loky keeps its workers for the next call in the process; the others' pools are closed under the clock.
    # With n_jobs=1 there are none: joblib then runs everything in the calling process.
    if n_jobs > 1:
        get_reusable_executor().shutdown(wait=True)


def map_loky(job, rounds, n_jobs, **options):
    with Parallel(n_jobs=n_jobs, **options) as parallel:
        for tasks in rounds:
            yield parallel(delayed(job.task)(*arguments) for arguments in tasks)
    close(n_jobs)


def map_threads(job, rounds, n_jobs):
    with Parallel(n_jobs=n_jobs, backend="threading") as parallel:
        for tasks in rounds:
            yield parallel(delayed(job.task)(*arguments) for arguments in tasks)


MAP = {
    "loky, automatic batches": idiom(map_loky, start="loky", batched=True),
    "loky, batches of 1": idiom(partial(map_loky, batch_size=1), start="loky", varies_batches=True),
    "threading": idiom(map_threads, workers="threads", batched=True),
}


def shared_loky(job, rounds, n_jobs, **options):
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options) as parallel:
        for tasks in rounds:
            yield list(parallel(delayed(job.task)(*arguments, job.shared) for arguments in tasks))
    close(n_jobs)


def shared_threads(job, rounds, n_jobs):
    # For tasks that release the GIL: https://joblib.readthedocs.io/en/stable/parallel.html#thread-based-parallelism-vs-process-based-parallelism
    with Parallel(n_jobs=n_jobs, backend="threading", return_as="generator_unordered") as parallel:
        for tasks in rounds:
            yield list(parallel(delayed(job.task)(*arguments, job.shared) for arguments in tasks))


naive = partial(shared_loky, max_nbytes=None)  # switches memory-mapping off: one pickle per task
SHARED = {
    "loky, automatic memmap": idiom(shared_loky, start="loky", shares="mapped by the library"),
    "threading": idiom(shared_threads, workers="threads", shares="same memory"),
    "naive: memmap switched off": idiom(naive, start="loky", shares="sent with every task", naive=True),
}


def call_once_made(job, *arguments):
    return job.task(*arguments, job.made_once())


def make_and_call(job, *arguments):
    return job.task(*arguments, job.make())


def setup_loky(job, rounds, n_jobs, call=call_once_made, **hook):
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered", **hook) as parallel:
        for tasks in rounds:
            yield list(parallel(delayed(call)(job, *arguments) for arguments in tasks))
    close(n_jobs)


def setup_initializer(job, rounds, n_jobs):
    # With n_jobs=1 joblib would skip it; the first task then makes the setup in the calling process all the same.
    yield from setup_loky(job, rounds, n_jobs, **({"initializer": job.made_once} if n_jobs > 1 else {}))


SETUP = {
    "loky, initializer": idiom(setup_initializer, start="loky", sets_up="once per worker"),
    "loky, made once": idiom(setup_loky, start="loky", sets_up="once per worker"),
    "naive: setup in every task": idiom(
        partial(setup_loky, call=make_and_call), start="loky", sets_up="in every task", naive=True
    ),
}


def state_merged(job, rounds, n_jobs):
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered") as parallel:
        for tasks in rounds:
            yield job.combine(parallel(delayed(job.part)(arguments) for arguments in tasks))
    close(n_jobs)


STATE = {
    "loky, merge parts": idiom(state_merged, start="loky", batched=True),
    "state in workers": skip(
        "joblib documents no way to reach every worker once, and no hook at its exit", keeps_state=True
    ),
}

if __name__ == "__main__":
    run(map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": skip("joblib has no task graphs")})
