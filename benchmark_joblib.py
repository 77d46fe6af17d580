"""joblib: `Parallel` on its default backend, loky, whose workers are fresh interpreters that it keeps warm.

Arrays above 1 MB are dumped once and memory-mapped by every worker, without being asked to; batches of short tasks are
sized by joblib itself; results come back in the order in which they end (`return_as="generator_unordered"`).
One large input is memory-mapped like any other array, or left where threads find it.
https://joblib.readthedocs.io/en/stable/parallel.html
"""

from functools import partial

from trial.script import needs, run, skip, threads
from workloads import initialization, numerical, stateful

with needs("joblib"):
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor


def close(n_jobs):
    # Fairness: loky keeps its workers for the next call in the process; the others' pools are closed under the clock.
    # With n_jobs=1 there are none: joblib then runs everything in the calling process.
    if n_jobs > 1:
        get_reusable_executor().shutdown(wait=True)


def numerical_memmap(inputs, n_jobs, **options):
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options)
    filtered = list(parallel(delayed(numerical.filter_image)(i, inputs.image) for i in range(inputs.num_filters)))
    close(n_jobs)
    return filtered


def numerical_naive(inputs, n_jobs):
    return numerical_memmap(inputs, n_jobs, max_nbytes=None)  # switches memory-mapping off: one pickle per task


def stateful_merge(inputs, n_jobs):
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    counts = parallel(delayed(stateful.count_prefixes)(index, text) for index, text in inputs.documents)
    prefixes = stateful.frequent_prefixes(counts)
    close(n_jobs)
    return prefixes


def predict_once_loaded(index, images, path):
    return initialization.predict(index, images, initialization.load_model_once(path))


def label_rounds(inputs, n_jobs, predict, **options):
    # "Reusing a pool of workers", on the page above: the context keeps it for all rounds.
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options) as parallel:
        labels = [
            labelled
            for tasks in inputs.rounds
            for labelled in parallel(delayed(predict)(index, images, inputs.model_path) for index, images in tasks)
        ]
    close(n_jobs)
    return labels


def initialization_cached(inputs, n_jobs):
    return label_rounds(inputs, n_jobs, predict_once_loaded)


def initialization_initializer(inputs, n_jobs):
    # With n_jobs=1 joblib would skip it; the first task then loads the model in the calling process all the same.
    hook = {"initializer": initialization.load_model_once, "initargs": (inputs.model_path,)} if n_jobs > 1 else {}
    return label_rounds(inputs, n_jobs, predict_once_loaded, **hook)


def initialization_naive(inputs, n_jobs):
    return label_rounds(inputs, n_jobs, initialization.load_and_predict)


def sharing_memmap(inputs, n_jobs, **options):
    with Parallel(n_jobs=n_jobs, return_as="generator_unordered", **options) as parallel:
        checksums = list(parallel(delayed(inputs.task)(index, inputs.data) for index in range(inputs.num_tasks)))
    close(n_jobs)
    return checksums


def sharing_naive(inputs, n_jobs):
    return sharing_memmap(inputs, n_jobs, max_nbytes=None)


@threads
def sharing_threads(inputs, n_jobs):
    # For tasks that release the GIL: https://joblib.readthedocs.io/en/stable/parallel.html#thread-based-parallelism-vs-process-based-parallelism
    parallel = Parallel(n_jobs=n_jobs, backend="threading", return_as="generator_unordered")
    return list(parallel(delayed(inputs.task)(index, inputs.data) for index in range(inputs.num_tasks)))


def map_rounds(task, rounds, n_jobs, **options):
    with Parallel(n_jobs=n_jobs, **options) as parallel:
        for tasks in rounds:
            yield parallel(delayed(task)(*arguments) for arguments in tasks)
    close(n_jobs)


@threads
def map_threads(task, rounds, n_jobs):
    with Parallel(n_jobs=n_jobs, backend="threading") as parallel:
        for tasks in rounds:
            yield parallel(delayed(task)(*arguments) for arguments in tasks)


ROUNDS = {
    "loky, automatic batches": map_rounds,
    "loky, batches of 1": partial(map_rounds, batch_size=1),
    "threading": map_threads,
}
GRAPHS = {"graph": skip("joblib has no task graphs")}

SHARING = {
    "loky, automatic memmap": sharing_memmap,
    "threading": sharing_threads,
    "naive: memmap switched off": sharing_naive,
}

if __name__ == "__main__":
    run(
        numerical={"loky, memmap": numerical_memmap, "naive: image with every task": numerical_naive},
        stateful={
            "loky, merge counts": stateful_merge,
            "state in workers": skip("joblib documents no way to reach every worker once, and no hook at its exit"),
        },
        initialization={
            "loky, initializer": initialization_initializer,
            "loky, loaded once": initialization_cached,
            "naive: model in every task": initialization_naive,
        },
        sharing=SHARING,
        sharing_frame=SHARING,
        overhead=ROUNDS | GRAPHS,
        grid={"loky": map_rounds, "threading": ROUNDS["threading"]},
        granularity=ROUNDS | GRAPHS,
    )
