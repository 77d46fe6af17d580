"""How long a run goes on, how it is gone on with after an interrupt, and whether it tells the truth about itself."""

import io
import re
import signal
import subprocess
from dataclasses import replace
from math import inf
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from harness import suite
from harness.cells import self_check_cells
from harness.cli import UserError, parse
from harness.enough_blocks import EnoughBlocks
from params import Params
from record import files as results
from record.schema import Fault
from record.terms import ERROR_CAUGHT, MEMORY, NOTHING, SETUP_FAILS, TIME
from report.numbers.group import group_of
from report.numbers.measured import Measured
from report.numbers.precision import detectable, widest_interval
from report.numbers.statistics import SLOWER
from report.tables.selfcheck import print_self_check
from tests.conftest import LONG_S, ROOT, cell_of, refusal, run_suite, wait_until
from tests.harness.test_harness import command_of_suite
from tests.made_up import a_part, a_trial
from trial import execute

TINY_RUN = ("stateful", "--libraries", "serial", "fork", "--n-jobs", "2", "--memory-trials", "0")


def blocks_of(enough, most=50):
    """Return how many blocks ``enough`` asks for."""
    for block in range(most):
        if not enough.wants(block):
            return block
        enough.block_done()
    return most


def test_a_number_of_trials_is_a_number_of_blocks():
    enough = EnoughBlocks(7, None, None, lambda: None)
    assert blocks_of(enough) == 7
    reached = enough.reached(7)
    assert (reached.blocks, reached.reached_precision) == (7, None)
    assert reached.reason == "7 blocks were asked for"


def test_precision_goes_on_until_every_interval_is_within_it():
    unknown = (inf, "a")
    widths = iter([unknown, unknown, (0.09, "a"), (0.02, "a"), (0.02, "a")])
    enough = EnoughBlocks(1, 0.02, None, lambda: next(widths))
    assert blocks_of(enough) == 4
    reached = enough.reached(4)
    assert (reached.asked_precision, reached.reached_precision, reached.widest_cell) == (0.02, 0.02, "a")


def test_precision_ends_where_trials_fail_too_often_for_any_interval():
    """A reference or a cell that fails in every block would otherwise be measured for ever."""
    failing = a_part("mp", {"fork": ["error"] * 4})
    other = a_part("ray", {"tasks": ["timeout"] * 4})
    enough = EnoughBlocks(1, 0.02, None, lambda: widest_interval([failing, other]))
    assert blocks_of(enough) == 1
    assert "no cell succeeds often enough" in enough.reached(1).reason
    broken = a_part("ray", {"tasks": [1.0 + block / 1e4 for block in range(8)], "broken": ["error"] * 8})
    enough = EnoughBlocks(1, 0.02, None, lambda: widest_interval([a_part("mp", {"fork": [1.0] * 8}), broken]))
    assert blocks_of(enough) == 1
    assert enough.reached(1).reached_precision < 0.02


def test_a_block_that_does_not_fit_the_budget_is_not_begun(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("harness.enough_blocks.time.monotonic", lambda: clock[0])
    enough = EnoughBlocks(1, 0.001, 60.0, lambda: (0.5, "a"), _begin_s=100.0)
    blocks = 0
    while enough.wants(blocks):
        clock[0] += 25.0
        enough.block_done()
        blocks += 1
    assert blocks == 2  # a third would end after 75 s
    assert "does not fit into the budget of 60 s" in enough.reached(2).reason
    assert enough.reached(2).spent_s == 50


def test_the_first_block_is_measured_whatever_it_takes():
    assert blocks_of(EnoughBlocks(1, None, 1e-9, lambda: None)) == 1


def test_widest_interval_is_the_widest_ratio():
    mp = a_part("mp", {"fork": [1.0] * 8})
    narrow, wide = [1.5] * 8, [2.0 * 1.1 ** (-1) ** block for block in range(8)]
    width, what = widest_interval([mp, a_part("joblib", {"narrow": narrow}), a_part("ray", {"wide": wide})])
    assert (round(width, 6), what) == (0.1, "numerical, ray: wide over mp: fork, 1 workers")
    assert widest_interval([mp, a_part("joblib", {"narrow": narrow})])[0] == pytest.approx(0)


@pytest.mark.parametrize(("times_it", "share_found"), [(1.0, 0.5), (0.5, 0.1)])
def test_half_of_all_runs_find_the_difference_that_is_called_detectable(times_it, share_found):
    """Of 200 runs of 12 blocks with one library slower by that difference, and of as many by half of it."""
    random = np.random.default_rng(3)

    def runs(slower):
        return [
            [
                a_part("mp", {"fork": np.exp(0.05 * random.standard_normal(12))}),
                *(
                    a_part(name, {"it": share * np.exp(0.05 * random.standard_normal(12))})
                    for name, share in (("ray", slower), ("dask", 1.0), ("joblib", 1.0))
                ),
            ]
            for _ in range(200)
        ]

    def grouped(parts):
        return group_of([Measured(Path(), *part) for part in parts])

    share = median(found.share for run in runs(1.0) if (found := detectable(grouped(run))).share)
    verdicts = [grouped(run).ratios(1)["ray", "it"].verdict for run in runs(1 + times_it * share)]
    assert np.mean([verdict == SLOWER for verdict in verdicts]) == pytest.approx(share_found, abs=0.12)


def test_how_many_blocks_a_difference_needs():
    def found(blocks):
        scatter = [1.1 ** (-1) ** (block // 2) for block in range(blocks)]
        rows = {f"row {number}": [1.2 * time for time in scatter] for number in range(20)}
        parts = [a_part("mp", {"fork": [1.0] * blocks}), a_part("ray", rows)]
        return detectable(group_of([Measured(Path(), *part) for part in parts]))

    few = found(8)
    assert (few.share, few.needed, few.rows) == (None, 10, 20)
    many = found(12)
    assert many.share == pytest.approx(0.1)
    assert many.needed == 46  # 12 x (log 1.1 / log 1.05) squared
    assert detectable(group_of([Measured(Path(), *a_part("mp", {"fork": [1.0] * 8}))])) is None


def test_widest_interval_is_unknown_with_few_blocks_and_forgets_cells_that_fail():
    mp = a_part("mp", {"fork": [1.0] * 5})
    assert widest_interval([mp, a_part("ray", {"tasks": [2.0] * 5})]) == (
        inf,
        "numerical, ray: tasks over mp: fork, 1 workers",
    )
    mp = a_part("mp", {"fork": [1.0] * 8})
    failing = a_part("ray", {"tasks": [2.0] * 8, "broken": [1.0, *["error"] * 7]})
    assert widest_interval([mp, failing])[1] == "numerical, ray: tasks over mp: fork, 1 workers"
    alone = a_part("serial", {"loop": [1.0, 1.1] * 4})
    assert widest_interval([alone])[1] == "numerical, time of serial: loop, 1 workers"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--precision", "2"], "it is '2': it must be a percentage between 0% and 100%, such as 2%"),
        (["--precision", "0%"], "it is '0%'"),
        (["--precision", "nan%"], "it is 'nan%'"),
        (["--budget", "10"], "it is '10': it must be a time with its unit, such as 90s, 10m or 2h"),
        (["--budget", "-3m"], "argument --budget"),  # what is wrong with it, Pythons say in two ways
        (["--budget=-3m"], "it is '-3m'"),
        (["--budget", "infh"], "it is 'infh'"),
        (["--trials", "3", "--budget", "10m"], "choose one way"),
        (["--self-check", "--libraries", "mp", "ray"], "--self-check is of one library, not of 2"),
    ],
)
def test_bad_stopping_is_one_clear_line(arguments, said):
    line = refusal(*arguments)
    assert said in line
    assert line.count("\n") == 1


def test_units_of_precision_and_budget():
    settings = parse(["--precision", "2.5%", "--budget", "1.5m"])
    assert (settings.precision, settings.budget_s) == (0.025, 90)
    assert parse(["--budget", "2h"]).budget_s == 7200


def test_budget_is_kept_and_what_was_reached_is_printed_and_stored(tmp_path):
    ended = run_suite(*TINY_RUN, "--budget", "0.01s", "--results", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "1 blocks in" in ended.stdout
    assert "another block does not fit into the budget" in ended.stdout
    for library in ("serial", "fork"):
        run = results.load(tmp_path / f"stateful_{library}.p3").runs[-1]
        assert run.stopping.blocks == 1
        assert run.stopping.asked_budget_s == 0.01
        assert all(trial.yardstick_s > 0 for trial in run.trials)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run of 2 blocks that was cut off: as a pickle may hold it after an interrupt, without its last trials."""
    folder = tmp_path_factory.mktemp("interrupted")
    assert run_suite(*TINY_RUN, "--trials", "2", "--results", folder).returncode == 0
    cut(folder)
    return folder


def cut(folder):
    runs = results.load(folder / "stateful_fork.p3").runs
    runs[-1].trials = [trial for trial in runs[-1].trials if trial.block == 0]
    runs[-1].stopping = None
    results.save(folder, "stateful", "fork", runs)
    (folder / "stateful_serial.p3").unlink()  # as if its first trial had not ended yet


def test_resume_runs_what_is_missing_and_nothing_twice(interrupted):
    before = results.load(interrupted / "stateful_fork.p3").runs
    ended = run_suite(*TINY_RUN, "--trials", "2", "--results", interrupted, "--resume")
    assert ended.returncode == 0, ended.stderr
    assert "\n3 trials, 0 failed" in ended.stdout  # one of fork, two of serial
    runs = results.load(interrupted / "stateful_fork.p3").runs
    assert len(runs) == len(before) == 1
    assert runs[0].trials[0] == before[0].trials[0]
    assert [trial.block for trial in runs[0].trials] == [0, 1]
    (serial,) = results.load(interrupted / "stateful_serial.p3").runs
    assert [trial.block for trial in serial.trials] == [0, 1]
    assert serial.started == runs[0].started
    # More blocks of the same run: it ended, and may still be gone on with.
    ended = run_suite(*TINY_RUN, "--trials", "3", "--results", interrupted, "--resume")
    assert "\n2 trials, 0 failed" in ended.stdout
    assert len(results.load(interrupted / "stateful_fork.p3").runs[0].trials) == 3


def test_resume_after_a_real_interrupt(tmp_path):
    """Ctrl-C after the first trials, then --resume: every cell has every block once, and none has two."""
    command = command_of_suite(*TINY_RUN, "--trials", "4", "--results", str(tmp_path))
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A shell without job control starts what is in the background with SIGINT ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert wait_until(lambda: len(list(tmp_path.glob("*.p3"))) == 2)
        running.send_signal(signal.SIGINT)
        assert running.wait(LONG_S) == 130
    finally:
        running.kill()
    before = {path.name: results.load(path).runs[-1].trials for path in tmp_path.glob("*.p3")}
    assert 2 <= sum(map(len, before.values())) < 8
    ended = run_suite(*TINY_RUN, "--trials", "4", "--results", tmp_path, "--resume")
    assert ended.returncode == 0, ended.stderr
    for name, earlier in before.items():
        (run,) = results.load(tmp_path / name).runs
        assert run.trials[: len(earlier)] == earlier
        assert [trial.block for trial in run.trials] == [0, 1, 2, 3]
        assert [trial.session for trial in run.trials] == [0] * len(earlier) + [1] * (4 - len(earlier))


def edited(folder, change):
    """Change the newest run of a file, as if it had been measured elsewhere or otherwise."""
    path = next(folder.glob("*.p3"))
    content = results.load(path)
    change(content.runs[-1])
    results.save(folder, content.workload, content.library, content.runs)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda run: run.params.update(num_documents=77), r"parameters \w{16} and \w{16} of stateful"),
        (lambda run: run.params.update(num_documents=77), r"\(num_documents was 77, is 24\)"),
        (lambda run: run.environment.machine.update(cpu="Z80"), r"it ran on another machine \(Z80"),
        (lambda run: run.environment.versions.update(ray="1.0"), r"ray was 1.0, is 2"),
        (lambda run: setattr(run, "seed", 5), r"seed was 5, is 20261121"),
        (
            lambda run: run.asked.update({"fork in stateful": ["other"]}),
            r"idioms were \['other'\], are \['by hand: state'\]",
        ),
        (lambda run: run.params.pop("num_documents"), r"\(num_documents was None, is 24\)"),
    ],
)
def test_resume_refuses_another_run(change, said, interrupted, tmp_path):
    source = interrupted / "stateful_fork.p3"
    (tmp_path / source.name).write_bytes(source.read_bytes())
    edited(tmp_path, change)
    kept = (tmp_path / source.name).read_bytes()
    ended = run_suite(*TINY_RUN, "--trials", "2", "--results", tmp_path, "--resume")
    assert ended.returncode == 2
    assert re.search(said, ended.stderr), ended.stderr
    assert ended.stderr.count("\n") == 1
    assert (tmp_path / source.name).read_bytes() == kept


def test_resume_without_a_run_says_so(tmp_path):
    ended = run_suite(*TINY_RUN, "--results", tmp_path, "--resume")
    assert ended.returncode == 2
    assert "there is no run to go on with" in ended.stderr


def test_memory_trials_are_apart_from_timed_ones(tmp_path):
    ended = run_suite(*TINY_RUN[:-1], "2", "--trials", "1", "--results", tmp_path)
    assert ended.returncode == 0, ended.stderr
    trials = results.load(tmp_path / "stateful_fork.p3").runs[-1].trials
    assert [trial.kind for trial in trials] == [TIME, MEMORY, MEMORY]
    assert [bool(trial.memory) for trial in trials] == [False, True, True]


@pytest.mark.parametrize(("learned", "trials"), [(NOTHING, 1), (ERROR_CAUGHT, 2)])
def test_a_hang_costs_its_limit_once(learned, trials, tmp_path, monkeypatch):
    fault = a_trial(None, idiom="fork, initializer", n_jobs=2, kind=SETUP_FAILS, fault=Fault(learned=learned))
    monkeypatch.setattr(suite, "run_cell", lambda *_: replace(fault))
    monkeypatch.setattr(suite, "all_cells", lambda _: [cell_of("failing_setup", "mp", "fork, initializer")])
    ended = run_suite("failing_setup", "--libraries", "mp", "--trials", "2", "--results", tmp_path)
    assert ended.returncode == 0, ended.stderr
    (run,) = results.load(tmp_path / "failing_setup_mp.p3").runs
    assert [trial.fault.learned for trial in run.trials] == [learned] * trials


def test_self_check_measures_one_library_against_itself(tmp_path):
    ended = run_suite("numerical", "--self-check", "--n-jobs", "2", "--trials", "1", "--results", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "numerical: the same library under another name: " in ended.stdout
    assert "too few for an interval" in ended.stdout
    assert "slowed down by 5% on purpose: " in ended.stdout
    names = sorted(path.name for path in (tmp_path / "self-check").glob("*.p3"))
    assert names == ["numerical_mp-again.p3", "numerical_mp-slowed.p3", "numerical_mp.p3"]
    assert list(tmp_path.glob("*.p3")) == []  # not among the results of libraries


def test_self_check_of_what_cannot_be_measured_is_one_clear_line(tmp_path):
    script = tmp_path / "benchmark_none.py"
    settings = replace(parse(["numerical", "--self-check"]), scripts={"none": script})
    script.write_text("import sys; sys.exit('broken')")
    with pytest.raises(UserError, match=r"--self-check cannot measure none in numerical: .*broken"):
        self_check_cells(settings)
    with pytest.raises(UserError, match="--self-check cannot measure overhead: it chooses its rounds"):
        self_check_cells(parse(["overhead", "--self-check"]))


def tick(clock_s, seconds):
    """Let a simulated clock go on."""
    clock_s[0] += seconds
    return clock_s[0]


def test_slowdown_is_what_was_asked_for(monkeypatch):
    def work(job, rounds, n_jobs):
        for tasks in rounds:
            tick(clock_s, 0.2)
            yield job, tasks, n_jobs
        tick(clock_s, 0.2)

    clock_s = [0.0]
    monkeypatch.setattr(execute, "perf_counter_ns", lambda: tick(clock_s, 0.001) * 1e9)
    assert list(execute._slowed(work, 0.5)("x", iter([1, 2]), 3)) == [("x", 1, 3), ("x", 2, 3)]
    assert clock_s[0] == pytest.approx(3 * 0.2 * 1.5, rel=0.05)  # both rounds, and the end


def test_self_check_finds_a_slowdown_and_no_difference_where_there_is_none(tmp_path):
    alike = [1.0 + block / 10 for block in range(8)]  # a machine that gets slower from block to block
    again = [value * (1.01 if block % 2 else 0.99) for block, value in enumerate(alike)]
    slowed = [value * 1.05 for value in alike]
    for library, times in (("mp", alike), ("mp-again", again), ("mp-slowed", slowed)):
        workload, _, run = a_part(library, {"fork": times})
        results.save(tmp_path, workload, library, [run])
        # An older one of another library in the same folder is not mixed in.
        workload, _, run = a_part(library, {"fork": [5.0] * 8}, started="2026-11-20T00:00:00+0000")
        results.save(tmp_path, workload, library.replace("mp", "dask"), [run])
    print_self_check(tmp_path, ["numerical"], Console(file=(printed := io.StringIO()), width=200))
    said = printed.getvalue()
    assert re.search(r"another name: [+-]0.0% \(-1.0% to \+1.0%, 8 blocks\), tie; the truth is", said), said
    assert "slowed down by 5% on purpose: +5.0% (+5.0% to +5.0%, 8 blocks), found" in said


def test_user_errors_are_user_errors():
    with pytest.raises(UserError, match="choose one way"):
        parse(["--trials", "3", "--precision", "1%"])


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_says_where_it_is_where_no_terminal_shows_it(terminal, monkeypatch):
    monkeypatch.setattr(suite, "SAY_EVERY_S", 0.0)
    console = Console(file=(printed := io.StringIO()), force_terminal=terminal)
    run: Any = SimpleNamespace(settings=SimpleNamespace(params=Params(), precision=None, budget_s=None))
    blocks = suite.Blocks(run, [], Progress(console=console))
    blocks.said_s -= 1
    blocks._say_where("numerical mp: fork")
    assert ("0 of 0: numerical mp: fork" in printed.getvalue()) != terminal
