"""Lose one of two hosts in the middle of a round: is a result lost, or counted twice? Needs root.

    python tools/lost_hosts.py [ROUNDS]      # of each engine and way; 5 without it

Each round starts a cluster on two hosts (see `hosts.py`) and runs a job of tasks that wait, with the suite's checks. In
the second round of tasks, after a number of them that chance decides, one host is lost: its processes are killed, or
its cable is pulled. Or Dask's scheduler is killed, or the host of Ray's head. The job notes in a file each task that
it begins, and so how many were run again.
"""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a tool is run as a file of its own

from rich.console import Console

from harness.cells import all_cells
from harness.folders import temporary_folder
from harness.launch import run_cell
from harness.suite import make_inputs
from tools.hosts import Cluster, Network, dask_cluster, network, ray_cluster, when_all_are_there

TASKS, TASK_S = 20, 0.25  # 2.5 s on two hosts
TRIAL_S = 240  # at most: engines take their time to notice that a host is silent
MEASURE = "--measure"
JOB = f"""
import os, time
FOLDER = {{folder!r}}

def tasks():
    return [(number,) for number in range({TASKS})]

def task(number):
    if os.environ.get("TMPDIR", "").startswith(FOLDER):  # on a host; the reference is made elsewhere, without waiting
        with open(FOLDER + "/notes.txt", "a") as notes:
            notes.write(f"{{{{number}}}}\\n")
        time.sleep({TASK_S})
    return number * number
"""
ENGINES = {"dask": (dask_cluster, "cluster: client.map"), "ray": (ray_cluster, "cluster: tasks")}


def kill_host(made: Network, cluster: Cluster) -> None:
    """End all processes of the second host."""
    cluster.nodes[1].kill()


def cut_off_host(made: Network, cluster: Cluster) -> None:
    """Pull the second host's cable."""
    made.cut_off(1)


def kill_scheduler(made: Network, cluster: Cluster) -> None:
    """End Dask's scheduler, or all processes of the host with Ray's head."""
    cluster.scheduler.kill()


WAYS: dict[str, Callable[[Network, Cluster], None]] = {
    "host killed": kill_host,
    "host cut off": cut_off_host,
    "scheduler killed": kill_scheduler,
}


def measure(library: str, address: str, job: str) -> None:
    """Run one row of the job on the cluster; print what became of it."""
    settings = when_all_are_there(library, address, [job, "--timeout", str(TRIAL_S)])
    (workload,) = settings.workloads
    if impossible := make_inputs(workload, settings.params, Console(quiet=True)):
        raise RuntimeError(impossible)
    _, idiom = ENGINES[library]
    cell = next(cell for cell in all_cells(settings) if cell.idiom == idiom)
    trial = run_cell(cell, settings.params)
    told = {"outcome": trial.outcome, "reason": trial.reason, "asked": trial.tasks_asked, "counted": trial.tasks_run}
    print(json.dumps({**told, "first_s": trial.cold_s, "second_s": trial.kept_s, "trial_s": trial.trial_s}))


def lose(library: str, way: str, after: int) -> str:
    """Run the job, lose a host after so many tasks of its second round; return a line on what came of it."""
    cluster, _ = ENGINES[library]
    with temporary_folder() as folder, network() as made, cluster(made, folder) as running:
        notes, job = folder / "notes.txt", folder / "waits.py"
        notes.touch()
        job.write_text(JOB.format(folder=str(folder)))
        measuring = subprocess.Popen(
            [sys.executable, __file__, MEASURE, library, running.address, str(job)],
            env={**os.environ, "RAY_AUTH_TOKEN": made.token}, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        while measuring.poll() is None and notes.read_text().count("\n") < TASKS + after:
            time.sleep(0.01)
        WAYS[way](made, running)
        said, _ = measuring.communicate(timeout=600)
        begun = notes.read_text().count("\n")
    if measuring.returncode:
        return f"the program that measured ended with status {measuring.returncode}"
    told = json.loads(said.splitlines()[-1])
    if told["outcome"] != "ok":
        return f"{told['outcome']} after {told['trial_s']:.0f} s: {told['reason']}"
    return (
        f"ok, {told['counted']} of {told['asked']} tasks counted, {begun - told['asked']} run again, "
        f"the round before took {told['first_s']:.1f} s, this one {told['second_s']:.1f} s"
    )


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    chance = random.Random(rounds)
    for way in WAYS:
        for library in ENGINES:
            for number in range(1, rounds + 1):
                after = chance.randrange(1, TASKS - 2)
                print(f"{way}, {library}, {number}, after {after} tasks: {lose(library, way, after)}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == [MEASURE]:
        measure(*sys.argv[2:])
    else:
        main()
