"""MPIRE: `WorkerPool` with shared objects, worker state, and hooks at a worker's start and exit.

Forked workers get shared objects, one large input too, copy-on-write. Spawned workers get one copy each. A setup is
made by `worker_init`; state is handed back by tasks in order (`order_tasks`), or by `worker_exit`. `keep_alive` keeps
the workers, and what `worker_init` has made, for the next round. Closing waits for the workers.
https://sybrenjansen.github.io/mpire/usage/workerpool/index.html
"""

from contextlib import contextmanager
from functools import partial
from operator import attrgetter, methodcaller

from trial.script import idiom, in_batches, needs, run, skip

with needs("mpire"):
    from multiprocessing import set_forkserver_preload

    from mpire import WorkerPool


@contextmanager
def kept_pool(n_jobs, method="fork", **options):
    with WorkerPool(n_jobs, start_method=method, keep_alive=True, **options) as pool:
        yield pool
        # Leaving the context would interrupt kept-alive workers and wait up to a second for each: tell them to stop.
        # https://sybrenjansen.github.io/mpire/usage/workerpool/keep_alive.html
        pool.stop_and_join()


def map_pool(job, rounds, n_jobs, method="fork", **options):
    with kept_pool(n_jobs, method) as pool:
        for tasks in rounds:
            yield pool.map_unordered(job.task, tasks, **options)


def preloaded(job, rounds, n_jobs, function):
    set_forkserver_preload(job.modules)  # the server imports them, once, and forks workers that have them
    return function(job, rounds, n_jobs, method="forkserver")


forked = partial(idiom, start="fork", closes="waits until its workers have ended")
spawned = partial(forked, start="spawn")
served = partial(forked, start="forkserver")
threads = partial(idiom, workers="threads", closes="waits until its workers have ended")
MAP = {
    "fork, default chunks": forked(map_pool, batched=True),
    "fork, chunk_size 1": forked(partial(map_pool, chunk_size=1), varies_batches=True),
    "spawn, default chunks": spawned(partial(map_pool, method="spawn"), batched=True, varies_start=True),
    "forkserver, preload": served(partial(preloaded, function=map_pool), batched=True, varies_start=True),
    # https://sybrenjansen.github.io/mpire/usage/map/worker_lifespan.html
    "fork, worker_lifespan": forked(partial(map_pool, worker_lifespan=250), batched=True, renews=True),
    "fork, task_timeout": forked(partial(map_pool, task_timeout=5), batched=True, limits=True),
    "threading": threads(partial(map_pool, method="threading"), batched=True),
}


def call_with_shared(shared, *arguments):
    task, value = shared
    return task(*arguments, value)


def shared_objects(job, rounds, n_jobs, method="fork", value_of=attrgetter("shared")):
    # https://sybrenjansen.github.io/mpire/usage/workerpool/shared_objects.html
    # imap_unordered, not map: map would concatenate the arrays that it gets back.
    # https://sybrenjansen.github.io/mpire/usage/map/numpy.html
    with kept_pool(n_jobs, method, shared_objects=(job.task, value_of(job))) as pool:
        for tasks in rounds:
            yield list(pool.imap_unordered(call_with_shared, tasks))


def shared_naive(job, rounds, n_jobs):
    with kept_pool(n_jobs) as pool:
        for tasks in rounds:
            tasks = [(*arguments, job.shared) for arguments in tasks]
            yield list(pool.imap_unordered(job.task, tasks, chunk_size=1))


TO_EACH = {"shares": "sent to each worker"}
SHARED = {
    "fork, shared objects": forked(shared_objects, shares="inherited"),
    "spawn, shared objects": spawned(partial(shared_objects, method="spawn"), **TO_EACH),
    "forkserver, shared objects": served(partial(shared_objects, method="forkserver"), varies_start=True, **TO_EACH),
    "forkserver, preload": served(partial(preloaded, function=shared_objects), **TO_EACH),
    "threading": threads(partial(shared_objects, method="threading"), shares="same memory"),
    "naive: input with every task": forked(shared_naive, shares="sent with every task", naive=True),
}


def make_state(job, state):
    state["made"] = job.make()


def call_with_state(job, state, *arguments):
    return job.task(*arguments, state["made"])


def setup_state(job, rounds, n_jobs, method="fork"):
    with kept_pool(n_jobs, method, shared_objects=job, use_worker_state=True) as pool:
        for tasks in rounds:
            yield list(pool.imap_unordered(call_with_state, tasks, worker_init=make_state))


def make_and_call(job, *arguments):
    return job.task(*arguments, job.make())


def setup_naive(job, rounds, n_jobs):
    with kept_pool(n_jobs, shared_objects=job) as pool:
        for tasks in rounds:
            yield list(pool.imap_unordered(make_and_call, tasks))


# Made once, in the parent, under the clock: workers inherit it, and what it has imported.
setup_in_caller = partial(shared_objects, value_of=methodcaller("make"))
ONCE, IN_CALLER = {"sets_up": "once per worker"}, {"sets_up": "in the caller"}
SETUP = {
    "fork, worker state": forked(setup_state, **ONCE),
    "spawn, worker state": spawned(partial(setup_state, method="spawn"), **ONCE),
    "forkserver, preload": served(partial(preloaded, function=setup_state), **ONCE),
    "fork after setup": forked(setup_in_caller, **IN_CALLER),
    "threading": threads(partial(setup_in_caller, method="threading"), **IN_CALLER),
    "naive: setup in every task": forked(setup_naive, sets_up="in every task", naive=True),
}


def state_merged(job, rounds, n_jobs):
    with kept_pool(n_jobs) as pool:
        for tasks in rounds:
            # A part of every task would cost more than counting it. In tuples: MPIRE takes a list for all arguments.
            batches = [(batch,) for batch in in_batches(tasks, n_jobs, each=16)]
            yield job.combine(pool.imap_unordered(job.part, batches, chunk_size=1))


def start_state(job, state):
    state["made"] = job.start()


def hand_back(job, state, _worker=None):
    part, state["made"] = job.hand_back(state["made"]), job.start()
    return part


def state_kept(job, rounds, n_jobs, method="fork"):
    # `order_tasks`: the first chunk goes to the first worker, the next one to the next, so that each hands back once.
    # https://sybrenjansen.github.io/mpire/usage/workerpool/order_tasks.html
    with kept_pool(n_jobs, method, shared_objects=job, use_worker_state=True, order_tasks=True) as pool:
        for tasks in rounds:
            pool.map_unordered(call_with_state, tasks, worker_init=start_state)
            yield job.combine(pool.imap_unordered(hand_back, range(n_jobs), chunk_size=1))


def state_exit(job, rounds, n_jobs):
    # https://sybrenjansen.github.io/mpire/usage/map/worker_init_exit.html: results come when workers exit, so that each
    # round has workers of its own.
    with WorkerPool(n_jobs, start_method="fork", shared_objects=job, use_worker_state=True) as pool:
        for tasks in rounds:
            pool.map_unordered(call_with_state, tasks, worker_init=start_state, worker_exit=hand_back)
            yield job.combine(pool.get_exit_results())


keeping = {"batched": True, "keeps_state": True}
STATE = {
    "fork, merge parts": forked(state_merged, batched=True),
    "fork, worker state": forked(state_kept, **keeping),
    "spawn, worker state": spawned(partial(state_kept, method="spawn"), **keeping),
    "fork, state at worker exit": forked(state_exit, keeps_pool=False, **keeping),
}


def stream_imap(job, rounds, n_jobs, **options):
    # https://sybrenjansen.github.io/mpire/usage/map/max_tasks_active.html
    with kept_pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.imap(job.task, tasks, chunk_size=1, **options)


STREAM = {
    "fork, imap": forked(stream_imap),
    "fork, imap, max_tasks_active": forked(partial(stream_imap, max_tasks_active=8)),
}

if __name__ == "__main__":
    no_graphs = skip("MPIRE has no task graphs")
    run(map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": no_graphs}, stream=STREAM)
