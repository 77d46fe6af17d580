"""concurrent.futures.ProcessPoolExecutor: the standard library's executor, started by fork, spawn or forkserver.

What all workers need, one large input too, goes to them once, through a global before the fork or through
`initializer`. `map` takes several iterables (there is no starmap) and a `chunksize`, which its page advises to raise
for many short tasks. State is a global of each worker, handed back across a barrier.
https://docs.python.org/3.11/library/concurrent.futures.html#processpoolexecutor
"""

from functools import partial
from itertools import repeat
from operator import attrgetter, methodcaller

from trial.script import idiom, needs, run, skip

with needs("concurrent", "multiprocessing"):
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context


def sixteenths(tasks, n_jobs):
    # "Using a large value for chunksize can significantly improve performance compared to the default size of 1"
    # (Executor.map, on the page above). Sixteen chunks for each worker: few messages, and the last ones are short.
    return max(1, len(tasks) // (16 * n_jobs))


def map_processes(job, rounds, n_jobs, method="fork", chunks=None):
    with ProcessPoolExecutor(n_jobs, get_context(method)) as executor:
        for tasks in rounds:
            chunksize = -(-len(tasks) // (chunks * n_jobs)) if chunks else 1
            yield list(executor.map(job.task, *zip(*tasks, strict=True), chunksize=chunksize))


def map_threads(job, rounds, n_jobs):
    with ThreadPoolExecutor(n_jobs) as executor:
        for tasks in rounds:
            yield list(executor.map(job.task, *zip(*tasks, strict=True)))


MAP = {
    f"{method}, chunksize 1": idiom(partial(map_processes, method=method), start=method, varies_start=method != "fork")
    for method in ("fork", "spawn", "forkserver")
}
# As multiprocessing.Pool.map divides them.
MAP["fork, 4 chunks a worker"] = idiom(
    partial(map_processes, chunks=4), start="fork", batched=True, varies_batches=True
)
MAP["ThreadPoolExecutor"] = idiom(map_threads, workers="threads")


def share(task, value):
    global shared
    shared = task, value


def make_and_share(task, make):
    share(task, make())


def call_with_shared(arguments):
    task, value = shared
    return task(*arguments, value)


def shared_executor(rounds, n_jobs, method="fork", initializer=None, *initargs):
    with ProcessPoolExecutor(n_jobs, get_context(method), initializer, initargs) as executor:
        for tasks in rounds:
            yield list(executor.map(call_with_shared, tasks, chunksize=sixteenths(tasks, n_jobs)))


def inherited(job, rounds, n_jobs, value_of):
    share(job.task, value_of(job))  # before the fork: workers inherit it copy-on-write, and what it has imported
    yield from shared_executor(rounds, n_jobs)


def shared_sent(job, rounds, n_jobs, method):
    yield from shared_executor(rounds, n_jobs, method, share, job.task, job.shared)  # once per worker


def shared_naive(job, rounds, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        for tasks in rounds:
            yield list(executor.map(job.task, *zip(*tasks, strict=True), repeat(job.shared)))


sent = partial(idiom, shares="sent to each worker")
SHARED = {
    "fork, global": idiom(partial(inherited, value_of=attrgetter("shared")), start="fork", shares="inherited"),
    "spawn, initializer": sent(partial(shared_sent, method="spawn"), start="spawn"),
    "forkserver, initializer": sent(partial(shared_sent, method="forkserver"), start="forkserver"),
    "naive: input with every task": idiom(shared_naive, start="fork", shares="sent with every task", naive=True),
}


def setup_executor(job, rounds, n_jobs, method="fork"):
    yield from shared_executor(rounds, n_jobs, method, make_and_share, job.task, job.make)


def make_and_call(job, arguments):
    return job.task(*arguments, job.make())


def setup_naive(job, rounds, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        for tasks in rounds:
            yield list(executor.map(make_and_call, repeat(job), tasks))


once = partial(idiom, start="fork", sets_up="once per worker")  # unless something else is said
SETUP = {
    "fork, initializer": once(setup_executor),
    "spawn, initializer": once(partial(setup_executor, method="spawn"), start="spawn"),
    "fork after setup": once(partial(inherited, value_of=methodcaller("make")), sets_up="in the caller"),
    "naive: setup in every task": once(setup_naive, sets_up="in every task", naive=True),
}


def state_merged(job, rounds, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        for tasks in rounds:
            yield job.combine(executor.map(job.part, tasks, chunksize=sixteenths(tasks, n_jobs)))


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
    "fork, merge parts": idiom(state_merged, start="fork", batched=True),
    "fork, state, barrier": idiom(state_barrier, start="fork", keeps_state=True),
    "spawn, state, barrier": idiom(partial(state_barrier, method="spawn"), start="spawn", keeps_state=True),
    "state at worker exit": skip("ProcessPoolExecutor has no hook at a worker's exit", keeps_state=True),
}

if __name__ == "__main__":
    run(
        map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph={"graph": skip("concurrent.futures has no task graphs")}
    )
