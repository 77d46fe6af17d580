"""Traps that falsified earlier comparisons, walked into on purpose: the suite has to notice each of them."""

from distributed import Client, LocalCluster, get_worker
from joblib import Parallel, delayed
from mpire import WorkerPool

from trial.script import run
from workloads import numerical, stateful


def same_call(image):
    return numerical.filter_image(0, image)


def dask_takes_calls_for_pure(inputs, n_jobs):
    """Tasks that look identical run once: the results are complete, the work was never done."""
    with (
        LocalCluster(n_workers=n_jobs, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        image = client.scatter(inputs.image)
        results = client.gather([client.submit(same_call, image) for _ in range(inputs.num_filters)])
        return list(enumerate(result for _, result in results))


def count(index, text):
    worker = get_worker()
    worker.counter = getattr(worker, "counter", None) or stateful.PrefixCounter()
    worker.counter.add(index, text)


def counts():
    return get_worker().counter.counts


def dask_asks_one_worker_for_all(inputs, n_jobs):
    """`workers=` is no part of a task's key: every worker is asked, and the first one's answer comes n_jobs times."""
    with (
        LocalCluster(n_workers=n_jobs, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        client.gather([client.submit(count, *document, pure=False) for document in inputs.documents])
        workers = client.scheduler_info()["workers"]
        return stateful.frequent_prefixes(client.gather([client.submit(counts, workers=[w]) for w in workers]))


def mpire_concatenates_arrays(inputs, n_jobs):
    """`map` joins the arrays that come back to one; whoever takes its rows for the results has others."""
    with WorkerPool(n_jobs) as pool:
        return enumerate(pool.map(filter_alone, [(i, inputs.image) for i in range(inputs.num_filters)]))


def filter_alone(index, image):
    return numerical.filter_image(index, image)[1]


def joblib_shares_memory_by_threads(inputs, n_jobs):
    """`require="sharedmem"` means threads: no worker process at all."""
    parallel = Parallel(n_jobs=n_jobs, require="sharedmem")
    return parallel(delayed(numerical.filter_image)(i, inputs.image) for i in range(inputs.num_filters))


if __name__ == "__main__":
    run(
        numerical={
            "pure": dask_takes_calls_for_pure,
            "concatenated": mpire_concatenates_arrays,
            "threads": joblib_shares_memory_by_threads,
        },
        stateful={"one worker's state": dask_asks_one_worker_for_all},
    )
