"""Idioms that were tried and are not rows, beside those that are: ``python tools/idioms_tried.py [WORKLOAD ...]``.

This is a library's script like the others, so that all idioms are checked and counted alike. The functions import the
libraries, in the cold round: compare the kept rounds only. docs/fairness.md says what was found.
"""

import sys
from functools import partial
from operator import attrgetter, methodcaller
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a tool is run as a file of its own

from trial.script import idiom, in_batches, run


def as_it_is(job, rounds, n_jobs, script, name, options=(), settings=()):
    """Run what is a row of the library's script. ``options``: of its function; ``settings``: of Dask."""
    module = __import__(script)
    if settings:
        import dask

        dask.config.set(dict(settings))
    return getattr(module, name)(job, rounds, n_jobs, **dict(options))


def row(script, name, **changes):
    return partial(as_it_is, script=script, name=name, **changes)


def pool_parts(job, rounds, n_jobs, each):
    """As the row that merges parts; ``each``: batches, and so parts, a worker."""
    from multiprocessing import get_context

    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield job.combine(pool.imap_unordered(job.part, in_batches(tasks, n_jobs, each)))


def joblib_parts(job, rounds, n_jobs, each):
    from benchmark_joblib import Parallel, close, delayed

    with Parallel(n_jobs=n_jobs, return_as="generator_unordered") as parallel:
        for tasks in rounds:
            yield job.combine(parallel(delayed(job.part)(batch) for batch in in_batches(tasks, n_jobs, each)))
    close(n_jobs)


def dask_parts(job, rounds, n_jobs, each):
    from benchmark_dask import cluster, results

    with cluster(n_jobs) as client:
        for tasks in rounds:
            yield job.combine(results(client.map(job.part, in_batches(tasks, n_jobs, each), pure=False)))


def dask_delayed_threads(job, rounds, n_jobs, value_of):
    """Without a cluster: https://docs.dask.org/en/stable/scheduling.html#local-threads"""
    from benchmark_dask import dask, delayed, scheduled

    value = delayed(value_of(job), pure=False)
    with scheduled("threads", n_jobs):
        for tasks in rounds:
            yield dask.compute(*[delayed(job.task, pure=False)(*arguments, value) for arguments in tasks])


def dask_state(job, rounds, n_jobs, each=16, scatter=None):
    """As the row; ``each``: batches a worker. With ``scatter``, documents do not travel in the graph."""
    from benchmark_dask import Made, cluster, count_all, hand_back

    with cluster(n_jobs) as client:
        client.register_plugin(Made(job.start))
        for tasks in rounds:
            batches = in_batches(tasks, n_jobs, each)
            if scatter is not None:
                batches = client.scatter(batches, hash=False, direct=scatter)
            client.gather(client.map(count_all, batches, task=job.task, pure=False))
            yield job.combine(client.run(hand_back, job=job).values())


class Counting:
    """An actor of Dask: https://distributed.dask.org/en/stable/actors.html"""

    def __init__(self, job):
        self.job, self.state = job, job.start()

    def count_all(self, batch):
        for arguments in batch:
            self.job.task(*arguments, self.state)

    def hand_back(self):
        part, self.state = self.job.hand_back(self.state), self.job.start()
        return part


def dask_actors(job, rounds, n_jobs):
    from benchmark_dask import cluster

    with cluster(n_jobs, direct_to_workers=True) as client:
        where = client.scheduler_info()["workers"]
        actors = [client.submit(Counting, job, actor=True, workers=[one], pure=False).result() for one in where]
        for tasks in rounds:
            batches = in_batches(tasks, n_jobs, each=16)
            for answer in [actors[i % n_jobs].count_all(batch) for i, batch in enumerate(batches)]:
                answer.result()
            yield job.combine([actor.hand_back().result() for actor in actors])


def dask_bag(job, rounds, n_jobs):
    """https://docs.dask.org/en/stable/bag-creation.html: a partition is a task."""
    import dask.bag

    from benchmark_dask import cluster

    with cluster(n_jobs):
        for tasks in rounds:
            yield dask.bag.from_sequence(tasks, npartitions=4 * n_jobs).starmap(job.task).compute()


def ray_parts(job, rounds, n_jobs, each):
    from benchmark_ray import ray, ray_for, results

    with ray_for(n_jobs):
        part = ray.remote(lambda batch: job.part(batch))
        for tasks in rounds:
            yield job.combine(results([part.remote(batch) for batch in in_batches(tasks, n_jobs, each)]))


def ray_actor_pool(job, rounds, n_jobs, prepare):
    """https://docs.ray.io/en/latest/ray-core/actors.html: an `ActorPool` gives out one call at a time."""
    from benchmark_ray import actors, ray, ray_for

    with ray_for(n_jobs):
        workers = actors(n_jobs, job.task, getattr(job, prepare))
        pool = ray.util.ActorPool(workers)
        for tasks in rounds:
            answers = list(pool.map_unordered(lambda actor, arguments: actor.call.remote(arguments), tasks))
            yield (
                job.combine(ray.get([one.hand_back.remote(job) for one in workers])) if prepare == "start" else answers
            )


def ray_wait(job, rounds, n_jobs):
    """Take results of tasks with a shared input one by one, as they end: `ray.wait` gets all references each time."""
    from benchmark_ray import ray, ray_for, results

    with ray_for(n_jobs):
        shared, task = ray.put(job.shared), ray.remote(job.task)
        for tasks in rounds:
            yield list(results([task.remote(*arguments, shared) for arguments in tasks]))


def ray_data(job, rounds, n_jobs):
    """https://docs.ray.io/en/latest/data/batch_inference.html: a class that is made once per actor."""
    from benchmark_ray import ray, ray_for

    class Calling:
        def __init__(self):
            self.made = job.make()

        def __call__(self, row):
            number, labels = job.task(int(row["number"]), row["images"], self.made)
            return {"number": number, "labels": labels}

    with ray_for(n_jobs):
        compute = ray.data.ActorPoolStrategy(size=n_jobs)
        for tasks in rounds:
            rows = [{"number": number, "images": images} for number, images in tasks]
            found = ray.data.from_items(rows, override_num_blocks=len(rows)).map(Calling, compute=compute).take_all()
            yield [(row["number"], row["labels"]) for row in found]


dask = partial(idiom, start="spawn")
ray = partial(idiom, start="Ray's own")
by_fork, by_loky = partial(idiom, start="fork"), partial(idiom, start="loky")
threads = partial(idiom, workers="threads")
PARTS = {"1 part a worker": 1, "4 parts a worker": 4, "16 parts a worker": 16, "a part of each document": 10**9}
NO_PROFILER = {"distributed.worker.profile.enabled": False}
NO_STEALING = {"distributed.scheduler.work-stealing": False}

if __name__ == "__main__":
    run(
        map={
            "Dask, row: client.map of batches": dask(row("benchmark_dask", "map_batches"), batched=True),
            "Dask, dask.bag": dask(dask_bag, batched=True),
        },
        shared={
            "Dask, row: scatter": dask(row("benchmark_dask", "shared_scattered")),
            "Dask, scatter, no profiler": dask(row("benchmark_dask", "shared_scattered", settings=NO_PROFILER)),
            "Dask, scatter, no work stealing": dask(row("benchmark_dask", "shared_scattered", settings=NO_STEALING)),
            "Dask, row: memory not trimmed": dask(row("benchmark_dask", "shared_untrimmed")),
            "Dask, row: threads": threads(row("benchmark_dask", "shared_scattered", options={"start": "threads"})),
            "Dask, threads, delayed": threads(partial(dask_delayed_threads, value_of=attrgetter("shared"))),
            "Ray, row: ray.get": ray(row("benchmark_ray", "shared_put")),
            "Ray, ray.wait one by one": ray(ray_wait),
        },
        setup={
            "Dask, row: threads": threads(row("benchmark_dask", "setup_threads"), sets_up="in the caller"),
            "Dask, threads, delayed": threads(
                partial(dask_delayed_threads, value_of=methodcaller("make")), sets_up="in the caller"
            ),
            "Ray, row: two calls in flight": ray(row("benchmark_ray", "setup_actors"), sets_up="once per worker"),
            "Ray, ActorPool": ray(partial(ray_actor_pool, prepare="make"), sets_up="once per worker"),
            "Ray, ray.data": ray(ray_data, sets_up="once per worker", keeps_pool=False),
        },
        state={
            "Dask, row: batches, client.run": dask(row("benchmark_dask", "state_plugin"), keeps_state=True),
            "Dask, no profiler": dask(row("benchmark_dask", "state_plugin", settings=NO_PROFILER), keeps_state=True),
            "Dask, a task a document": dask(partial(dask_state, each=10**9), keeps_state=True),
            "Dask, scatter": dask(partial(dask_state, scatter=False), keeps_state=True),
            "Dask, scatter, direct": dask(partial(dask_state, scatter=True), keeps_state=True),
            "Dask, actors": dask(dask_actors, keeps_state=True),
            "Dask, row: merge parts of batches": dask(row("benchmark_dask", "state_merged")),
            **{f"Dask, {said}": dask(partial(dask_parts, each=each)) for said, each in PARTS.items()},
            "Ray, row: two batches in flight": ray(row("benchmark_ray", "state_actors"), keeps_state=True),
            "Ray, ActorPool": ray(partial(ray_actor_pool, prepare="start"), keeps_state=True),
            "Ray, row: merge parts of batches": ray(row("benchmark_ray", "state_merged")),
            **{f"Ray, {said}": ray(partial(ray_parts, each=each)) for said, each in PARTS.items()},
            **{f"Pool, {said}": by_fork(partial(pool_parts, each=each)) for said, each in PARTS.items()},
            **{f"joblib, {said}": by_loky(partial(joblib_parts, each=each)) for said, each in PARTS.items()},
        },
    )
