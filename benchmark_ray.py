"""Ray: tasks and actors on a local Ray instance with one CPU slot per worker.

One large input is put into the object store once and passed by reference; state and setups live in actors, one per
worker, fed by an `ActorPool`; the state is asked for at the end of a round.
https://docs.ray.io/en/latest/ray-core/patterns/index.html
"""

from contextlib import contextmanager
from functools import partial

from trial.script import idiom, needs, run
from trial.tasklog import placing

with needs("ray"):
    import ray
    from ray.util import ActorPool
    from ray.util.multiprocessing import Pool


@contextmanager
def local_ray(n_jobs):
    # The dashboard is not needed, and workers' output shall not be copied to the driver's; all else is Ray's default.
    ray.init(num_cpus=n_jobs, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def results(references):
    # In the order in which they end, and not all in one ray.get:
    # https://docs.ray.io/en/latest/ray-core/patterns/ray-get-submission-order.html
    while references:
        ready, references = ray.wait(references)
        yield from ray.get(ready)


def map_tasks(job, rounds, n_jobs):
    with local_ray(n_jobs):
        task = ray.remote(job.task)
        for tasks in rounds:
            yield ray.get([task.remote(*arguments) for arguments in tasks])


class Worker:
    """``prepare()``: makes what the tasks of one worker need, if they need anything."""

    def __init__(self, task, prepare=None):
        self.task, self.own = task, [prepare()] if prepare else []

    def call(self, arguments):
        return self.task(*arguments, *self.own)

    def hand_back(self, job):
        part, self.own = job.hand_back(*self.own), [job.start()]
        return part


def actors(n_jobs, *arguments):
    return [ray.remote(Worker).remote(*arguments) for _ in range(n_jobs)]


def map_actors(job, rounds, n_jobs):
    # In turn: an `ActorPool` gives out one task per call, and waits for it before that actor's next.
    with local_ray(n_jobs):
        workers = actors(n_jobs, job.task)
        for tasks in rounds:
            yield ray.get([workers[i % n_jobs].call.remote(arguments) for i, arguments in enumerate(tasks)])


def map_pool(job, rounds, n_jobs):
    # https://docs.ray.io/en/latest/ray-more-libs/multiprocessing.html
    with local_ray(n_jobs), Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, tasks)


def map_pool_rebuilt(job, rounds, n_jobs):
    # As many use it: a new pool for every round, on a Ray that goes on running.
    with local_ray(n_jobs):
        for tasks in rounds:
            with Pool(n_jobs) as pool:
                answers = pool.starmap(job.task, tasks)
            yield answers


def graph_of_tasks(job, rounds, n_jobs):
    with local_ray(n_jobs):
        task = ray.remote(job.task)
        for nodes in rounds:
            made = []
            for node in nodes:
                made.append(task.remote(*node.arguments, *(made[place] for place in node.needs)))
            yield ray.get([value for value, node in zip(made, nodes, strict=True) if node.wanted])


def shared_put(job, rounds, n_jobs):
    # "Zero-copy reads": https://docs.ray.io/en/latest/ray-core/objects/serialization.html#numpy-arrays
    # https://docs.ray.io/en/latest/ray-core/patterns/pass-large-arg-by-value.html
    with local_ray(n_jobs):
        with placing(job.nbytes):
            shared = ray.put(job.shared)
        task = ray.remote(job.task)
        for tasks in rounds:
            yield list(results([task.remote(*arguments, shared) for arguments in tasks]))


def shared_naive(job, rounds, n_jobs):
    with local_ray(n_jobs):
        task = ray.remote(job.task)
        for tasks in rounds:
            yield list(results([task.remote(*arguments, job.shared) for arguments in tasks]))


def call(actor, arguments):
    return actor.call.remote(arguments)


def setup_actors(job, rounds, n_jobs):
    with local_ray(n_jobs):
        pool = ActorPool(actors(n_jobs, job.task, job.make))
        for tasks in rounds:
            yield list(pool.map_unordered(call, tasks))


def make_and_call(job, *arguments):
    return job.task(*arguments, job.make())


def setup_naive(job, rounds, n_jobs):
    with local_ray(n_jobs):
        task = ray.remote(make_and_call)
        for tasks in rounds:
            yield list(results([task.remote(job, *arguments) for arguments in tasks]))


def part(job, *arguments):
    return job.part(arguments)


def state_merged(job, rounds, n_jobs):
    with local_ray(n_jobs):
        task = ray.remote(part)
        for tasks in rounds:
            yield job.combine(results([task.remote(job, *arguments) for arguments in tasks]))


def state_actors(job, rounds, n_jobs):
    with local_ray(n_jobs):
        workers = actors(n_jobs, job.task, job.start)
        pool = ActorPool(workers)
        for tasks in rounds:
            for _ in pool.map_unordered(call, tasks):
                pass
            yield job.combine(ray.get([worker.hand_back.remote(job) for worker in workers]))


by_tasks = partial(idiom, start="Ray's own", means="tasks")
by_actors = partial(idiom, start="Ray's own", means="actors")
by_pool = partial(idiom, start="Ray's own", means="Pool", batched=True)

if __name__ == "__main__":
    run(
        map={
            "tasks": by_tasks(map_tasks),
            "actors": by_actors(map_actors),
            "ray.util.multiprocessing.Pool": by_pool(map_pool),
            "naive: Pool for every round": by_pool(map_pool_rebuilt, keeps_pool=False, naive=True),
        },
        shared={
            "tasks, ray.put": by_tasks(shared_put, shares="object store"),
            "naive: input with every task": by_tasks(shared_naive, shares="sent with every task", naive=True),
        },
        setup={
            "actors": by_actors(setup_actors, sets_up="once per worker"),
            "naive: setup in every task": by_tasks(setup_naive, sets_up="in every task", naive=True),
        },
        state={"tasks, merge parts": by_tasks(state_merged), "actors": by_actors(state_actors, keeps_state=True)},
        graph={"graph of tasks": by_tasks(graph_of_tasks)},
    )
