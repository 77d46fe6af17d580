"""Ray: tasks and actors on a local Ray instance with one CPU slot per worker, or on one that runs already.

One large input is put into the object store once and passed by reference. State and setups live in actors, one per
worker. Each actor always has its next call waiting; its state is fetched when a round ends. Short tasks go in batches.
`ray.shutdown` ends, one after another, the processes that Ray has started; connected, it only disconnects. What is told
of a cluster, and `reserve_all_but`, serve rows on a cluster that a user names, and no others.
https://docs.ray.io/en/latest/ray-core/patterns/index.html
"""

import os
import platform
import socket
from contextlib import contextmanager
from functools import partial
from importlib.metadata import distributions
from itertools import chain, islice

from trial.script import CODE_VARIABLE, idiom, in_batches, needs, run
from trial.tasklog import moment_is, placing

# A Ray that is started here does this by itself. A driver that connects to one must set it, before the import.
# https://docs.ray.io/en/latest/ray-security/token-auth.html
os.environ.setdefault("RAY_AUTH_MODE", "token")

with needs("ray"):
    import ray
    from ray.util import ActorPool
    from ray.util.multiprocessing import Pool
    from ray.util.placement_group import placement_group


@contextmanager
def ray_for(n_jobs, address=None):
    # The dashboard is not needed, and workers' output shall not be copied to the driver's; all else is Ray's default.
    # "local": never a Ray that somebody else runs here. `address`: of a Ray that runs already.
    if address and CODE_VARIABLE in os.environ:
        join(address, **shipped())
        reserve_all_but(n_jobs)
        moment_is("ready")
    elif address:
        ray.init(address=address, log_to_driver=False)
    else:
        ray.init(address="local", num_cpus=n_jobs, include_dashboard=False, log_to_driver=False)
    try:
        yield
    finally:
        ray.shutdown()


def join(address, **options):
    # This machine must be a node of the cluster. It is named by the address at which the cluster sees it, because Ray
    # takes any node whose folder it finds here. https://docs.ray.io/en/latest/ray-core/starting-ray.html
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        own = connection.getsockname()[0]
    ray.init(address=address, log_to_driver=False, _node_ip_address=own, **options)


def shipped():
    # https://docs.ray.io/en/latest/ray-core/handling-dependencies.html
    import trial.remote as remote  # here: workers on this machine import this file and need none of it

    return {"runtime_env": {"working_dir": remote.code(), "env_vars": remote.variables()}}


def reserve_all_but(n_jobs):
    # Fewer workers than all: the other CPUs are taken, on as few hosts as Ray can. The driver's end frees them.
    # https://docs.ray.io/en/latest/ray-core/scheduling/placement-group.html
    others = int(ray.cluster_resources()["CPU"]) - n_jobs
    if others:
        ray.get(placement_group([{"CPU": 1}] * others, strategy="PACK").ready())


def versions_of(packages):
    installed = {each.name: each.version for each in distributions()}
    return {"python": platform.python_version(), **{name: installed.get(name) for name in packages}}


def cluster_at(address):
    import trial.remote as remote

    join(address)
    cpus = {node["NodeManagerAddress"]: node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]}
    hosts = sorted(host for host, count in cpus.items() if count)
    facts = {"workers": int(sum(cpus.values())), "hosts": hosts}
    if hosts:
        # The network is measured to the last one: another host than this one, if there is one.
        hosts.sort(key=lambda host: host != ray.util.get_node_ip_address())
        on_host = [{"resources": {f"node:{host}": 0.01}} for host in hosts]
        facts["versions"] = ray.get([ray.remote(**each)(versions_of).remote(remote.PACKAGES) for each in on_host])
        there = ray.remote(**on_host[-1])(lambda sent=None: None)
        facts |= remote.network(lambda: ray.get(there.remote()), lambda sent: ray.get(there.remote(ray.put(sent))))
    ray.shutdown()
    return facts


@contextmanager
def serve(n_jobs):
    with ray_for(n_jobs):
        yield ray.get_runtime_context().gcs_address


def results(references):
    # Something is done with each result: they come in the order in which they end, not all in one ray.get.
    # https://docs.ray.io/en/latest/ray-core/patterns/ray-get-submission-order.html
    while references:
        ready, references = ray.wait(references)
        yield from ray.get(ready)


def map_tasks(job, rounds, n_jobs, address=None, **options):
    with ray_for(n_jobs, address):
        task = ray.remote(**options)(job.task) if options else ray.remote(job.task)
        for tasks in rounds:
            yield ray.get([task.remote(*arguments) for arguments in tasks])


def map_batches(job, rounds, n_jobs, address=None):
    # https://docs.ray.io/en/latest/ray-core/patterns/too-fine-grained-tasks.html
    with ray_for(n_jobs, address):
        task = ray.remote(lambda batch: [job.task(*arguments) for arguments in batch])
        for tasks in rounds:
            batches = in_batches(tasks, n_jobs, each=4)  # as many as multiprocessing.Pool makes
            yield list(chain.from_iterable(ray.get([task.remote(batch) for batch in batches])))


class Worker:
    """``prepare()``: makes what the tasks of one worker need, if they need anything."""

    def __init__(self, task, prepare=None):
        self.task, self.own = task, [prepare()] if prepare else []

    def call(self, arguments):
        return self.task(*arguments, *self.own)

    def call_all(self, batch):
        return [self.call(arguments) for arguments in batch]

    def hand_back(self, job):
        part, self.own = job.hand_back(*self.own), [job.start()]
        return part


def actors(n_jobs, *arguments, **options):
    return [ray.remote(Worker).options(**options).remote(*arguments) for _ in range(n_jobs)]


def in_flight(workers, batches):
    # An actor that has answered gets another batch, and has one waiting meanwhile. An `ActorPool` gives out one at a
    # time. https://docs.ray.io/en/latest/ray-core/patterns/pipelining.html
    out: dict = {}
    batches, free = iter(batches), 2 * workers
    while True:
        out |= {worker.call_all.remote(batch): worker for worker, batch in zip(free, batches, strict=False)}
        if not out:
            return
        ready, _ = ray.wait(list(out))
        free = [out.pop(reference) for reference in ready]
        yield from chain.from_iterable(ray.get(ready))


def map_actors(job, rounds, n_jobs, **options):
    with ray_for(n_jobs):
        workers = actors(n_jobs, job.task, **options)
        for tasks in rounds:
            yield ray.get([workers[i % n_jobs].call.remote(arguments) for i, arguments in enumerate(tasks)])


def map_pool(job, rounds, n_jobs):
    # https://docs.ray.io/en/latest/ray-more-libs/multiprocessing.html
    with ray_for(n_jobs), Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, tasks)


def map_pool_rebuilt(job, rounds, n_jobs):
    # Many use it like this: a new pool for every round, on a Ray that goes on running.
    with ray_for(n_jobs):
        for tasks in rounds:
            with Pool(n_jobs) as pool:
                answers = pool.starmap(job.task, tasks)
            yield answers


def graph_of_tasks(job, rounds, n_jobs):
    with ray_for(n_jobs):
        task = ray.remote(job.task)
        for nodes in rounds:
            made: list = []
            for node in nodes:
                made.append(task.remote(*node.arguments, *(made[place] for place in node.needs)))
            yield ray.get([value for value, node in zip(made, nodes, strict=True) if node.wanted])


def shared_put(job, rounds, n_jobs, address=None):
    # "Zero-copy reads": https://docs.ray.io/en/latest/ray-core/objects/serialization.html#numpy-arrays
    # https://docs.ray.io/en/latest/ray-core/patterns/pass-large-arg-by-value.html
    with ray_for(n_jobs, address):
        with placing(job.nbytes):
            shared = ray.put(job.shared)
        task = ray.remote(job.task)
        for tasks in rounds:
            yield ray.get([task.remote(*arguments, shared) for arguments in tasks])


def shared_naive(job, rounds, n_jobs):
    with ray_for(n_jobs):
        task = ray.remote(job.task)
        for tasks in rounds:
            yield ray.get([task.remote(*arguments, job.shared) for arguments in tasks])


def setup_actors(job, rounds, n_jobs, address=None, **options):
    with ray_for(n_jobs, address):
        workers = actors(n_jobs, job.task, job.make, **options)
        for tasks in rounds:
            yield list(in_flight(workers, ([arguments] for arguments in tasks)))


def make_and_call(job, *arguments):
    return job.task(*arguments, job.make())


def setup_naive(job, rounds, n_jobs):
    with ray_for(n_jobs):
        task = ray.remote(make_and_call)
        for tasks in rounds:
            yield ray.get([task.remote(job, *arguments) for arguments in tasks])


def state_merged(job, rounds, n_jobs):
    with ray_for(n_jobs):
        part = ray.remote(lambda batch: job.part(batch))
        for tasks in rounds:
            yield job.combine(results([part.remote(batch) for batch in in_batches(tasks, n_jobs, each=16)]))


def state_actors(job, rounds, n_jobs, address=None, **options):
    with ray_for(n_jobs, address):
        workers = actors(n_jobs, job.task, job.start, **options)
        for tasks in rounds:
            for _ in in_flight(workers, in_batches(tasks, n_jobs, each=16)):
                pass
            yield job.combine(ray.get([worker.hand_back.remote(job) for worker in workers]))


def stream_window(job, rounds, n_jobs):
    with ray_for(n_jobs):
        for tasks in rounds:
            yield window(ray.remote(job.task), tasks, 4 * n_jobs)


def window(task, tasks, size):
    # https://docs.ray.io/en/latest/ray-core/patterns/limit-pending-tasks.html
    out = [task.remote(*arguments) for arguments in islice(tasks, size)]
    while out:
        (ready, *_), out = ray.wait(out)
        out += [task.remote(*arguments) for arguments in islice(tasks, 1)]
        yield ray.get(ready)


def stream_actors(job, rounds, n_jobs):
    # https://docs.ray.io/en/latest/ray-core/api/doc/ray.util.ActorPool.map_unordered.html
    with ray_for(n_jobs):
        pool = ActorPool(actors(n_jobs, job.task))
        for tasks in rounds:
            yield pool.map_unordered(lambda worker, arguments: worker.call.remote(arguments), tasks)


own = partial(idiom, start="Ray's own", closes="asks its workers to end, and ends those that take too long")
by_tasks, by_actors = partial(own, means="tasks"), partial(own, means="actors")
by_pool = partial(own, means="Pool", batched=True)
LEAVES = "leaves workers running"
connected = {"connects_to": serve, "closes": LEAVES}
on_cluster = {"cluster": True, "closes": LEAVES}
# An actor takes no CPU while it runs, unless it asks for one: all could be on one host.
# https://docs.ray.io/en/latest/ray-core/actors.html
ONE_CPU = {"num_cpus": 1}

if __name__ == "__main__":
    run(
        cluster_at,
        map={
            "tasks": by_tasks(map_tasks),
            # https://docs.ray.io/en/latest/ray-core/api/doc/ray.remote.html
            "tasks, max_calls": by_tasks(partial(map_tasks, max_calls=250), renews=True),
            "tasks of batches": by_tasks(map_batches, batched=True),
            "actors": by_actors(map_actors),
            # https://docs.ray.io/en/latest/ray-core/fault_tolerance/actors.html
            "actors, restarted": by_actors(partial(map_actors, max_restarts=3, max_task_retries=3), limits=True),
            "ray.util.multiprocessing.Pool": by_pool(map_pool),
            "cluster: tasks": by_tasks(map_tasks, **on_cluster),
            "cluster: tasks of batches": by_tasks(map_batches, batched=True, **on_cluster),
            "naive: Pool for every round": by_pool(map_pool_rebuilt, keeps_pool=False, naive=True),
        },
        shared={
            "tasks, ray.put": by_tasks(shared_put, shares="object store"),
            "connected: tasks, ray.put": by_tasks(shared_put, shares="object store", **connected),
            "cluster: tasks, ray.put": by_tasks(shared_put, shares="object store", **on_cluster),
            "naive: input with every task": by_tasks(shared_naive, shares="sent with every task", naive=True),
        },
        setup={
            "actors": by_actors(setup_actors, sets_up="once per worker"),
            "connected: actors": by_actors(setup_actors, sets_up="once per worker", **connected),
            "cluster: actors": by_actors(partial(setup_actors, **ONE_CPU), sets_up="once per worker", **on_cluster),
            "naive: setup in every task": by_tasks(setup_naive, sets_up="in every task", naive=True),
        },
        state={
            "tasks, merge parts": by_tasks(state_merged, batched=True),
            "actors": by_actors(state_actors, keeps_state=True, batched=True),
            "connected: actors": by_actors(state_actors, keeps_state=True, batched=True, **connected),
            "cluster: actors": by_actors(
                partial(state_actors, **ONE_CPU), keeps_state=True, batched=True, **on_cluster
            ),
        },
        graph={"graph of tasks": by_tasks(graph_of_tasks)},
        stream={"tasks, ray.wait": by_tasks(stream_window), "ActorPool": by_actors(stream_actors)},
    )
