"""Rows on a cluster, beside the same library on this machine."""

from math import isinf

from record.terms import COLD, KEPT
from report.numbers.cell import Cell
from report.numbers.clusters import hosts_of, limit_s, on_clusters, other_versions, ready_s, traffic_bytes
from report.numbers.group import Group
from report.numbers.words import duration, with_spread
from report.tables.console import IdiomTable, Titled, number, work_from

COLUMNS = (
    "hosts x\nworkers", "one-shot", "limit", "kept", "limit", "connect,\nsend code s", "sent,\nreceived\nMiB",
    "sent,\nreceived\nMiB, kept", "kept here,\nits best row", "kept, over\nhere", "pays\nfor work",
)  # fmt: skip


def titled_clusters(group: Group) -> Titled:
    """Return a row for each idiom on a cluster."""
    table = IdiomTable(*COLUMNS, note="note")
    for row in on_clusters(group):
        cell, here, hosts = row.cell, row.here, hosts_of(row.cell)
        table.add(
            cell,
            f"{len(hosts)} x {cell.n_jobs / len(hosts):g}" if hosts else str(cell.n_jobs),
            with_spread(cell.one_shot) if cell.one_shot else "",
            _limit(group, cell, COLD),
            with_spread(cell.kept) if cell.kept else "",
            _limit(group, cell, KEPT),
            number(cell.middle(ready_s)),
            _traffic(cell, COLD),
            _traffic(cell, KEPT),
            with_spread(here.kept) if here and here.kept else "",
            f"{cell.kept.median / here.kept.median:.2f}" if cell.kept and here and here.kept else "",
            _pays(row.pays_s),
            cell.failure,
        )
    note = (
        "On a cluster that runs already: connecting and sending the code is in one-shot, starting it is not. pays "
        "for: the work in a job, in seconds of the plain loop here, for which one shot takes less there: predicted. "
        "limit: the loop's work over the workers, and the time that the data needs in the network, at the "
        "speed that the engine reached before the run. "
        "sent, received: by this machine's interface, all programs, in the first round with connecting, and in a kept "
        "one."
    )
    if versions := other_versions(group):
        note += f" Workers there have other versions: {', '.join(versions)}."
    return Titled("on a cluster", table, note)


def _pays(pays_s: tuple[float, float] | None) -> str:
    if pays_s is None:
        return ""
    from_s, to_s = pays_s
    if isinf(from_s):
        return "never"
    if from_s == 0 and isinf(to_s):
        return "any"
    return f"from {work_from(from_s)}" if isinf(to_s) else f"below {work_from(to_s)}"


def _limit(group: Group, cell: Cell, phase: str) -> str:
    limit = limit_s(group, cell, phase)
    return "" if limit is None else duration(limit)


def _traffic(cell: Cell, phase: str) -> str:
    traffic = traffic_bytes(cell, phase)
    return "" if traffic is None else ", ".join(f"{each / 2**20:.1f}" for each in traffic)
