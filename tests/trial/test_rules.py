"""The rules that every trial is held to: they refuse what is wrong, and never a right trial, however busy it is."""

import time
from itertools import count

import numpy as np
import pytest

from trial import workload
from trial.breakdown import check_parts, parts_of
from trial.rules import LEAST_MEASURE_S, Rules, check_new_workers, check_tasks, check_work, check_workers
from trial.workload import plain_loop

SIMULATED = 10_000


def test_tasks_are_counted_each():
    assert check_tasks([2, 0, 1], 3) is None
    assert check_tasks([], 0) is None
    assert check_tasks([0, 1], 3) == "3 tasks asked for, 2 ran: 1 never, 0 more than once"
    assert check_tasks([0, 1, 1], 3) == "3 tasks asked for, 3 ran: 1 never, 1 more than once"
    assert check_tasks([0, 1, 2, 7], 3) is not None


def test_workers_are_held_to_the_same_conditions():
    assert check_workers({10: (4, 1), 11: (4, 1)}, Rules(2, 4, 1, parent=1)) is None
    assert check_workers({1: (4, 1)}, Rules(1, 4, 1, parent=1)) is None
    assert "calling process" in check_workers({1: (4, 1)}, Rules(2, 4, 1, parent=1))
    assert "unlimited" in check_workers({10: (4, 0)}, Rules(2, 4, 1, parent=1))
    assert "4 threads" in check_workers({10: (4, 4)}, Rules(2, 4, 1, parent=1))
    assert check_workers({10: (4, 4)}, Rules(2, 4, 4, parent=1)) is None  # on purpose
    assert "1 threads, 4 is the rule" in check_workers({10: (4, 1)}, Rules(2, 4, 4, parent=1))
    assert "pinned to 1" in check_workers({10: (1, 1)}, Rules(2, 4, 1, parent=1))
    assert check_new_workers(2, 2) is None
    assert "3 new workers, n_jobs is 2" in check_new_workers(3, 2)


def test_work_that_no_clock_has_seen():
    assert check_work(0.5, least_s=1.0, compute_threads=1) is None
    assert check_work(0.05, least_s=1.0, compute_threads=4) is None  # each task on several cores
    assert check_work(0.0, least_s=0.0, compute_threads=1) is None  # not known
    assert check_work(0.0, least_s=0.9 * LEAST_MEASURE_S, compute_threads=1) is None  # too short to be a measure
    assert "0.05 s, and at least 1 s" in check_work(0.05, least_s=1.0, compute_threads=1)


class Machine:
    """A clock and a CPU clock that go on by what a simulated task takes on a simulated machine."""

    def __init__(self, random):
        self.random, self.clock_s, self.cpu_s = random, 0.0, 0.0

    def compute(self, work_s):
        """Compute on a core of changing speed that others want too; return what the clock said it took."""
        cpu_s = work_s * self.random.uniform(1.0, 1.75)
        taken_s = cpu_s * self.random.choice([1.0, self.random.uniform(1.0, 20.0)])
        self.cpu_s += cpu_s
        self.clock_s += taken_s
        return taken_s


def test_a_right_trial_is_never_refused_and_one_that_remembers_always(monkeypatch):
    """On simulated machines: jobs of any length, of which the first pass loads what is needed, or fills a cache."""
    random = np.random.default_rng(11)
    refused = {"right": 0, "remembers": 0, "can be told": 0}
    for _ in range(SIMULATED):
        machine, passes = Machine(random), count()
        work_s, first_s = 10 ** random.uniform(-6, 2), 10 ** random.uniform(-6, 1)
        monkeypatch.setattr(workload, "perf_counter", lambda machine=machine: machine.clock_s)
        monkeypatch.setattr(workload, "process_time", lambda machine=machine: machine.cpu_s)
        _, least_s = plain_loop(
            lambda: machine.compute(work_s + (0 if next(passes) else first_s))  # noqa: B023 -- called at once
        )
        refused["right"] += check_work(machine.compute(work_s), least_s, 1) is not None
        refused["remembers"] += check_work(0.01 * work_s, least_s, 1) is not None
        refused["can be told"] += least_s >= LEAST_MEASURE_S
    assert refused["right"] == 0
    assert refused["remembers"] == refused["can be told"] > SIMULATED / 3


def test_a_plain_loop_takes_the_least_of_its_passes(monkeypatch):
    slept = iter([0.05, 0.0, 0.0, 0.0, 0.0])

    def sleep_and_answer():
        time.sleep(next(slept))
        return 7

    results, least_s = plain_loop(sleep_and_answer)
    assert results == 7
    assert 0 <= least_s < 0.05
    monkeypatch.setattr(workload, "SHORT_LOOP_S", 0.05)
    slept = iter([0.05, 0.05, 0.05])
    plain_loop(sleep_and_answer)
    assert len(list(slept)) == 1  # a long one is passed through no more often than needed


@pytest.mark.parametrize("n_jobs", [1, 2, 3, 8])
def test_the_parts_of_a_right_round_add_up(n_jobs):
    """Of simulated rounds: workers that take tasks when they are free, set up before and between, and pause."""
    random = np.random.default_rng(n_jobs)
    for _ in range(SIMULATED // 10):
        call_ns = int(random.integers(0, 10**12))
        free = [call_ns + int(random.exponential(10 ** random.uniform(0, 9))) for _ in range(n_jobs)]
        tasks, made = [], []
        for number in range(random.integers(1, 20)):
            worker = int(np.argmin(free))
            if random.random() < 0.2:
                start = free[worker]
                free[worker] += int(random.exponential(10 ** random.uniform(0, 9)))
                made.append((worker, start, free[worker]))
            start = free[worker] + int(random.exponential(10 ** random.uniform(0, 6)))
            free[worker] = start + int(random.exponential(10 ** random.uniform(0, 9)))
            tasks.append((number, worker, start, free[worker]))
        seconds = (max(end for *_, end in tasks) - call_ns + int(random.exponential(1e6))) / 1e9
        parts = parts_of(tasks, made, call_ns, call_ns + round(1e9 * seconds), n_jobs)
        assert check_parts(parts, seconds) is None
