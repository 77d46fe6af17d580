"""Rows on a cluster beside the same library on this machine: what a job takes there, and from which length it pays."""

from dataclasses import dataclass
from math import inf

from record.schema import Host, Trial
from report.numbers.cell import TUNED, Cell
from report.numbers.group import Group


@dataclass(frozen=True)
class OnCluster:
    """``here``: the same library's tuned row on this machine with the least kept time, None where there is none.

    ``pays_from_s``: the work in a job, in seconds that a plain loop takes here, from which the cluster takes less time
    in one shot; infinity where it never does, None where the loop was not measured. It is a prediction from one length.
    """

    cell: Cell
    here: Cell | None
    pays_from_s: float | None


def on_clusters(group: Group) -> list[OnCluster]:
    """Return the rows."""
    return [_beside(group, cell) for cell in group.on_clusters]


def _beside(group: Group, cell: Cell) -> OnCluster:
    local = [
        each
        for each in group.timed_on_most_workers
        if each.library == cell.library and each.style == TUNED and each.kept
    ]
    here = min(local, key=lambda each: each.kept.median if each.kept else inf, default=None)
    return OnCluster(cell, here, _pays_from_s(group, cell, here))


def _pays_from_s(group: Group, cell: Cell, here: Cell | None) -> float | None:
    serial_s, fixed = group.serial_kept_s, [each.middle(lambda t: t.fixed_s) for each in (cell, here) if each]
    if not (serial_s and here and here.kept and cell.kept and len(fixed) == 2):
        return None
    there_s, here_s = fixed
    if there_s is None or here_s is None:
        return None
    gain = (here.kept.median - cell.kept.median) / serial_s  # for each second of work
    if gain <= 0:
        return 0.0 if there_s < here_s and gain == 0 else inf
    return max(0.0, (there_s - here_s) / gain)


def ready_s(trial: Trial) -> float | None:
    """Return after how many seconds the cluster was connected to and had the code; None where the row does not say."""
    return trial.moments_s.get("ready")


def hosts_of(cell: Cell) -> list[Host]:
    """Return what each host did in the newest trial."""
    return cell.timed[-1].hosts if cell.timed else []
