"""MPIRE: `WorkerPool` with shared objects, worker state, and hooks at a worker's start and exit.

Shared objects, one large input among them, reach forked workers copy-on-write, and spawned ones by one copy each. A
setup is made by `worker_init`; state is handed back by `worker_exit`. `keep_alive` keeps the workers, and what
`worker_init` has made, for the next round.
https://sybrenjansen.github.io/mpire/usage/workerpool/index.html
"""

from contextlib import contextmanager
from functools import partial

from trial.script import idiom, needs, run, skip

with needs("mpire"):
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


MAP = {
    "fork, default chunks": idiom(map_pool, start="fork", batched=True),
    "fork, chunk_size 1": idiom(partial(map_pool, chunk_size=1), start="fork", varies_batches=True),
    "spawn, default chunks": idiom(partial(map_pool, method="spawn"), start="spawn", batched=True, varies_start=True),
    "threading": idiom(partial(map_pool, method="threading"), workers="threads", batched=True),
}


def call_with_shared(shared, *arguments):
    task, value = shared
    return task(*arguments, value)


def shared_objects(job, rounds, n_jobs, method="fork", value_of=lambda job: job.shared):
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


SHARED = {
    "fork, shared objects": idiom(shared_objects, start="fork", shares="inherited"),
    "spawn, shared objects": idiom(
        partial(shared_objects, method="spawn"), start="spawn", shares="sent to each worker"
    ),
    "forkserver, shared objects": idiom(
        partial(shared_objects, method="forkserver"), start="forkserver", shares="sent to each worker"
    ),
    "naive: input with every task": idiom(shared_naive, start="fork", shares="sent with every task", naive=True),
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
setup_in_caller = partial(shared_objects, value_of=lambda job: job.make())
once = partial(idiom, start="fork", sets_up="once per worker")  # unless something else is said
SETUP = {
    "fork, worker state": once(setup_state),
    "spawn, worker state": once(partial(setup_state, method="spawn"), start="spawn"),
    "fork after setup": once(setup_in_caller, sets_up="in the caller"),
    "naive: setup in every task": once(setup_naive, sets_up="in every task", naive=True),
}


def part(job, *arguments):
    return job.part(arguments)


def state_merged(job, rounds, n_jobs):
    with kept_pool(n_jobs, shared_objects=job) as pool:
        for tasks in rounds:
            yield job.combine(pool.imap_unordered(part, tasks))


def start_state(job, state):
    state["made"] = job.start()


def hand_back(job, state):
    return job.hand_back(state["made"])


def state_exit(job, rounds, n_jobs, method="fork"):
    # https://sybrenjansen.github.io/mpire/usage/map/worker_init_exit.html: results come when workers exit, so that each
    # round has workers of its own.
    with WorkerPool(n_jobs, start_method=method, shared_objects=job, use_worker_state=True) as pool:
        for tasks in rounds:
            pool.map_unordered(call_with_state, tasks, worker_init=start_state, worker_exit=hand_back)
            yield job.combine(pool.get_exit_results())


exiting = partial(idiom, batched=True, keeps_state=True, keeps_pool=False)
STATE = {
    "fork, merge parts": idiom(state_merged, start="fork", batched=True),
    "fork, state at worker exit": exiting(state_exit, start="fork"),
    "spawn, state at worker exit": exiting(partial(state_exit, method="spawn"), start="spawn"),
}

if __name__ == "__main__":
    run(map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": skip("MPIRE has no task graphs")})
