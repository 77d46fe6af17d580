"""concurrent.futures.ProcessPoolExecutor: the standard library's executor, started by fork or by spawn.

What all workers need, one large input too, goes to them once, through a global before the fork or through
`initializer`. `map` takes several iterables (there is no starmap) and a `chunksize`, which its page advises to raise
for many short tasks.
https://docs.python.org/3.11/library/concurrent.futures.html#processpoolexecutor
"""

from functools import partial
from itertools import repeat

from trial.script import needs, run, skip, threads
from workloads import initialization, numerical, stateful

with needs("concurrent", "multiprocessing"):
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
    from multiprocessing import get_context

# "Using a large value for chunksize can significantly improve performance compared to the default size of 1"
# (Executor.map, on the page above). Even, so that long and short documents share every chunk.
CHUNKSIZE = 4


def share(value):
    global shared
    shared = value


def filter_shared(index):
    return numerical.filter_image(index, shared)


def numerical_fork(inputs, n_jobs):
    share(inputs.image)
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        futures = [executor.submit(filter_shared, index) for index in range(inputs.num_filters)]
        return [future.result() for future in as_completed(futures)]


def numerical_spawn(inputs, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("spawn"), share, (inputs.image,)) as executor:
        futures = [executor.submit(filter_shared, index) for index in range(inputs.num_filters)]
        return [future.result() for future in as_completed(futures)]


def numerical_naive(inputs, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        return list(executor.map(numerical.filter_image, range(inputs.num_filters), repeat(inputs.image)))


def stateful_merge(inputs, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        counts = executor.map(stateful.count_prefixes, *zip(*inputs.documents, strict=True), chunksize=CHUNKSIZE)
        return stateful.frequent_prefixes(counts)


def start_counting(barrier):
    global counter, everyone
    counter, everyone = stateful.PrefixCounter(), barrier


def count_into_state(index, text):
    counter.add(index, text)


def hand_back(_):
    everyone.wait()  # holds this worker until each of the others has taken one of these tasks as well
    return counter.counts


def stateful_barrier(inputs, n_jobs, method="fork"):
    context = get_context(method)
    with ProcessPoolExecutor(n_jobs, context, start_counting, (context.Barrier(n_jobs),)) as executor:
        for _ in executor.map(count_into_state, *zip(*inputs.documents, strict=True), chunksize=CHUNKSIZE):
            pass
        return stateful.frequent_prefixes(executor.map(hand_back, range(n_jobs)))


def stateful_barrier_spawn(inputs, n_jobs):
    return stateful_barrier(inputs, n_jobs, "spawn")


def load_shared_model(path):
    share(initialization.load_model(path))


def predict_shared(index, images):
    return initialization.predict(index, images, shared)


def predict_rounds(executor, rounds):
    return [labels for tasks in rounds for labels in executor.map(predict_shared, *zip(*tasks, strict=True))]


def initialization_fork(inputs, n_jobs, method="fork"):
    with ProcessPoolExecutor(n_jobs, get_context(method), load_shared_model, (inputs.model_path,)) as executor:
        return predict_rounds(executor, inputs.rounds)


def initialization_spawn(inputs, n_jobs):
    return initialization_fork(inputs, n_jobs, "spawn")


def initialization_fork_after_load(inputs, n_jobs):
    load_shared_model(inputs.model_path)  # once, in the parent, under the clock: forked workers inherit torch and model
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        return predict_rounds(executor, inputs.rounds)


def initialization_naive(inputs, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        return [
            labels
            for tasks in inputs.rounds
            for labels in executor.map(
                initialization.load_and_predict, *zip(*tasks, strict=True), repeat(inputs.model_path)
            )
        ]


def run_shared(index):
    task, data = shared
    return task(index, data)


def sharing_global(inputs, n_jobs):
    share((inputs.task, inputs.data))
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        return list(executor.map(run_shared, range(inputs.num_tasks)))


def sharing_initializer(inputs, n_jobs, method="spawn"):
    with ProcessPoolExecutor(n_jobs, get_context(method), share, ((inputs.task, inputs.data),)) as executor:
        return list(executor.map(run_shared, range(inputs.num_tasks)))


def sharing_initializer_forkserver(inputs, n_jobs):
    return sharing_initializer(inputs, n_jobs, "forkserver")


def sharing_naive(inputs, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        return list(executor.map(inputs.task, range(inputs.num_tasks), repeat(inputs.data)))


def map_rounds(task, rounds, n_jobs, method="fork", chunks=None):
    with ProcessPoolExecutor(n_jobs, get_context(method)) as executor:
        for tasks in rounds:
            chunksize = -(-len(tasks) // (chunks * n_jobs)) if chunks else 1
            yield list(executor.map(task, *zip(*tasks, strict=True), chunksize=chunksize))


@threads
def map_threads(task, rounds, n_jobs):
    with ThreadPoolExecutor(n_jobs) as executor:
        for tasks in rounds:
            yield list(executor.map(task, *zip(*tasks, strict=True)))


METHODS = ("fork", "spawn", "forkserver")
ROUNDS = {f"{method}, chunksize 1": partial(map_rounds, method=method) for method in METHODS}
ROUNDS["fork, 4 chunks a worker"] = partial(map_rounds, chunks=4)  # as multiprocessing.Pool.map divides them
ROUNDS["ThreadPoolExecutor"] = map_threads
GRAPHS = {"graph": skip("concurrent.futures has no task graphs")}

SHARING = {
    "fork, global": sharing_global,
    "spawn, initializer": sharing_initializer,
    "forkserver, initializer": sharing_initializer_forkserver,
    "naive: input with every task": sharing_naive,
}

if __name__ == "__main__":
    run(
        numerical={
            "fork, global": numerical_fork,
            "spawn, initializer": numerical_spawn,
            "naive: image with every task": numerical_naive,
        },
        stateful={
            "fork, merge counts": stateful_merge,
            "fork, state, barrier": stateful_barrier,
            "spawn, state, barrier": stateful_barrier_spawn,
            "state at worker exit": skip("ProcessPoolExecutor has no hook at a worker's exit"),
        },
        initialization={
            "fork, initializer": initialization_fork,
            "spawn, initializer": initialization_spawn,
            "fork after load": initialization_fork_after_load,
            "naive: model in every task": initialization_naive,
        },
        sharing=SHARING,
        overhead=ROUNDS | GRAPHS,
        grid={"fork": ROUNDS["fork, chunksize 1"], "ThreadPoolExecutor": map_threads},
        granularity={name: ROUNDS[name] for name in ("fork, chunksize 1", "fork, 4 chunks a worker")} | GRAPHS,
        sharing_frame=SHARING,
    )
