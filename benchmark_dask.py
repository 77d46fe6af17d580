"""Dask: futures on a `LocalCluster` of single-threaded worker processes.

The image is scattered once to all workers. State lives on the workers, where tasks find it, and `client.run` fetches it
from each of them. A worker plugin loads the model when a worker starts.
One large input is scattered to all, passed from worker to worker, or left where threads find it; under the workflows at
the end, it goes through stores in shared memory.
https://distributed.dask.org/en/stable/client.html
https://docs.dask.org/en/stable/deploying-python.html
"""

from contextlib import contextmanager
from functools import partial
from pathlib import Path

from trial.script import elsewhere, graphs, needs, run, skip, threads
from trial.tasklog import moment_is, placing
from workloads import array as array_workload
from workloads import dataframe, initialization, numerical, stateful
from workloads import graphs as task_graphs

with needs("dask", "distributed"):
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    import dask
    from dask import delayed
    from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker, wait

PLASMA = "plasma (pyarrow 11.0.0, dask 2024.12.1)"
STORE_BYTES = 4 * 2**30  # that a store may grow to

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


def keep_replicas():
    # Dask's Active Memory Manager drops replicas within seconds, and what is asked here is what they cost.
    # https://distributed.dask.org/en/stable/active_memory_manager.html
    dask.config.set({"distributed.scheduler.active-memory-manager.start": False})


def sharing_broadcast(inputs, n_jobs, **options):
    keep_replicas()
    with cluster(n_jobs) as workers, Client(workers) as client:
        with placing(inputs.nbytes * n_jobs):
            data = client.scatter(inputs.data, broadcast=True, **options)
        return results(client.map(inputs.task, range(inputs.num_tasks), data=data, pure=False))


def sharing_direct(inputs, n_jobs):
    # Not through the scheduler, and under a random name instead of a hash of all bytes.
    # https://distributed.dask.org/en/stable/api.html#distributed.Client.scatter
    return sharing_broadcast(inputs, n_jobs, direct=True, hash=False)


def sharing_replicate(inputs, n_jobs):
    keep_replicas()
    with cluster(n_jobs) as workers, Client(workers) as client:
        with placing(inputs.nbytes * n_jobs):
            data = client.scatter(inputs.data)  # to one worker, from which the others fetch it
            client.replicate(data)
        return results(client.map(inputs.task, range(inputs.num_tasks), data=data, pure=False))


@threads
def sharing_threads(inputs, n_jobs):
    # For tasks that release the GIL: https://docs.dask.org/en/stable/deploying-python.html#reference
    with (
        LocalCluster(n_workers=1, threads_per_worker=n_jobs, processes=False, dashboard_address=":0") as workers,
        Client(workers) as client,
    ):
        with placing(inputs.nbytes):
            data = client.scatter(inputs.data)
        return results(client.map(inputs.task, range(inputs.num_tasks), data=data, pure=False))


def sharing_naive(inputs, n_jobs):
    with cluster(n_jobs) as workers, Client(workers) as client:
        return results([client.submit(inputs.task, i, inputs.data, pure=False) for i in range(inputs.num_tasks)])


@contextmanager
def scheduled(scheduler, n_jobs):
    # https://docs.dask.org/en/stable/scheduling.html
    if scheduler == "distributed":
        with cluster(n_jobs) as workers, Client(workers):  # a client is the default scheduler as long as it is open
            yield
    elif scheduler == "synchronous":
        with dask.config.set(scheduler=scheduler):
            yield
    else:
        # A pool that is kept; for processes, spawned ones, as the scheduler's own would be.
        # https://docs.dask.org/en/stable/scheduling.html#local-threads
        spawned = {"mp_context": get_context("spawn")}
        with (
            ThreadPoolExecutor(n_jobs) if scheduler == "threads" else ProcessPoolExecutor(n_jobs, **spawned) as pool,
            dask.config.set(scheduler=scheduler, pool=pool),
        ):
            yield


def map_delayed(task, rounds, n_jobs, scheduler):
    with scheduled(scheduler, n_jobs):
        for tasks in rounds:
            yield dask.compute(*[delayed(task, pure=False)(*arguments) for arguments in tasks])


def map_client(task, rounds, n_jobs):
    with cluster(n_jobs) as workers, Client(workers) as client:
        for tasks in rounds:
            yield client.gather(client.map(task, *zip(*tasks, strict=True), pure=False))


def call(arguments, task):
    return task(*arguments)


def map_scattered(task, rounds, n_jobs):
    # "Scatter data": https://distributed.dask.org/en/stable/locality.html#data-scatter; not through the scheduler:
    # https://distributed.dask.org/en/stable/api.html#distributed.Client
    with cluster(n_jobs) as workers, Client(workers, direct_to_workers=True) as client:
        for tasks in rounds:
            yield client.gather(client.map(call, client.scatter(tasks, hash=False), task=task, pure=False))


def graph_delayed(task, rounds, n_jobs, scheduler):
    with scheduled(scheduler, n_jobs):
        for nodes in rounds:
            made = []
            for arguments, needs in nodes:
                made.append(delayed(task, pure=False)(*arguments, *(made[position] for position in needs)))
            yield dask.compute(*(made[position] for position in task_graphs.sinks([needs for _, needs in nodes])))


ROUNDS = {
    "synchronous, delayed": threads(partial(map_delayed, scheduler="synchronous")),
    "threads, delayed": threads(partial(map_delayed, scheduler="threads")),
    "processes, delayed": partial(map_delayed, scheduler="processes"),
    "distributed, delayed": partial(map_delayed, scheduler="distributed"),
    "distributed, client.map": map_client,
}
GRAPHS = {
    "synchronous, graph": graphs(threads(partial(graph_delayed, scheduler="synchronous"))),
    "threads, graph": graphs(threads(partial(graph_delayed, scheduler="threads"))),
    "processes, graph": graphs(partial(graph_delayed, scheduler="processes")),
    "distributed, graph": graphs(partial(graph_delayed, scheduler="distributed")),
}

# The stores of `stores/`, under four workflows. "pickle" is Dask's own: arrays as they are, all else pickled.


@contextmanager
def store_client(n_jobs, store):
    from stores.serving import serving  # here: workers of the other workloads import this file too

    keep_replicas()
    if store == "pickle":
        with cluster(n_jobs) as workers, Client(workers) as client:
            yield client
        return
    families = {"serializers": [store, "error"], "deserializers": [store, "error"]}
    with (
        serving(store, STORE_BYTES),
        LocalCluster(
            n_workers=n_jobs, threads_per_worker=1, dashboard_address=":0", preload=["stores.preload"], **families
        ) as workers,
        Client(workers, **families) as client,
    ):
        yield client


def with_stores(workflow):
    from stores.serving import missing

    def row(store):
        package = missing(store)
        return skip(f"{package} is not installed: make bench-stores") if package else partial(workflow, store=store)

    rows = {store: row(store) for store in ("pickle", "shared_memory", "lmdb", "vineyard")}
    # Plasma left Arrow with release 12, and Arrow 11 needs releases of NumPy, pandas and Dask that are as old.
    # https://arrow.apache.org/blog/2022/10/24/10.0.0-release/
    interpreter = Path(__file__).resolve().parent / ".venv-plasma" / "bin" / "python"
    plasma = elsewhere(interpreter, partial(workflow, store="plasma"))
    rows[PLASMA] = (
        plasma
        if interpreter.exists()
        else skip("its environment is not there: make bench-stores, on Python 3.10 or 3.11")
    )
    return rows


def use_everywhere(client, inputs, data):
    checksums = results(client.map(inputs.task, range(inputs.num_tasks), data=data, pure=False))
    moment_is("held")  # by all workers: `data` is not released yet
    return checksums


def client_scatter(inputs, n_jobs, store):
    with store_client(n_jobs, store) as client:
        moment_is("ready")
        made = inputs.make()
        moment_is("made")
        data = client.scatter(made, broadcast=True, hash=False)  # hash: reads all of it, for a name
        moment_is("spread")
        del made
        return use_everywhere(client, inputs, data)


def worker_scatter(inputs, n_jobs, store):
    with store_client(n_jobs, store) as client:
        moment_is("ready")
        data = client.submit(inputs.make, pure=False)
        wait(data)
        moment_is("made")
        client.replicate(data)
        moment_is("spread")
        return use_everywhere(client, inputs, data)


def smooth_array(inputs, n_jobs, store):
    from dask import array

    with store_client(n_jobs, store):
        moment_is("ready")
        make = {"chunk": inputs.chunk, "seed": inputs.seed, "meta": array.zeros((0, 0, 0))._meta}
        chunks = tuple((inputs.chunk,) * count for count in inputs.blocks)
        made = array.map_blocks(array_workload.make_chunk, chunks=chunks, dtype=float, **make)
        smooth = {"depth": inputs.depth, "boundary": "periodic", "meta": made._meta}
        smooth |= {"reach": inputs.depth, "blocks": inputs.blocks}  # for the task
        total = float(made.map_overlap(array_workload.smooth, **smooth).sum().compute())
        moment_is("held")
        return total


def roll_dataframe(inputs, n_jobs, store):
    from dask.datasets import timeseries
    from pandas import Timedelta

    with store_client(n_jobs, store):
        moment_is("ready")
        frame = timeseries(**inputs.series)
        window = {"before": Timedelta(hours=inputs.window_h), "after": 0, "window_h": inputs.window_h}
        rolled = frame.map_overlap(dataframe.roll, meta=frame[["x", "y"]]._meta, **window)
        sums = rolled.abs().sum().compute().to_numpy()
        moment_is("held")
        return sums


SHARING = {
    "spawn, scatter, broadcast": sharing_broadcast,
    "spawn, scatter, broadcast, direct": sharing_direct,
    "spawn, scatter, replicate": sharing_replicate,
    "threads": sharing_threads,
    "naive: input with every task": sharing_naive,
}

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
        sharing=SHARING,
        sharing_frame=SHARING,
        overhead=ROUNDS | GRAPHS,
        grid={
            "distributed, client.map": map_client,
            "distributed, scatter": map_scattered,
            "threads": ROUNDS["threads, delayed"],
        },
        granularity={name: ROUNDS[name] for name in ("threads, delayed", "distributed, client.map")}
        | GRAPHS
        | {"synchronous, graph": skip("it uses one core, whatever n_jobs is")},
        client_scatter=with_stores(client_scatter),
        worker_scatter=with_stores(worker_scatter),
        array=with_stores(smooth_array),
        dataframe=with_stores(roll_dataframe),
    )
