"""Clusters that run already, by the addresses that a user names: are they there, and what are they?

Nothing is read from a host that was not named: the library's own script asks the cluster, in a process of its own.
"""

import json
import os
import socket
import sys
from dataclasses import replace
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import psutil

from harness.cli import ADDRESSES, Settings, UserError
from harness.folders import temporary_folder
from harness.machine import process
from harness.machine.environment import ROOT, trial_environment
from trial import script
from trial.workload import JOB_VARIABLE

REACH_TIMEOUT_S, ANSWER_TIMEOUT_S = 10.0, 60.0
SHIPPED = ("record", "trial", "workloads")  # packages whose functions run on the cluster's workers
PYTHON = "{}.{}.{}".format(*sys.version_info)


def with_facts(settings: Settings) -> Settings:
    """Return the settings with what each cluster says of itself: see `trial.script.run`.

    Raises UserError, in one line, where nobody answers in time, where it has no workers, or another Python.
    """
    asked = {library: _facts_of(library, settings.scripts[library], c) for library, c in settings.clusters.items()}
    return replace(settings, clusters=asked)


def _facts_of(library: str, path: Path, cluster: dict[str, Any]) -> dict[str, Any]:
    option = f"--{library} {cluster['address']}"
    _reach(option, *_host_and_port(cluster["address"]))
    with temporary_folder() as folder:
        answer, output = folder / "cluster.json", folder / "output.txt"
        variables = {script.CLUSTER_VARIABLE: cluster["address"], script.LIST_VARIABLE: str(answer)}
        ended = process.run_to_end(
            [sys.executable, str(path)],
            environment={**trial_environment(folder, to_cluster=True), **variables},
            cwd=ROOT,
            output=output,
            timeout_s=ANSWER_TIMEOUT_S,
            isolated=False,
        )
        if ended.timed_out:
            *_, asked_of_user = ADDRESSES[library]
            raise UserError(
                f"{option}: connected, and no answer within {ANSWER_TIMEOUT_S:g} s: is it a cluster of {library}, "
                f"{asked_of_user}and does a firewall let this machine through to its other ports?"
            )
        if not answer.exists():
            lines = output.read_text("utf-8", errors="replace").strip().splitlines()
            said = f": {lines[-1]}" if lines else ""
            raise UserError(f"{option}: it does not answer as a cluster of this version of {library}{said}")
        facts = json.loads(answer.read_text())["cluster"]
    if not facts["workers"]:
        raise UserError(f"{option}: the cluster has no workers: start some, then measure")
    versions = facts.pop("versions")
    if others := sorted({each["python"] for each in versions if _minor(each["python"]) != _minor(PYTHON)}):
        raise UserError(f"{option}: workers run Python {', '.join(others)}, and this is {PYTHON}: use one version")
    if (threads := facts.pop("threads", [1])) != [1]:
        raise UserError(
            f"{option}: its workers have {', '.join(map(str, threads))} threads, and each must have 1, as all workers "
            "here: start them with --nthreads 1 and more of them"
        )
    return {**cluster, **facts, "other_versions": _other_versions(versions)}


def _minor(python: str) -> list[str]:
    return python.split(".")[:2]


def _other_versions(of_workers: list[dict[str, str | None]]) -> list[str]:
    """Return the packages that workers have in another version than this machine, in words."""
    here = {each.name: each.version for each in distributions()}
    found = {(name, version) for worker in of_workers for name, version in worker.items() if name != "python"}
    return [
        f"{name} {version} (here {here.get(name)})"
        for name, version in sorted(found, key=str)
        if version != here.get(name)
    ]


def _reach(option: str, host: str, port: int) -> None:
    """Raise UserError, in one line, unless somebody listens there."""
    try:
        socket.create_connection((host, port), REACH_TIMEOUT_S).close()
    except TimeoutError:
        raise UserError(
            f"{option}: no connection within {REACH_TIMEOUT_S:g} s: does a firewall drop the packets, is the host down?"
        ) from None
    except OSError as error:
        raise UserError(
            f"{option}: {error.strerror or error}: start the cluster there, or name another address"
        ) from None


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.rpartition("/")[2], int(port)


def interface_to(address: str) -> str:
    """Return the name of the network interface by which this machine reaches an address; empty if it is not known."""
    host, port = _host_and_port(address)
    try:
        family, *_ = socket.getaddrinfo(host, port)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as unsent:
            unsent.connect((host, port))  # no packet is sent: the kernel chooses a route
            own = unsent.getsockname()[0]
    except OSError:  # a name that is not found any more, no route: the trial itself will say so
        return ""
    found = psutil.net_if_addrs().items()
    return next((name for name, addresses in found if own in [each.address for each in addresses]), "")


def write_code(folder: Path) -> Path:
    """Write what workers import of the suite, and the user's own job, as a zip file; return its path."""
    path = folder / "suite_code.zip"
    job = Path(os.environ.get(JOB_VARIABLE, ""))
    with ZipFile(path, "w") as archive:
        for package in SHIPPED:
            for file in sorted((ROOT / package).rglob("*.py")):
                archive.write(file, file.relative_to(ROOT))
        archive.write(ROOT / "params.py", "params.py")
        if job.name:
            archive.write(job, job.name)
    return path
