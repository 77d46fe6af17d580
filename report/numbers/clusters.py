"""Rows on a cluster beside the same library on this machine: what a job takes there, and from which length it pays."""

from dataclasses import dataclass
from functools import partial
from math import inf
from statistics import median
from typing import Any

from record.schema import Host, Run, Trial
from record.terms import COLD, KEPT, cluster_condition
from report.numbers.cell import TUNED, Cell
from report.numbers.group import Group


@dataclass(frozen=True)
class OnCluster:
    """``here``: the same library's tuned row on this machine with the least kept time, on as many workers if it can be.

    ``pays_s``: the work in a job, in seconds that a plain loop takes here, from which and up to which the cluster takes
    less time in one shot: a prediction from one length. Both are infinity where it never does. None where that is not
    known.
    """

    cell: Cell
    here: Cell | None
    pays_s: tuple[float, float] | None


def on_clusters(group: Group) -> list[OnCluster]:
    """Return the rows."""
    return [_beside(group, cell) for cell in group.on_clusters]


def _beside(group: Group, cell: Cell) -> OnCluster:
    timed = [each for cells in group.idioms for each in cells if each.one_shot and each.kept]
    own = [each for each in timed if each.library == cell.library and each.style == TUNED]
    alike = [each for each in own if each.n_jobs == cell.n_jobs] or [e for e in own if e.n_jobs == group.most_workers]
    here = min(alike, key=lambda each: each.kept.median if each.kept else inf, default=None)
    return OnCluster(cell, here, _pays_s(group, cell, here))


def _pays_s(group: Group, cell: Cell, here: Cell | None) -> tuple[float, float] | None:
    serial_s, fixed = group.serial_kept_s, [each.middle(lambda t: t.fixed_s) for each in (cell, here) if each]
    if not (serial_s and here and here.kept and cell.kept and len(fixed) == 2):
        return None
    there_s, here_s = fixed
    if there_s is None or here_s is None:
        return None
    gain = (here.kept.median - cell.kept.median) / serial_s  # for each second of work
    if gain > 0:
        return max(0.0, (there_s - here_s) / gain), inf
    if there_s < here_s:  # it starts sooner, and is slower then
        return 0.0, (here_s - there_s) / -gain if gain else inf
    return inf, inf


def limit_s(group: Group, cell: Cell, phase: str) -> float | None:
    """Return the limit of a row on a cluster: that of as many workers here, and the time that the network takes.

    It has no setup: workers that run already may have imported what that needs, which is most of it. A task cannot
    begin before the one large input is on its host; all else can travel while tasks run. The network's speed is what
    one worker was sent in a second before the run. None where the loop or the network was not measured.
    """
    run, bytes_per_s, work_s = _run_of(group, cell), network_bytes_per_s(group, cell), group.limit_s(cell.n_jobs, KEPT)
    if bytes_per_s is None or work_s is None:
        return None
    moved_s, shared_s = run.moved_bytes / bytes_per_s, run.shared_bytes / bytes_per_s
    if phase == COLD:
        return shared_s + max(work_s, moved_s - shared_s)
    # What a setup has made stays where it is; how much of what moved that was is not known.
    return work_s if group.setup_s else max(work_s, moved_s - shared_s)


def network_bytes_per_s(group: Group, cell: Cell) -> float | None:
    """Return how many bytes one worker was sent in a second, before the run; None where that is not known."""
    known = _known_of(group, cell).get("bytes_per_s")
    return float(known) if isinstance(known, int | float) else None


def _run_of(group: Group, cell: Cell) -> Run:
    return next(file.run for file in group.files if file.library == cell.library)


def _known_of(group: Group, cell: Cell) -> dict[str, Any]:
    """Return what was known of the cluster before the run."""
    known = _run_of(group, cell).environment.conditions.get(cluster_condition(cell.library), {})
    return known if isinstance(known, dict) else {}


def other_versions(group: Group) -> list[str]:
    """Return the packages that a cluster's workers had in another version than this machine, in words."""
    found = (_known_of(group, cell).get("other_versions") for cell in group.on_clusters)
    return sorted({str(versions) for versions in found if versions})


def traffic_bytes(cell: Cell, phase: str) -> tuple[float, float] | None:
    """Return the bytes that this machine's interface has sent and received in a round; None where it is not known."""
    sent, received = (cell.middle(partial(_counted, phase, what)) for what in ("sent_bytes", "received_bytes"))
    return None if sent is None or received is None else (sent, received)


def _counted(phase: str, what: str, trial: Trial) -> float | None:
    rounds = [each.label for pool in trial.pools for each in pool.rounds if each.phase == phase]
    counted = [float(number) for label in rounds if isinstance(number := label.get(what), int)]
    return median(counted) if counted else None


def ready_s(trial: Trial) -> float | None:
    """Return after how many seconds the cluster was connected to and had the code; None where the row does not say."""
    return trial.moments_s.get("ready")


def hosts_of(cell: Cell) -> list[Host]:
    """Return what each host did in the newest trial."""
    return cell.timed[-1].hosts if cell.timed else []
