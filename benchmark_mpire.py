"""MPIRE: `WorkerPool` with shared objects, worker state, and hooks at a worker's start and exit.

Shared objects, one large input among them, reach forked workers copy-on-write, and spawned ones by one copy each.
State is filled by tasks and handed back by `worker_exit`. `keep_alive` keeps the workers, and what `worker_init`
loaded, for the next round.
https://sybrenjansen.github.io/mpire/usage/workerpool/index.html
"""

from functools import partial

from trial.script import needs, run, skip, threads
from workloads import initialization, numerical, stateful

with needs("mpire"):
    from mpire import WorkerPool


def filter_shared(image, index):
    return numerical.filter_image(index, image)


def numerical_shared(inputs, n_jobs, method="fork"):
    # imap_unordered, not map: map would concatenate the arrays that it gets back.
    # https://sybrenjansen.github.io/mpire/usage/map/numpy.html
    with WorkerPool(n_jobs, shared_objects=inputs.image, start_method=method) as pool:
        return list(pool.imap_unordered(filter_shared, range(inputs.num_filters)))


def numerical_shared_spawn(inputs, n_jobs):
    return numerical_shared(inputs, n_jobs, "spawn")


def numerical_naive(inputs, n_jobs):
    with WorkerPool(n_jobs, start_method="fork") as pool:
        tasks = [(index, inputs.image) for index in range(inputs.num_filters)]
        return list(pool.imap_unordered(numerical.filter_image, tasks))


def stateful_merge(inputs, n_jobs):
    with WorkerPool(n_jobs, start_method="fork") as pool:
        return stateful.frequent_prefixes(pool.imap_unordered(stateful.count_prefixes, inputs.documents))


def start_counting(state):
    state["counter"] = stateful.PrefixCounter()


def count_into_state(state, index, text):
    state["counter"].add(index, text)


def hand_back(state):
    return state["counter"].counts


def stateful_exit(inputs, n_jobs, method="fork"):
    # https://sybrenjansen.github.io/mpire/usage/map/worker_init_exit.html
    with WorkerPool(n_jobs, use_worker_state=True, start_method=method) as pool:
        pool.map_unordered(count_into_state, inputs.documents, worker_init=start_counting, worker_exit=hand_back)
        return stateful.frequent_prefixes(pool.get_exit_results())


def stateful_exit_spawn(inputs, n_jobs):
    return stateful_exit(inputs, n_jobs, "spawn")


def load_into_state(path, state):
    state["model"] = initialization.load_model(path)


def predict_with_state(path, state, index, images):
    return initialization.predict(index, images, state["model"])


def label_rounds(pool, predict, rounds, **hooks):
    with pool:
        labels = [labelled for tasks in rounds for labelled in pool.imap_unordered(predict, tasks, **hooks)]
        # Leaving the context would interrupt kept-alive workers and wait up to a second for each: tell them to stop.
        # https://sybrenjansen.github.io/mpire/usage/workerpool/keep_alive.html
        pool.stop_and_join()
        return labels


def initialization_state(inputs, n_jobs, method="fork"):
    pool = WorkerPool(
        n_jobs, shared_objects=inputs.model_path, use_worker_state=True, keep_alive=True, start_method=method
    )
    return label_rounds(pool, predict_with_state, inputs.rounds, worker_init=load_into_state)


def initialization_state_spawn(inputs, n_jobs):
    return initialization_state(inputs, n_jobs, "spawn")


def predict_shared(model, index, images):
    return initialization.predict(index, images, model)


def initialization_fork_after_load(inputs, n_jobs):
    model = initialization.load_model(inputs.model_path)  # once, in the parent, under the clock
    pool = WorkerPool(n_jobs, shared_objects=model, keep_alive=True, start_method="fork")
    return label_rounds(pool, predict_shared, inputs.rounds)


def predict_naively(path, index, images):
    return initialization.load_and_predict(index, images, path)


def initialization_naive(inputs, n_jobs):
    pool = WorkerPool(n_jobs, shared_objects=inputs.model_path, keep_alive=True, start_method="fork")
    return label_rounds(pool, predict_naively, inputs.rounds)


def run_shared(shared, index):
    task, data = shared
    return task(index, data)


def sharing_objects(inputs, n_jobs, method="fork"):
    # https://sybrenjansen.github.io/mpire/usage/workerpool/shared_objects.html
    with WorkerPool(n_jobs, shared_objects=(inputs.task, inputs.data), start_method=method) as pool:
        return list(pool.imap_unordered(run_shared, range(inputs.num_tasks), chunk_size=1))


def sharing_objects_spawn(inputs, n_jobs):
    return sharing_objects(inputs, n_jobs, "spawn")


def sharing_objects_forkserver(inputs, n_jobs):
    return sharing_objects(inputs, n_jobs, "forkserver")


def sharing_naive(inputs, n_jobs):
    with WorkerPool(n_jobs, start_method="fork") as pool:
        tasks = [(index, inputs.data) for index in range(inputs.num_tasks)]
        return list(pool.imap_unordered(inputs.task, tasks, chunk_size=1))


def map_rounds(task, rounds, n_jobs, method="fork", **options):
    pool = WorkerPool(n_jobs, keep_alive=True, start_method=method)
    with pool:
        for tasks in rounds:
            yield pool.map_unordered(task, tasks, **options)
        pool.stop_and_join()


ROUNDS = {
    "fork, default chunks": map_rounds,
    "fork, chunk_size 1": partial(map_rounds, chunk_size=1),
    "spawn, default chunks": partial(map_rounds, method="spawn"),
    "threading": threads(partial(map_rounds, method="threading")),
}
GRAPHS = {"graph": skip("MPIRE has no task graphs")}

SHARING = {
    "fork, shared objects": sharing_objects,
    "spawn, shared objects": sharing_objects_spawn,
    "forkserver, shared objects": sharing_objects_forkserver,
    "naive: input with every task": sharing_naive,
}

if __name__ == "__main__":
    run(
        numerical={
            "fork, shared object": numerical_shared,
            "spawn, shared object": numerical_shared_spawn,
            "naive: image with every task": numerical_naive,
        },
        stateful={
            "fork, merge counts": stateful_merge,
            "fork, state at worker exit": stateful_exit,
            "spawn, state at worker exit": stateful_exit_spawn,
        },
        initialization={
            "fork, worker state": initialization_state,
            "spawn, worker state": initialization_state_spawn,
            "fork after load": initialization_fork_after_load,
            "naive: model in every task": initialization_naive,
        },
        sharing=SHARING,
        sharing_frame=SHARING,
        overhead=ROUNDS | GRAPHS,
        grid={"fork": map_rounds, "threading": ROUNDS["threading"]},
        granularity={name: ROUNDS[name] for name in ("fork, default chunks", "fork, chunk_size 1")} | GRAPHS,
    )
