"""Dask: futures on a `LocalCluster` of single-threaded worker processes.

The image is scattered once to all workers. State lives on the workers, where tasks find it, and `client.run` fetches it
from each of them. A worker plugin loads the model when a worker starts.
https://distributed.dask.org/en/stable/client.html
https://docs.dask.org/en/stable/deploying-python.html
"""

from harness.script import needs, run
from workloads import initialization, numerical, stateful

with needs("dask", "distributed"):
    import dask
    from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker

# pure=False, everywhere: Dask takes calls with equal arguments for one call and runs it once; every task here counts.
# https://distributed.dask.org/en/stable/client.html#pure-functions-by-default


def cluster(n_jobs, method="spawn"):
    # spawn is Dask's default: https://docs.dask.org/en/stable/configuration.html#distributed-worker
    dask.config.set({"distributed.worker.multiprocessing-method": method})
    # Processes with one thread each, as for every library here; a free port instead of the dashboard's fixed one.
    return LocalCluster(n_workers=n_jobs, threads_per_worker=1, processes=True, dashboard_address=":0")


def results(futures):
    return [result for _, result in as_completed(futures, with_results=True)]


def numerical_scatter(inputs, n_jobs, method="spawn"):
    with cluster(n_jobs, method) as workers, Client(workers) as client:
        image = client.scatter(inputs.image, broadcast=True)
        return results(client.map(numerical.filter_image, range(inputs.num_filters), image=image, pure=False))


def numerical_scatter_fork(inputs, n_jobs):
    return numerical_scatter(inputs, n_jobs, "fork")


def numerical_naive(inputs, n_jobs):
    with cluster(n_jobs) as workers, Client(workers) as client:
        tasks = range(inputs.num_filters)
        return results([client.submit(numerical.filter_image, i, inputs.image, pure=False) for i in tasks])


def stateful_merge(inputs, n_jobs):
    with cluster(n_jobs) as workers, Client(workers) as client:
        futures = client.map(stateful.count_prefixes, *zip(*inputs.documents, strict=True), pure=False)
        return stateful.frequent_prefixes(counts for _, counts in as_completed(futures, with_results=True))


class Counting(WorkerPlugin):
    def setup(self, worker):
        worker.counter = stateful.PrefixCounter()


def count_into_state(index, text):
    get_worker().counter.add(index, text)


def stateful_plugin(inputs, n_jobs, method="spawn"):
    with cluster(n_jobs, method) as workers, Client(workers) as client:
        client.register_plugin(Counting())
        client.gather(client.map(count_into_state, *zip(*inputs.documents, strict=True), pure=False))
        return stateful.frequent_prefixes(client.run(lambda dask_worker: dask_worker.counter.counts).values())


def stateful_plugin_fork(inputs, n_jobs):
    return stateful_plugin(inputs, n_jobs, "fork")


class Model(WorkerPlugin):
    def __init__(self, path):
        self.path = path

    def setup(self, worker):
        worker.model = initialization.load_model(self.path)


def predict_with_plugin(index, images):
    return initialization.predict(index, images, get_worker().model)


def initialization_plugin(inputs, n_jobs, method="spawn"):
    with cluster(n_jobs, method) as workers, Client(workers) as client:
        client.register_plugin(Model(inputs.model_path))
        return [
            labels
            for tasks in inputs.rounds
            for labels in results(client.map(predict_with_plugin, *zip(*tasks, strict=True), pure=False))
        ]


def initialization_plugin_fork(inputs, n_jobs):
    return initialization_plugin(inputs, n_jobs, "fork")


def initialization_naive(inputs, n_jobs):
    with cluster(n_jobs) as workers, Client(workers) as client:
        task, path = initialization.load_and_predict, inputs.model_path
        return [
            labels
            for tasks in inputs.rounds
            for labels in results(client.map(task, *zip(*tasks, strict=True), path=path, pure=False))
        ]


if __name__ == "__main__":
    run(
        numerical={
            "fork, scatter": numerical_scatter_fork,
            "spawn, scatter": numerical_scatter,
            "naive: image with every task": numerical_naive,
        },
        stateful={
            "spawn, merge counts": stateful_merge,
            "fork, state, client.run": stateful_plugin_fork,
            "spawn, state, client.run": stateful_plugin,
        },
        initialization={
            "fork, worker plugin": initialization_plugin_fork,
            "spawn, worker plugin": initialization_plugin,
            "naive: model in every task": initialization_naive,
        },
    )
