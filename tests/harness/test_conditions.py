"""What would disturb a measurement is said: what is off, by how much, what to do."""

from types import SimpleNamespace

import pytest

from harness.machine import conditions, room
from harness.machine.yardstick import yardstick_s
from report.numbers.drift import is_marked, said_of_drift
from tests.made_up import a_run, a_trial


@pytest.fixture
def quiet(tmp_path, monkeypatch):
    """A machine on which nothing is off; tests change one thing each."""
    monkeypatch.setattr(conditions, "CPU", tmp_path / "cpu")
    monkeypatch.setattr(room, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(conditions, "physical_cores", lambda: 4)
    monkeypatch.setattr(conditions.psutil, "cpu_percent", lambda interval: 0.5)
    monkeypatch.setattr(conditions.psutil, "swap_memory", lambda: SimpleNamespace(used=0))
    monkeypatch.setattr(conditions.psutil, "virtual_memory", lambda: SimpleNamespace(available=8 * 2**30))
    monkeypatch.setattr(room.shutil, "disk_usage", lambda path: SimpleNamespace(free=2**30))

    def write(path, text):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text + "\n")

    return write


def found(n_jobs=4, needed=2**30, shared=2**20):
    return conditions.disturbances(n_jobs, needed, shared)


def test_nothing_is_said_of_a_quiet_machine(quiet):
    quiet("cpu/cpu0/cpufreq/scaling_governor", "performance")
    quiet("cpu/smt/active", "0")
    quiet("cgroup/cpu.max", "max 100000")
    assert found() == []


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("cpu/cpu0/cpufreq/scaling_governor", "powersave", "the CPU governor is powersave"),
        ("cpu/intel_pstate/no_turbo", "0", "turbo is on"),
        ("cpu/cpufreq/boost", "1", "boost is on"),
        ("cpu/smt/active", "1", "SMT is on"),
        ("cgroup/cpu.max", "250000 100000", "the cgroup's quota is 2.5 CPUs for 4 workers"),
        ("cgroup/memory.max", str(2**30), "a trial may take 1024 MiB of memory, 1024 MiB are available"),
        ("cgroup/memory/memory.limit_in_bytes", str(2**30), "a trial may take 1024 MiB of memory, 1024 MiB are"),
    ],
)
def test_what_the_kernel_says_is_off(path, text, said, quiet):
    quiet(path, text)
    (line,) = found()
    assert said in line
    assert line.count(": ") >= 1 or ";" in line  # what to do about it


def test_load_swap_and_room(quiet, monkeypatch):
    monkeypatch.setattr(conditions.psutil, "cpu_count", lambda logical=True: 4)
    monkeypatch.setattr(conditions.psutil, "cpu_percent", lambda interval: 25.0)
    assert "other processes keep 1.0 cores busy" in found()[0]
    monkeypatch.setattr(conditions.psutil, "cpu_percent", lambda interval: 0.0)
    monkeypatch.setattr(conditions.psutil, "swap_memory", lambda: SimpleNamespace(used=5 * 2**20))
    assert "5 MiB lie in swap" in found()[0]
    monkeypatch.setattr(conditions.psutil, "swap_memory", lambda: SimpleNamespace(used=0))
    assert "a trial may take 7168 MiB of memory, 8192 MiB are available" in found(needed=7 * 2**30)[0]
    assert "2048 MiB into /dev/shm, 1024 MiB are free" in found(shared=2**31)[0]
    assert "4 cores may be used, 5 workers" in found(n_jobs=5)[0]


def test_real_load_is_seen():
    """Two processes that compute, started here, are other load to the check."""
    import subprocess
    import sys

    burning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        (busy,) = [line for line in conditions.disturbances(1, 1, 1) if "cores busy" in line]
        assert float(busy.split()[3]) >= 1
    finally:
        for process in burning:
            process.kill()
            process.wait()


def test_yardstick_is_short_and_repeats():
    taken = sorted(yardstick_s() for _ in range(9))
    assert taken[0] > 0
    assert taken[4] / taken[0] < 10  # the machine may be busy; a unit that is wrong would be off by more


def before(position, yardstick_s):
    """Return a trial before which the yardstick took so long."""
    return a_trial(position=position, yardstick_s=yardstick_s)


def test_drift_is_reported_and_moved_trials_are_marked():
    """A machine that gets 10 % slower, steadily, and hiccups once."""
    trials = [before(i, 0.010 * (1 + 0.1 * i / 99)) for i in range(100)]
    trials[50].yardstick_s = 0.02
    said = said_of_drift([a_run(*trials[::2]), a_run(*trials[1::2])])  # files hold parts of one run
    assert "against the first: +7.5%" in said  # from the middle of the first quarter to that of the last
    assert "Marked: 1 of 100" in said
    typical = 0.010 * 1.05
    assert not is_marked(before(0, 0.010), typical)
    assert is_marked(before(0, 0.0099), typical)
    assert is_marked(before(0, 0.012), typical)
    assert not is_marked(before(0, None), typical)


def test_without_yardsticks_no_drift_is_claimed():
    assert "No drift is known" in said_of_drift([a_run(before(None, None))])
