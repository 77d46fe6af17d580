"""concurrent.futures: the standard library's executors, of processes, threads and (from Python 3.14) interpreters.

What all workers need, one large input too, goes to them once: through a global before the fork, or through
`initializer`. `map` takes several iterables (there is no starmap). Its page advises a larger `chunksize` for many short
tasks. State is a global of each worker, handed back across a barrier. Leaving an executor's context
waits for its workers: https://docs.python.org/3.11/library/concurrent.futures.html#processpoolexecutor
"""

import sys
from functools import partial
from itertools import islice, repeat
from operator import attrgetter, methodcaller
from typing import Any

from trial.script import idiom, in_batches, needs, run, skip

with needs("concurrent", "multiprocessing"):
    import concurrent.futures
    from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait
    from multiprocessing import get_context, set_forkserver_preload

    from stores.segment import placed


def started_by(method):
    return partial(ProcessPoolExecutor, mp_context=get_context(method))


FORK, SPAWN, FORKSERVER = map(started_by, ("fork", "spawn", "forkserver"))
# Not by fork: https://docs.python.org/3.11/library/concurrent.futures.html#processpoolexecutor
# It can hang up to Python 3.13: https://github.com/python/cpython/issues/115634
RENEWED = partial(SPAWN, max_tasks_per_child=250)


def preloaded(job, rounds, n_jobs, function):
    set_forkserver_preload(job.modules)  # the server imports them, once, and forks workers that have them
    return function(job, rounds, n_jobs, start=FORKSERVER)


forked = partial(idiom, start="fork", closes="waits until its workers have ended")
spawned = partial(forked, start="spawn")
served = partial(forked, start="forkserver")
threads = partial(idiom, workers="threads", closes="waits until its workers have ended")


def sixteenths(tasks, n_jobs):
    # "Using a large value for chunksize can significantly improve performance compared to the default size of 1"
    # (Executor.map, on the page above). Sixteen chunks for each worker: few messages, and the last ones are short.
    return max(1, len(tasks) // (16 * n_jobs))


def map_executor(job, rounds, n_jobs, start, each=0, **options):
    with start(n_jobs) as executor:
        for tasks in rounds:
            chunksize = -(-len(tasks) // (each * n_jobs)) if each else 1
            yield list(executor.map(job.task, *zip(*tasks, strict=True), chunksize=chunksize, **options))


def interpreters(function, **traits):
    # https://docs.python.org/3.14/library/concurrent.futures.html#interpreterpoolexecutor
    if start := getattr(concurrent.futures, "InterpreterPoolExecutor", None):
        return threads(partial(function, start=start), start="interpreter", **traits)
    return skip("InterpreterPoolExecutor is new in Python 3.14", workers="threads", start="interpreter", **traits)


MAP = {
    "fork, chunksize 1": forked(partial(map_executor, start=FORK)),
    "spawn, chunksize 1": spawned(partial(map_executor, start=SPAWN), varies_start=True),
    "forkserver, chunksize 1": served(partial(map_executor, start=FORKSERVER), varies_start=True),
    "forkserver, preload": served(partial(preloaded, function=map_executor), varies_start=True),
    # As multiprocessing.Pool.map divides them.
    "fork, 4 chunks a worker": forked(partial(map_executor, start=FORK, each=4), batched=True, varies_batches=True),
    "spawn, max_tasks_per_child": spawned(partial(map_executor, start=RENEWED), renews=True),
    "fork, map with a time limit": forked(partial(map_executor, start=FORK, timeout=5), limits=True),
    "ThreadPoolExecutor": threads(partial(map_executor, start=ThreadPoolExecutor)),
    "InterpreterPoolExecutor": interpreters(map_executor),
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
    with opened as executor:
        for tasks in rounds:
            yield list(executor.map(call_with_shared, tasks, chunksize=sixteenths(tasks, n_jobs)))


def in_caller(job, rounds, n_jobs, value_of, start=FORK):
    share(job.task, value_of(job))  # before the fork: workers inherit it, and what it imported, copy-on-write
    return over(rounds, n_jobs, start(n_jobs))


def shared_sent(job, rounds, n_jobs, start):
    opened = start(n_jobs, initializer=share, initargs=(job.task, job.shared))  # once per worker
    return over(rounds, n_jobs, opened)


def shared_memory(job, rounds, n_jobs):
    with placed(job.shared) as make:
        yield from setup_executor(job, rounds, n_jobs, SPAWN, make)


def shared_naive(job, rounds, n_jobs):
    with FORK(n_jobs) as executor:
        for tasks in rounds:
            yield list(executor.map(job.task, *zip(*tasks, strict=True), repeat(job.shared)))


their_input = partial(in_caller, value_of=attrgetter("shared"))
TO_EACH = {"shares": "sent to each worker"}
SHARED = {
    "fork, global": forked(their_input, shares="inherited"),
    "spawn, initializer": spawned(partial(shared_sent, start=SPAWN), **TO_EACH),
    "forkserver, initializer": served(partial(shared_sent, start=FORKSERVER), varies_start=True, **TO_EACH),
    "forkserver, preload": served(partial(preloaded, function=shared_sent), **TO_EACH),
    "ThreadPoolExecutor": threads(partial(their_input, start=ThreadPoolExecutor), shares="same memory"),
    "spawn, shared memory": spawned(shared_memory, shares="shared memory"),
    "naive: input with every task": forked(shared_naive, shares="sent with every task", naive=True),
}


def setup_executor(job, rounds, n_jobs, start=FORK, make=None):
    opened = start(n_jobs, initializer=make_and_share, initargs=(job.task, make or job.make))
    return over(rounds, n_jobs, opened)


def make_and_call(job, arguments):
    return job.task(*arguments, job.make())


def setup_naive(job, rounds, n_jobs):
    with FORK(n_jobs) as executor:
        for tasks in rounds:
            yield list(executor.map(make_and_call, repeat(job), tasks))


once_made = partial(in_caller, value_of=methodcaller("make"))
ONCE, IN_CALLER = {"sets_up": "once per worker"}, {"sets_up": "in the caller"}
SETUP = {
    "fork, initializer": forked(setup_executor, **ONCE),
    "spawn, initializer": spawned(partial(setup_executor, start=SPAWN), **ONCE),
    "forkserver, preload": served(partial(preloaded, function=setup_executor), **ONCE),
    "fork after setup": forked(once_made, **IN_CALLER),
    "ThreadPoolExecutor": threads(partial(once_made, start=ThreadPoolExecutor), **IN_CALLER),
    "naive: setup in every task": forked(setup_naive, sets_up="in every task", naive=True),
}


def state_merged(job, rounds, n_jobs, start=FORK):
    with start(n_jobs) as executor:
        for tasks in rounds:
            yield job.combine(executor.map(job.part, in_batches(tasks, n_jobs, each=16)))


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
    with ProcessPoolExecutor(n_jobs, context, start_state, (job, context.Barrier(n_jobs))) as executor:
        for tasks in rounds:
            for _ in executor.map(call_with_shared, tasks, chunksize=sixteenths(tasks, n_jobs)):
                pass
            yield job.combine(executor.map(hand_back, range(n_jobs)))


STATE = {
    "fork, merge parts": forked(state_merged, batched=True),
    "InterpreterPoolExecutor, merge parts": interpreters(state_merged, batched=True),
    "fork, state, barrier": forked(state_barrier, keeps_state=True),
    "spawn, state, barrier": spawned(partial(state_barrier, method="spawn"), keeps_state=True),
    "state at worker exit": skip("ProcessPoolExecutor has no hook at a worker's exit", keeps_state=True),
}


def call(task, arguments):
    return task(*arguments)


def stream_map(job, rounds, n_jobs, start=FORK, **options):
    with start(n_jobs) as executor:
        for tasks in rounds:
            yield executor.map(partial(call, job.task), tasks, **options)


def stream_window(job, rounds, n_jobs):
    with FORK(n_jobs) as executor:
        for tasks in rounds:
            yield window(executor, job.task, tasks, 4 * n_jobs)


def window(executor, task, tasks, size):
    # https://docs.python.org/3.11/library/concurrent.futures.html#concurrent.futures.wait
    waiting = {executor.submit(task, *arguments) for arguments in islice(tasks, size)}
    while waiting:
        done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            waiting |= {executor.submit(task, *arguments) for arguments in islice(tasks, 1)}
            yield future.result()


buffered = forked(partial(stream_map, buffersize=8)) if sys.version_info >= (3, 14) else skip("new in Python 3.14")
STREAM = {
    "fork, map": forked(stream_map),
    "ThreadPoolExecutor, map": threads(partial(stream_map, start=ThreadPoolExecutor)),
    "fork, map, buffersize": buffered,
    "fork, window of submits": forked(stream_window),
}

if __name__ == "__main__":
    no_graphs = skip("concurrent.futures has no task graphs")
    run(map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": no_graphs}, stream=STREAM)
