"""A job of a user's own: measured as any workload, refused in one line, and taken away as a program."""

import json
import os
import pickle
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness import job_path
from harness.cells import _list_all
from harness.cli import all_scripts
from params import PROFILES, as_dict
from record import files as results
from record.schema import Idiom
from record.terms import OK, Traits
from report.code_file import code_file
from report.numbers.group import groups_of
from report.numbers.longer_job import longer_job
from report.numbers.own_job import said_of_job, said_of_loss
from tests.conftest import ROOT, refusal, run_utils
from tests.made_up import a_part, a_run
from trial.workload import JOB_VARIABLE
from workloads.equal import equal

SQUARES = """
from pathlib import Path
def tasks():
    return [(number,) for number in range(12)]
def task(number):
    assert Path("here.txt").exists()
    return number ** 2
"""


def a_job(folder, text, name="my_job"):
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def prepared(path, **changes):
    """Return what the serial pass says: the exit status, its last line, and the facts."""
    params = as_dict(replace(PROFILES["quick"], **changes))
    program = """
import json, pathlib, sys, tempfile
from params import from_dict
from workloads import own_job
folder = pathlib.Path(tempfile.mkdtemp())
try:
    print(json.dumps(own_job.prepare(from_dict(json.loads(sys.argv[1])), folder)))
except ValueError as error:
    sys.exit(str(error))
"""
    ended = subprocess.run(
        [sys.executable, "-P", "-c", program, json.dumps(params)],
        cwd=path.parent,
        env={**os.environ, JOB_VARIABLE: str(path), "PYTHONPATH": f"{path.parent}:{ROOT}", "TMPDIR": str(path.parent)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return ended.returncode, (ended.stderr or ended.stdout).strip().splitlines()[-1]


def measure(folder, arguments):
    return subprocess.run(
        [sys.executable, str(ROOT / "benchmark_all.py"), *map(str, arguments), "--profile", "quick",
         "--results", str(folder / "r")],
        cwd=folder, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A job of 12 tasks that was measured, from a folder of its own."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "here.txt").touch()
    ended = measure(folder, [a_job(folder, SQUARES), "--libraries", "serial", "mp"])
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder, ended.stdout


def test_it_is_measured_as_any_workload(measured):
    folder, said = measured
    assert "12 tasks" in said
    assert "no library can help" in said
    run = results.load(folder / "r" / "my_job_mp.p3").runs[-1]
    ran = {trial.idiom: trial for trial in run.trials}
    assert set(ran) == {"fork, default chunksize", "fork, chunksize 1", "spawn, default chunksize",
                        "forkserver, default chunksize", "forkserver, preload", "ThreadPool"}  # fmt: skip
    assert {trial.outcome for trial in run.trials} == {OK}
    assert {trial.tasks_run for trial in run.trials} == {24}  # a cold round and a kept one
    assert run.inputs["of_tasks"] == 12
    table = run_utils("table", "my_job.py", "--results", folder / "r")
    assert table.returncode == 0
    assert "ThreadPool" in table.stdout
    assert run_utils("report", "--results", folder / "r").returncode == 0
    assert "my_job" in (folder / "r" / "report.html").read_text()
    assert (
        run_utils("recommend", "my_job.py", "--n-tasks", "1e6", "--n-jobs", 64, "--results", folder / "r").returncode
        == 0
    )


def test_what_was_measured_is_taken_away_as_a_program(measured, tmp_path):
    folder, _ = measured
    code = run_utils("code", folder / "my_job.py", "mp", "spawn, default chunksize", "--results", folder / "r")
    assert code.returncode == 0, code.stderr
    program = tmp_path / "taken.py"
    program.write_text(code.stdout)
    ended = subprocess.run(
        [sys.executable, str(program)], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.stdout.strip() == "[0, 1, 4, 9, 16, 25, ...]"
    unknown = run_utils("code", "my_job.py", "mp", "nothing", "--results", folder / "r")
    assert unknown.returncode == 2
    assert "choose from 'fork, default chunksize'" in unknown.stderr


EXAMPLES = {"map": "words", "shared": "denoising", "setup": "digits"}
FORTY = """
def tasks():
    return [(number,) for number in range(40)]
"""
TINY_JOBS = {
    "map": """
def task(number):
    return number ** 2
""",
    "shared": """
import numpy as np
def shared():
    return np.arange(1000.0)
def task(number, numbers):
    return numbers[number] * numbers.sum()
""",
    "setup": """
def setup():
    return {"times": 7}
def task(number, made):
    return number * made["times"]
""",
    "state": """
def start():
    return []
def task(number, state):
    state.append(number)
def hand_back(state):
    return sum(state)
def combine(parts):
    return sum(parts)
""",
}


@pytest.fixture(scope="module")
def listings():
    return _list_all(all_scripts())


@pytest.mark.full
@pytest.mark.parametrize("pattern", TINY_JOBS)
def test_the_program_of_every_idiom_gives_the_results_of_the_loop(pattern, listings, tmp_path):
    _check_programs(a_job(tmp_path, FORTY + TINY_JOBS[pattern]), pattern, listings, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("pattern", EXAMPLES)
def test_the_program_of_every_tuned_idiom_runs_the_example(pattern, listings, tmp_path):
    """Naive ones would load a model for each task: minutes."""
    _check_programs(ROOT / "examples" / f"{EXAMPLES[pattern]}.py", pattern, listings, tmp_path, naive=False)


SERVE = """
import sys
from benchmark_{library} import serve
from trial.running import running

with running(serve, 2) as address:
    print(address, flush=True)
    sys.stdin.read()
"""


@pytest.mark.full
@pytest.mark.parametrize("pattern", TINY_JOBS)
def test_the_program_of_an_idiom_that_connects_gives_the_results_of_the_loop(pattern, listings, tmp_path):
    job = a_job(tmp_path, FORTY + TINY_JOBS[pattern])
    serial = _programs(job, pattern, listings, connected=False)["serial", "loop"]
    expected = _run_program(tmp_path, serial)
    programs = _programs(job, pattern, listings, connected=True)
    assert {library for library, _ in programs} <= {"dask", "ray"}
    for (library, name), program in programs.items():
        serve = SERVE.format(library=library)
        with subprocess.Popen(
            [sys.executable, "-c", serve],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(job.parent)},  # workers that run already must be able to import it
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as serving:
            address = serving.stdout.readline().strip()
            assert equal(_run_program(tmp_path, program, address), expected), name
            serving.communicate(timeout=300)


def _programs(job, pattern, listings, connected, naive=True):
    programs = {}
    for library, listing in listings.items():
        for name, row in listing["patterns"].get(pattern, {}).items():
            traits = row["traits"]
            # On a cluster, the suite sends the code: there is no program to take away. Rows that renew their workers
            # are shown in `soak` alone, and futures' may hang (https://github.com/python/cpython/issues/115634).
            is_offered = not (row.get("skipped") or traits["cluster"] or traits["renews"])
            is_offered &= naive or not traits["naive"]
            if is_offered and traits["connects"] == connected:
                idiom = Idiom(traits=Traits(**row["traits"]), **row["source"])
                run = a_run(inputs={"job": str(job), "pattern": pattern}, worker_counts=[2])
                run.idioms = {name: idiom}
                programs[library, name] = code_file(run, library, name)
    return programs


def _check_programs(job, pattern, listings, tmp_path, naive=True):
    programs = _programs(job, pattern, listings, connected=False, naive=naive)
    with ThreadPoolExecutor(4) as executor:
        found = dict(
            zip(programs, executor.map(_run_program, _folders(tmp_path, programs), programs.values()), strict=True)
        )
    expected = found["serial", "loop"]
    differ = [name for name, result in found.items() if not equal(result, expected)]
    assert differ == []


def _folders(folder, programs):
    folders = [folder / f"p{place}" for place in range(len(programs))]
    for each in folders:
        each.mkdir()
    return folders


def _run_program(folder, text, *address):
    """Run a program as it is, but for its last line: it writes its results instead of showing some of them."""
    program, written = folder / "taken.py", folder / "results.pickle"
    written.unlink(missing_ok=True)
    writes = rf"import pickle; pickle.dump(\1, open({str(written)!r}, 'wb'))"
    text, shown = re.subn(r"print\(reprlib\.repr\((main\(.*\))\)\)", writes, text)
    assert shown == 1
    assert "from trial" not in text
    program.write_text(text)
    ended = subprocess.run(
        [sys.executable, str(program), *address],
        cwd=folder,
        # What a Ray that was started by a script asks of whoever connects to it: see benchmark_ray.py.
        env={**os.environ, "PYTHONPATH": "", "OMP_NUM_THREADS": "1", "RAY_AUTH_MODE": "token"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return pickle.loads(written.read_bytes()) if written.exists() else ended.stderr[-500:]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def task(x): pass", "has no tasks"),
        ("def tasks(): return [(1,)]", "has no task:"),
        ("def tasks(:", "line 1: invalid syntax"),
        ("tasks = task = shared = setup = None", "has shared and setup"),
        ("tasks = task = start = None", "has start and no hand_back"),
    ],
)
def test_a_file_that_is_no_job_is_refused_unread(tmp_path, text, said):
    with pytest.raises(ValueError, match=said):
        job_path.checked(str(a_job(tmp_path, text)))


def test_a_name_that_cannot_be_imported_is_refused(tmp_path):
    for name, said in {
        "json": "Python has a module",
        "numerical": "workload of the suite",
        "my-job": "letters",
    }.items():
        with pytest.raises(ValueError, match=said):
            job_path.checked(str(a_job(tmp_path, SQUARES, name)))
    (tmp_path / "params.py").touch()
    with pytest.raises(ValueError, match="module params"):
        job_path.checked(str(a_job(tmp_path, SQUARES)))


TASKS = "def tasks(): return [(1,), (2,)]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_that_name\n" + TASKS + "task = print", "line 1: importing it raised ModuleNotFoundError"),
        (
            "from multiprocessing import Pool\npool = Pool(2)\n" + TASKS + "task = str",
            r"importing it starts processes \(\d still run\)",
        ),
        ("def tasks(): return ['a.jpg']\ntask = print", "must be a tuple"),
        ("def tasks(): return []\ntask = print", "returns no task"),
        (TASKS + "def task(x, y): pass", r"task\(x, y\) does not take"),
        (TASKS + "def task(x): return 1 / (x - 2)", "line 2: task 1 raised ZeroDivisionError"),
        (TASKS + "def task(x): raise SystemExit(3)", "task 0 raised SystemExit: 3"),
        (TASKS + "from random import random\ndef task(x): return random()", "differ between two serial passes: task 0"),
        ("def tasks(): return [((n for n in 'ab'),)]\ndef task(x): pass", "arguments of task 0 cannot be pickled"),
        (TASKS + "def task(x): return (n for n in 'ab')", "result of task 0 cannot be pickled"),
        (TASKS + "def task(x):\n    while True: pass", "task 0 did not end within 2 s"),
        (TASKS + "import time\ndef task(x): time.sleep(0.7)", r"a plain loop takes \d s, 2 times in a trial"),
        (TASKS + "def task(x): return x\ndef same(a, b): raise KeyError(a)", r"same\(\), for task 0, raised KeyError"),
    ],
)  # fmt: skip
def test_a_job_that_cannot_be_measured_is_one_line_that_says_why(tmp_path, text, said):
    path = a_job(tmp_path, text)
    status, line = prepared(path, timeout_s=2.0 if "while True" in text or "sleep" in text else 60.0)
    assert status == 1
    assert str(path) in line
    assert re.search(said, line)


def test_what_only_cloudpickle_can_send_and_what_is_not_compared(tmp_path):
    status, line = prepared(a_job(tmp_path, TASKS + "def task(x): return lambda: x\nsame = None"))
    assert status == 0
    facts = json.loads(line)
    assert facts["results"] == "not compared"
    assert "not compared" in " ".join(said_of_job(facts))


def test_a_sample_says_what_all_tasks_would_take(tmp_path):
    text = "def tasks(): return [(number,) for number in range(100)]\ndef task(number): return number"
    _, line = prepared(a_job(tmp_path, text), job_tasks=10)
    facts = json.loads(line)
    assert (facts["tasks"], facts["of_tasks"]) == (10, 100)
    assert "All 100 tasks would take" in " ".join(said_of_job(facts))
    status, line = prepared(a_job(tmp_path, text), job_tasks=101)
    assert status == 1
    assert "--tasks is 101" in line


def test_mistakes_in_the_command_line_are_one_line(tmp_path):
    for arguments, said in (
        ([tmp_path / "no.py"], "there is no file"),
        ([a_job(tmp_path, SQUARES), a_job(tmp_path, SQUARES, "second")], "a second job"),
        (["numerical", "--tasks", "3"], "--tasks is for a job of your own"),
    ):
        line = refusal(*map(str, arguments))
        assert said in line
        assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1.0, 1.0, True),
        (1.0, 1.0 + 1e-15, False),
        (float("nan"), float("nan"), True),
        (1, 1.0, False),
        ([np.arange(3)], [np.arange(3)], True),
        ({"a": np.array([1.0, np.nan])}, {"a": np.array([1.0, np.nan])}, True),
        (np.arange(3), np.arange(4), False),
        (np.arange(3), np.arange(3.0), False),
        (np.array([{"a": 1}], dtype=object), np.array([{"a": 2}], dtype=object), False),
        (pd.DataFrame({"a": [1, None]}), pd.DataFrame({"a": [1, None]}), True),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"a": [2]}), False),
        (np.float64("nan"), np.float64("nan"), True),
        ("a", "b", False),
    ],
)
def test_results_are_equal_as_what_they_are(one, other, same):
    assert equal(one, other) is same


def test_tensors_are_equal_as_what_they_are():
    torch = pytest.importorskip("torch")
    assert equal(torch.arange(3), torch.arange(3))
    assert not equal(torch.tensor([1.0]), torch.tensor([1.0 + 1e-6]))


FACTS = {
    "job": "/tmp/my_job.py", "pattern": "map", "tasks": 100, "of_tasks": 100, "task_median_s": 0.1,
    "task_longest_s": 0.1, "task_shortest_s": 0.1, "task_mean_s": 0.1, "task_deviation_s": 0.0, "serial_s": 10.0,
    "setup_s": 0.0, "import_s": 0.0, "bytes_in": 10, "bytes_out": 10, "results": "compared",
}  # fmt: skip


def job_group(folder, **libraries):
    """Return a measured job of 100 tasks and 10 s. ``libraries``: seconds in one shot and kept, on 2 workers."""
    for library, (one_shot_s, kept_s) in {"serial": (10.0, 10.0), **libraries}.items():
        n_jobs = 1 if library == "serial" else 2
        name = "loop" if library == "serial" else "fork"
        part = a_part(library, {(name, n_jobs): [one_shot_s]}, "my_job", kept={(name, n_jobs): [kept_s]}, inputs=FACTS)
        results.save(folder, "my_job", library, [part[2]])
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    assert refused == []
    return {group.workload: group for group in groups}


def test_more_tasks_take_start_and_stop_once_and_no_less_than_one_process_hands_out(tmp_path):
    groups = job_group(tmp_path, mp=(6.0, 5.0), ray=(11.0, 6.0))
    eight = {row.cell.library: row for row in longer_job(groups, "my_job", 800, 2).rows}
    assert eight["serial"].one_shot_s == pytest.approx(80.0)
    assert eight["mp"].one_shot_s == pytest.approx(1.0 + 40.0)
    assert eight["ray"].one_shot_s == pytest.approx(5.0 + 48.0)
    many = {row.cell.library: row for row in longer_job(groups, "my_job", 800, 64).rows}
    # Ray's tasks took 10 ms more each than their share of the work: as if one process took so long to hand them out.
    assert many["ray"].kept_s == pytest.approx(8.0)
    assert "hands out" in many["ray"].bound_by
    assert many["mp"].kept_s == pytest.approx(40.0 / 32)


def test_what_holds_it_back_is_named_with_its_seconds(tmp_path):
    group = job_group(tmp_path, ray=(11.0, 6.0))["my_job"]
    cell = next(c for cells in group.idioms for c in cells if c.library == "ray")
    assert said_of_loss(group, cell, "cold").startswith("What holds it back, one-shot: starting and stopping (3.58 s)")
