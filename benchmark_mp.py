"""multiprocessing.Pool: the standard library's pool, started by fork, spawn or forkserver; and its pool of threads.

Forked workers inherit an input; else `initializer` sends it once per worker, or all map it where it lies. Setups are
made by `initializer`, or before the fork. State is a global of each worker, handed back across a barrier.
Leaving a pool's context terminates its workers: https://docs.python.org/3.11/library/multiprocessing.html#module-multiprocessing.pool
"""

import os
from functools import partial
from itertools import repeat
from operator import attrgetter, methodcaller
from tempfile import TemporaryDirectory
from typing import Any

from trial.script import idiom, in_batches, needs, run, skip
from trial.tasklog import placing

with needs("multiprocessing"):
    from multiprocessing import get_context, set_forkserver_preload
    from multiprocessing.pool import ThreadPool  # `Pool` imports this module at its first call

    from stores.segment import placed


FORK, SPAWN, FORKSERVER = (get_context(method).Pool for method in ("fork", "spawn", "forkserver"))


def preloaded(job, rounds, n_jobs, function):
    set_forkserver_preload(job.modules)  # the server imports them, once, and forks workers that have them
    return function(job, rounds, n_jobs, start=FORKSERVER)


forked = partial(idiom, start="fork", closes="terminates its workers")
spawned = partial(forked, start="spawn")
served = partial(forked, start="forkserver")
threads = partial(idiom, workers="threads", closes="terminates its workers")


def sixteenths(tasks, n_jobs):
    # "For very long iterables using a large value for chunksize can make the job complete much faster" (page above).
    return max(1, len(tasks) // (16 * n_jobs))


def map_pool(job, rounds, n_jobs, start, chunksize=None):
    with start(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, tasks, chunksize)  # None: a quarter of each worker's share of the tasks


def map_renewing(job, rounds, n_jobs):
    # In chunks, of which each worker gets four a round: so each round has new workers. They are as large as by default,
    # which must not be left to Pool here: it divides by its workers, and between old and new ones it may have none.
    with FORK(n_jobs, maxtasksperchild=4) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, tasks, -(-len(tasks) // (4 * n_jobs)))


def map_within(job, rounds, n_jobs, limit_s=5):
    # `get` raises TimeoutError, and leaving the context terminates the workers: what a dead worker had would not come.
    with FORK(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap_async(job.task, tasks).get(limit_s)


DEFAULT, SINGLY = {"batched": True}, {"varies_batches": True}
MAP = {
    "fork, default chunksize": forked(partial(map_pool, start=FORK), **DEFAULT),
    "fork, chunksize 1": forked(partial(map_pool, start=FORK, chunksize=1), **SINGLY),
    "spawn, default chunksize": spawned(partial(map_pool, start=SPAWN), varies_start=True, **DEFAULT),
    "forkserver, default chunksize": served(partial(map_pool, start=FORKSERVER), varies_start=True, **DEFAULT),
    "forkserver, preload": served(partial(preloaded, function=map_pool), varies_start=True, **DEFAULT),
    "fork, maxtasksperchild": forked(map_renewing, renews=True, **DEFAULT),
    "fork, get with a time limit": forked(map_within, limits=True, **DEFAULT),
    "ThreadPool": threads(partial(map_pool, start=ThreadPool), **DEFAULT),
}


shared: Any  # what `share` and `start_state` leave in a process for the tasks that run there
job: Any
everyone: Any


def share(task, value):
    global shared
    shared = task, value


def make_and_share(task, make):
    share(task, make())


def call_with_shared(arguments):
    task, value = shared
    return task(*arguments, value)


def over(rounds, n_jobs, opened):
    with opened as pool:
        for tasks in rounds:
            yield list(pool.imap_unordered(call_with_shared, tasks, sixteenths(tasks, n_jobs)))


def in_caller(job, rounds, n_jobs, value_of, start=FORK):
    share(job.task, value_of(job))  # before the fork: workers inherit it, and what it imported, copy-on-write
    return over(rounds, n_jobs, start(n_jobs))


def shared_sent(job, rounds, n_jobs, start):
    return over(rounds, n_jobs, start(n_jobs, share, (job.task, job.shared)))  # once per worker


def shared_naive(job, rounds, n_jobs):
    with FORK(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, [(*arguments, job.shared) for arguments in tasks], chunksize=1)


def shared_memory(job, rounds, n_jobs, writable=False):
    with placed(job.shared, writable) as make:
        yield from over(rounds, n_jobs, SPAWN(n_jobs, make_and_share, (job.task, make)))


def shared_file(job, rounds, n_jobs):
    # https://numpy.org/doc/stable/reference/generated/numpy.load.html
    import numpy as np  # here: spawned workers of the other patterns import this file too

    with TemporaryDirectory() as folder:
        path = f"{folder}/data.npy"
        with placing(job.nbytes):
            np.save(path, job.shared)
        make = partial(np.load, path, mmap_mode="r")
        yield from over(rounds, n_jobs, SPAWN(n_jobs, make_and_share, (job.task, make)))


their_input = partial(in_caller, value_of=attrgetter("shared"))
TO_EACH, MAPPED = {"shares": "sent to each worker"}, {"shares": "shared memory"}
SHARED = {
    "fork, global": forked(their_input, shares="inherited"),
    "spawn, initializer": spawned(partial(shared_sent, start=SPAWN), **TO_EACH),
    "forkserver, initializer": served(partial(shared_sent, start=FORKSERVER), varies_start=True, **TO_EACH),
    "forkserver, preload": served(partial(preloaded, function=shared_sent), **TO_EACH),
    "ThreadPool": threads(partial(their_input, start=ThreadPool), shares="same memory"),
    "spawn, shared memory": spawned(shared_memory, **MAPPED),
    "spawn, writable memory": spawned(partial(shared_memory, writable=True), **MAPPED),
    "spawn, NumPy memmap of a file": spawned(shared_file, shares="array in a mapped file"),
    "naive: input with every task": forked(shared_naive, shares="sent with every task", naive=True),
}


def make_unlimited(task, make):
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        os.environ[name] = str(len(os.sched_getaffinity(0)))  # before a library that reads it is loaded
    make_and_share(task, make)


def setup_pool(job, rounds, n_jobs, start=FORK, initializer=make_and_share):
    return over(rounds, n_jobs, start(n_jobs, initializer, (job.task, job.make)))


def make_and_call(job, arguments):
    return job.task(*arguments, job.make())


def setup_naive(job, rounds, n_jobs):
    with FORK(n_jobs) as pool:
        for tasks in rounds:
            yield pool.map(partial(make_and_call, job), tasks, sixteenths(tasks, n_jobs))


unlimited = partial(setup_pool, initializer=make_unlimited)
once_made = partial(in_caller, value_of=methodcaller("make"))
ONCE, IN_CALLER = {"sets_up": "once per worker"}, {"sets_up": "in the caller"}
SETUP = {
    "fork, initializer": forked(setup_pool, **ONCE),
    "spawn, initializer": spawned(partial(setup_pool, start=SPAWN), **ONCE),
    "forkserver, preload": served(partial(preloaded, function=setup_pool), **ONCE),
    "fork after setup": forked(once_made, **IN_CALLER),
    "ThreadPool": threads(partial(once_made, start=ThreadPool), **IN_CALLER),
    "naive: setup in every task": forked(setup_naive, sets_up="in every task", naive=True),
    "naive: threads not limited": forked(unlimited, all_cores=True, naive=True, **ONCE),
}


def state_merged(job, rounds, n_jobs, start=FORK):
    with start(n_jobs) as pool:
        for tasks in rounds:
            yield job.combine(pool.imap_unordered(job.part, in_batches(tasks, n_jobs, each=16)))


def start_state(started_job, barrier):
    global job, everyone
    job, everyone = started_job, barrier
    share(job.task, job.start())


def hand_back(_):
    everyone.wait()  # holds this worker until each of the others has taken one of these tasks as well
    part = job.hand_back(shared[1])
    share(job.task, job.start())
    return part


def state_barrier(job, rounds, n_jobs, method="fork"):
    context = get_context(method)
    with context.Pool(n_jobs, start_state, (job, context.Barrier(n_jobs))) as pool:
        for tasks in rounds:
            pool.map(call_with_shared, tasks, sixteenths(tasks, n_jobs))
            yield job.combine(pool.map(hand_back, range(n_jobs), chunksize=1))


def call_and_return(job, arguments, state):
    job.task(*arguments, state)
    return state


def state_naive(job, rounds, n_jobs):
    # Workers keep nothing: each of `n_jobs` states travels to its next task, and back with the answer.
    with FORK(n_jobs) as pool:
        for tasks in rounds:
            states = [job.start() for _ in range(n_jobs)]
            for first in range(0, len(tasks), n_jobs):
                turn = tasks[first : first + n_jobs]
                states[: len(turn)] = pool.starmap(call_and_return, zip(repeat(job), turn, states), chunksize=1)
            yield job.combine(map(job.hand_back, states))


STATE = {
    "fork, merge parts": forked(state_merged, **DEFAULT),
    "ThreadPool, merge parts": threads(partial(state_merged, start=ThreadPool), **DEFAULT),
    "fork, state, barrier": forked(state_barrier, keeps_state=True),
    "spawn, state, barrier": spawned(partial(state_barrier, method="spawn"), keeps_state=True),
    "naive: state with every task": forked(state_naive, naive=True),
    "state at worker exit": skip("multiprocessing.Pool has no hook at a worker's exit", keeps_state=True),
}


def call(task, arguments):
    return task(*arguments)


def stream_imap(job, rounds, n_jobs, unordered=False):
    # https://docs.python.org/3.11/library/multiprocessing.html#multiprocessing.pool.Pool.imap
    with FORK(n_jobs) as pool:
        for tasks in rounds:
            yield (pool.imap_unordered if unordered else pool.imap)(partial(call, job.task), tasks)


STREAM = {
    "fork, imap": forked(stream_imap),
    "fork, imap_unordered": forked(partial(stream_imap, unordered=True)),
}

if __name__ == "__main__":
    no_graphs = skip("Pool has no task graphs")
    run(map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": no_graphs}, stream=STREAM)
