"""Dask: futures on a `LocalCluster` of single-threaded worker processes; `delayed` on its other schedulers.

One large input is scattered, or left where threads find it. A worker plugin makes the setup, or starts the state, when
a worker starts. Tasks find it on their worker; `client.run` fetches the state from every worker. Short tasks go in
batches by hand, as Dask advises: https://distributed.dask.org/en/stable/efficiency.html#use-larger-tasks
Closing asks each worker to end, and ends those left after 4 s: https://distributed.dask.org/en/stable/client.html
"""

from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import chain, islice

from trial.script import idiom, in_batches, needs, run
from trial.tasklog import moment_is, placing

with needs("dask", "distributed"):
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    from multiprocessing import get_context

    import dask
    from dask import delayed
    from distributed import Client, LocalCluster, WorkerPlugin, as_completed, get_worker

# pure=False, everywhere: Dask takes calls with equal arguments for one call and runs it once; every task here counts.
# https://distributed.dask.org/en/stable/client.html#pure-functions-by-default


@contextmanager
def workers(n_jobs, start="spawn"):
    # Processes with one thread each, as for every library here.
    # spawn is Dask's default: https://docs.dask.org/en/stable/configuration.html#distributed-worker
    # Its Active Memory Manager would drop replicas of a shared input within seconds; later rounds would pay for them.
    # https://distributed.dask.org/en/stable/active_memory_manager.html
    dask.config.set({"distributed.scheduler.active-memory-manager.start": False})
    # Dashboards on free ports of this machine only: a worker of threads would else listen on all interfaces.
    nearby = {"dashboard_address": "127.0.0.1:0", "worker_dashboard_address": "127.0.0.1:0"}
    local = {"n_workers": n_jobs, "threads_per_worker": 1, "processes": True, **nearby}
    if start == "threads":  # for tasks that release the GIL: https://docs.dask.org/en/stable/deploying-python.html
        local |= {"n_workers": 1, "threads_per_worker": n_jobs, "processes": False}
    else:
        dask.config.set({"distributed.worker.multiprocessing-method": start})
    with LocalCluster(**local) as running:
        yield running


@contextmanager
def serve(n_jobs):
    with workers(n_jobs) as running:
        yield running.scheduler_address


@contextmanager
def cluster(n_jobs, start="spawn", address=None, **options):
    # `address`: of a cluster that runs already. `on`, elsewhere: some of its workers, if not all.
    with nullcontext(address) if address else workers(n_jobs, start) as place, Client(place, **options) as client:
        yield client


def results(futures):
    return (result for _, result in as_completed(futures, with_results=True))


@contextmanager
def scheduled(name, n_jobs):
    # The pool is kept. Its processes are spawned, like those of the scheduler's own pool.
    # https://docs.dask.org/en/stable/scheduling.html
    if name == "distributed":
        with cluster(n_jobs):  # its client is the default scheduler as long as it is open
            yield
    elif name == "synchronous":
        with dask.config.set(scheduler=name):
            yield
    else:
        pool = ThreadPoolExecutor(n_jobs) if name == "threads" else ProcessPoolExecutor(n_jobs, get_context("spawn"))
        with pool, dask.config.set(scheduler=name, pool=pool):
            yield


def map_delayed(job, rounds, n_jobs, scheduler):
    with scheduled(scheduler, n_jobs):
        for tasks in rounds:
            yield dask.compute(*[delayed(job.task, pure=False)(*arguments) for arguments in tasks])


def map_client(job, rounds, n_jobs, address=None, on=None):
    with cluster(n_jobs, address=address) as client:
        for tasks in rounds:
            yield client.gather(client.map(job.task, *zip(*tasks, strict=True), workers=on, pure=False))


def map_renewed(job, rounds, n_jobs):
    # Workers are renewed after a time, not after a number of tasks.
    # https://distributed.dask.org/en/stable/configuration.html#distributed.worker.lifetime.duration
    with dask.config.set({"distributed.worker.lifetime": {"duration": "5s", "stagger": "1s", "restart": True}}):
        yield from map_client(job, rounds, n_jobs)


def call(arguments, task, **shared):
    return task(*arguments, *shared.values())


def map_scattered(job, rounds, n_jobs):
    # "Scatter data": https://distributed.dask.org/en/stable/locality.html#data-scatter; not through the scheduler:
    # https://distributed.dask.org/en/stable/api.html#distributed.Client
    with cluster(n_jobs, direct_to_workers=True) as client:
        for tasks in rounds:
            yield client.gather(client.map(call, client.scatter(tasks, hash=False), task=job.task, pure=False))


def call_all(batch, task):
    return [task(*arguments) for arguments in batch]


def map_batches(job, rounds, n_jobs, address=None, on=None):
    with cluster(n_jobs, address=address) as client:
        for tasks in rounds:
            batches = in_batches(tasks, n_jobs, each=4)  # as many as multiprocessing.Pool makes
            futures = client.map(call_all, batches, task=job.task, workers=on, pure=False)
            yield list(chain.from_iterable(client.gather(futures)))


def graph_delayed(job, rounds, n_jobs, scheduler):
    with scheduled(scheduler, n_jobs):
        for nodes in rounds:
            made: list = []
            for node in nodes:
                made.append(delayed(job.task, pure=False)(*node.arguments, *(made[place] for place in node.needs)))
            yield dask.compute(*(value for value, node in zip(made, nodes, strict=True) if node.wanted))


ASKS = "asks its workers to end, and ends those that take too long"
LEAVES = "leaves workers running"
THREADS, SPAWN = {"workers": "threads", "closes": ASKS}, {"start": "spawn", "closes": ASKS}
by_client = partial(idiom, means="client.map", **SPAWN)


def send_and_run(job, rounds, n_jobs, address, function):
    # The scheduler reads the graph, and needs the code too: https://distributed.dask.org/en/stable/api.html
    import trial.remote as remote  # here: workers on this machine import this file and need none of it

    with Client(address) as client:
        client.upload_file(remote.code())
        client.run(remote.set_variables, remote.variables())
        client.run_on_scheduler(remote.set_variables, remote.variables())
        moment_is("ready")
        # Fewer: the first by address. https://distributed.dask.org/en/stable/locality.html#user-control
        known = sorted(client.scheduler_info(n_workers=-1)["workers"])
        yield from function(job, rounds, n_jobs, address=address, on=known[:n_jobs] if n_jobs < len(known) else None)


def on_cluster(function, **traits):
    return idiom(partial(send_and_run, function=function), cluster=True, closes=LEAVES, **traits)


def cluster_at(address):
    import trial.remote as remote

    with Client(address) as client:
        if not (known := client.scheduler_info(n_workers=-1)["workers"]):
            return {"workers": 0}
        last = list(known)[-1:]
        return {
            "workers": len(known),
            "threads": sorted({worker["nthreads"] for worker in known.values()}),
            "hosts": sorted({worker["host"] for worker in known.values()}),
            "versions": [w["packages"] for w in client.get_versions(packages=remote.PACKAGES)["workers"].values()],
            **remote.network(
                lambda: client.run(int, workers=last), lambda data: client.scatter(data, workers=last, hash=False)
            ),
        }


WAITS = {"closes": "waits until its workers have ended"}  # pools of the schedulers that have no cluster
POOLS = {"threads": THREADS | WAITS, "processes": SPAWN | WAITS}
SCHEDULERS = {"synchronous": {"workers": "caller"}, **POOLS, "distributed": SPAWN}
MAP = {
    f"{name}, delayed": idiom(
        partial(map_delayed, scheduler=name), means="delayed", varies_scheduler=name != "threads", **traits
    )
    for name, traits in SCHEDULERS.items()
}
MAP["distributed, client.map"] = by_client(map_client)
MAP["distributed, lifetime"] = by_client(map_renewed, renews=True)
MAP["distributed, client.map of batches"] = by_client(map_batches, batched=True)
MAP["cluster: client.map"] = on_cluster(map_client)
MAP["cluster: client.map of batches"] = on_cluster(map_batches, batched=True)
MAP["distributed, scatter"] = by_client(map_scattered, shares="scattered")
GRAPH = {
    f"{name}, graph": idiom(partial(graph_delayed, scheduler=name), means="delayed", **traits)
    for name, traits in SCHEDULERS.items()
}


def shared_scattered(job, rounds, n_jobs, start="spawn", address=None, replicate=False, on=None, **options):
    with cluster(n_jobs, start, address) as client:
        with placing(job.nbytes * (1 if start == "threads" else n_jobs)):  # it is sent once
            shared = client.scatter(job.shared, workers=on, broadcast=not replicate, hash=False, **options)
            if replicate:  # it is on one worker, from which the others fetch it
                client.replicate(shared)
        for tasks in rounds:
            yield list(results(client.map(call, tasks, task=job.task, shared=shared, workers=on, pure=False)))


def shared_untrimmed(job, rounds, n_jobs):
    # Nannies make glibc give back all freed memory above 64 KiB: large temporary arrays are paged in each time.
    # https://distributed.dask.org/en/stable/worker-memory.html#automatically-trim-memory
    dask.config.set({"distributed.nanny.pre-spawn-environ": {}})
    yield from shared_scattered(job, rounds, n_jobs)


def shared_naive(job, rounds, n_jobs):
    with cluster(n_jobs) as client:
        for tasks in rounds:
            yield list(results([client.submit(job.task, *arguments, job.shared, pure=False) for arguments in tasks]))


# Not through the scheduler, and under a random name instead of a hash of all bytes.
# https://distributed.dask.org/en/stable/api.html#distributed.Client.scatter
direct = partial(shared_scattered, direct=True)
scattered = partial(idiom, shares="scattered", **SPAWN)
SHARED = {
    "fork, scatter, broadcast": scattered(partial(shared_scattered, start="fork"), start="fork"),
    "spawn, scatter, broadcast": scattered(shared_scattered),
    "spawn, scatter, memory not trimmed": scattered(shared_untrimmed),
    "spawn, scatter, broadcast, direct": scattered(direct, varies_scheduler=True),
    "spawn, scatter, replicate": scattered(partial(shared_scattered, replicate=True), varies_scheduler=True),
    "threads": idiom(partial(shared_scattered, start="threads"), shares="same memory", **THREADS),
    "connected: scatter, broadcast": scattered(shared_scattered, connects_to=serve, closes=LEAVES),
    "cluster: scatter, broadcast": on_cluster(shared_scattered, shares="scattered"),
    "naive: input with every task": idiom(shared_naive, shares="sent with every task", naive=True, **SPAWN),
}


class Made(WorkerPlugin):
    def __init__(self, make):
        self.make = make

    def setup(self, worker):
        worker.made = self.make()


def call_with_made(arguments, task):
    return task(*arguments, get_worker().made)


def setup_plugin(job, rounds, n_jobs, start="spawn", address=None, on=None):
    with cluster(n_jobs, start, address) as client:
        client.register_plugin(Made(job.make), name="made")  # by one name: the next trial's takes its place
        for tasks in rounds:
            yield list(results(client.map(call_with_made, tasks, task=job.task, workers=on, pure=False)))


def setup_threads(job, rounds, n_jobs):
    with cluster(n_jobs, "threads") as client:
        made = client.scatter(job.make(), hash=False)  # between threads, it stays where it is
        for tasks in rounds:
            yield list(results(client.map(call, tasks, task=job.task, made=made, pure=False)))


def setup_naive(job, rounds, n_jobs):
    with cluster(n_jobs) as client:
        for tasks in rounds:
            yield list(results(client.map(lambda arguments: job.task(*arguments, job.make()), tasks, pure=False)))


once = partial(idiom, sets_up="once per worker", **SPAWN)  # unless something else is said
SETUP = {
    "fork, worker plugin": once(partial(setup_plugin, start="fork"), start="fork"),
    "spawn, worker plugin": once(setup_plugin),
    "threads": idiom(setup_threads, sets_up="in the caller", **THREADS),
    "connected: worker plugin": once(setup_plugin, connects_to=serve, closes=LEAVES),
    "cluster: worker plugin": on_cluster(setup_plugin, sets_up="once per worker"),
    "naive: setup in every task": once(setup_naive, sets_up="in every task", naive=True),
}


def state_merged(job, rounds, n_jobs):
    with cluster(n_jobs) as client:
        for tasks in rounds:
            yield job.combine(results(client.map(job.part, in_batches(tasks, n_jobs, each=16), pure=False)))


def count_all(batch, task):
    made = get_worker().made
    for arguments in batch:
        task(*arguments, made)


def hand_back(dask_worker, job):
    part, dask_worker.made = job.hand_back(dask_worker.made), job.start()
    return part


def state_plugin(job, rounds, n_jobs, start="spawn", address=None, on=None):
    with cluster(n_jobs, start, address) as client:
        client.register_plugin(Made(job.start), name="made")
        for tasks in rounds:
            batches = in_batches(tasks, n_jobs, each=16)
            client.gather(client.map(count_all, batches, task=job.task, workers=on, pure=False))
            yield job.combine(client.run(hand_back, job=job, workers=on).values())


kept = partial(idiom, keeps_state=True, batched=True, **SPAWN)
STATE = {
    "spawn, merge parts": idiom(state_merged, batched=True, **SPAWN),
    "fork, state, client.run": kept(partial(state_plugin, start="fork"), start="fork"),
    "spawn, state, client.run": kept(state_plugin),
    "connected: state, client.run": kept(state_plugin, connects_to=serve, closes=LEAVES),
    "cluster: state, client.run": on_cluster(state_plugin, keeps_state=True, batched=True),
}


def stream_queue(job, rounds, n_jobs):
    with cluster(n_jobs) as client:
        for tasks in rounds:
            yield queue(client, partial(call, task=job.task), tasks, 4 * n_jobs)


def queue(client, function, tasks, size):
    # https://distributed.dask.org/en/stable/api.html#distributed.as_completed
    ended = as_completed(client.map(function, list(islice(tasks, size)), pure=False), with_results=True)
    for _, result in ended:
        ended.update(client.map(function, list(islice(tasks, 1)), pure=False))
        yield result


STREAM = {"spawn, as_completed": idiom(stream_queue, means="client.map", **SPAWN)}

if __name__ == "__main__":
    run(cluster_at, map=MAP, shared=SHARED, setup=SETUP, state=STATE, graph=GRAPH, stream=STREAM)
