"""A library script in which everything goes wrong that can go wrong, one idiom each."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, shared_memory
from pathlib import Path

from trial.script import idiom, run
from trial.tasklog import task


def right(job, rounds, n_jobs):
    for tasks in rounds:
        yield [job.task(*arguments, job.shared) for arguments in tasks]


def raises(job, rounds, n_jobs):
    raise ValueError("no [bold]luck[/bold]\nsecond line")
    yield


def exits(job, rounds, n_jobs):
    sys.exit(3)
    yield


def dies(job, rounds, n_jobs):
    os.kill(os.getpid(), signal.SIGSEGV)
    yield


def hangs(job, rounds, n_jobs):
    subprocess.Popen(["sleep", "300"], start_new_session=True)  # as a daemon would
    time.sleep(300)
    yield


def out_of_memory(job, rounds, n_jobs):
    raise MemoryError
    yield


def wrong_result(job, rounds, n_jobs):
    for answers in right(job, rounds, n_jobs):
        yield [(number, image + 1) for number, image in answers]


def wrong_in_a_kept_round(job, rounds, n_jobs):
    answers = right(job, rounds, n_jobs)
    yield next(answers)
    yield [(number, image + 1) for number, image in next(answers)]


def answers_of_an_earlier_round(job, rounds, n_jobs):
    for tasks in rounds:
        first = [job.task(*arguments, job.shared) for arguments in tasks]
        yield first
        for tasks in rounds:
            for arguments in tasks:
                job.task(*arguments, job.shared)
            yield first


def remembers_what_it_computed(job, rounds, n_jobs):
    images = {}
    for tasks in rounds:
        for number, filter_index in tasks:
            if filter_index not in images:
                _, images[filter_index] = job.task(number, filter_index, job.shared)
            else:
                with task(number):
                    pass
        yield [(number, images[filter_index]) for number, filter_index in tasks]


def no_result(job, rounds, n_jobs):
    for _ in right(job, rounds, n_jobs):
        yield 0


def drops_a_task(job, rounds, n_jobs):
    for tasks in rounds:
        done = [job.task(*arguments, job.shared) for arguments in tasks[:-1]]
        yield [*done, (tasks[-1][0], done[0][1])]


def guesses_a_result(job, rounds, n_jobs):
    """With the right result of a task that did not run: only counting tells."""
    log = os.environ["BENCHMARK_TASK_LOG"]
    for tasks in rounds:
        done = [job.task(*arguments, job.shared) for arguments in tasks[:-1]]
        del os.environ["BENCHMARK_TASK_LOG"]
        done.append(job.task(*tasks[-1], job.shared))
        os.environ["BENCHMARK_TASK_LOG"] = log
        yield done


def runs_a_task_twice(job, rounds, n_jobs):
    for tasks in rounds:
        job.task(*tasks[2], job.shared)
        yield [job.task(*arguments, job.shared) for arguments in tasks]


def _exit_in_worker(index):
    sys.exit(1)


def exits_in_worker(job, rounds, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        yield list(executor.map(_exit_in_worker, range(2)))


class _Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def _raise_unpicklable(index):
    raise _Unpicklable("one", "two")


def hangs_on_unpicklable(job, rounds, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        yield pool.map(_raise_unpicklable, range(2))


def _kill_worker(index):
    os.kill(os.getpid(), signal.SIGKILL)


def worker_dies(job, rounds, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        yield list(executor.map(_kill_worker, range(2)))


def _on_two_threads(task, *arguments):
    os.environ["OMP_NUM_THREADS"] = "2"
    return task(*arguments)


def in_pool(job, rounds, pool, task, *before, chunksize=None):
    with pool:
        for tasks in rounds:
            yield pool.starmap(task, [(*before, *arguments, job.shared) for arguments in tasks], chunksize)


def two_threads(job, rounds, n_jobs):
    return in_pool(job, rounds, get_context("fork").Pool(n_jobs), _on_two_threads, job.task)


def _pin():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def pinned(job, rounds, n_jobs):
    return in_pool(job, rounds, get_context("fork").Pool(n_jobs, _pin), job.task)


def too_many_workers(job, rounds, n_jobs):
    return in_pool(job, rounds, get_context("fork").Pool(n_jobs + 2, maxtasksperchild=1), job.task, chunksize=1)


def leaves_things(job, rounds, n_jobs):
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    subprocess.Popen(["sh", "-c", "sleep 300 & exit 0"])  # its grandchild is an orphan at once
    os.write(tempfile.mkstemp()[0], b"12345")
    segment = shared_memory.SharedMemory(create=True, size=1000)
    segment.buf[:3] = b"abc"
    Path(f"/dev/shm/psm_left-{os.getpid()}").write_bytes(b"1234567")
    yield from right(job, rounds, n_jobs)


@contextmanager
def does_not_start(n_jobs):
    sys.exit(7)
    yield


def connects(job, rounds, n_jobs, address=None):
    return right(job, rounds, n_jobs)


if __name__ == "__main__":
    functions = (
        right, raises, exits, dies, hangs, out_of_memory, wrong_result, wrong_in_a_kept_round,
        answers_of_an_earlier_round, remembers_what_it_computed, no_result, drops_a_task, guesses_a_result,
        runs_a_task_twice, exits_in_worker, hangs_on_unpicklable, worker_dies, two_threads, pinned, too_many_workers,
        leaves_things,
    )  # fmt: skip
    rows = {function.__name__: idiom(function) for function in functions}
    run(shared={**rows, "nothing_to_connect_to": idiom(connects, connects_to=does_not_start)})
