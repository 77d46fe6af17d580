"""What becomes of trials that go wrong; that nothing survives; that what was measured is kept."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from harness import cells as cells_module
from harness import folders, inputs, suite
from harness.cells import Cell, all_cells, shuffled
from harness.cli import parse
from harness.launch import run_cell
from harness.machine import process, supervise
from harness.machine.environment import THREAD_LIMITS
from params import as_dict
from record import files as results
from record import terms
from tests.conftest import (
    LONG_S,
    ROOT,
    SCRIPTS,
    TINY,
    cells_of,
    needs_torch,
    refusal,
    run_program,
    run_suite,
    shared_memory,
    wait_until,
    without,
)
from trial import tasklog
from trial.workload import load_workload
from workloads import initialization

# Another program, which makes, closes, opens again and holds files in shared memory, named as libraries name theirs.
NEIGHBOUR = """
import os, select, sys
PREFIXES = ("psm_", "pym-", "sem.mp-", "sem.loky-", "loky-", "joblib_memmapping_folder_", "plasma", "torch_")
lost, number = 0, 0
while not select.select([0], [], [], 0.05)[0]:
    number += 1
    paths = [f"/dev/shm/{prefix}{os.getpid()}_{number}" for prefix in PREFIXES]
    for path in paths:
        open(path, "wb").close()
    held = [open(path) for path in paths[::2]]
    select.select([0], [], [], 0.5)
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            lost += 1
print(number, lost)
"""

NOT_ISOLATED = "from harness.machine import process; process.namespaces = lambda: ()"

# Trials beside it, in a process of their own: a suite ends all that descends from it.
BESIDE = """
import json, sys
from pathlib import Path
from harness.cells import Cell
from harness.launch import run_cell
from params import from_dict
if len(sys.argv) > 2:
    from harness.machine import process; process.namespaces = lambda: ()
params, script = from_dict(json.loads(sys.argv[1])), Path("tests/scripts/benchmark_faulty.py")
cells = [Cell("faulty", script, "sharing", idiom, 1, "shared") for idiom in ("right", "leaves_things")]
trials = [run_cell(cell, params) for cell in cells]
print(json.dumps([(trial.outcome, trial.left_behind.shm_segments) for trial in trials]))
"""


needs_namespaces = pytest.mark.skipif(not process.namespaces(), reason="namespaces are not allowed")


def cell_of(script: str, idiom: str, workload: str = "sharing", n_jobs: int = 1) -> Cell:
    """Return a cell of a script that is there for tests. `sharing` is a workload that needs no large package."""
    (pattern,) = load_workload(workload).PATTERNS
    return Cell(script, SCRIPTS / f"benchmark_{script}.py", workload, idiom, n_jobs, pattern)


@pytest.mark.parametrize(
    ("idiom", "expected", "reason"),
    [
        ("right", terms.OK, ""),
        ("raises", terms.ERROR, "ValueError: no [bold]luck[/bold]"),
        ("exits", terms.ERROR, "SystemExit: 3"),
        ("dies", terms.CRASH, "its interpreter was ended by SIGSEGV"),
        ("out_of_memory", terms.OUT_OF_MEMORY, "MemoryError"),
        ("wrong_result", terms.WRONG, "cold round: task 0: the checksum differs"),
        ("wrong_in_a_kept_round", terms.WRONG, "kept round: task 0: the checksum differs"),
        ("answers_of_an_earlier_round", terms.WRONG, "kept round: results of 0 of 8 tasks of the round"),
        ("no_result", terms.WRONG, "the results cannot be checked: TypeError"),
        ("drops_a_task", terms.WRONG, "task 7: the checksum differs"),
        ("guesses_a_result", terms.WRONG, "16 tasks asked for, 14 ran: 2 never, 0 more than once"),
        ("runs_a_task_twice", terms.WRONG, "16 tasks asked for, 18 ran: 0 never, 2 more than once"),
        ("exits_in_worker", terms.ERROR, "SystemExit: 1"),
        ("worker_dies", terms.ERROR, "BrokenProcessPool"),
        ("two_threads", terms.WRONG, "computes with 2 threads, 1 is the rule for all"),
        ("pinned", terms.WRONG, "is pinned to 1 CPUs of"),
        ("too_many_workers", terms.WRONG, "workers, n_jobs is 1"),
        ("nothing_to_connect_to", terms.ERROR, "RuntimeError: the workers to connect to did not start"),
    ],
)
def test_outcome(idiom, expected, reason, tiny):
    trial = run_cell(cell_of("faulty", idiom), tiny)
    assert trial.outcome == expected, trial
    assert reason in trial.reason
    assert "\n" not in trial.reason
    assert (trial.one_shot_s is not None) == (expected == terms.OK)
    assert psutil.Process().children(recursive=True) == []


def test_what_was_computed_before_is_no_result(tiny):
    """Here the tasks must take long enough to be a measure, however fast the machine is."""
    long = without(tiny, image_size=1000)
    assert suite.make_inputs("numerical", long, Console(quiet=True)) == ""
    trial = run_cell(cell_of("faulty", "remembers_what_it_computed", "numerical"), long)
    assert trial.outcome == terms.WRONG
    assert "results may have been computed before timing" in trial.reason


def test_a_loop_in_the_parent_is_no_parallel_run(tiny):
    trial = run_cell(cell_of("faulty", "right", n_jobs=2), tiny)
    assert trial.outcome == terms.WRONG
    assert trial.reason == "tasks ran in the calling process, and n_jobs is 2"


@pytest.mark.parametrize("idiom", ["hangs", pytest.param("hangs_on_unpicklable", marks=pytest.mark.full)])
def test_timeout_ends_the_whole_tree(idiom, tiny):
    trial = run_cell(cell_of("faulty", idiom), without(tiny, timeout_s=8.0))  # by then it has started
    assert trial.outcome == terms.TIMEOUT
    assert trial.reason.startswith("it did not return within 8 s")
    assert trial.left_behind.processes >= 1
    assert psutil.Process().children(recursive=True) == []


def run_code(code, folder, **options):
    """Run Python code to its end; its output goes to ``output.txt`` in the folder."""
    return process.run_to_end(
        [sys.executable, "-c", code],
        environment=dict(os.environ),
        cwd=ROOT,
        output=folder / "output.txt",
        **options,
    )


def test_a_trial_inherits_no_ignored_signal(tmp_path):
    code = "import signal; print(signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, signal.pthread_sigmask(0, ()))"
    ended = run_code(code, tmp_path, timeout_s=LONG_S)
    assert (ended.returncode, (tmp_path / "output.txt").read_text()) == (0, "True set()\n")


def test_a_trial_is_no_child_of_process_1(tmp_path):
    """Ray would take it for an orphan, and end it."""
    assert run_code("import os; print(os.getppid())", tmp_path, timeout_s=LONG_S).returncode == 0
    assert int((tmp_path / "output.txt").read_text()) > 1


class Child(subprocess.Popen):
    """A process that ends only when it is waited for the second time."""

    def __init__(self):
        self.waited_s = []

    def wait(self, timeout=None):
        self.waited_s.append(timeout)
        if len(self.waited_s) == 1:
            raise subprocess.TimeoutExpired("child", timeout)
        return 0

    def __del__(self):
        """There is no process to look after."""


@pytest.mark.parametrize(("answers", "waited_s"), [(True, [2.5, 2.5]), (False, [2.5])])
def test_an_answer_gives_as_much_time_again(answers, waited_s, tmp_path):
    child, answer = Child(), tmp_path / "answer.json"
    if answers:
        answer.touch()
    assert supervise._has_hung(child, 2.5, str(answer)) == (not answers)
    assert child.waited_s == waited_s


def test_what_is_left_behind_is_counted_and_removed(tiny):
    before = shared_memory()
    trial = run_cell(cell_of("faulty", "leaves_things"), tiny)
    assert trial.outcome == terms.OK
    left = trial.left_behind
    assert left.processes == 2
    assert left.files == 1
    assert left.file_bytes == 5
    if process.namespaces():  # else nobody can tell whose they are, see the test of what others put there
        assert left.shm_segments >= 1  # one by hand; Python's resource tracker may or may not have met its own
        assert left.shm_bytes >= 7
    for path in Path("/dev/shm").glob("psm_left-*"):  # there where nobody can tell
        path.unlink()
    assert shared_memory() <= before
    assert psutil.Process().children(recursive=True) == []


def test_a_file_that_was_in_shared_memory_before_stays(tmp_path):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        data, made = Path(folder, "data"), Path(folder, "made")
        data.write_bytes(b"a user's")
        time.sleep(0.1)  # the clock of files is coarser
        code = f"import time; held = open({str(data)!r}), open({str(made)!r}, 'w'); time.sleep(60)"
        ended = run_code(code, tmp_path, timeout_s=8, isolated=False)  # by then it has opened both
        assert (ended.timed_out, ended.left["shm_segments"]) == (True, 1)
        assert (data.exists(), made.exists()) == (True, False)


@pytest.mark.parametrize("isolated", [pytest.param(True, marks=needs_namespaces), False])
def test_what_others_put_into_shared_memory_stays_and_is_not_booked(isolated, tiny):
    with subprocess.Popen(
        [sys.executable, "-c", NEIGHBOUR], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as neighbour:
        command = [sys.executable, "-c", BESIDE, json.dumps(as_dict(tiny)), *(() if isolated else ("not isolated",))]
        beside = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        printed, _ = neighbour.communicate(timeout=300)
    for path in Path("/dev/shm").glob("psm_left-*"):  # which nobody but this test knows to be its own
        path.unlink()
    rounds, lost = map(int, printed.split())
    assert rounds > 0
    assert lost == 0
    assert beside.returncode == 0, beside.stderr
    (outcome, segments), (_, segments_left) = json.loads(beside.stdout)
    assert (outcome, segments) == (terms.OK, 0)
    if isolated:  # of what nobody has open any more, only a shared memory of the trial's own tells whose it was
        assert segments_left >= 1


@needs_torch
def test_a_head_start_is_refused(tiny, monkeypatch):
    monkeypatch.setenv("EARLY", "torch")
    trial = run_cell(cell_of("early", "loop", "initialization"), tiny)
    assert trial.outcome == terms.CRASH
    assert "torch imported before the clock started" in trial.reason


@pytest.mark.parametrize(
    ("wanted", "idiom", "reason"),
    [
        ("pool", "in_early_pool", "1 child processes ran before the clock started"),
        ("clock", "in_early_pool", "time.perf_counter_ns was replaced"),
        ("", "not_closed", "workers still run 1 s after its return"),
    ],
)
def test_accidents_that_look_like_speed_are_refused(wanted, idiom, reason, tiny, monkeypatch):
    monkeypatch.setenv("EARLY", wanted)
    trial = run_cell(cell_of("early", idiom, n_jobs=2), tiny)
    assert trial.outcome in terms.FAILURES
    assert reason in trial.reason
    assert trial.one_shot_s is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_imports_ends_a_run_as_later_ones_do(number):
    as_started = f"import os, signal, time; signal.signal({number:d}, signal.SIG_DFL)"  # under nohup it is ignored
    code = f"{as_started}; import harness.early; os.kill(os.getpid(), {number:d}); time.sleep(600)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, timeout=300, check=False)
    assert (ended.returncode, ended.stderr) == (130, b"")


@pytest.mark.parametrize(
    ("workload", "idiom", "reason"),
    [
        pytest.param("numerical", "pure", "filter 1: the image differs", marks=pytest.mark.full),
        pytest.param("numerical", "concatenated", "results of 8 of 8 tasks of the round", marks=pytest.mark.full),
        pytest.param("numerical", "threads", "tasks ran in the calling process", marks=pytest.mark.full),
        pytest.param(
            "stateful",
            "one worker's state",
            "documents were counted that are not the 24 of the round",
            marks=pytest.mark.full,
        ),
        ("stateful", "not cleared", "kept round: 48 documents were counted that are not the 24 of the round"),
    ],
)
def test_traps_are_noticed(workload, idiom, reason, tiny):
    trial = run_cell(cell_of("traps", idiom, workload, n_jobs=1 if idiom == "not cleared" else 2), tiny)
    assert trial.outcome == terms.WRONG
    assert reason in trial.reason


def test_task_log_survives_a_torn_record_and_a_forked_writer(tmp_path, monkeypatch):
    path = tmp_path / "tasks.log"
    code = (
        "import os\nfrom trial.tasklog import task\n"
        "with task(0): pass\n"
        "if os.fork() == 0:\n"
        "    with task(1): pass\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "try:\n"
        "    with task(2): raise KeyError\n"
        "except KeyError: pass\n"
    )
    environment = {**os.environ, tasklog.ENVIRONMENT_VARIABLE: str(path), "OMP_NUM_THREADS": "3"}
    subprocess.run([sys.executable, "-c", code], env=environment, cwd=ROOT, check=True, timeout=LONG_S)
    with path.open("ab") as file:
        file.write(b"torn")
    log = tasklog.read(path)
    assert [index for index, *_ in log.tasks] == [0, 1]  # a task that raised did not run
    assert len({pid for _, pid, *_ in log.tasks}) == 2
    assert set(log.workers) == {pid for _, pid, *_ in log.tasks}
    assert {threads for _, threads in log.workers.values()} == {3}
    assert tasklog.read(tmp_path / "never written").tasks == []


def test_blocks_hold_every_cell_once_in_another_order_each():
    cells = [replace(cell, n_jobs=n_jobs) for cell in cells_of("numerical", "mp", "futures") for n_jobs in (1, 2)]
    orders = [shuffled(cells, seed="5", block=str(block)) for block in range(4)]
    assert all(len(order) == len(cells) and set(order) == set(cells) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert orders[2] == shuffled(cells, seed="5", block="2")
    assert orders[2] != shuffled(cells, seed="6", block="2")


SMALL = ("stateful", "--n-jobs", "1", "--trials", "1", "--memory-trials", "0")


def test_failures_are_rows_and_the_suite_goes_on(tmp_path, monkeypatch):
    temporary = tmp_path / "t"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    # The limit ends the one that hangs. The others take a second on an idle machine.
    ended = run_suite("numerical", *SMALL[1:], "--results", tmp_path, "--timeout", "15", script="mixed")
    assert ended.returncode == 1, ended.stderr
    assert list(temporary.iterdir()) == []  # whatever became of the trials
    assert "Traceback" not in ended.stdout + ended.stderr
    trials = results.load(tmp_path / "numerical_mixed.p3").runs[-1].trials
    assert len(trials) == 5
    outcomes = {trial.idiom: trial.outcome for trial in trials}
    assert outcomes["right"] == terms.OK
    assert outcomes["hangs"] == terms.TIMEOUT
    assert outcomes["raises"] == terms.ERROR
    assert outcomes["wrong_result"] == terms.WRONG
    assert "5 trials, 4 failed" in ended.stdout
    # The table shows the reason, and what looks like markup in it stays text.
    assert "no [bold]luck[/bold]" in ended.stdout


def test_missing_library_is_a_skipped_row(tmp_path):
    ended = run_suite("sharing", *SMALL[1:], "--results", tmp_path, script="missing")
    assert ended.returncode == 0, ended.stderr
    assert "skipped" in ended.stdout
    assert "pip install a_library_that_nobody_has" in ended.stdout
    (trial,) = results.load(tmp_path / "sharing_missing.p3").runs[-1].trials
    assert trial.outcome == terms.SKIPPED


def test_script_that_does_not_start_is_an_error_row(tmp_path):
    ended = run_suite(*SMALL, "--results", tmp_path, script="broken")
    assert ended.returncode == 1
    (trial,) = results.load(tmp_path / "stateful_broken.p3").runs[-1].trials
    assert trial.outcome == terms.ERROR
    assert "RuntimeError: broken at import" in trial.reason


def test_script_that_does_not_answer_is_a_timeout_row(tmp_path, monkeypatch):
    script = tmp_path / "benchmark_slow.py"
    script.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(cells_module, "LISTING_TIMEOUT_S", 0.5)
    (cell,) = all_cells(parse([f"--script={script}", "numerical", "--n-jobs", "1"]))
    assert cell.outcome == terms.TIMEOUT
    assert psutil.Process().children(recursive=True) == []


@pytest.mark.parametrize(("killed", "outcome"), [(1, None), (2, terms.ERROR)])
def test_a_script_that_is_killed_while_it_says_its_idioms_is_asked_once_more(killed, outcome, tmp_path):
    script = tmp_path / "benchmark_killed.py"
    script.write_text(
        "import os, pathlib, signal\n"
        "from trial.script import idiom, run\n"
        f"asked = pathlib.Path({str(tmp_path / 'asked')!r})\n"
        "asked.open('a').write('x')\n"
        f"if len(asked.read_text()) <= {killed}:\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "run(shared={'loop': idiom(iter)})\n"
    )
    (cell,) = all_cells(parse([f"--script={script}", "numerical", "--n-jobs", "1"]))
    assert cell.outcome == outcome
    assert (tmp_path / "asked").read_text() == "xx"


# Before a suite in a process of its own: tiny sizes, and no time spent on warming up the machine.
# A trial's own time limit is longer than a test waits: else it might be what ends a trial.
TINY_SIZES = (
    "import params; params.PROFILES[params.DEFAULT_PROFILE] = "
    f"params.from_dict({as_dict(without(TINY, timeout_s=10 * LONG_S))!r})",
    "import harness.suite; harness.suite._warm_up = lambda *_: (1e10, '')",
)


def command_of_suite(*arguments: str, code_before: Sequence[str] = TINY_SIZES) -> list[str]:
    """Return a command that runs benchmark_all.py, after some code in the same process."""
    code = ["import sys, runpy", *code_before, "runpy.run_path('benchmark_all.py', run_name='__main__')"]
    return [sys.executable, "-c", "; ".join(code), *arguments]


def start_suite(
    folder: Path, *code_before: str, libraries: str = "", workload: str = "numerical", **variables: str
) -> subprocess.Popen[str]:
    """Start a suite that measures for a long time: a script that hangs, or some libraries, and then the plain loop."""
    measured = (workload, "--libraries", *libraries.split(), "serial") if libraries else ("stateful",)
    script = () if libraries else (f"--script={SCRIPTS / 'benchmark_waits.py'}",)
    arguments = [*script, *measured, "--n-jobs", "2", "--trials", "50", "--results", str(folder)]
    return subprocess.Popen(
        command_of_suite(*arguments, code_before=[*TINY_SIZES, *code_before]),
        cwd=ROOT,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell without job control starts what it puts into the background with SIGINT ignored, and so its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


# What a suite is waited for to have started: by a script that hangs, and, in `make test-all`, by a library's own.
IN_TRIAL = ("libraries", "awaited"), [("", "sleep"), pytest.param("ray", "raylet", marks=pytest.mark.full)]


@pytest.mark.parametrize(*IN_TRIAL)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_saves_what_was_measured_and_ends_children(number, libraries, awaited, tmp_path):
    started = start_suite(tmp_path, libraries=libraries)
    descendants = wait_for_descendant(started.pid, awaited)
    started.send_signal(number)
    printed, _ = started.communicate(timeout=LONG_S)
    assert started.returncode == 130, printed
    assert "Interrupted" in printed
    assert "Traceback" not in printed
    _, alive = psutil.wait_procs(descendants, timeout=LONG_S)
    assert alive == []
    # A trial that the interrupt cut off is no trial.
    for path in tmp_path.glob("*.p3"):
        assert all(trial.outcome == terms.OK for trial in results.load(path).runs[-1].trials)


@pytest.mark.parametrize(*IN_TRIAL)
@pytest.mark.parametrize("isolation", [(), (NOT_ISOLATED,)], ids=["isolated", "not isolated"])
def test_when_the_suite_is_killed_its_trees_and_folders_end(tmp_path, isolation, libraries, awaited, monkeypatch):
    temporary = Path(tempfile.mkdtemp(prefix="b"))  # short: Ray's sockets lie in it
    suite = start_suite(tmp_path, *isolation, libraries=libraries, TMPDIR=str(temporary))
    descendants = wait_for_descendant(suite.pid, awaited)
    suite.kill()
    suite.communicate()
    # Where nothing is isolated, trees get time to remove what they made: the supervisor lives as long as they do.
    _, alive = psutil.wait_procs(descendants, timeout=LONG_S)
    assert alive == []
    (temporary / "bench-abandoned").mkdir()
    (temporary / "bench-abandoned" / folders.MARK).touch()
    (temporary / "bench-of-somebody-else").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    again = run_suite(*SMALL, "--libraries", "serial", "--results", tmp_path)
    assert again.returncode == 0, again.stderr
    assert [path.name for path in temporary.iterdir()] == ["bench-of-somebody-else"]
    shutil.rmtree(temporary)


@pytest.mark.parametrize("stdout", ["closed", "full", "ascii"])
def test_a_run_goes_on_when_nobody_can_read_what_it_prints(stdout, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    with open("/dev/full" if stdout == "full" else os.devnull, "w") as nowhere:
        ended = subprocess.run(
            command_of_suite(*SMALL, "--libraries", "serial", "--results", str(tmp_path)),
            cwd=ROOT,
            env={**os.environ, **({"PYTHONIOENCODING": "ascii"} if stdout == "ascii" else {})},
            stdout=writer if stdout == "closed" else nowhere,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LONG_S,
            check=False,
        )
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [trial.outcome for trial in results.load(tmp_path / "stateful_serial.p3").runs[-1].trials] == [terms.OK]


@needs_namespaces  # the small disk is made in one
@pytest.mark.parametrize(
    ("what", "size", "reason"),
    [
        ("--results", "8k", "choose another with --results"),
        ("--results", "20k", "cannot be written: No space left on device"),
        ("TMPDIR", "8k", "choose another with TMPDIR"),
    ],
)
def test_a_full_disk_is_one_line(what, size, reason, tmp_path):
    small, other = tmp_path / "small", tmp_path / "other"
    small.mkdir()
    results_in = str(small if what == "--results" else other)
    suite = command_of_suite(*SMALL, "--trials", "40", "--libraries", "serial", "--results", results_in)
    ended = subprocess.run(
        [*process.namespaces(), "sh", "-c", f'mount -t tmpfs -o size={size} tmpfs {small} && exec "$@"', "sh", *suite],
        cwd=ROOT,
        env={**os.environ, **({"TMPDIR": str(small)} if what == "TMPDIR" else {})},
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert reason in ended.stderr


@pytest.mark.full
@pytest.mark.parametrize(
    ("libraries", "isolation", "awaited", "seconds", "expected"),
    [
        ("dask", (NOT_ISOLATED,), "python", 20, {"127.0.0.1"}),  # its workers come later, by the same name
        ("ray", (), "raylet", 3, set()),  # it listens in a namespace of its own
        ("fork mp futures joblib mpire", (NOT_ISOLATED,), "python", 40, set()),
    ],
)
def test_nothing_listens_that_others_can_reach(libraries, isolation, awaited, seconds, expected, tmp_path):
    before = shared_memory()
    suite = start_suite(tmp_path, *isolation, libraries=libraries)
    wait_for_descendant(suite.pid, awaited)
    seen: set[str] = set()
    begin = time.monotonic()
    while (looked_s := time.monotonic() - begin) < seconds or (seen < expected and looked_s < LONG_S):
        ids = {process.pid for process in psutil.Process(suite.pid).children(recursive=True)}
        for each in psutil.net_connections("tcp"):  # of this network namespace
            if each.pid in ids and each.status == psutil.CONN_LISTEN:
                seen.add(each.laddr.ip)
        time.sleep(0.2)
    suite.terminate()
    suite.communicate(timeout=LONG_S)
    assert shared_memory() <= before
    assert seen == expected


@pytest.mark.full
def test_an_interrupted_run_leaves_no_folder_in_the_machines_shared_memory(tmp_path):
    """joblib puts large arguments into folders there, which nobody has open."""
    before = shared_memory()
    suite = start_suite(tmp_path, NOT_ISOLATED, libraries="joblib", workload="sharing")
    made = wait_until(lambda: shared_memory() - before)
    suite.terminate()
    suite.communicate(timeout=LONG_S)
    assert any("joblib" in name for name in made)
    assert shared_memory() <= before


def test_two_runs_into_one_folder_lose_nothing(tmp_path):
    first = start_suite(tmp_path)
    wait_for_descendant(first.pid, "sleep")
    try:
        second = run_suite(*SMALL, "--libraries", "serial", "--results", tmp_path)
        assert second.returncode == 2
        assert f"process {first.pid} writes its results to" in second.stderr
        command = command_of_suite(*SMALL, "--libraries", "serial", "--anyway", "--results", str(tmp_path / "other"))
        beside = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LONG_S, check=False)
        assert beside.returncode == 0, beside.stderr
        assert first.poll() is None
    finally:
        first.terminate()
        first.communicate(timeout=LONG_S)
    (run,) = results.load(tmp_path / "other" / "stateful_serial.p3").runs
    assert f"process {first.pid}" in run.disturbances[0]


def test_a_second_suite_waits_for_the_first(tmp_path):
    first = start_suite(tmp_path)
    wait_for_descendant(first.pid, "sleep")
    second = subprocess.Popen(
        command_of_suite(*SMALL, "--libraries", "serial", "--results", str(tmp_path / "other")),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert "waiting" in second.stdout.readline()
    assert not list((tmp_path / "other").glob("*.p3"))
    first.terminate()
    first.communicate(timeout=LONG_S)
    second.communicate(timeout=LONG_S)
    assert second.returncode == 0


def wait_for_descendant(pid: int, name: str) -> list[psutil.Process]:
    """Wait until a trial of ``pid`` has started a process of that name; return all descendants."""

    def found() -> list[psutil.Process]:
        descendants = psutil.Process(pid).children(recursive=True)
        with suppress(psutil.NoSuchProcess):
            return descendants if any(name in each.name() for each in descendants) else []
        return []

    descendants: list[psutil.Process] = wait_until(found)
    assert descendants, f"no {name} was started"
    return descendants


def test_a_second_run_keeps_the_first(tmp_path):
    for _ in range(2):
        assert run_suite(*SMALL, "--libraries", "serial", "--results", tmp_path).returncode == 0
    runs = results.load(tmp_path / "stateful_serial.p3").runs
    assert [len(run.trials) for run in runs] == [1, 1]
    environment = runs[-1].environment
    assert environment.machine["cpu"]
    assert environment.versions["numpy"][0].isdigit()
    limits = environment.conditions["thread_limits"]
    assert isinstance(limits, dict)
    assert limits["OMP_NUM_THREADS"] == "1"
    assert runs[0].params_hash == runs[1].params_hash
    assert not list(tmp_path.glob(".*"))


def test_damaged_results_are_not_overwritten(tmp_path):
    path = tmp_path / "stateful_serial.p3"
    path.write_bytes(b"precious but damaged")
    ended = run_suite(*SMALL, "--libraries", "serial", "--results", tmp_path)
    assert ended.returncode == 2
    assert str(path) in ended.stderr
    assert path.read_bytes() == b"precious but damaged"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trials", "0"], "trials is 0"),
        (["--trials", "many"], "many"),
        (["--profile", "slow"], "there is no profile 'slow': choose from quick, default, paper"),
        (["--n-jobs", "0"], "n_jobs is 0: it must be between 1 and"),
        (["--n-jobs", "1", "-1"], "n_jobs is -1: it must be between 1 and"),
        (["--n-jobs", "4096"], "n_jobs is 4096: it must be between 1 and"),
        (["--timeout", "0"], "timeout_s is 0"),
        (["--timeout", "-3"], "timeout_s is -3"),
        (["--timeout", "nan"], "timeout_s is nan"),
        (["numercial"], "there is no workload 'numercial'"),
        (["--libraries", "pandas"], "there is no library 'pandas'"),
        (["--results", "params.py"], "--results is params.py: that is not a folder"),
        (["--fast"], "--fast"),
    ],
)
def test_bad_arguments_are_one_clear_line(arguments, said):
    line = refusal(*arguments)
    assert said in line
    assert line.count("\n") == 1


def test_too_small_an_address_space_is_one_clear_line():
    ended = run_program(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, resource.RLIM_INFINITY))
    )
    assert ended.returncode == 2
    assert "the address space is limited to 400 MiB" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_params_that_make_no_sense_are_one_clear_line(tmp_path):
    """As `params.check` says it: tests/test_params.py has its other lines."""
    copy = tmp_path / "suite"
    copy.mkdir()
    for name in ("record", "trial", "harness", "workloads", "report", "benchmark_all.py", "benchmark_serial.py"):
        (copy / name).symlink_to(ROOT / name)
    text = (ROOT / "params.py").read_text().replace('"default": Params()', '"default": Params(image_size=-5)')
    (copy / "params.py").write_text(text)
    code = "import sys; sys.path.insert(0, '.'); sys.argv = ['all']; import benchmark_all; benchmark_all.main()"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, timeout=LONG_S, check=False
    )
    assert ended.returncode == 2
    assert "image_size is -5: it must be a whole number of at least 32" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_script_speaks_under_its_own_name():
    ended = run_program("--trials", "0", script="faulty")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("benchmark_faulty.py: ")
    assert ended.stderr.count("\n") == 1
    helped = run_suite("--help", script="faulty")
    assert "--libraries" not in helped.stdout
    for flag in ("--profile", "--n-jobs", "--trials", "--results", "--timeout"):
        assert flag in helped.stdout


def test_orchestrator_imports_no_library_under_test():
    code = (
        "import sys; sys.argv = ['benchmark_all.py', '--help']; sys.path.insert(0, '.'); import benchmark_all;"
        "print(sorted({'joblib', 'dask', 'distributed', 'ray', 'mpire', 'torch', 'skimage'} & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=LONG_S
    )
    assert ended.stdout.strip() == "[]"


def test_workers_import_nothing_heavy():
    code = (
        "import sys; import trial.script, trial.execute, workloads.numerical, workloads.stateful,"
        "workloads.initialization; heavy = {'matplotlib', 'altair', 'scipy', 'rich', 'psutil', 'pyperf', 'torch',"
        "'skimage', 'sklearn', 'numpy', 'pandas', 'pydantic'}; print(sorted(heavy & set(sys.modules)))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=LONG_S
    )
    assert ended.stdout.strip() == "[]"


@needs_torch
def test_thread_limits_reach_the_numeric_libraries(tiny):
    """What the per-trial check reads (`OMP_NUM_THREADS`, torch) is what the libraries really do."""
    code = (
        "import numpy, scipy.linalg, torch, sklearn; from threadpoolctl import threadpool_info;"
        "print({pool['num_threads'] for pool in threadpool_info()}, torch.get_num_threads())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **THREAD_LIMITS},
        capture_output=True,
        text=True,
        check=True,
        timeout=LONG_S,
    )
    assert ended.stdout.strip() == "{1} 1"


def test_inputs_of_other_parameters_lie_elsewhere(tiny):
    assert inputs.folder_of("numerical", tiny) == inputs.folder_of("numerical", without(tiny, kept_rounds=9, trials=9))
    assert inputs.folder_of("numerical", tiny) != inputs.folder_of("numerical", without(tiny, image_size=201))


def test_inputs_that_cannot_be_made_fail_their_own_workload_alone(tmp_path, monkeypatch):
    """As where joblib is missing: scikit-learn, which one workload's inputs need, imports it."""
    (tmp_path / "sklearn").mkdir()
    (tmp_path / "sklearn" / "__init__.py").write_text("raise ModuleNotFoundError('no sklearn')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    never_made = without(TINY, seed=99)
    reason = suite.make_inputs("initialization", never_made, Console(quiet=True))
    assert reason == "its inputs cannot be made: ModuleNotFoundError: no sklearn"
    cell = suite._unless_impossible(cell_of("faulty", "right"), reason, {})
    assert (cell.outcome, cell.reason) == (terms.ERROR, reason)


@pytest.mark.full
@needs_torch
def test_network_that_learns_nothing_is_the_parameters_fault(tmp_path, monkeypatch):
    assert initialization.LEAST_ACCURACY == 0.95
    monkeypatch.setattr(initialization, "EPOCHS", 1)
    with pytest.raises(ValueError, match=r"hidden_units is 1: the network labels only \d+"):
        initialization.prepare(without(TINY, hidden_units=1), tmp_path)
