"""Before and after, and results for other tools."""

import csv
import io
import json
import shutil
import subprocess
import sys

import numpy as np
import pyperf
import pytest

import utils
from record import files as results
from record.schema import DERIVED, PARTS, SCALARS, Content, Environment, Pool, Round, as_plain, from_plain
from record.terms import COLD, KEPT, MEMORY
from report.export import COLUMNS, csv_of_rounds
from report.numbers.compare import NotComparable, compare
from report.numbers.measured import Measured
from report.numbers.statistics import FASTER, SLOWER, TIE, UNKNOWN
from tests.conftest import run_utils
from tests.made_up import A_MACHINE, MIB, a_part, a_run, a_trial, memory_of, save

OLD, NEW = "2026-11-20T00:00:00+0000", "2026-11-21T00:00:00+0000"


def times(factor, blocks=10, seed=1):
    rng = np.random.default_rng(seed)
    return (factor * np.exp(rng.normal(0, 0.01, blocks))).tolist()


@pytest.fixture
def folders(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    save(
        old, "mp", {"slower": times(1.0, seed=1), "faster": times(1.0, seed=2), "same": times(1.0, seed=3)}, started=OLD
    )
    save(
        new, "mp", {"slower": times(1.2, seed=4), "faster": times(0.8, seed=5), "same": times(1.0, seed=6)}, started=NEW
    )
    return old, new


def verdicts(found):
    return {key[2]: ratio.verdict for key, ratio in found.ratios.items()}


def test_verdicts_per_cell(folders):
    found = compare(folders[0], folders[1], force=False)
    assert not found.is_paired
    assert verdicts(found) == {"slower": SLOWER, "faster": FASTER, "same": TIE}
    ratio = found.ratios["numerical", "mp", "slower", 1]
    assert ratio.low <= 1.2 <= ratio.high
    assert [key[2] for key in found.slower] == ["slower"]


def test_command_prints_and_fails_on_slower(folders):
    ended = run_utils("compare", *folders)
    assert ended.returncode == 0, ended.stderr
    for said in ("slower", "faster", "tie", "unpaired", "slower: 1"):
        assert said in ended.stdout
    assert run_utils("compare", *folders, "--fail-on", "slower").returncode == 1
    same = shutil.copytree(folders[1], folders[1].parent / "same")
    assert run_utils("compare", folders[1], same, "--fail-on", "slower").returncode == 0


def test_the_limit_stands_beside_the_times(folders):
    save(folders[1], "serial", {"loop": times(0.4)}, started=NEW)
    found = compare(folders[0], folders[1], force=False)
    assert found.limits_s["numerical", 1] == pytest.approx(0.4, rel=0.02)
    assert "limit s" in run_utils("compare", *folders).stdout


def test_sides_of_one_run_are_paired(tmp_path):
    """Two files of one run: the machine's drift, which is as large as 5 fold here, cancels block by block."""
    drift = np.geomspace(1, 5, 10)
    save(tmp_path, "mp", {"fork": drift.tolist()})
    save(tmp_path, "mp-slowed", {"fork": (1.05 * drift).tolist()})
    found = compare(tmp_path / "numerical_mp.p3", tmp_path / "numerical_mp-slowed.p3", force=False)
    assert found.is_paired
    (ratio,) = found.ratios.values()
    assert (ratio.verdict, round(ratio.ratio, 6)) == (SLOWER, 1.05)


def test_few_and_unequal_blocks(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    save(old, "mp", {"few": times(1.0, 5), "unequal": times(1.0, 7)}, started=OLD)
    save(new, "mp", {"few": times(2.0, 20), "unequal": times(1.0, 12)}, started=NEW)
    found = compare(old, new, force=False)
    assert verdicts(found) == {"few": UNKNOWN, "unequal": TIE}
    assert found.ratios["numerical", "mp", "few", 1].low is None
    ended = run_utils("compare", old, new)
    assert "none, 5 blocks" in ended.stdout
    assert "5 cannot tell a single difference among 2 rows from chance, at least 6 can." in ended.stdout


def test_a_cell_that_fails(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    save(old, "mp", {"breaks": times(1.0), "some": times(1.0)}, started=OLD)
    save(new, "mp", {"breaks": ["error"] * 10, "some": [*times(1.0, 8), "crash", "crash"]}, started=NEW)
    ended = run_utils("compare", old, new, "--fail-on", "slower")
    assert ended.returncode == 1  # it cannot be shown not to be slower
    assert "error 10 of 10" in ended.stdout
    assert "crash 2 of 10" in ended.stdout
    assert verdicts(compare(old, new, force=False)) == {"some": TIE}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"params_hash": "other", "params": {"image_size": 5}}, "parameters of numerical: abc -> other"),
        ({"environment": Environment(machine=A_MACHINE)}, "machine: "),
    ],
)
def test_unlike_results_are_refused_or_named(changes, said, folders, tmp_path):
    other = tmp_path / "other"
    save(other, "mp", {"same": times(1.0)}, **changes)
    ended = run_utils("compare", folders[0], other)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "--force" in ended.stderr
    assert ended.stderr.count("\n") == 1
    ended = run_utils("compare", folders[0], other, "--force")
    assert ended.returncode == 0
    assert said in ended.stdout
    assert "not alike" in ended.stdout


def test_versions_that_changed_and_cells_of_one_side_are_named(tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    save(
        old,
        "ray",
        {"tasks": times(1.0), "gone": times(1.0)},
        started=OLD,
        environment=Environment(versions={"ray": "2.59.0"}),
    )
    save(new, "ray", {"tasks": times(1.0)}, started=NEW, environment=Environment(versions={"ray": "2.60.0"}))
    save(new, "dask", {"scatter": times(1.0)}, started=NEW)
    save(old, "mpire", {"fork": times(1.0)}, started=OLD)
    ended = run_utils("compare", old, new)
    assert "ray 2.59.0 -> 2.60.0" in ended.stdout
    assert "only in old: numerical, ray, gone, 1 workers" in ended.stdout
    assert "only in new: numerical, dask" in ended.stdout
    assert "only in old: numerical, mpire" in ended.stdout
    assert "has no time now: numerical, ray, gone, 1 workers" in ended.stdout


def test_nothing_to_compare_is_one_clear_line(tmp_path, folders):
    (tmp_path / "empty").mkdir()
    for new, said in (("empty", "no results in"), ("missing", "there is no")):
        ended = run_utils("compare", folders[0], tmp_path / new)
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
        assert said in ended.stderr
    with pytest.raises(NotComparable, match="are the same"):
        compare(folders[0], folders[0] / ".." / folders[0].name, force=False)
    save(tmp_path / "else", "ray", {"tasks": [1.0]})
    with pytest.raises(NotComparable, match="no workload of one library in common"):
        compare(folders[0], tmp_path / "else", force=False)
    (tmp_path / "empty" / "numerical_mp.p3").write_bytes(b"damaged")
    assert "refused" in run_utils("compare", folders[0], tmp_path / "empty").stderr


def test_csv_has_a_row_per_trial(tmp_path):
    where = Environment(versions={"ray": "2.60.0"}, python="CPython 3.11.7")
    times, kept = {"tasks, =1+1": [1.0, 2.0, "timeout"]}, {"tasks, =1+1": [0.5, None, None]}
    workload, _, run = a_part("ray", times, kept=kept, inputs={"shared_bytes": 100 * MIB}, environment=where)
    sampled = memory_of(start=100, peak=400, end=120)
    run.trials.append(a_trial(idiom="tasks, =1+1", kind=MEMORY, memory=sampled))
    results.save(tmp_path, workload, "ray", [run])
    target = tmp_path / "trials.csv"
    ended = run_utils("export", "--format", "csv", target, "--results", tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "4 trials" in ended.stdout
    rows = list(csv.DictReader(target.open()))
    asked = "workload library cpu_s pss_peak_bytes uss_peak_bytes rss_peak_bytes copies left_behind library_version"
    parts = [f"{phase}_{part}" for phase in ("cold", "kept") for part in PARTS]
    assert {*asked.split(), *SCALARS, *DERIVED, *parts} <= set(COLUMNS) == set(rows[0])
    assert [row["one_shot_s"] for row in rows] == ["1.0", "2.0", "", ""]
    assert [row["kept_s"] for row in rows] == ["0.5", "", "", ""]
    assert [row["fixed_s"] for row in rows] == ["0.5", "", "", ""]
    assert [row["outcome"] for row in rows] == ["ok", "ok", "timeout", "ok"]
    assert [row["copies"] for row in rows] == ["", "", "", "3.0"]
    assert [rows[3][f"pss_{moment}_bytes"] for moment in ("start", "peak", "end")] == [
        str(mib * MIB) for mib in (100, 400, 120)
    ]
    assert {row["library_version"] for row in rows} == {"2.60.0"}
    assert {row["idiom"] for row in rows} == {"tasks, =1+1"}
    assert float(rows[0]["cpu_s"]) == pytest.approx(1.5)
    for phase, seconds in (("cold", rows[0]["cold_s"]), ("kept", rows[0]["kept_s"])):
        total = sum(float(rows[0][f"{phase}_{part}_s"]) for part in ("start", "work", "wait", "gather"))
        assert total == pytest.approx(float(seconds))
    assert float(rows[0]["cold_s"]) + float(rows[0]["stop_s"]) == pytest.approx(1.0)


def test_a_frame_has_a_row_per_trial(tmp_path):
    save(tmp_path, "ray", {"tasks": [1.0, "timeout"]}, kept={"tasks": [0.5, None]})
    save(tmp_path, "mp", {"fork": [2.0]})
    frame = utils.load(tmp_path)
    assert tuple(frame.columns) == COLUMNS
    assert frame[["library", "idiom", "outcome"]].to_numpy().tolist() == [
        ["mp", "fork", "ok"],
        ["ray", "tasks", "ok"],
        ["ray", "tasks", "timeout"],
    ]
    assert frame.one_shot_s.dropna().tolist() == [2.0, 1.0]
    assert frame.kept_s.dropna().tolist() == [0.5]
    (tmp_path / "numerical_dask.p3").write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"numerical_dask\.p3: refused"):
        utils.load(tmp_path)


def test_csv_holds_no_formula(tmp_path):
    save(tmp_path, "ray", {"=HYPERLINK(1)": [1.0], "-tasks": [2.0]})
    target = tmp_path / "trials.csv"
    assert run_utils("export", "--format", "csv", target, "--results", tmp_path).returncode == 0
    assert [row["idiom"] for row in csv.DictReader(target.open())] == ["'=HYPERLINK(1)", "'-tasks"]


def test_csv_of_rounds_has_a_row_per_round(tmp_path):
    rounds = [Round(phase=KEPT, tasks=8, seconds=s, bare=bare) for s, bare in ((0.5, False), (0.25, True))]
    pools = [Pool(label={"payload_bytes": 1024}, rounds=rounds, stop_s=0.1)]
    run = a_run(a_trial(pools=pools))
    file = Measured(tmp_path, "grid", "mp", run)
    rows = list(csv.DictReader(io.StringIO(csv_of_rounds([file]))))
    assert [(row["round"], row["bare"], row["seconds"]) for row in rows] == [("0", "0", "0.5"), ("1", "1", "0.25")]
    columns = {name: {row[name] for row in rows} for name in ("payload_bytes", "phase", "tasks", "stop_s")}
    assert columns == {"payload_bytes": {"1024"}, "phase": {KEPT}, "tasks": {"8"}, "stop_s": {"0.1"}}
    rows = list(csv.DictReader(io.StringIO(csv_of_rounds([Measured(tmp_path, "numerical", "mp", a_run())]))))
    assert [(row["phase"], row["seconds"]) for row in rows] == [(COLD, "1.125")]
    failed = a_run(a_trial(None, outcome="error"))
    assert csv_of_rounds([Measured(tmp_path, "numerical", "mp", failed)]) == ""


def test_csv_marks_by_the_yardstick_of_the_whole_run(tmp_path):
    """A slow spell that met all trials of one file is no norm: the run's other file says what the machine can do."""
    for library, yardsticks in (("mp", [0.004] * 6), ("ray", [0.005] * 4)):
        workload, _, run = a_part(library, {"fork": [1.0] * len(yardsticks)})
        for trial, yardstick in zip(run.trials, yardsticks, strict=True):
            trial.yardstick_s = yardstick
        results.save(tmp_path, workload, library, [run])
    target = tmp_path / "trials.csv"
    assert run_utils("export", "--format", "csv", target, "--results", tmp_path).returncode == 0
    rows = list(csv.DictReader(target.open()))
    assert {(row["library"], row["yardstick_moved"]) for row in rows} == {("mp", "0"), ("ray", "1")}
    assert len(rows) == 10


def test_pyperf_reads_what_was_exported(folders, tmp_path):
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for folder, path in zip(folders, paths, strict=True):
        ended = run_utils("export", "--format", "pyperf", path, "--results", folder)
        assert ended.returncode == 0, ended.stderr
    suite = pyperf.BenchmarkSuite.load(str(paths[1]))
    assert suite.get_benchmark_names() == [f"numerical, mp, {name}, 1 workers" for name in ("slower", "faster", "same")]
    assert suite.get_benchmark("numerical, mp, slower, 1 workers").get_nvalue() == 10
    command = [sys.executable, "-m", "pyperf", "compare_to", *map(str, paths)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True).stdout
    assert "1.20x slower" in said or "1.21x slower" in said or "1.19x slower" in said
    assert json.loads(paths[0].read_text())["benchmarks"]


def test_what_cannot_be_exported_is_one_clear_line(tmp_path, folders):
    assert run_utils("export", "--format", "csv", tmp_path / "a.csv", "--results", tmp_path).returncode == 2
    ended = run_utils("export", "--format", "csv", "/proc/no/file.csv", "--results", folders[0])
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    save(tmp_path / "failed", "mp", {"fork": ["error"]})
    ended = run_utils("export", "--format", "pyperf", tmp_path / "a.json", "--results", tmp_path / "failed")
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "no trial has a time" in ended.stderr
    ended = run_utils("export", "--format", "xml", "a", "--results", folders[0])
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_run_template_is_valid():
    content = Content(workload="numerical", library="mp", runs=[a_run(a_trial(kept_s=1.0))])
    assert from_plain(as_plain(content)) == content
