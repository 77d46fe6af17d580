"""Clusters that run already, by the addresses that a user names: are they there, and what are they?

Nothing is read from a host that was not named: the library's own script asks the cluster, in a process of its own.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from harness.cli import Settings, UserError
from harness.folders import temporary_folder
from harness.machine import process
from harness.machine.environment import ROOT, trial_environment
from trial import script
from trial.workload import JOB_VARIABLE

ANSWER_TIMEOUT_S = 60.0
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
            raise UserError(
                f"{option}: no answer within {ANSWER_TIMEOUT_S:g} s: does a cluster run there, and does a firewall let "
                "this machine through?"
            )
        if not answer.exists():
            lines = output.read_text("utf-8", errors="replace").strip().splitlines()
            raise UserError(f"{option}: {lines[-1] if lines else 'it does not answer'}")
        facts = json.loads(answer.read_text())["cluster"]
    if not facts["workers"]:
        raise UserError(f"{option}: the cluster has no workers: start some, then measure")
    minor = PYTHON.rpartition(".")[0]
    if others := sorted({python for python in facts["pythons"] if python.rpartition(".")[0] != minor}):
        raise UserError(f"{option}: workers run Python {', '.join(others)}, and this is {PYTHON}: use one version")
    return {**cluster, **facts}


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
