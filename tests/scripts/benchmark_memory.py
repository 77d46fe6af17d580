"""Idioms of known memory and known CPU time."""

import mmap
import os
import signal
import time
from pathlib import Path

from trial.script import run
from workloads import numerical

SIZE = 200 * 2**20
BURN_S = 0.4
HELD_S = 0.3  # for the sampler to see it


def serial(inputs):
    return [numerical.filter_image(index, inputs.image) for index in range(inputs.num_filters)]


def child(work):
    """Call ``work`` in a forked process, and wait for that to end."""
    if not (pid := os.fork()):
        work()
        os._exit(0)
    os.waitpid(pid, 0)


def touch(memory):
    for offset in range(0, len(memory), mmap.PAGESIZE):
        memory[offset]


def nothing(inputs, n_jobs):
    time.sleep(HELD_S)
    return serial(inputs)


def own_copy(inputs, n_jobs):
    def work():
        _kept = b"\1" * SIZE
        time.sleep(HELD_S)

    child(work)
    return serial(inputs)


def shared_by_fork(inputs, n_jobs):
    kept = b"\1" * SIZE

    def work():
        touch(kept)  # read only: the pages stay those of the parent
        time.sleep(HELD_S)

    child(work)
    return serial(inputs)


def unmapped_segment(inputs, n_jobs):
    path = Path(f"/dev/shm/psm_test_{os.getpid()}")
    with path.open("wb") as file:
        for _ in range(SIZE // mmap.PAGESIZE):
            file.write(b"\1" * mmap.PAGESIZE)
    time.sleep(HELD_S)
    path.unlink()
    return serial(inputs)


def daemon(inputs, n_jobs):
    """A grandchild whose parent has ended: in the tree by adoption only."""

    def start():
        if not os.fork():
            os.setsid()
            _kept = b"\1" * SIZE
            time.sleep(HELD_S)
            os._exit(0)

    child(start)
    time.sleep(HELD_S)
    return serial(inputs)


def burn():
    while time.process_time() < BURN_S:
        pass


def burns(inputs, n_jobs):
    child(burn)
    child(burn)
    return serial(inputs)


def burns_unheard(inputs, n_jobs):
    """As Ray's raylet: whoever ignores SIGCHLD is never told what CPU time its children used."""

    def parent():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        if not (pid := os.fork()):
            burn()
            for index in range(inputs.num_filters):
                numerical.filter_image(index, inputs.image)
            os._exit(0)
        while Path(f"/proc/{pid}").exists():
            time.sleep(0.01)

    child(parent)
    log = os.environ.pop("BENCHMARK_TASK_LOG")  # the child's tasks are those that count
    try:
        return serial(inputs)
    finally:
        os.environ["BENCHMARK_TASK_LOG"] = log


if __name__ == "__main__":
    idioms = (nothing, own_copy, shared_by_fork, unmapped_segment, daemon, burns, burns_unheard)
    run(numerical={function.__name__: function for function in idioms})
