"""Memory and CPU time of a whole process tree, of processes whose use is known."""

import sys
from dataclasses import replace

import psutil
import pytest
from rich.console import Console

from harness import suite
from harness.cells import Cell
from harness.launch import run_cell
from harness.machine import process, sampler
from record.schema import MEMORY_FIELDS
from record.terms import ERROR, MEMORY, OK, TIME
from tests.conftest import SCRIPTS, cells_of, without

SIZE = 200 * 2**20
BURN_S = 0.4
SPARE = 40 * 2**20

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="PSS is read from /proc")


def trial_of(idiom, tiny, kind):
    script = SCRIPTS / "benchmark_memory.py"
    trial = run_cell(Cell("memory", script, "sharing", idiom, 1, "shared"), tiny, kind)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    return trial


def growth(trial):
    sample = trial.memory
    return {name: getattr(sample.peak, name) - getattr(sample.start, name) for name in MEMORY_FIELDS}


@linux_only
@pytest.mark.parametrize(
    ("idiom", "pss", "uss", "rss", "shm"),
    [
        ("nothing", 0, 0, 0, 0),
        ("own_copy", 1, 1, 1, 0),
        ("shared_by_fork", 1, 1, 2, 0),  # RSS counts shared pages in every process; USS had them before the fork
        ("unmapped_segment", 0, 0, 0, 1),  # in no process' page table, which is why /dev/shm is sampled too
        ("daemon", 1, 1, 1, 0),
    ],
)
def test_known_memory_is_measured(idiom, pss, uss, rss, shm, tiny):
    grown = growth(trial_of(idiom, tiny, MEMORY))
    for name, copies in (("pss", pss), ("uss", uss), ("rss", rss), ("shm", shm)):
        # A forked child shares the interpreter's pages: RSS counts these once more, and USS no longer.
        more, less = (3 * SPARE, SPARE / 4) if name == "rss" else (SPARE, 2 * SPARE if name == "uss" else SPARE / 4)
        assert copies * SIZE - less <= grown[f"{name}_bytes"] <= copies * SIZE + more, (name, grown)


@linux_only
def test_the_sampler_says_how_often_it_looked_and_what_it_cost(tiny):
    said = trial_of("nothing", tiny, MEMORY).memory
    assert 0 < said.interval_s <= said.longest_interval_s
    assert said.samples >= 2
    assert 0 < said.sampler_cpu_share <= 1


@linux_only
def test_memory_that_cannot_be_sampled_is_an_outcome(tiny, tmp_path, monkeypatch):
    """A sum that lacks a process would be a number that lies."""

    def refuse():
        raise psutil.AccessDenied(1)

    with monkeypatch.context() as patched:
        patched.setattr(sampler, "_tree_bytes", refuse)
        refused = sampler.Sampler(tmp_path / "samples")
        refused.start()
        refused.join(timeout=300)
    run_to_end = process.run_to_end  # the sampler itself runs in another process

    def with_the_error(*command, **options):
        return replace(run_to_end(*command, **options), sampler_error=refused.error)

    monkeypatch.setattr(process, "run_to_end", with_the_error)
    script = SCRIPTS / "benchmark_memory.py"
    trial = run_cell(Cell("memory", script, "sharing", "nothing", 1, "shared"), tiny, MEMORY)
    assert trial.outcome == ERROR
    assert trial.reason.startswith("memory could not be sampled: AccessDenied")


def test_a_timed_trial_is_not_sampled(tiny):
    assert trial_of("nothing", tiny, TIME).memory is None


@linux_only
def test_the_input_counts_as_the_first_copy(tiny):
    """Memory starts before the input is loaded and ends with it still there: an image of 100 MB is in its growth."""
    large = without(tiny, image_size=5000, num_filters=1)
    assert suite.make_inputs("numerical", large, Console(quiet=True)) == ""
    script = SCRIPTS / "benchmark_memory.py"
    trial = run_cell(Cell("memory", script, "numerical", "nothing", 1, "shared"), large, MEMORY)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    sample = trial.memory
    # Pages of libraries that other tests map meanwhile become theirs in part: so much may be missing.
    assert 100e6 - SPARE / 4 <= sample.end.pss_bytes - sample.start.pss_bytes <= 100e6 + SPARE, sample
    assert sample.peak.pss_bytes >= sample.end.pss_bytes


@linux_only
@pytest.mark.parametrize(("idiom", "burnt"), [("nothing", 0), ("burns", 2), ("burns_unheard", 1)])
def test_cpu_time_is_of_the_whole_tree(idiom, burnt, tiny):
    trial = trial_of(idiom, without(tiny, kept_rounds=0), TIME)
    used = trial.cpu_user_s + trial.cpu_system_s
    assert burnt * BURN_S * 0.95 <= used <= burnt * BURN_S + 0.8, trial


@linux_only
@pytest.mark.parametrize("library", ["mp", pytest.param("ray", marks=pytest.mark.full)])
def test_daemons_and_workers_of_a_library_are_in_the_tree(library, tiny):
    """Ray's start-up alone brings a server, a raylet and workers; a forked pool hardly anything."""
    trial = run_cell(cells_of("numerical", library)[0], tiny, MEMORY)
    assert trial.outcome == OK
    assert trial.memory.samples > 0
    many = 250 * 2**20
    assert (growth(trial)["pss_bytes"] > many) == (library == "ray")
    end = trial.memory.end.pss_bytes - trial.memory.start.pss_bytes
    assert end < many  # with the pool closed, what it took is given back
