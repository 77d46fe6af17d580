"""Stores under Dask: one put per object, nothing copied on the way out, nothing left when the last reference goes."""

import gc
import multiprocessing
import threading
from multiprocessing import resource_tracker
from pathlib import Path

import numpy as np
import pytest

from harness.launch import run_cell
from record.terms import OK, SKIPPED
from stores.family import LEAST_BYTES, Family
from stores.references import References
from stores.serving import _open, _server, missing
from tests.conftest import LONG_S, cell_of, cells_of, shared_memory, wait_until
from trial import tasklog

STORES = [name for name in ("shared_memory", "lmdb", "vineyard") if not missing(name)]
SIZE = 64 * 2**20
WORKFLOWS = ("client_scatter", "worker_scatter", "array", "dataframe")


@pytest.fixture(autouse=True)
def no_tracker_of_our_own():
    """A trial is not to find, and end, the resource tracker that Python starts in this process."""
    yield
    getattr(resource_tracker, "_resource_tracker")._stop()  # noqa: B009 -- nothing public stops it


# Vineyard's server takes seconds to start and end.
@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.full if name == "vineyard" else ()) for name in STORES])
def family(request, tmp_path, monkeypatch):
    """A family on a store of SIZE, as a client has it."""
    monkeypatch.setenv(tasklog.ENVIRONMENT_VARIABLE, str(tmp_path / "tasks.log"))
    monkeypatch.setattr(tasklog, "_log", -1)
    before = shared_memory()
    (tmp_path / "references").mkdir()
    with _server(request.param, tmp_path, SIZE):
        yield Family(_open(request.param, tmp_path, SIZE), References(tmp_path / "references"))
        assert held(tmp_path, 0) == 0
        if request.param == "shared_memory":  # the thread removes an object's references first, and then the object
            assert wait_until(lambda: shared_memory() <= before)
    assert shared_memory() <= before


def puts(tmp_path):
    return len(tasklog.read(tmp_path / "tasks.log").placed)


def held(tmp_path, expected):
    """Return how many objects there are, as soon as it is what is expected: a thread removes them."""
    gc.collect()
    wait_until(lambda: len(list((tmp_path / "references").iterdir())) == expected)
    return len(list((tmp_path / "references").iterdir()))


def test_what_goes_in_comes_out(family, tmp_path):
    data = {"large": np.arange(500_000.0), "small": np.arange(10), "text": "x" * 10, "fortran": np.ones((800, 900)).T}
    header, frames = family.dumps(data)
    assert puts(tmp_path) == 2
    assert sum(memoryview(frame).nbytes for frame in frames) < LEAST_BYTES  # what travels
    found = family.loads(header, frames)
    assert found["text"] == data["text"]
    for name in ("large", "small", "fortran"):
        np.testing.assert_array_equal(found[name], data[name])
    with pytest.raises(ValueError, match="read-only"):
        found["large"][0] = 1


def test_what_was_mapped_is_not_put_again(family, tmp_path):
    """As when a worker passes on what it got, whole or a part of it."""
    got = family.loads(*family.dumps(np.arange(1_000_000.0)))
    again = family.loads(*family.dumps(got))
    part = family.loads(*family.dumps(got[200_000:600_000]))
    assert puts(tmp_path) == 1
    np.testing.assert_array_equal(again, np.arange(1_000_000.0))
    np.testing.assert_array_equal(part, np.arange(200_000.0, 600_000.0))
    assert np.shares_memory(again, got)
    assert np.shares_memory(part, got)


def test_an_object_goes_with_its_last_reference(family, tmp_path):
    """Each message is one; a view of what was mapped holds it as well."""
    message = family.dumps(np.arange(1_000_000.0))
    assert held(tmp_path, 1) == 1
    view = family.loads(*message)[:10]
    assert held(tmp_path, 1) == 1
    np.testing.assert_array_equal(view, np.arange(10.0))
    del view
    assert held(tmp_path, 0) == 0


@pytest.mark.full
def test_a_long_run_does_not_fill_the_store(family, tmp_path):
    data = np.ones(SIZE // 3, np.uint8)
    for _ in range(20):
        family.loads(*family.dumps(data))
        assert held(tmp_path, 0) == 0
    assert puts(tmp_path) == 20
    assert held(tmp_path, 0) == 0


def test_memory_that_is_used_again_is_not_taken_for_what_it_was(family):
    """An array of the same size often gets the address of one that has just gone."""
    for value in range(50):
        mapped = family.loads(*family.dumps(np.full(200_000, value)))
        assert family.loads(*family.dumps(np.full(200_000, value + 0.5)))[0] == value + 0.5
        assert family.loads(*family.dumps(mapped + 1))[0] == value + 1


def test_objects_may_go_under_any_lock(family):
    """As in a worker: its data's lock is held where an object goes, and wanted while one is sent."""
    lock, stop = threading.Lock(), threading.Event()

    class Locking:
        def __reduce__(self):
            with lock:
                return str, ()

    def let_go():
        while not stop.is_set():
            kept = [family.loads(*family.dumps(np.ones(LEAST_BYTES, np.uint8)))]
            with lock:
                kept.clear()

    def send():
        for _ in range(100):
            family.loads(*family.dumps([Locking(), np.ones(LEAST_BYTES, np.uint8)]))
        stop.set()

    threads = [threading.Thread(target=target, daemon=True) for target in (let_go, send)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG_S)
        assert not thread.is_alive()


@pytest.mark.full
def test_what_is_held_stays_as_it_is_while_others_come_and_go(family, tmp_path):
    """In LMDB, too, whose buffers are promised for the time of their transaction only."""
    data = np.random.default_rng(1).integers(0, 256, SIZE // 5, dtype=np.uint8)
    first = family.loads(*family.dumps(data))
    for value in range(20):
        family.loads(*family.dumps(np.full(SIZE // 5, value, np.uint8)))
        assert held(tmp_path, 1) == 1
        np.testing.assert_array_equal(first, data)


def test_the_same_object_may_be_mapped_and_let_go_of_again_and_again(family, tmp_path):
    got = family.loads(*family.dumps(np.ones(LEAST_BYTES, np.uint8)))
    message = [family.dumps(got) for _ in range(200)]
    del got
    while message:
        family.loads(*message.pop())  # mapped anew, or still, and gone at once
    assert held(tmp_path, 0) == 0
    assert family.loads(*family.dumps(np.ones(LEAST_BYTES, np.uint8))).sum() == LEAST_BYTES  # it still forgets:
    assert held(tmp_path, 0) == 0


def test_what_does_not_fit_leaves_nothing_behind(family, tmp_path, monkeypatch):
    put, calls = family.store.put, []

    def full_at_the_second(buffer):
        calls.append(buffer.nbytes)
        if len(calls) == 2:
            raise MemoryError("full")
        return put(buffer)

    monkeypatch.setattr(family.store, "put", full_at_the_second)
    with pytest.raises(MemoryError, match="full"):
        family.dumps([np.ones(LEAST_BYTES, np.uint8), np.zeros(LEAST_BYTES, np.uint8)])
    assert held(tmp_path, 0) == 0


def test_a_clients_object_that_has_changed_is_put_again(family):
    data = np.zeros(1_000_000)
    first = family.loads(*family.dumps(data))
    data[:] = 1
    second = family.loads(*family.dumps(data))
    assert (first.sum(), second.sum()) == (0, 1_000_000)


def test_a_full_store_says_so(family, monkeypatch):
    from stores import shared_memory_store

    full = type("Usage", (), {"free": SIZE})
    monkeypatch.setattr(shared_memory_store.shutil, "disk_usage", lambda path: full)
    with pytest.raises(MemoryError, match=f"{2 * SIZE} bytes do not fit into"):
        family.dumps(np.ones(2 * SIZE, np.uint8))


@pytest.mark.skipif("vineyard" not in STORES, reason="vineyard is not installed")
def test_a_dead_server_is_an_error_and_not_a_wait(tmp_path):
    (tmp_path / "references").mkdir()
    with _server("vineyard", tmp_path, SIZE) as server:
        family = Family(_open("vineyard", tmp_path, SIZE), References(tmp_path / "references"))
        server.kill()
        server.wait()
        with pytest.raises(Exception, match=r"(?i)connection|broken|socket"):
            family.dumps(np.ones(LEAST_BYTES, np.uint8))
    assert list(tmp_path.glob(f"vineyard.*.{server.pid}"))  # its logs
    assert not list(Path("/tmp").glob(f"vineyard.*.{server.pid}"))


def change(folder, count, by):
    references = References(folder)
    for _ in range(count):
        references._change("key", by)


@pytest.mark.full
def test_references_are_counted_right_by_many_processes(tmp_path):
    context = multiprocessing.get_context("spawn")
    adding = [context.Process(target=change, args=(tmp_path, 500, 1)) for _ in range(4)]
    for process in adding:
        process.start()
    for process in adding:
        process.join()
        assert process.exitcode == 0
    references = References(tmp_path)
    assert [references.drop("key") for _ in range(2000)] == [False] * 1999 + [True]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
@pytest.mark.parametrize("workflow", WORKFLOWS)
def test_workflow(workflow, tiny, subtests):
    """What a store itself can do wrong shows in the scatters; the other two are tried without one, and with one."""
    for cell in cells_of(workflow, "dask_stores"):
        if "scatter" in workflow or cell.idiom not in ("lmdb", "vineyard"):
            with subtests.test(cell.idiom):
                check_row(cell, tiny)


def test_a_row_of_a_workflow(tiny):
    check_row(cell_of("client_scatter", "dask_stores", "shared_memory"), tiny)


def check_row(cell, tiny):
    """Run one trial of a row, and hold its record to what a right one says."""
    if cell.outcome:
        assert cell.outcome == SKIPPED
        assert "make bench-stores" in cell.reason  # what to do about it
        return
    before = shared_memory()
    trial = run_cell(cell, tiny)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    if "scatter" in cell.workload and cell.idiom != "pickle":
        assert (trial.placed, trial.placed_bytes) == (2, 2 * tiny.sharing_bytes)  # once a round, however many replicas
    assert trial.left_behind.processes == trial.left_behind.shm_segments == 0
    assert shared_memory() <= before
