"""Ray: tasks and actors on a local Ray instance with one CPU slot per worker.

An image, or one large input, is put into the object store once and passed by reference; state and model live in
actors, one per worker, fed by an `ActorPool`, and asked for at the end.
https://docs.ray.io/en/latest/ray-core/patterns/index.html
"""

from contextlib import contextmanager

from trial.script import graphs, needs, run
from trial.tasklog import placing
from workloads import graphs as task_graphs
from workloads import initialization, numerical, stateful

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


def numerical_put(inputs, n_jobs):
    with local_ray(n_jobs):
        # https://docs.ray.io/en/latest/ray-core/patterns/pass-large-arg-by-value.html
        image = ray.put(inputs.image)
        filter_image = ray.remote(numerical.filter_image)
        return list(results([filter_image.remote(index, image) for index in range(inputs.num_filters)]))


def numerical_naive(inputs, n_jobs):
    with local_ray(n_jobs):
        filter_image = ray.remote(numerical.filter_image)
        return list(results([filter_image.remote(index, inputs.image) for index in range(inputs.num_filters)]))


def stateful_merge(inputs, n_jobs):
    with local_ray(n_jobs):
        count_prefixes = ray.remote(stateful.count_prefixes)
        return stateful.frequent_prefixes(results([count_prefixes.remote(*document) for document in inputs.documents]))


class Counting:
    def __init__(self):
        self.counter = stateful.PrefixCounter()

    def add(self, index, text):
        self.counter.add(index, text)

    def counts(self):
        return self.counter.counts


def stateful_actors(inputs, n_jobs):
    with local_ray(n_jobs):
        actors = [ray.remote(Counting).remote() for _ in range(n_jobs)]
        for _ in ActorPool(actors).map_unordered(lambda actor, document: actor.add.remote(*document), inputs.documents):
            pass
        return stateful.frequent_prefixes(ray.get([actor.counts.remote() for actor in actors]))


class Model:
    def __init__(self, path):
        self.model = initialization.load_model(path)

    def predict(self, index, images):
        return initialization.predict(index, images, self.model)


def initialization_actors(inputs, n_jobs):
    with local_ray(n_jobs):
        pool = ActorPool([ray.remote(Model).remote(inputs.model_path) for _ in range(n_jobs)])
        return [
            labels
            for tasks in inputs.rounds
            for labels in pool.map_unordered(lambda actor, task: actor.predict.remote(*task), tasks)
        ]


def initialization_naive(inputs, n_jobs):
    with local_ray(n_jobs):
        predict = ray.remote(initialization.load_and_predict)
        return [
            labels
            for tasks in inputs.rounds
            for labels in results([predict.remote(*task, inputs.model_path) for task in tasks])
        ]


def sharing_put(inputs, n_jobs):
    # "Zero-copy reads": https://docs.ray.io/en/latest/ray-core/objects/serialization.html#numpy-arrays
    with local_ray(n_jobs):
        with placing(inputs.nbytes):
            data = ray.put(inputs.data)
        task = ray.remote(inputs.task)
        return list(results([task.remote(index, data) for index in range(inputs.num_tasks)]))


def sharing_naive(inputs, n_jobs):
    with local_ray(n_jobs):
        task = ray.remote(inputs.task)
        return list(results([task.remote(index, inputs.data) for index in range(inputs.num_tasks)]))


def map_tasks(task, rounds, n_jobs):
    with local_ray(n_jobs):
        remote = ray.remote(task)
        for tasks in rounds:
            yield ray.get([remote.remote(*arguments) for arguments in tasks])


class Worker:
    def __init__(self, task):
        self.run = task

    def call(self, arguments):
        return self.run(*arguments)


def map_actors(task, rounds, n_jobs):
    # In turn: an `ActorPool` gives out one task per call, and waits for it before that actor's next.
    with local_ray(n_jobs):
        actors = [ray.remote(Worker).remote(task) for _ in range(n_jobs)]
        for tasks in rounds:
            yield ray.get([actors[i % n_jobs].call.remote(arguments) for i, arguments in enumerate(tasks)])


def map_pool(task, rounds, n_jobs):
    # https://docs.ray.io/en/latest/ray-more-libs/multiprocessing.html
    with local_ray(n_jobs), Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(task, tasks)


def map_pool_rebuilt(task, rounds, n_jobs):
    # As many use it: a new pool for every round, on a Ray that goes on running.
    with local_ray(n_jobs):
        for tasks in rounds:
            with Pool(n_jobs) as pool:
                results = pool.starmap(task, tasks)
            yield results


@graphs
def graph_rounds(task, rounds, n_jobs):
    with local_ray(n_jobs):
        remote = ray.remote(task)
        for nodes in rounds:
            made = []
            for arguments, needs in nodes:
                made.append(remote.remote(*arguments, *(made[position] for position in needs)))
            yield ray.get([made[position] for position in task_graphs.sinks([needs for _, needs in nodes])])


ROUNDS = {"tasks": map_tasks, "actors": map_actors, "ray.util.multiprocessing.Pool": map_pool}
GRAPHS = {"graph of tasks": graph_rounds}

SHARING = {"tasks, ray.put": sharing_put, "naive: input with every task": sharing_naive}

if __name__ == "__main__":
    run(
        numerical={"tasks, ray.put": numerical_put, "naive: image with every task": numerical_naive},
        stateful={"tasks, merge counts": stateful_merge, "actors": stateful_actors},
        initialization={"actors": initialization_actors, "naive: model in every task": initialization_naive},
        sharing=SHARING,
        sharing_frame=SHARING,
        overhead=ROUNDS | GRAPHS,
        grid=ROUNDS | {"naive: Pool for every round": map_pool_rebuilt},
        granularity=ROUNDS | GRAPHS,
    )
