"""A library script in which everything goes wrong that can go wrong, one idiom each."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, shared_memory
from pathlib import Path

from trial.script import run
from workloads import numerical


def right(inputs, n_jobs):
    return [numerical.filter_image(index, inputs.image) for index in range(inputs.num_filters)]


def raises(inputs, n_jobs):
    raise ValueError("no [bold]luck[/bold]\nsecond line")


def exits(inputs, n_jobs):
    sys.exit(3)


def dies(inputs, n_jobs):
    os.kill(os.getpid(), signal.SIGSEGV)


def hangs(inputs, n_jobs):
    subprocess.Popen(["sleep", "300"], start_new_session=True)  # as a daemon would
    time.sleep(300)


def out_of_memory(inputs, n_jobs):
    raise MemoryError


def wrong_result(inputs, n_jobs):
    return [(index, image + 1) for index, image in right(inputs, n_jobs)]


def no_result(inputs, n_jobs):
    right(inputs, n_jobs)


def drops_a_task(inputs, n_jobs):
    done = [numerical.filter_image(index, inputs.image) for index in range(inputs.num_filters - 1)]
    return [*done, (inputs.num_filters - 1, done[0][1])]


def runs_a_task_twice(inputs, n_jobs):
    numerical.filter_image(2, inputs.image)
    return right(inputs, n_jobs)


def _exit_in_worker(index):
    sys.exit(1)


def exits_in_worker(inputs, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        return list(executor.map(_exit_in_worker, range(2)))


class _Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(one)


def _raise_unpicklable(index):
    raise _Unpicklable("one", "two")


def hangs_on_unpicklable(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        return pool.map(_raise_unpicklable, range(2))


def _kill_worker(index):
    os.kill(os.getpid(), signal.SIGKILL)


def worker_dies(inputs, n_jobs):
    with ProcessPoolExecutor(n_jobs, get_context("fork")) as executor:
        return list(executor.map(_kill_worker, range(2)))


def _filter_on_two_threads(index_and_image):
    os.environ["OMP_NUM_THREADS"] = "2"
    return numerical.filter_image(*index_and_image)


def two_threads(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        return pool.map(_filter_on_two_threads, [(i, inputs.image) for i in range(inputs.num_filters)])


def _pin():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def pinned(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs, _pin) as pool:
        return pool.starmap(numerical.filter_image, [(i, inputs.image) for i in range(inputs.num_filters)])


def too_many_workers(inputs, n_jobs):
    with get_context("fork").Pool(n_jobs + 2, maxtasksperchild=1) as pool:
        return pool.starmap(numerical.filter_image, [(i, inputs.image) for i in range(inputs.num_filters)], 1)


def leaves_things(inputs, n_jobs):
    subprocess.Popen(["sleep", "300"], start_new_session=True)
    subprocess.Popen(["sh", "-c", "sleep 300 & exit 0"])  # its grandchild is an orphan at once
    os.write(tempfile.mkstemp()[0], b"12345")
    segment = shared_memory.SharedMemory(create=True, size=1000)
    segment.buf[:3] = b"abc"
    Path(f"/dev/shm/psm_left-{os.getpid()}").write_bytes(b"1234567")
    return right(inputs, n_jobs)


if __name__ == "__main__":
    idioms = (
        right, raises, exits, dies, hangs, out_of_memory, wrong_result, no_result, drops_a_task, runs_a_task_twice,
        exits_in_worker, hangs_on_unpicklable, worker_dies, two_threads, pinned, too_many_workers, leaves_things,
    )  # fmt: skip
    run(numerical={function.__name__: function for function in idioms})
