"""A store that is full, or whose server dies, while a workflow runs: a row that says so, and nothing left behind."""

import pytest

from harness.cells import Cell
from harness.launch import run_cell
from record.terms import ERROR, TIMEOUT
from tests.conftest import ROOT, shared_memory, without
from tests.stores.test_stores import STORES

SCRIPT = """
import sys

sys.path.insert(0, {root!r})
import benchmark_dask_stores
import psutil
from trial.script import idiom, run

benchmark_dask_stores.STORE_BYTES = {store_bytes}


def without_server(job, rounds, n_jobs, store="vineyard"):
    moment_is = benchmark_dask_stores.moment_is

    def server_dies(moment):
        for child in psutil.Process().children():
            if store in " ".join(child.cmdline()) and "--socket" in " ".join(child.cmdline()):
                child.kill()
                child.wait()
        moment_is(moment)

    benchmark_dask_stores.moment_is = server_dies
    return benchmark_dask_stores.client_scatter(job, rounds, n_jobs, store)


if __name__ == "__main__":
    rows = benchmark_dask_stores.with_stores(benchmark_dask_stores.client_scatter)
    worker_scatter = benchmark_dask_stores.with_stores(benchmark_dask_stores.worker_scatter)
    run(client_scatter=rows | {{"dies": idiom(without_server)}}, worker_scatter=worker_scatter)
"""


def trial_of(workload, idiom, tiny, folder, store_bytes):
    script = folder / "benchmark_full.py"
    script.write_text(SCRIPT.format(root=str(ROOT), store_bytes=store_bytes))
    before = shared_memory()
    trial = run_cell(Cell("dask_stores", script, workload, idiom, 2, pattern=workload), tiny)
    assert shared_memory() <= before
    return trial


@pytest.mark.full
@pytest.mark.parametrize("store", [store for store in STORES if store != "shared_memory"])  # which /dev/shm limits
def test_a_full_store_is_a_row_that_says_so(store, tiny, tmp_path):
    trial = trial_of("client_scatter", store, tiny, tmp_path, tiny.sharing_bytes // 2)
    assert trial.outcome == ERROR
    assert f"{tiny.sharing_bytes} bytes do not fit into" in trial.reason, trial.output


@pytest.mark.full
@pytest.mark.skipif("lmdb" not in STORES, reason="lmdb is not installed")
def test_a_full_store_that_dask_tries_again_and_again_is_told_from_a_slow_one(tiny, tmp_path):
    """`Client.replicate` asks the worker for ever; the trial's time limit ends that."""
    trial = trial_of("worker_scatter", "lmdb", without(tiny, timeout_s=20.0), tmp_path, tiny.sharing_bytes // 2)
    assert trial.outcome == TIMEOUT
    assert f"MemoryError: {tiny.sharing_bytes} bytes do not fit into" in trial.reason, trial.output


@pytest.mark.full
@pytest.mark.skipif("vineyard" not in STORES, reason="vineyard is not installed")
def test_a_dead_server_is_a_row_that_says_so(tiny, tmp_path):
    trial = trial_of("client_scatter", "dies", tiny, tmp_path, 2**28)
    assert trial.outcome == ERROR
    assert "onnection" in trial.reason, (trial.reason, trial.output)
