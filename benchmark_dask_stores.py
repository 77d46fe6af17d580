"""Dask without and with stores in shared memory (`stores/`), under four workflows: is large data copied, and how often?

This is an experiment of its own: its patterns are the workflows. "pickle" is Dask's default: arrays are sent as they
are, all else is pickled.
https://distributed.dask.org/en/stable/serialization.html
"""

from contextlib import contextmanager
from functools import partial
from pathlib import Path

from trial.script import idiom, needs, run, skip
from trial.tasklog import moment_is

with needs("dask", "distributed"):
    import dask
    from distributed import Client, LocalCluster, as_completed, wait

STORES = ("pickle", "shared_memory", "lmdb", "vineyard")
PLASMA = "plasma (pyarrow 11.0.0, dask 2024.12.1)"
STORE_BYTES = 4 * 2**30  # that a store may grow to


@contextmanager
def store_client(n_jobs, store):
    from stores.serving import serving  # here: workers import this file too

    # The question is what replicas cost, and Dask's Active Memory Manager would drop them within seconds.
    # https://distributed.dask.org/en/stable/active_memory_manager.html
    dask.config.set({"distributed.scheduler.active-memory-manager.start": False})
    local = {"n_workers": n_jobs, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    if store == "pickle":
        with LocalCluster(**local) as workers, Client(workers) as client:
            yield client
        return
    families = {"serializers": [store, "error"], "deserializers": [store, "error"]}
    with (
        serving(store, STORE_BYTES),
        LocalCluster(preload=["stores.preload"], **local, **families) as workers,
        Client(workers, **families) as client,
    ):
        yield client


def call(arguments, task, data):
    return task(*arguments, data)


def use_everywhere(client, job, tasks, data):
    futures = client.map(call, tasks, task=job.task, data=data, pure=False)
    checksums = [result for _, result in as_completed(futures, with_results=True)]
    moment_is("held")  # by all workers: `data` is not released yet
    return checksums


def client_scatter(job, rounds, n_jobs, store):
    with store_client(n_jobs, store) as client:
        moment_is("ready")
        for tasks in rounds:
            made = job.make()
            moment_is("made")
            data = client.scatter(made, broadcast=True, hash=False)  # hash: reads all of it, for a name
            moment_is("spread")
            del made
            yield use_everywhere(client, job, tasks, data)


def worker_scatter(job, rounds, n_jobs, store):
    with store_client(n_jobs, store) as client:
        moment_is("ready")
        for tasks in rounds:
            data = client.submit(job.make, pure=False)
            wait(data)
            moment_is("made")
            client.replicate(data)
            moment_is("spread")
            yield use_everywhere(client, job, tasks, data)


def smooth_array(job, rounds, n_jobs, store):
    from dask import array

    with store_client(n_jobs, store):
        moment_is("ready")
        chunks = tuple((job.chunk,) * count for count in job.blocks)
        made = array.map_blocks(job.make_chunk, chunks=chunks, dtype=float, meta=array.zeros((0, 0, 0))._meta)
        for tasks in rounds:
            around = {"depth": job.depth, "boundary": "periodic", "meta": made._meta}
            total = float(made.map_overlap(job.smooth, first=tasks[0][0], **around).sum().compute())
            moment_is("held")
            yield total


def roll_dataframe(job, rounds, n_jobs, store):
    from dask.datasets import timeseries
    from pandas import Timedelta

    with store_client(n_jobs, store):
        moment_is("ready")
        frame = timeseries(**job.series)
        window = {"before": Timedelta(hours=job.window_h), "after": 0, "meta": frame[["x", "y"]]._meta}
        for tasks in rounds:
            sums = frame.map_overlap(job.roll, first=tasks[0][0], **window).abs().sum().compute().to_numpy()
            moment_is("held")
            yield sums


def with_stores(workflow):
    from stores.serving import missing

    rows = {
        store: skip(f"{package} is not installed: make bench-stores")
        if (package := missing(store))
        else idiom(partial(workflow, store=store), start="spawn", means=store)
        for store in STORES
    }
    # Plasma left Arrow with release 12, and Arrow 11 needs releases of NumPy, pandas and Dask that are as old.
    # https://arrow.apache.org/blog/2022/10/24/10.0.0-release/
    interpreter = Path(__file__).resolve().parent / ".venv-plasma" / "bin" / "python"
    plasma = idiom(partial(workflow, store="plasma"), interpreter=interpreter, start="spawn", means="plasma")
    missing_plasma = skip("its environment is not there: make bench-stores, on Python 3.10 or 3.11")
    return rows | {PLASMA: plasma if interpreter.exists() else missing_plasma}


if __name__ == "__main__":
    run(
        client_scatter=with_stores(client_scatter),
        worker_scatter=with_stores(worker_scatter),
        array=with_stores(smooth_array),
        dataframe=with_stores(roll_dataframe),
    )
