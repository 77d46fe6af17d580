"""When do two hosts beat one? Measured, and predicted for more: ``python tools/two_hosts.py DIR``.

DIR holds a run of ``benchmark_all.py grid overhead --n-jobs 1 --dask ADDRESS --ray ADDRESS`` on a cluster of two hosts
with one worker each: rows use one of them, and both.

The prediction knows four numbers, all measured in that run: the latency of one task, the cost per task of many, how
many bytes a second reach a worker, and how long a task computes. A round of tasks takes the latency once, and then, per
task, the larger of two times: computing, shared by the hosts; and handing out, which one scheduler does for all.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a tool is run as a file of its own

from report.numbers.cell import Cell
from report.numbers.clusters import network_bytes_per_s
from report.numbers.grid import Times, axes_of, seconds_by_cell
from report.numbers.group import Group, groups_of
from report.numbers.overhead import latencies_s, per_task_s
from report.numbers.words import duration, size

HOSTS = (2, 8, 32, 128)
LENGTHS_S = (0.001, 0.01, 0.1, 1.0, 10.0)


@dataclass(frozen=True)
class Costs:
    """Of an idiom on a cluster: of one task alone, of each of many, and of a byte."""

    latency_s: float
    per_task_s: float
    bytes_per_s: float

    def task_s(self, hosts: int, compute_s: float, payload_bytes: float, tasks: int) -> float:
        """Return the predicted seconds per task of a round of so many, on hosts of one worker each."""
        handing_out_s = self.per_task_s + payload_bytes / self.bytes_per_s
        return self.latency_s / tasks + max(compute_s / hosts, handing_out_s)

    def speedup(self, hosts: int, compute_s: float, payload_bytes: float, tasks: int) -> float:
        """Return how many times as fast so many hosts are as one, each with so many tasks."""
        alone_s = self.task_s(1, compute_s, payload_bytes, tasks)
        return alone_s / self.task_s(hosts, compute_s, payload_bytes, hosts * tasks)


def costs_of(group: Group, cell: Cell) -> Costs | None:
    """Return what `overhead` has found of an idiom on one worker; None where something is missing."""
    costs_s, bytes_per_s = (
        [cost for trial in cell.timed if (cost := per_task_s(trial))],
        network_bytes_per_s(group, cell),
    )
    latencies = latencies_s(cell)
    return Costs(median(latencies), median(costs_s), bytes_per_s) if latencies and costs_s and bytes_per_s else None


def on_clusters(groups: list[Group], workload: str) -> dict[tuple[str, str, int], tuple[Group, Cell]]:
    """Return the rows of a workload on clusters, by library, idiom and number of workers."""
    return {
        (cell.library, cell.idiom, cell.n_jobs): (group, cell)
        for group in groups
        if group.workload == workload
        for cell in group.on_clusters
    }


def print_measured(name: str, one: Times, two: Times, costs: Costs, tasks: int) -> None:
    """Print, for each payload and computing time, how many times as fast two hosts were as one, on ``tasks`` each."""
    payloads, computes = axes_of([one, two])
    print(f"{name}: two hosts over one, measured (predicted)")
    print(f"{'payload':>12}" + "".join(f"{duration(compute) if compute else '0 s':>16}" for compute in computes))
    for payload in payloads:
        found = [
            f"{one[payload, compute] / two[payload, compute]:.2f} ({costs.speedup(2, compute, payload, tasks):.2f})"
            for compute in computes
        ]
        print(f"{size(payload):>12}" + "".join(f"{each:>16}" for each in found))


def print_predicted(name: str, costs: Costs) -> None:
    """Print what many tasks of 1 KiB would gain from more hosts."""
    print(
        f"{name}: more hosts over one, predicted, 100 tasks of 1 KiB a host: {duration(costs.latency_s)} for a task "
        f"alone, {duration(costs.per_task_s)} for each of many, {size(costs.bytes_per_s)} a second"
    )
    print(f"{'hosts':>12}" + "".join(f"{duration(length):>16}" for length in LENGTHS_S))
    for hosts in HOSTS:
        gains = (costs.speedup(hosts, length, 2**10, 100) for length in LENGTHS_S)
        print(f"{hosts:12}" + "".join(f"{gain:16.2f}" for gain in gains))


def main() -> None:
    groups, _ = groups_of(sorted(Path(sys.argv[1]).glob("*.p3")))
    grid, overhead = on_clusters(groups, "grid"), on_clusters(groups, "overhead")
    for (library, idiom, n_jobs), (group, cell) in grid.items():
        if n_jobs == 1 and (library, idiom, 2) in grid and (library, idiom, 1) in overhead:
            costs = costs_of(*overhead[library, idiom, 1])
            if costs is None:
                print(f"{library}, {idiom}: not every cost is known")
                continue
            name = f"{library}, {idiom}"
            two = grid[library, idiom, 2][1]
            tasks = group.newest.run.params["grid_tasks_per_worker"]
            print_measured(name, seconds_by_cell(cell.timed), seconds_by_cell(two.timed), costs, tasks)
            print_predicted(name, costs)


if __name__ == "__main__":
    main()
