"""Soak: tasks are counted on pools that renew their workers, and growth that was put in is found."""

from typing import Any

import numpy as np
import pytest

from harness.cells import Cell
from harness.launch import run_cell
from record.schema import Pool, Round
from record.terms import COLD, OK, STRETCH
from report.figures.workload import figures_of
from report.numbers.group import groups_of
from report.numbers.soak import added, growth, left_per_pool, short_pools, slowdown, task_s
from report.page.render import render
from report.tables.workload import tables_of
from tests.conftest import ROOT, says, without
from tests.made_up import MIB, save_pools
from trial import tasklog
from trial.rules import check_counts
from workloads import soak


def test_all_tasks_are_run_once_on_one_pool(tiny):
    trial = trial_of("futures", "fork, chunksize 1", tiny)
    many, *short = trial.pools
    assert len(many.rounds) == soak.STRETCHES
    assert all(each.label["pss_bytes"] > MIB and each.label["threads"] >= 1 for each in many.rounds)
    assert trial.tasks_run == trial.tasks_asked == tiny.soak_tasks + 8 * len(short)
    assert len(short) == tiny.soak_pools


def test_workers_that_are_renewed_are_counted_and_are_no_fault(tiny):
    trial = trial_of("mp", "fork, maxtasksperchild", without(tiny, soak_tasks=400, soak_pools=1))
    assert trial.tasks_run == trial.tasks_asked == 400 + 8
    assert trial.workers > 4


def trial_of(library, idiom, params):
    path = ROOT / f"benchmark_{library}.py"
    trial = run_cell(Cell(library, path, "soak", idiom, 2, "map"), params)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    return trial


@pytest.mark.parametrize(
    ("times", "allowed", "is_wrong"),
    [
        ([1, 1, 2], {"may_drop": False, "may_repeat": True}, False),
        ([1, 1, 2], {"may_drop": True, "may_repeat": False}, True),
        ([1, 0, 1], {"may_drop": False, "may_repeat": True}, True),
        ([1, 0, 1], {"may_drop": True, "may_repeat": False}, False),
        ([1, 1, 1, 1], {"may_drop": True, "may_repeat": True}, True),  # the fourth was not asked for
    ],
)
def test_tasks_that_ran_again_are_allowed_and_lost_ones_are_not(tmp_path, times, allowed, is_wrong):
    with tasklog.counts(tmp_path / "tasks.log") as counted:
        counted[: len(times)] = bytes(times)
    run, reason = check_counts(tmp_path / "tasks.log", 3, **allowed)
    assert (run, bool(reason)) == (sum(times), is_wrong)


def test_a_wrong_piece_is_found():
    right = [soak.churn(number) for number in range(5)]
    assert soak.wrong(range(5), right) is None
    assert "task 3" in soak.wrong(range(5), [*right[:3], (3, right[3][1] + b"x"), right[4]])


def pools_of(per_task_bytes, slower=1.0, tasks=100, noise=MIB / 4, seed=1):
    """Return the pools of a trial whose memory grows so much with each task, and takes longer at the end."""
    random = np.random.default_rng(seed)
    rounds = []
    for stretch in range(soak.STRETCHES):
        pss = 100 * MIB + per_task_bytes * tasks * stretch + noise * random.standard_normal()
        seconds = tasks * 1e-3 * (slower if stretch >= soak.STRETCHES - 5 else 1.0)
        label: dict[str, Any] = {"pss_bytes": int(pss), "threads": 4 + stretch, "descriptors": 20}
        rounds.append(Round(phase=STRETCH if stretch else COLD, tasks=tasks, seconds=seconds, label=label))
    short = [
        Pool(label={"pss_bytes": (50 + 2 * number) * MIB, "descriptors": 10}, stop_s=0.01,
             rounds=[Round(phase=COLD, tasks=8, seconds=0.1)])
        for number in range(5)
    ]  # fmt: skip
    return [Pool(rounds=rounds, stop_s=0.1), *short]


def test_growth_that_was_put_in_is_found(tmp_path):
    leaks = 20_000  # bytes a task
    save_pools(tmp_path, "soak", "mp", {"leaks": [pools_of(leaks, 1.5)], "holds": [pools_of(0)]})
    (group,), _ = groups_of([tmp_path / "soak_mp.p3"])
    leaking, holding = group.on_most_workers
    assert growth(leaking).low <= 1000 * leaks <= growth(leaking).high
    assert growth(leaking).slope == pytest.approx(1000 * leaks, rel=0.1)
    assert growth(leaking).is_growth
    assert leaking.middle(slowdown) == pytest.approx(1.5)
    assert leaking.middle(task_s) == pytest.approx(1e-3)
    assert added(leaking.timed[0], "threads") == soak.STRETCHES - 1
    assert short_pools(holding.timed[0]) == 5
    assert left_per_pool(holding.timed[0], "pss_bytes") == 2 * MIB
    assert left_per_pool(holding.timed[0], "descriptors") == 0


def test_memory_that_stays_is_not_called_growth(tmp_path):
    chances = {f"seed {seed}": [pools_of(0, seed=seed)] for seed in range(200)}
    save_pools(tmp_path, "soak", "mp", chances)
    (group,), _ = groups_of([tmp_path / "soak_mp.p3"])
    called = sum(growth(cell).is_growth for cell in group.on_most_workers)
    assert called <= 0.06 * len(chances)  # 2.5 % lie above by chance


def test_it_is_shown(tmp_path):
    save_pools(tmp_path, "soak", "mp", {"<b>leaks": [pools_of(20_000)], "holds": [pools_of(0)]})
    groups, _ = groups_of([tmp_path / "soak_mp.p3"])
    (titled,) = tables_of(groups[0])
    assert titled.table.row_count == 2
    page = render({"": groups}, [])
    assert "<b>leaks" not in page
    assert says(page, "Does memory grow", "1 of 2 rows")
    for draw in figures_of(groups).values():
        assert all(path.stat().st_size for path in draw(save=tmp_path / "figure.png"))
