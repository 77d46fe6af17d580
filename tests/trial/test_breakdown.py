"""Where the time goes: parts of known schedules, and schedules that cannot be."""

import random

import pytest

from trial.breakdown import check_parts, parts_of

MS = 1_000_000


def seconds(parts):
    return {name: round(value, 9) for name, value in parts.items()}


def test_parts_of_a_known_schedule():
    """Two workers; called at 0 ms, returned at 100 ms; one works 10-40 and 50-60, the other 20-90."""
    tasks = [(0, 7, 10 * MS, 40 * MS), (1, 7, 50 * MS, 60 * MS), (2, 8, 20 * MS, 90 * MS)]
    parts = parts_of(tasks, [], 0, 100 * MS, n_jobs=2)
    assert seconds(parts) == {
        "start_s": 0.010,
        "work_s": 0.055,  # (30 + 10 + 70) / 2
        "wait_s": 0.025,  # (10 between + 30 at the end + 10 before the other's first) / 2
        "tail_s": 0.015,
        "straggler_s": 0.015,  # 90 against the median of 60 and 90
        "gather_s": 0.010,
    }
    assert check_parts(parts, 0.100) is None


def test_a_worker_that_never_worked_waits_all_the_time():
    parts = parts_of([(0, 7, 10 * MS, 50 * MS)], [], 0, 50 * MS, n_jobs=4)
    assert parts["work_s"] == pytest.approx(0.010)
    assert parts["wait_s"] == pytest.approx(0.030)
    assert check_parts(parts, 0.050) is None


def test_a_setup_between_tasks_is_work_and_one_before_them_is_part_of_the_start():
    """Two workers that make what they need: 0-10 ms and 0-15 ms before their first tasks, and one of them again."""
    tasks = [(0, 7, 10 * MS, 20 * MS), (1, 8, 15 * MS, 20 * MS), (2, 7, 35 * MS, 40 * MS)]
    made = [(7, 0, 10 * MS), (8, 0, 15 * MS), (7, 20 * MS, 35 * MS), (99, 0, 40 * MS)]  # the last is no worker's
    parts = parts_of(tasks, made, 0, 40 * MS, n_jobs=2)
    assert parts["start_s"] == pytest.approx(0.010)
    assert parts["work_s"] == pytest.approx((0.010 + 0.015 + 0.005 + 0.005 + 0.005) / 2)
    assert parts["wait_s"] == pytest.approx(0.020 / 2)
    assert check_parts(parts, 0.040) is None


@pytest.mark.parametrize("seed", range(50))
def test_parts_add_up_for_any_schedule_that_can_be(seed):
    rng = random.Random(seed)
    n_jobs, last = rng.randint(1, 8), 0
    tasks: list[tuple[int, int, int, int]] = []
    for pid in range(rng.randint(1, n_jobs)):
        now = rng.randint(0, 50 * MS)
        for _ in range(rng.randint(1, 20)):
            start = now + rng.choice([0, rng.randint(0, 10 * MS)])
            now = start + rng.randint(0, 20 * MS)
            tasks.append((len(tasks), pid, start, now))
        last = max(last, now)
    rng.shuffle(tasks)
    end = last + rng.randint(1, 10 * MS)
    parts = parts_of(tasks, [], 0, end, n_jobs)
    assert parts["start_s"] + parts["work_s"] + parts["wait_s"] + parts["gather_s"] == pytest.approx(end / 1e9)
    assert min(parts.values()) >= 0
    assert parts["tail_s"] <= parts["wait_s"] + 1e-12
    assert check_parts(parts, end / 1e9) is None


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([(0, 7, -5 * MS, 40 * MS)], "outside the clock: start_s is -0.005"),
        ([(0, 7, 5 * MS, 140 * MS)], "outside the clock: gather_s is -0.040"),
        ([(0, 7, 5 * MS, 60 * MS), (1, 7, 20 * MS, 90 * MS)], "add up to 0.140 s, the round took 0.100 s"),
    ],
)
def test_schedules_that_cannot_be_are_refused(tasks, said):
    assert said in check_parts(parts_of(tasks, [], 0, 100 * MS, n_jobs=1), 0.100)


def test_no_task_has_no_parts():
    with pytest.raises(ValueError, match="no task ran"):
        parts_of([], [], 0, 1, 1)
