"""One large input for all tasks: read whole, checked, and what happens when a task writes to it."""

import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from harness.inputs import _source, folder_of
from harness.launch import run_cell
from harness.suite import make_inputs
from record.terms import MEMORY, OK, WRITE
from tests.conftest import ROOT, cell_of, setting, without
from trial.rules import Rules, WrongResult, check_new_workers, check_workers
from workloads import sharing, sharing_frame


def test_a_checksum_is_of_all_bytes(tiny):
    folder = folder_of("sharing", tiny)
    inputs = sharing.load(tiny, folder)
    assert inputs.nbytes == tiny.sharing_bytes
    (pool,) = sharing.pools(inputs, setting("shared"))
    for round_ in pool.rounds:
        assert isinstance(round_.tasks, list)
        right = [(number, zlib.crc32(inputs.data.tobytes(), index)) for number, index in round_.tasks]
        assert [pool.job.task(*arguments, pool.job.shared) for arguments in round_.tasks] == right
        assert round_.wrong(reversed(right)) is None
        for place in (0, len(inputs.data) // 2, -1):
            changed = inputs.data.copy()
            changed[place] ^= 1
            assert "task 3" in round_.wrong([*right[:3], pool.job.task(*round_.tasks[3], changed), *right[4:]])
        with pytest.raises(WrongResult, match="7 of 8 tasks"):
            round_.wrong(right[:-1])


def test_a_frames_checksum_is_of_all_values(tiny):
    """Packed by hand from Python's own numbers and text, column by column."""
    frame = sharing_frame.make_frame(500, seed=1)
    columns = [frame[name].tolist() for name in ("integer", "float", "string")]
    codes = [sharing_frame.CATEGORIES.index(name) for name in frame["category"]]
    packed = struct.pack("<500q", *columns[0]) + bytes(codes) + struct.pack("<500d", *columns[1])
    packed += "".join(columns[2]).encode()
    assert sharing_frame.checksum(9, 7, frame) == (9, zlib.crc32(packed, 7))
    assert list(frame.dtypes.astype(str)) == ["int64", "category", "float64", "str"]
    folder = folder_of("sharing_frame", tiny)
    inputs = sharing_frame.load(tiny, folder)
    (pool,) = sharing_frame.pools(inputs, setting("shared"))
    round_ = next(pool.rounds)
    right = [pool.job.task(*arguments, inputs.data) for arguments in round_.tasks]
    assert round_.wrong(right) is None
    for name, value in (("integer", 5), ("category", "red"), ("float", 0.5), ("string", "abcdefghijkl")):
        changed = inputs.data.copy()
        changed.loc[100, name] = value if changed.loc[100, name] != value else "blue"
        assert round_.wrong([sharing_frame.checksum(0, 0, changed), *right[1:]]), name
    assert inputs.nbytes == pytest.approx(tiny.sharing_bytes, rel=0.001)


READ_ONLY = "read-only: ValueError: assignment destination is read-only"


@pytest.mark.parametrize(
    ("library", "idiom", "said"),
    [
        ("mp", "fork, global", "writable, a private copy"),
        ("mp", "spawn, initializer", "writable, a private copy"),
        ("mp", "spawn, writable memory", "writable, seen by workers"),
        ("mp", "spawn, shared memory", READ_ONLY),
        pytest.param("mp", "spawn, NumPy memmap of a file", READ_ONLY, marks=pytest.mark.full),
        ("joblib", "loky, automatic memmap", READ_ONLY),
        ("joblib", "threading", "writable, seen by workers and the caller"),
        pytest.param("ray", "tasks, ray.put", READ_ONLY, marks=pytest.mark.full),
    ],
)
def test_what_a_write_does(library, idiom, said, tiny):
    trial = run_cell(cell_of("sharing", library, idiom), tiny, WRITE)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    assert trial.on_write == said


@pytest.mark.parametrize(
    ("library", "idiom"),
    [
        ("mp", "spawn, shared memory"),
        pytest.param("joblib", "loky, automatic memmap", marks=pytest.mark.full),
        pytest.param("dask", "spawn, scatter, broadcast", marks=pytest.mark.full),
        pytest.param("mpire", "spawn, shared objects", marks=pytest.mark.full),
    ],
)
def test_a_frame_gets_there_whole(library, idiom, tiny):
    trial = run_cell(replace(cell_of("sharing", library, idiom), workload="sharing_frame"), tiny)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output


def test_what_answers_to_a_write_mean():
    def answer(worker, error="", seen=()):
        return {"worker": worker, "error": error, "seen": list(seen)}

    def said(answers, data):
        return sharing.on_write(sharing.Inputs(np.array(data), 2, [0, 0], sharing.write, answers))

    untouched, touched = [0, 0], [1, 0]
    alone = [(0, answer("a", seen=[0])), (1, answer("b", seen=[1]))]
    assert said(alone, untouched) == "writable, a private copy"
    assert said(alone, touched) == "writable, seen by the caller"
    shared = [(0, answer("a", seen=[0])), (1, answer("b", seen=[0, 1]))]
    assert said(shared, untouched) == "writable, seen by workers"
    own = [(0, answer("a", seen=[0])), (1, answer("a", seen=[0, 1]))]  # its own earlier write is no news
    assert said(own, untouched) == "writable, a private copy"
    assert said([(0, answer("a", "ValueError: no")), alone[1]], untouched) == "read-only: ValueError: no"


def test_copies_are_what_the_mechanism_says(tiny):
    """100 MB: one copy where workers inherit it, one more for each where each gets its own."""
    large = without(tiny, sharing_bytes=100 * 2**20)
    assert make_inputs("sharing", large, Console(quiet=True)) == ""
    # Pages of libraries that other tests map meanwhile become theirs in part: as much is missing from the growth.
    # What is on its way to a spawned worker, as one pickle here and another there, is in the peak besides.
    expected = {"fork, global": (1, 2), "spawn, shared memory": (2, 3), "spawn, initializer": (3, 7)}
    for idiom, (least, most) in expected.items():
        trial = run_cell(cell_of("sharing", "mp", idiom), large, MEMORY)
        assert (trial.outcome, trial.reason) == (OK, ""), trial.output
        grown = trial.memory.peak.pss_bytes - trial.memory.start.pss_bytes
        assert least * 0.95 <= grown / large.sharing_bytes <= most, (idiom, grown)


def test_loading_a_frame_is_not_in_its_copies(tiny):
    """A plain loop has the input once, whatever loading it took."""
    large = without(tiny, sharing_bytes=100 * 2**20)
    assert make_inputs("sharing_frame", large, Console(quiet=True)) == ""
    trial = run_cell(replace(cell_of("sharing", "serial", "loop"), workload="sharing_frame"), large, MEMORY)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    grown = trial.memory.peak.pss_bytes - trial.memory.start.pss_bytes
    assert 0.95 <= grown / large.sharing_bytes <= 1.2


def test_inputs_made_by_another_workloads_module_are_made_anew_with_it():
    source = (ROOT / "workloads" / "sharing.py").read_bytes()
    for workload in ("sharing", "sharing_frame", "client_scatter", "worker_scatter"):
        assert source in _source(workload)
    assert source not in _source("numerical")


def test_threads_are_workers_only_where_an_idiom_says_so(tiny):
    trial = run_cell(cell_of("sharing", "joblib", "threading"), tiny)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    assert 1 <= trial.workers <= 2
    parent, workers = 7, {7: (4, 1), 8: (4, 1)}
    assert "in the calling process" in check_workers(workers, Rules(2, 4, 1, parent))
    assert check_workers(workers, Rules(2, 4, 1, None)) is None
    assert "3 new workers, n_jobs is 2" in check_new_workers(len({**workers, 9: (4, 1)}), 2)


def test_cached_inputs_are_not_those_of_another_source_of_a_module_that_is_imported_whole():
    """`numerical_8` takes what it prepares from `lengthened`, through partials, and nothing else by name."""
    assert (ROOT / "workloads" / "lengthened.py").read_bytes() in _source("numerical_8")
