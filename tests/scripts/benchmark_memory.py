"""Idioms of known memory and known CPU time."""

import mmap
import os
import signal
import time
from pathlib import Path

from trial import tasklog
from trial.script import idiom, run

SIZE = 200 * 2**20
BURN_S = 0.4


def wait_until_sampled():
    """Hold what there is until the sampler has seen it, where there is one."""
    if samples := os.environ.get(tasklog.SAMPLES_VARIABLE):
        tasklog.wait_for_sample(Path(samples))


def serial(job, rounds):
    for tasks in rounds:
        yield [job.task(*arguments, job.shared) for arguments in tasks]


def child(work):
    """Call ``work`` in a forked process, and wait for that to end."""
    if not (pid := os.fork()):
        work()
        os._exit(0)
    os.waitpid(pid, 0)


def touch(memory):
    for offset in range(0, len(memory), mmap.PAGESIZE):
        memory[offset]


def nothing(job, rounds, n_jobs):
    wait_until_sampled()
    yield from serial(job, rounds)


def own_copy(job, rounds, n_jobs):
    def work():
        _kept = b"\1" * SIZE
        wait_until_sampled()

    child(work)
    yield from serial(job, rounds)


def shared_by_fork(job, rounds, n_jobs):
    kept = b"\1" * SIZE

    def work():
        touch(kept)  # read only: the pages stay those of the parent
        wait_until_sampled()

    child(work)
    yield from serial(job, rounds)


def unmapped_segment(job, rounds, n_jobs):
    path = Path(f"/dev/shm/psm_test_{os.getpid()}")
    with path.open("wb") as file:
        for _ in range(SIZE // mmap.PAGESIZE):
            file.write(b"\1" * mmap.PAGESIZE)
    wait_until_sampled()
    path.unlink()
    yield from serial(job, rounds)


def daemon(job, rounds, n_jobs):
    """A grandchild whose parent has ended: in the tree by adoption only."""
    read_end, write_end = os.pipe()

    def start():
        if not os.fork():
            os.setsid()
            _kept = b"\1" * SIZE
            wait_until_sampled()
            os._exit(0)

    child(start)
    os.close(write_end)
    os.read(read_end, 1)  # until the grandchild has ended
    yield from serial(job, rounds)


def burn():
    while time.process_time() < BURN_S:
        pass


def burns(job, rounds, n_jobs):
    child(burn)
    child(burn)
    yield from serial(job, rounds)


def burns_unheard(job, rounds, n_jobs):
    """As Ray's raylet: whoever ignores SIGCHLD is never told what CPU time its children used."""
    for tasks in rounds:
        child(lambda tasks=tasks: burn_unheard(job, tasks))
        log = os.environ.pop("BENCHMARK_TASK_LOG")  # the child's tasks are those that count
        answers = [job.task(*arguments, job.shared) for arguments in tasks]
        os.environ["BENCHMARK_TASK_LOG"] = log
        yield answers


def burn_unheard(job, tasks):
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if not (pid := os.fork()):
        burn()
        for arguments in tasks:
            job.task(*arguments, job.shared)
        os._exit(0)
    while Path(f"/proc/{pid}").exists():
        time.sleep(0.01)


if __name__ == "__main__":
    idioms = (nothing, own_copy, shared_by_fork, unmapped_segment, daemon, burns, burns_unheard)
    run(shared={function.__name__: idiom(function) for function in idioms})
