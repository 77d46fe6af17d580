"""multiprocessing.Pool: the standard library's pool, started by fork, spawn or forkserver.

An input is inherited by forked workers, sent once per worker by `initializer`, or lies where all map it; setups
are made by `initializer`, or before the fork; state is a global of each worker, handed back across a barrier.
Leaving a pool's context terminates its workers: https://docs.python.org/3.11/library/multiprocessing.html#module-multiprocessing.pool
"""

import os
import pickle
from functools import partial
from itertools import accumulate
from operator import attrgetter, methodcaller
from tempfile import TemporaryDirectory

from trial.script import idiom, needs, run, skip
from trial.tasklog import placing

with needs("multiprocessing"):
    from multiprocessing import get_context
    from multiprocessing.pool import ThreadPool  # `Pool` imports this module at its first call
    from multiprocessing.shared_memory import SharedMemory


def sixteenths(tasks, n_jobs):
    # "For very long iterables using a large value for chunksize can make the job complete much faster" (page above).
    return max(1, len(tasks) // (16 * n_jobs))


def map_pool(job, rounds, n_jobs, open_pool, chunksize=None):
    with open_pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, tasks, chunksize)  # None: a quarter of each worker's share of the tasks


MAP = {
    f"{method}, {name}": idiom(
        partial(map_pool, open_pool=get_context(method).Pool, chunksize=chunksize),
        start=method,
        batched=not chunksize,
        varies_start=method != "fork",
        varies_batches=bool(chunksize),
    )
    for name, chunksize in (("default chunksize", None), ("chunksize 1", 1))
    for method in ("fork", "spawn", "forkserver")
}
MAP["ThreadPool"] = idiom(partial(map_pool, open_pool=ThreadPool), workers="threads", batched=True)


def share(task, value):
    global shared
    shared = task, value


def make_and_share(task, make):
    share(task, make())


def call_with_shared(arguments):
    task, value = shared
    return task(*arguments, value)


def shared_pool(rounds, n_jobs, method="fork", initializer=None, *initargs):
    with get_context(method).Pool(n_jobs, initializer, initargs) as pool:
        for tasks in rounds:
            yield list(pool.imap_unordered(call_with_shared, tasks, sixteenths(tasks, n_jobs)))


def inherited(job, rounds, n_jobs, value_of):
    share(job.task, value_of(job))  # before the fork: workers inherit it copy-on-write, and what it has imported
    yield from shared_pool(rounds, n_jobs)


def shared_sent(job, rounds, n_jobs, method):
    yield from shared_pool(rounds, n_jobs, method, share, job.task, job.shared)  # once per worker


def shared_naive(job, rounds, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, [(*arguments, job.shared) for arguments in tasks], chunksize=1)


def read_from(name, head, spans, writable):
    global segment  # what is read lies in it: it stays open as long as the worker lives
    segment = SharedMemory(name)
    memory = segment.buf if writable else segment.buf.toreadonly()
    return pickle.loads(head, buffers=[memory[start:end] for start, end in spans])


def shared_memory(job, rounds, n_jobs, writable=False):
    # https://docs.python.org/3.11/library/multiprocessing.shared_memory.html; out-of-band buffers, for whatever object:
    # https://docs.python.org/3.11/library/pickle.html#out-of-band-buffers
    buffers = []
    head = pickle.dumps(job.shared, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    starts = list(accumulate((-(-view.nbytes // 64) * 64 for view in views), initial=0))  # aligned as NumPy's own
    spans = [(start, start + view.nbytes) for start, view in zip(starts, views, strict=False)]
    with placing(starts[-1]):
        placed = SharedMemory(create=True, size=starts[-1])
        for (start, end), view in zip(spans, views, strict=True):
            placed.buf[start:end] = view
    try:
        make = partial(read_from, placed.name, head, spans, writable)
        yield from shared_pool(rounds, n_jobs, "spawn", make_and_share, job.task, make)
    finally:
        placed.close()
        placed.unlink()


def shared_file(job, rounds, n_jobs):
    # https://numpy.org/doc/stable/reference/generated/numpy.load.html
    import numpy as np  # here: spawned workers of the other patterns import this file too

    with TemporaryDirectory() as folder:
        path = f"{folder}/data.npy"
        with placing(job.nbytes):
            np.save(path, job.shared)
        make = partial(np.load, path, mmap_mode="r")
        yield from shared_pool(rounds, n_jobs, "spawn", make_and_share, job.task, make)


sent = partial(idiom, shares="sent to each worker")
SHARED = {
    "fork, global": idiom(partial(inherited, value_of=attrgetter("shared")), start="fork", shares="inherited"),
    "spawn, initializer": sent(partial(shared_sent, method="spawn"), start="spawn"),
    "forkserver, initializer": sent(partial(shared_sent, method="forkserver"), start="forkserver"),
    "spawn, shared memory": idiom(shared_memory, start="spawn", shares="shared memory"),
    "spawn, writable memory": idiom(partial(shared_memory, writable=True), start="spawn", shares="shared memory"),
    "spawn, NumPy memmap of a file": idiom(shared_file, start="spawn", shares="array in a mapped file"),
    "naive: input with every task": idiom(shared_naive, start="fork", shares="sent with every task", naive=True),
}


def make_unlimited(task, make):
    for name in [name for name in os.environ if name.endswith("_NUM_THREADS")]:
        os.environ[name] = str(len(os.sched_getaffinity(0)))  # before what reads it is loaded
    make_and_share(task, make)


def setup_pool(job, rounds, n_jobs, method="fork", initializer=make_and_share):
    yield from shared_pool(rounds, n_jobs, method, initializer, job.task, job.make)


def make_and_call(job, arguments):
    return job.task(*arguments, job.make())


def setup_naive(job, rounds, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.map(partial(make_and_call, job), tasks, sixteenths(tasks, n_jobs))


once = partial(idiom, start="fork", sets_up="once per worker")
SETUP = {
    "fork, initializer": once(setup_pool),
    "spawn, initializer": once(partial(setup_pool, method="spawn"), start="spawn"),
    "fork after setup": once(partial(inherited, value_of=methodcaller("make")), sets_up="in the caller"),
    "naive: setup in every task": once(setup_naive, sets_up="in every task", naive=True),
    "naive: threads not limited": once(partial(setup_pool, initializer=make_unlimited), all_cores=True, naive=True),
}


def state_merged(job, rounds, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield job.combine(pool.imap_unordered(job.part, tasks, sixteenths(tasks, n_jobs)))


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


STATE = {
    "fork, merge parts": idiom(state_merged, start="fork", batched=True),
    "fork, state, barrier": idiom(state_barrier, start="fork", keeps_state=True),
    "spawn, state, barrier": idiom(partial(state_barrier, method="spawn"), start="spawn", keeps_state=True),
    "state at worker exit": skip("multiprocessing.Pool has no hook at a worker's exit", keeps_state=True),
}

if __name__ == "__main__":
    run(map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": skip("Pool has no task graphs")})
