"""multiprocessing.Pool: the standard library's pool, started by fork or by spawn.

What all workers need goes to them once: through a global that forked workers inherit, or through the pool's
`initializer`, which runs once in every worker. Tasks come back in the order in which they end (`imap_unordered`).
One large input is inherited, sent once per worker, or put into shared memory or a file that all workers map.
Leaving the pool's context terminates its workers instead of waiting for them to finish, as its page documents.
https://docs.python.org/3.11/library/multiprocessing.html#module-multiprocessing.pool
"""

import pickle
from functools import partial
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

from trial.script import all_cores_each, needs, run, skip, threads
from trial.tasklog import placing
from workloads import initialization, numerical, stateful

with needs("multiprocessing"):
    from multiprocessing import get_context, pool, shared_memory  # `Pool` imports `pool` at its first call

# Documents are many and short. "For very long iterables using a large value for chunksize can make the job complete
# much faster" (imap, on the page above). Even, so that long and short documents share every chunk.
CHUNKSIZE = 4
METHODS = ("fork", "spawn", "forkserver")


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


def load_shared_model_for_all_cores(path):
    share(initialization.load_model_for_all_cores(path))


@all_cores_each
def initialization_threads(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs, load_shared_model_for_all_cores, (inputs.model_path,)) as pool:
        return [labels for tasks in inputs.rounds for labels in pool.imap_unordered(predict_shared, tasks)]


def run_shared(index):
    task, data = shared
    return task(index, data)


def run_all(inputs, n_jobs, method, initializer=None, *initargs):
    with get_context(method).Pool(n_jobs, initializer, initargs) as pool:
        return list(pool.imap_unordered(run_shared, range(inputs.num_tasks)))


def sharing_global(inputs, n_jobs):
    share((inputs.task, inputs.data))
    return run_all(inputs, n_jobs, "fork")


def sharing_initializer(inputs, n_jobs, method="spawn"):
    return run_all(inputs, n_jobs, method, share, (inputs.task, inputs.data))


def sharing_initializer_forkserver(inputs, n_jobs):
    return sharing_initializer(inputs, n_jobs, "forkserver")


def sharing_naive(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        return pool.starmap(inputs.task, [(index, inputs.data) for index in range(inputs.num_tasks)], chunksize=1)


# NumPy is imported in functions: spawned workers of the other workloads import this file too.


def attach_array(task, name, shape, dtype):
    import numpy as np

    global segment  # the array lies in it: it stays open as long as the worker lives
    segment = shared_memory.SharedMemory(name)
    share((task, np.ndarray(shape, dtype, segment.buf)))


def sharing_segment(inputs, n_jobs):
    # https://docs.python.org/3.11/library/multiprocessing.shared_memory.html
    import numpy as np

    data = inputs.data
    with placing(inputs.nbytes):
        placed = shared_memory.SharedMemory(create=True, size=data.nbytes)
        np.ndarray(data.shape, data.dtype, placed.buf)[:] = data
    try:
        return run_all(inputs, n_jobs, "spawn", attach_array, inputs.task, placed.name, data.shape, data.dtype)
    finally:
        placed.close()
        placed.unlink()


def attach_pickle(task, name, head, spans):
    global segment
    segment = shared_memory.SharedMemory(name)
    memory = segment.buf.toreadonly()
    share((task, pickle.loads(head, buffers=[memory[start:end] for start, end in spans])))


def sharing_pickle(inputs, n_jobs):
    # Out-of-band buffers, for whatever object: https://docs.python.org/3.11/library/pickle.html#out-of-band-buffers
    with placing(inputs.nbytes):
        buffers = []
        head = pickle.dumps(inputs.data, protocol=5, buffer_callback=buffers.append)
        raw = [buffer.raw() for buffer in buffers]
        starts = list(accumulate((-(-view.nbytes // 64) * 64 for view in raw), initial=0))  # aligned as NumPy's own
        spans = [(start, start + view.nbytes) for start, view in zip(starts, raw, strict=False)]
        placed = shared_memory.SharedMemory(create=True, size=starts[-1])
        for (start, end), view in zip(spans, raw, strict=True):
            placed.buf[start:end] = view
    try:
        return run_all(inputs, n_jobs, "spawn", attach_pickle, inputs.task, placed.name, head, spans)
    finally:
        placed.close()
        placed.unlink()


def map_file(task, path):
    import numpy as np

    share((task, np.load(path, mmap_mode="r")))


def sharing_file(inputs, n_jobs):
    # https://numpy.org/doc/stable/reference/generated/numpy.load.html
    import numpy as np

    with TemporaryDirectory() as folder:
        path = Path(folder) / "data.npy"
        with placing(inputs.nbytes):
            np.save(path, inputs.data)
        return run_all(inputs, n_jobs, "spawn", map_file, inputs.task, path)


def map_rounds(task, rounds, n_jobs, method="fork", chunksize=None):
    # None: a quarter of each worker's share of the tasks
    with get_context(method).Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(task, tasks, chunksize)


@threads
def map_threads(task, rounds, n_jobs):
    with pool.ThreadPool(n_jobs) as workers:
        for tasks in rounds:
            yield workers.starmap(task, tasks)


ROUNDS = {f"{method}, default chunksize": partial(map_rounds, method=method) for method in METHODS}
ROUNDS |= {f"{method}, chunksize 1": partial(map_rounds, method=method, chunksize=1) for method in METHODS}
ROUNDS["ThreadPool"] = map_threads
GRAPHS = {"graph": skip("multiprocessing has no task graphs")}

SHARING = {
    "fork, global": sharing_global,
    "spawn, initializer": sharing_initializer,
    "forkserver, initializer": sharing_initializer_forkserver,
    "spawn, pickle 5 over shared memory": sharing_pickle,
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
            "state at worker exit": skip("multiprocessing.Pool has no hook at a worker's exit"),
        },
        initialization={
            "fork, initializer": initialization_fork,
            "spawn, initializer": initialization_spawn,
            "fork after load": initialization_fork_after_load,
            "naive: model in every task": initialization_naive,
            "naive: fork, threads not limited": initialization_threads,
        },
        sharing=SHARING | {"spawn, shared_memory": sharing_segment, "spawn, NumPy memmap of a file": sharing_file},
        sharing_frame=SHARING
        | {
            "spawn, shared_memory": skip("a DataFrame is not one buffer: see pickle 5 over shared memory"),
            "spawn, NumPy memmap of a file": skip("NumPy maps arrays, and a DataFrame is none"),
        },
        overhead=ROUNDS | GRAPHS,
        grid={
            "fork": ROUNDS["fork, default chunksize"],
            "spawn": ROUNDS["spawn, default chunksize"],
            "ThreadPool": map_threads,
        },
        granularity={name: ROUNDS[name] for name in ("fork, default chunksize", "fork, chunksize 1")} | GRAPHS,
    )
