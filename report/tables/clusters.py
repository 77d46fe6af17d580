"""Rows on a cluster, beside the same library on this machine."""

from math import isinf

from report.numbers.clusters import hosts_of, on_clusters, ready_s
from report.numbers.group import Group
from report.numbers.words import with_spread
from report.tables.console import IdiomTable, Titled, number, work_from

COLUMNS = (
    "hosts x\nworkers", "one-shot", "kept", "connect,\nsend code s", "kept here,\nits best row", "kept, over\nhere",
    "pays\nfrom",
)  # fmt: skip


def titled_clusters(group: Group) -> Titled:
    """Return a row for each idiom on a cluster."""
    table = IdiomTable(*COLUMNS, note="note")
    for row in on_clusters(group):
        cell, here, hosts = row.cell, row.here, hosts_of(row.cell)
        pays_from_s = row.pays_from_s
        table.add(
            cell,
            f"{len(hosts)} x {cell.n_jobs / len(hosts):g}" if hosts else str(cell.n_jobs),
            with_spread(cell.one_shot) if cell.one_shot else "",
            with_spread(cell.kept) if cell.kept else "",
            number(cell.middle(ready_s)),
            with_spread(here.kept) if here and here.kept else "",
            f"{cell.kept.median / here.kept.median:.2f}" if cell.kept and here and here.kept else "",
            "" if pays_from_s is None else work_from(None if isinf(pays_from_s) else pays_from_s),
            cell.failure,
        )
    note = (
        "On a cluster that runs already: connecting and sending the code is in one-shot, starting it is not. pays "
        "from: the work in a job, in seconds of the plain loop here, from which one shot takes less there; predicted "
        "from this length."
    )
    return Titled("on a cluster", table, note)
