"""joblib: `Parallel` on its default backend, loky, whose workers are fresh interpreters that it keeps warm.

Without being asked, joblib dumps arrays above 1 MB once, and every worker maps them. It sizes batches of short tasks
itself. Results come back in the order in which they end (`return_as="generator_unordered"`). The context of `Parallel`
keeps its workers from round to round ("Reusing a pool of workers"). Closing waits for them.
https://joblib.readthedocs.io/en/stable/parallel.html
"""

from functools import partial
from operator import attrgetter, methodcaller

from trial.script import idiom, in_batches, needs, run, skip

with needs("joblib"):
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor


def close(n_jobs):
    # Fairness: loky keeps its workers for the next call in the process; the others' pools are closed under the clock.
    # With n_jobs=1 there are none: joblib then runs everything in the calling process.
    if n_jobs > 1:
        get_reusable_executor(reuse=True).shutdown(wait=True)  # whatever it was made with


def map_loky(job, rounds, n_jobs, **options):
    with Parallel(n_jobs=n_jobs, **options) as parallel:
        for tasks in rounds:
            yield parallel(delayed(job.task)(*arguments) for arguments in tasks)
    close(n_jobs)


def map_threads(job, rounds, n_jobs):
    with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        for tasks in rounds:
            yield parallel(delayed(job.task)(*arguments) for arguments in tasks)


by_loky = partial(idiom, start="loky", closes="waits until its workers have ended")
threads = partial(idiom, workers="threads", closes="waits until its workers have ended")
MAP = {
    "loky, automatic batches": by_loky(map_loky, batched=True),
    "loky, batches of 1": by_loky(partial(map_loky, batch_size=1), varies_batches=True),
    "new workers": skip(
        "joblib renews a worker by itself, when it has grown by 300 MB, and offers no number of tasks", renews=True
    ),
    "loky, timeout": by_loky(partial(map_loky, timeout=5), batched=True, limits=True),
    "threading": threads(map_threads, batched=True),
}


def shared_loky(job, rounds, n_jobs, **options):
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options) as parallel:
        for tasks in rounds:
            yield list(parallel(delayed(job.task)(*arguments, job.shared) for arguments in tasks))
    close(n_jobs)


def by_threads(job, rounds, n_jobs, value_of):
    # For tasks that release the GIL: https://joblib.readthedocs.io/en/stable/parallel.html#thread-based-parallelism-vs-process-based-parallelism
    value = value_of(job)
    with Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator_unordered") as parallel:
        for tasks in rounds:
            yield list(parallel(delayed(job.task)(*arguments, value) for arguments in tasks))


naive = partial(shared_loky, max_nbytes=None)  # switches memory-mapping off: one pickle per task
SHARED = {
    "loky, automatic memmap": by_loky(shared_loky, shares="mapped by the library"),
    "threading": threads(partial(by_threads, value_of=attrgetter("shared")), shares="same memory"),
    "naive: memmap switched off": by_loky(naive, shares="sent with every task", naive=True),
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
    # With n_jobs=1 joblib would skip the initializer: the first task then makes the setup in the calling process.
    yield from setup_loky(job, rounds, n_jobs, **({"initializer": job.made_once} if n_jobs > 1 else {}))


ONCE, IN_CALLER = {"sets_up": "once per worker"}, {"sets_up": "in the caller"}
SETUP = {
    "loky, initializer": by_loky(setup_initializer, **ONCE),
    "loky, made once": by_loky(setup_loky, **ONCE),
    "threading": threads(partial(by_threads, value_of=methodcaller("make")), **IN_CALLER),
    "naive: setup in every task": by_loky(partial(setup_loky, call=make_and_call), sets_up="in every task", naive=True),
}


def state_merged(job, rounds, n_jobs):
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered") as parallel:
        for tasks in rounds:
            # A part of every task would cost more than counting it.
            yield job.combine(parallel(delayed(job.part)(batch) for batch in in_batches(tasks, n_jobs, each=16)))
    close(n_jobs)


STATE = {
    "loky, merge parts": by_loky(state_merged, batched=True),
    "state in workers": skip(
        "joblib documents no way to reach every worker once, and no hook at its exit", keeps_state=True
    ),
}


def stream_loky(job, rounds, n_jobs, **options):
    # It draws `pre_dispatch` tasks, 2 * n_jobs, and one more for each that ends.
    # https://joblib.readthedocs.io/en/stable/generated/joblib.Parallel.html
    with Parallel(n_jobs=n_jobs, **options) as parallel:
        for tasks in rounds:
            yield parallel(delayed(job.task)(*arguments) for arguments in tasks)
    close(n_jobs)


STREAM = {
    "loky, generator": by_loky(partial(stream_loky, return_as="generator"), batched=True),
    "loky, generator_unordered": by_loky(partial(stream_loky, return_as="generator_unordered"), batched=True),
}

if __name__ == "__main__":
    no_graphs = skip("joblib has no task graphs")
    run(map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": no_graphs}, stream=STREAM)
