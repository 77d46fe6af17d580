"""Clusters on two hosts, which are network namespaces: the same checks, with records that travel with the results."""

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import distributions
from math import inf
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from harness import clusters
from harness.cli import UserError, parse
from harness.clusters import _other_versions, with_facts
from harness.folders import temporary_folder
from harness.launch import run_cell
from harness.machine.process import namespaces
from harness.suite import make_inputs
from record import files as results
from record.schema import Environment, Host, Round
from record.terms import COLD, ERROR, KEPT, OK, TASKS, Traits, cluster_condition
from report.numbers.clusters import limit_s, on_clusters, other_versions, traffic_bytes
from report.numbers.group import groups_of
from report.tables.workload import tables_of
from tests.conftest import LONG_S, ROOT, TINY, all_cells, refusal, wait_until
from tests.made_up import a_run, a_trial, save
from tools.hosts import DASK, dask_cluster, network, ray_cluster, started, when_all_are_there
from trial import remote
from trial.patterns import Map, State

needs_hosts = pytest.mark.skipif(
    os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare", "setpriv"))) or not namespaces(),
    reason="network namespaces need root where they are allowed, `ip` of iproute2 and `setpriv` of util-linux",
)


def on_hosts(test):
    """Mark a test that makes hosts: it needs the machine's own network, and root."""
    return pytest.mark.full(pytest.mark.alone(needs_hosts(test)))


@pytest.mark.parametrize("address", ["10.0.0.1", "http://10.0.0.1:80", "tcp://:8786", "tcp://a b:1", "tcp://host:port"])
def test_an_address_of_another_form_is_refused(address):
    assert "--dask is" in refusal("--dask", address)
    assert "tcp://HOST:PORT" in refusal("--dask", address)


def test_a_cluster_needs_its_library():
    assert "dask is not measured" in refusal("--libraries", "mp", "--dask", "tcp://10.0.0.1:8786")


def test_rows_on_a_cluster_are_there_if_one_is_named():
    settings = parse(["numerical", "overhead", "--libraries", "dask", "--n-jobs", "1", "2"])
    assert not [cell for cell in all_cells(settings) if cell.shown.traits.cluster]
    for workers, counts in ((7, [1, 2, 7]), (2, [1, 2]), (1, [1])):
        named = replace(settings, clusters={"dask": {"address": "tcp://10.0.0.1:8786", "workers": workers}})
        rows = [cell for cell in all_cells(named) if cell.shown.traits.cluster]
        assert {cell.workload for cell in rows} == {"numerical", "overhead"}
        assert {cell.address for cell in rows} == {"tcp://10.0.0.1:8786"}
        assert [cell.n_jobs for cell in rows if cell.workload == "numerical"] == counts


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
    assert row.pays_s == pytest.approx((8.0, inf))  # 2 s more to start, and 0.25 s less for each second of work
    assert "on a cluster" in [titled.title.split(": ")[1] for titled in tables_of(group)]


@pytest.mark.parametrize(
    ("there", "pays"),
    [
        ((4.0, 2.0), (8.0, inf)),  # 2 s more to start, and 0.25 s less for each second of work
        ((5.0, 5.0), (inf, inf)),  # slower, and no sooner
        ((3.0, 4.0), (0.0, inf)),  # sooner, and as fast
        ((4.0, 5.0), (0.0, 8.0)),  # 1 s sooner, and 1 s slower for 8 s of work
    ],
)
def test_what_a_cluster_pays_for(there, pays, tmp_path):
    save(tmp_path, "serial", {("loop", 1): [8.0]}, kept={("loop", 1): [8.0]})
    here = a_trial(4.0, 4.0, idiom="scatter", n_jobs=2)
    elsewhere = a_trial(*there, idiom="cluster: scatter", n_jobs=2)
    traits = {"cluster: scatter": Traits(cluster=True), "scatter": Traits()}
    results.save(tmp_path, "numerical", "dask", [a_run(here, elsewhere, traits=traits, worker_counts=[2])])
    (group,), _ = groups_of(sorted(tmp_path.glob("*.p3")))
    (row,) = on_clusters(group)
    assert row.pays_s == pytest.approx(pays)


def test_a_row_is_beside_one_on_as_many_workers(tmp_path):
    here = [a_trial(4.0, kept, idiom="scatter", n_jobs=n) for n, kept in ((1, 8.0), (2, 4.0))]
    there = [a_trial(4.0, 4.0, idiom="cluster: scatter", n_jobs=n) for n in (1, 2, 8)]
    traits = {"cluster: scatter": Traits(cluster=True), "scatter": Traits()}
    results.save(tmp_path, "numerical", "dask", [a_run(*here, *there, traits=traits, worker_counts=[1, 2])])
    (group,), _ = groups_of(sorted(tmp_path.glob("*.p3")))
    assert {row.cell.n_jobs: row.here.n_jobs for row in on_clusters(group)} == {1: 1, 2: 2, 8: 2}


def test_what_counts_or_ends_local_processes_is_not_tried_on_a_cluster():
    named = replace(
        parse(["faults", "failing_setup", "soak", "--libraries", "dask", "ray"]),
        clusters={name: {"address": "10.0.0.1:1", "workers": 2} for name in ("dask", "ray")},
    )
    assert not [cell for cell in all_cells(named) if cell.address]


def test_the_limit_knows_the_network(tmp_path):
    """8 s of work for 4 workers; an input of 1 GB and results of 3 GB at 1 GB/s."""
    save(tmp_path, "serial", {("loop", 1): [8.0]}, kept={("loop", 1): [8.0]})
    there = a_trial(4.0, 4.0, idiom="cluster: scatter", n_jobs=4)
    counted = [{"sent_bytes": 2**30, "received_bytes": 2**20}, {"sent_bytes": 2**19, "received_bytes": 2**21}]
    for round_, label in zip(there.pools[0].rounds, counted, strict=True):
        round_.label.update(label)
    run = a_run(
        there,
        traits={"cluster: scatter": Traits(cluster=True)},
        worker_counts=[2],
        inputs={"shared_bytes": 10**9, "moved_bytes": 4 * 10**9},
        environment=Environment(
            conditions={cluster_condition("dask"): {"bytes_per_s": 1e9, "other_versions": "numpy 1"}}
        ),
    )
    results.save(tmp_path, "numerical", "dask", [run])
    group = next(group for group in groups_of(sorted(tmp_path.glob("*.p3")))[0] if group.on_clusters)
    (cell,) = group.on_clusters
    assert limit_s(group, cell, COLD) == pytest.approx(1.0 + 3.0)  # the input, then results while tasks run
    assert limit_s(group, cell, KEPT) == pytest.approx(3.0)
    slow_work = replace(group, files=tuple(file for file in group.files if file.library == "dask"))
    assert limit_s(slow_work, cell, COLD) is None  # without the loop
    assert traffic_bytes(cell, COLD) == (2**30, 2**20)
    assert traffic_bytes(cell, KEPT) == (2**19, 2**21)
    assert other_versions(group) == ["numpy 1"]


@pytest.mark.parametrize(("setup_s", "bytes_per_s", "one_shot_s"), [(0.0, 1e9, 5.0), (3.0, 1e9, 5.0), (0.0, 1e8, 20.0)])
def test_the_limit_is_work_or_network_and_no_setup(setup_s, bytes_per_s, one_shot_s, tmp_path):
    """16 s of work for 4 workers, 1 GB shared, 1 GB of results: 4 s and 1 s for the input, or 20 s of the network."""
    loop = a_trial(16.0 + setup_s, 16.0, idiom="loop", n_jobs=1, setup_s=setup_s)
    results.save(tmp_path, "numerical", "serial", [a_run(loop)])
    run = a_run(
        a_trial(6.0, 5.0, idiom="cluster: scatter", n_jobs=4),
        traits={"cluster: scatter": Traits(cluster=True)},
        inputs={"shared_bytes": 10**9, "moved_bytes": 2 * 10**9},
        environment=Environment(conditions={cluster_condition("dask"): {"bytes_per_s": bytes_per_s}}),
    )
    results.save(tmp_path, "numerical", "dask", [run])
    group = next(group for group in groups_of(sorted(tmp_path.glob("*.p3")))[0] if group.on_clusters)
    assert limit_s(group, group.on_clusters[0], COLD) == pytest.approx(one_shot_s)


def test_what_a_task_costs_is_shown_of_clusters_too(tmp_path):
    here = [a_trial(idiom="client.map", n_jobs=2, block=block) for block in range(6)]
    there = [a_trial(idiom="cluster: client.map", n_jobs=n, block=block) for n in (2, 4) for block in range(6)]
    traits = {"cluster: client.map": Traits(cluster=True), "client.map": Traits()}
    run = a_run(*here, *there, traits=traits, worker_counts=[2])
    for trial in run.trials:  # 1 ms a task, and 10 ms a round
        trial.pools[0].rounds += [
            Round(phase=KEPT, tasks=tasks, seconds=0.01 + tasks / 1000, start_s=1.0, label={"pattern": TASKS})
            for tasks in (10, 100, 1000)
        ]
    results.save(tmp_path, "overhead", "dask", [run])
    (group,), _ = groups_of(sorted(tmp_path.glob("*.p3")))
    _, cost, *_ = tables_of(group)
    rows = list(cost.table.columns[1].cells)
    assert rows == ["client.map", "cluster: client.map, 2 workers", "cluster: client.map, 4 workers"]
    assert [float(str(each)) for each in cost.table.columns[3].cells] == pytest.approx([1000] * 3, rel=0.01)


def test_other_versions_of_packages_are_named():
    here = {each.name: each.version for each in distributions()}["numpy"]
    workers = [{"python": "3.11.7", "numpy": here, "lz4": None}, {"python": "3.11.7", "numpy": "1.0", "lz4": None}]
    assert _other_versions(workers) == [f"numpy 1.0 (here {here})"]


def refused_at(address, library="dask"):
    """Return the one line that says why a cluster is refused."""
    with pytest.raises(UserError) as refused:
        with_facts(parse(["numerical", "--libraries", library, f"--{library}", address]))
    assert str(refused.value).startswith(f"--{library} {address}: ")
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(("library", "form"), [("dask", "tcp://{}:1"), ("ray", "{}:1")])
def test_nobody_at_an_address_is_one_line(library, form):
    assert "refused" in refused_at(form.format("127.0.0.1"), library)


@pytest.mark.full
def test_another_protocol_at_an_address_is_one_line(monkeypatch):
    monkeypatch.setattr(clusters, "ANSWER_TIMEOUT_S", 5.0)
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with socket.create_server(("127.0.0.1", 0)) as server:  # it accepts, and says nothing
        refused_at("tcp://{}:{}".format(*server.getsockname()))
        assert "no answer within 5 s" in refused_at("{}:{}".format(*server.getsockname()), "ray")


@on_hosts
def test_dropped_packets_are_one_line_after_a_time_limit(monkeypatch):
    monkeypatch.setattr(clusters, "REACH_TIMEOUT_S", 2.0)
    with network() as made:
        assert "no connection within 2 s" in refused_at(f"tcp://{made.silent}:8786")


@contextmanager
def scheduler_here(folder):
    """Run a Dask scheduler on the loopback device; give its address."""
    told = folder / "scheduler.json"
    command = (DASK, "scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(told))
    with started(*command, host="", output=folder / "out.txt"):
        assert wait_until(told.exists)
        yield json.loads(told.read_text())["address"]


@on_hosts
def test_a_scheduler_without_workers_is_one_line(tmp_path):
    with scheduler_here(tmp_path) as address:
        assert "has no workers" in refused_at(address)


@on_hosts
@pytest.mark.parametrize(
    ("python", "line"), [(clusters.PYTHON, "have 2 threads"), ("3.99.0", f"workers run Python {clusters.PYTHON}")]
)
def test_workers_of_several_threads_or_of_another_python_are_one_line(python, line, tmp_path, monkeypatch):
    from distributed import Client  # here: other tests need not wait for its import

    monkeypatch.setattr(clusters, "PYTHON", python)
    with scheduler_here(tmp_path) as address, Client(address) as client:
        command = (DASK, "worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        with started(*command, host="", output=tmp_path / "worker.txt"):
            client.wait_for_workers(1, timeout=300)
            assert line in refused_at(address)


@pytest.mark.parametrize(("bytes_per_s", "most"), [(10e6, 2**20), (100e6, 2**24), (10e9, 2**26)])
def test_a_slow_network_is_not_kept_waiting(bytes_per_s, most, monkeypatch):
    """A clock that goes on by what is sent stands for a network of known speed."""
    sent, clock_ns = [], [0.0]
    monkeypatch.setattr(remote, "perf_counter_ns", lambda: clock_ns[0])

    def send(data):
        sent.append(len(data))
        clock_ns[0] += 1e9 * len(data) / bytes_per_s

    found = remote.network(lambda: None, send)
    assert found["bytes_per_s"] == pytest.approx(bytes_per_s)
    assert max(sent) <= most


# In a process of its own: a suite ends all that descends from it, and the hosts descend from this one.
ON_HOSTS = "import sys; from tests.harness import test_clusters; test_clusters.measure_on_hosts(*sys.argv[1:])"
WORKLOADS_THERE = ("numerical", "stateful", "initialization", "overhead", "sharing")
JOB = """
import os

def tasks():
    return [(number,) for number in range(8)]

def task(number):
    {reads}
    return number * number
"""


def measure_on_hosts(library, address, job):
    """Run all rows on a cluster once, and print what came of them."""
    settings = when_all_are_there(library, address, [*WORKLOADS_THERE, job, "--n-jobs", "1", "2"])
    assert make_inputs(Path(job).stem, TINY, Console(quiet=True)) == ""
    known = settings.clusters[library]
    trials = [(cell, run_cell(cell, TINY)) for cell in all_cells(settings) if cell.address]
    told = [
        {
            "cell": f"{cell.workload} {cell.idiom} {cell.n_jobs}: {trial.reason}",
            "workload": cell.workload,
            "n_jobs": cell.n_jobs,
            "outcome": trial.outcome,
            "asked": trial.tasks_asked,
            "run": trial.tasks_run,
            "by_host": [host.tasks for host in trial.hosts],
            "sent_bytes": [each.label["sent_bytes"] for pool in trial.pools for each in pool.rounds],
        }
        for cell, trial in trials
    ]
    print(json.dumps({"hosts": known["hosts"], "round_trip_s": known["round_trip_s"], "trials": told}))


def measured_on_hosts(made, library, address, job, **variables):
    """Return what `measure_on_hosts` says in a process of its own, in the folder of the job."""
    ended = subprocess.run(
        [sys.executable, "-c", ON_HOSTS, library, address, str(job)], cwd=job.parent, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "RAY_AUTH_TOKEN": made.token, **variables}, timeout=900,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


@on_hosts
@pytest.mark.parametrize(("library", "cluster"), [("dask", dask_cluster), ("ray", ray_cluster)])
def test_all_patterns_and_a_job_of_ones_own_run_on_two_hosts(library, cluster, tiny):
    with temporary_folder() as folder, network() as made, cluster(made, folder) as running:
        job = folder / "squares.py"
        job.write_text(JOB.format(reads=""))
        told = measured_on_hosts(made, library, running.address, job)
    assert len(told["hosts"]) == 2
    assert told["round_trip_s"] > 0
    assert {trial["workload"] for trial in told["trials"]} == {*WORKLOADS_THERE, "squares"}
    for trial in told["trials"]:
        assert trial["outcome"] == OK, trial["cell"]
        assert sum(trial["by_host"]) == trial["asked"] == trial["run"], trial["cell"]
        assert len(trial["by_host"]) <= trial["n_jobs"], trial["cell"]
        assert trial["sent_bytes"][0] > 1000, trial["cell"]  # the code, and the first tasks
    assert max(len(trial["by_host"]) for trial in told["trials"]) == 2


@on_hosts
def test_dask_with_certificates_and_a_job_whose_file_is_not_there(tmp_path, tiny):
    certificate, public = tmp_path / "own.pem", tmp_path / "public.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=hosts",
         "-keyout", certificate, "-out", public], check=True, capture_output=True,
    )  # fmt: skip
    certificate.write_text(certificate.read_text() + public.read_text())
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    own = {f"{tls}{what}": str(certificate) for what in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")}
    job = tmp_path / "reads.py"
    job.write_text(JOB.format(reads='os.stat("here.txt")'))  # the workers run in another folder
    (tmp_path / "here.txt").touch()
    with (
        temporary_folder() as folder,
        network() as made,
        dask_cluster(made, folder, certificate=certificate) as running,
    ):
        told = measured_on_hosts(made, "dask", running.address, job, **own)
        assert running.address.startswith("tls://")
        assert "TLS" in refused_at(running.address)  # without the certificates
    outcomes = {trial["workload"]: trial for trial in told["trials"]}
    assert outcomes["numerical"]["outcome"] == OK
    assert outcomes["reads"]["outcome"] == ERROR
    assert "FileNotFoundError" in outcomes["reads"]["cell"]
    assert "here.txt" in outcomes["reads"]["cell"]


@on_hosts
def test_hosts_that_are_killed_leave_nothing():
    with subprocess.Popen([sys.executable, "tools/hosts.py"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as hosts:
        assert "--dask" in hosts.stdout.readline()
        below = psutil.Process(hosts.pid).children(recursive=True)
        assert len(below) > 5
        hosts.kill()
    _, alive = psutil.wait_procs(below, LONG_S)
    assert not alive
    with network() as made:  # removes what is left
        devices = subprocess.run(["ip", "link"], capture_output=True, text=True, check=True).stdout
    assert f"hosts{hosts.pid}" not in devices
    assert made.mark in devices
