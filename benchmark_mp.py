"""multiprocessing.Pool: the standard library's pool, started by fork or by spawn.

What all workers need goes to them once: through a global that forked workers inherit, or through the pool's
`initializer`, which runs once in every worker. Tasks come back in the order in which they end (`imap_unordered`).
Leaving the pool's context terminates its workers instead of waiting for them to finish, as its page documents.
https://docs.python.org/3.11/library/multiprocessing.html#module-multiprocessing.pool
"""

from harness.script import needs, run, skip
from workloads import initialization, numerical, stateful

with needs("multiprocessing"):
    from multiprocessing import get_context, pool  # noqa: F401 -- `Pool` imports it at its first call

# Documents are many and short. "For very long iterables using a large value for chunksize can make the job complete
# much faster" (imap, on the page above). Even, so that long and short documents share every chunk.
CHUNKSIZE = 4


def share(value):
    global shared
    shared = value


def filter_shared(index):
    return numerical.filter_image(index, shared)


def filter_pickled(index_and_image):
    return numerical.filter_image(*index_and_image)


def numerical_fork(inputs, n_jobs):
    share(inputs.image)  # before the fork: workers inherit it copy-on-write, nothing is sent
    with get_context("fork").Pool(n_jobs) as pool:
        return list(pool.imap_unordered(filter_shared, range(inputs.num_filters)))


def numerical_spawn(inputs, n_jobs):
    with get_context("spawn").Pool(n_jobs, share, (inputs.image,)) as pool:  # the image is sent once per worker
        return list(pool.imap_unordered(filter_shared, range(inputs.num_filters)))


def numerical_naive(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        return list(pool.imap_unordered(filter_pickled, [(i, inputs.image) for i in range(inputs.num_filters)]))


def count_document(document):
    return stateful.count_prefixes(*document)


def stateful_merge(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        return stateful.frequent_prefixes(pool.imap_unordered(count_document, inputs.documents, CHUNKSIZE))


def start_counting(barrier):
    global counter, everyone
    counter, everyone = stateful.PrefixCounter(), barrier


def count_into_state(document):
    counter.add(*document)


def hand_back(_):
    everyone.wait()  # holds this worker until each of the others has taken one of these tasks as well
    return counter.counts


def stateful_barrier(inputs, n_jobs, method="fork"):
    context = get_context(method)
    with context.Pool(n_jobs, start_counting, (context.Barrier(n_jobs),)) as pool:
        for _ in pool.imap_unordered(count_into_state, inputs.documents, CHUNKSIZE):
            pass
        return stateful.frequent_prefixes(pool.map(hand_back, range(n_jobs), chunksize=1))


def stateful_barrier_spawn(inputs, n_jobs):
    return stateful_barrier(inputs, n_jobs, "spawn")


def load_shared_model(path):
    share(initialization.load_model(path))


def predict_shared(batch):
    return initialization.predict(*batch, shared)


def initialization_fork(inputs, n_jobs, method="fork"):
    with get_context(method).Pool(n_jobs, load_shared_model, (inputs.model_path,)) as pool:
        return [labels for tasks in inputs.rounds for labels in pool.imap_unordered(predict_shared, tasks)]


def initialization_spawn(inputs, n_jobs):
    return initialization_fork(inputs, n_jobs, "spawn")


def initialization_fork_after_load(inputs, n_jobs):
    load_shared_model(inputs.model_path)  # once, in the parent, under the clock: forked workers inherit torch and model
    with get_context("fork").Pool(n_jobs) as pool:
        return [labels for tasks in inputs.rounds for labels in pool.imap_unordered(predict_shared, tasks)]


def initialization_naive(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        return [
            labels
            for tasks in inputs.rounds
            for labels in pool.starmap(initialization.load_and_predict, [(*task, inputs.model_path) for task in tasks])
        ]


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
            "state at worker exit": skip("multiprocessing.Pool has no hook at a worker's exit"),
        },
        initialization={
            "fork, initializer": initialization_fork,
            "spawn, initializer": initialization_spawn,
            "fork after load": initialization_fork_after_load,
            "naive: model in every task": initialization_naive,
        },
    )
