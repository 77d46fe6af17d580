"""Clusters on two hosts, which are network namespaces: the same checks, with records that travel with the results."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cells import all_cells
from harness.cli import UserError, parse
from harness.clusters import with_facts
from harness.launch import run_cell
from record import files as results
from record.schema import Host
from record.terms import OK, Traits
from report.numbers.clusters import on_clusters
from report.numbers.group import groups_of
from report.tables.workload import tables_of
from tests.conftest import ROOT, TINY, refusal
from tests.made_up import a_run, a_trial, save
from tools.hosts import dask_cluster, network, ray_cluster
from trial import remote
from trial.patterns import Map, State

START_S = 90.0  # of a cluster, at most
on_two_hosts = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("ip"), reason="network namespaces need root, and `ip` of iproute2"
)


@pytest.mark.parametrize("address", ["10.0.0.1", "http://10.0.0.1:80", "tcp://:8786", "tcp://a b:1", "tcp://host:port"])
def test_an_address_of_another_form_is_refused(address):
    assert "--dask is" in refusal("--dask", address)
    assert "tcp://HOST:PORT" in refusal("--dask", address)


def test_a_cluster_needs_its_library():
    assert "dask is not measured" in refusal("--libraries", "mp", "--dask", "tcp://10.0.0.1:8786")


def test_rows_on_a_cluster_are_there_if_one_is_named():
    settings = parse(["numerical", "overhead", "--libraries", "dask"])
    assert not [cell for cell in all_cells(settings) if cell.shown.traits.cluster]
    named = replace(settings, clusters={"dask": {"address": "tcp://10.0.0.1:8786", "workers": 7}})
    rows = [cell for cell in all_cells(named) if cell.shown.traits.cluster]
    assert {cell.workload for cell in rows} == {"numerical", "overhead"}
    assert {(cell.n_jobs, cell.address) for cell in rows} == {(7, "tcp://10.0.0.1:8786")}


def test_results_come_with_the_records_of_their_tasks(monkeypatch):
    monkeypatch.setattr(remote, "gathered", [])
    job = remote.recorded(Map(_double))
    assert remote._results([job.task(number, number) for number in (3, 4)]) == [(3, 6), (4, 8)]
    assert [record.number for record in remote.gathered] == [3, 4]
    (host,) = remote.hosts()
    assert (host["workers"], host["tasks"]) == (1, 2)


def test_parts_of_a_state_come_with_the_records_of_their_tasks(monkeypatch):
    monkeypatch.setattr(remote, "gathered", [])
    job = remote.recorded(State(_append, list, tuple, sum_of))
    parts = [job.part([(0, 5), (1, 6)]), job.part([(2, 7)])]
    assert job.combine(parts) == 18
    assert sorted(record.number for record in remote.gathered) == [0, 1, 2]


def _double(number, value):
    return number, 2 * value


def _append(number, value, state):
    state.append(value)


def sum_of(parts):
    return sum(map(sum, parts))


def test_a_job_pays_from_where_its_gain_outweighs_its_start(tmp_path):
    save(tmp_path, "serial", {("loop", 1): [8.0]}, kept={("loop", 1): [8.0]})
    here = a_trial(4.0, 4.0, idiom="scatter", n_jobs=2)
    there = a_trial(
        4.0, 2.0, idiom="cluster: scatter", n_jobs=4, hosts=[Host(name="a", workers=4, tasks=2, work_s=1.0)]
    )
    traits = {"cluster: scatter": Traits(cluster=True), "scatter": Traits()}
    results.save(tmp_path, "numerical", "dask", [a_run(here, there, traits=traits, worker_counts=[2])])
    (group,), _ = groups_of(sorted(tmp_path.glob("*.p3")))
    assert group.worker_counts == [1, 2]
    (row,) = on_clusters(group)
    assert row.here.idiom == "scatter"
    assert row.pays_from_s == pytest.approx(8.0)  # 2 s more to start, and 0.25 s less for each second of work
    assert "on a cluster" in [titled.title.split(": ")[1] for titled in tables_of(group)]


@on_two_hosts
def test_nobody_at_an_address_is_one_line(monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "2s")  # it tries for half a minute
    with network() as made:
        address = f"tcp://{made.addresses[0]}:1"
        with pytest.raises(UserError, match="--dask ") as refused:
            with_facts(parse(["numerical", "--libraries", "dask", "--dask", address]))
        assert "\n" not in str(refused.value)


# In a process of its own: a suite ends all that descends from it, and the hosts descend from this one.
ON_HOSTS = "import sys; from tests.harness import test_clusters; test_clusters.measure_on_hosts(*sys.argv[1:])"


def measure_on_hosts(library, address):
    """Run all rows on a cluster once, and print what came of them."""
    settings = _when_all_are_there(library, address)
    known = settings.clusters[library]
    trials = [(cell, run_cell(cell, TINY)) for cell in all_cells(settings) if cell.address]
    told = [
        {
            "cell": f"{cell.workload} {cell.idiom}: {trial.reason}",
            "workload": cell.workload,
            "outcome": trial.outcome,
            "asked": trial.tasks_asked,
            "run": trial.tasks_run,
            "by_host": [host.tasks for host in trial.hosts],
        }
        for cell, trial in trials
    ]
    print(json.dumps({"hosts": known["hosts"], "round_trip_s": known["round_trip_s"], "trials": told}))


def _when_all_are_there(library, address):
    """Return the settings once both hosts have a worker: they take some seconds."""
    workloads = ("numerical", "stateful", "initialization", "overhead")
    settings, refused = parse([*workloads, "--libraries", library, f"--{library}", address]), None
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            known = with_facts(settings)
        except UserError as error:
            refused = error
        else:
            if known.clusters[library]["workers"] == 2:
                return known
        time.sleep(1.0)
    raise AssertionError(f"the cluster has not come up: {refused}")


@on_two_hosts
@pytest.mark.parametrize(("library", "cluster"), [("dask", dask_cluster), ("ray", ray_cluster)])
def test_all_patterns_run_on_two_hosts(library, cluster, tiny):
    with (
        tempfile.TemporaryDirectory() as folder,  # a short path: Ray's sockets lie in it
        network() as made,
        cluster(made, Path(folder)) as address,
    ):
        ended = subprocess.run(
            [sys.executable, "-c", ON_HOSTS, library, address], env={**os.environ, "RAY_AUTH_TOKEN": made.token},
            cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
        )  # fmt: skip
        logs = "".join(path.read_text()[-2000:] for path in Path(folder).glob("*.txt"))
    assert ended.returncode == 0, ended.stderr + logs
    told = json.loads(ended.stdout.splitlines()[-1])
    assert len(told["hosts"]) == 2
    assert told["round_trip_s"] > 0
    assert {trial["workload"] for trial in told["trials"]} == {"numerical", "stateful", "initialization", "overhead"}
    for trial in told["trials"]:
        assert trial["outcome"] == OK, trial["cell"] + logs
        assert sum(trial["by_host"]) == trial["asked"] == trial["run"]
    assert max(len(trial["by_host"]) for trial in told["trials"]) == 2
