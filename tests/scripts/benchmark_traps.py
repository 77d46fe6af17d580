"""Traps that falsified earlier comparisons, walked into on purpose: the suite has to notice each of them."""

from distributed import Client, LocalCluster, get_worker
from joblib import Parallel, delayed
from mpire import WorkerPool

from trial.script import idiom, run


def cluster(n_jobs):
    return LocalCluster(n_workers=n_jobs, threads_per_worker=1, dashboard_address=":0")


def dask_takes_calls_for_pure(job, rounds, n_jobs):
    """Tasks that look identical run once: the results are complete, the work was never done."""
    with cluster(n_jobs) as workers, Client(workers) as client:
        shared = client.scatter(job.shared)
        for tasks in rounds:
            results = client.gather([client.submit(job.task, *tasks[0], shared) for _ in tasks])
            yield [(number, result) for (number, _), (_, result) in zip(tasks, results, strict=True)]


def keep(arguments, job):
    worker = get_worker()
    worker.job, worker.counted = job, getattr(worker, "counted", None) or job.start()
    job.task(*arguments, worker.counted)


def hand_back():
    return get_worker().job.hand_back(get_worker().counted)


def dask_asks_one_worker_for_all(job, rounds, n_jobs):
    """`workers=` is no part of a task's key: every worker is asked, and the first one's answer comes n_jobs times."""
    with cluster(n_jobs) as workers, Client(workers) as client:
        for tasks in rounds:
            client.gather([client.submit(keep, arguments, job, pure=False) for arguments in tasks])
            asked = [client.submit(hand_back, workers=[w]) for w in client.scheduler_info()["workers"]]
            yield job.combine(client.gather(asked))


def state_is_not_cleared(job, rounds, n_jobs):
    """A worker hands back what it has counted since it was started: rounds of before are in it."""
    state = job.start()
    for tasks in rounds:
        for arguments in tasks:
            job.task(*arguments, state)
        yield job.combine([job.hand_back(state)])


def mpire_concatenates_arrays(job, rounds, n_jobs):
    """`map` joins the arrays that come back to one; whoever takes its rows for the results has others."""
    with WorkerPool(n_jobs, shared_objects=job) as pool:
        for tasks in rounds:
            yield enumerate(pool.map(image_alone, tasks))


def image_alone(job, *arguments):
    return job.task(*arguments, job.shared)[1]


def joblib_shares_memory_by_threads(job, rounds, n_jobs):
    """`require="sharedmem"` means threads: no worker process at all."""
    parallel = Parallel(n_jobs=n_jobs, require="sharedmem")
    for tasks in rounds:
        yield parallel(delayed(job.task)(*arguments, job.shared) for arguments in tasks)


if __name__ == "__main__":
    run(
        shared={
            "pure": idiom(dask_takes_calls_for_pure),
            "concatenated": idiom(mpire_concatenates_arrays),
            "threads": idiom(joblib_shares_memory_by_threads),
        },
        state={
            "one worker's state": idiom(dask_asks_one_worker_for_all),
            "not cleared": idiom(state_is_not_cleared, workers="caller"),
        },
    )
