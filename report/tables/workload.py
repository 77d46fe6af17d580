"""The tables of a workload, in the order in which they are shown."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from record.terms import COLD, KEPT, OF_ROUNDS
from report.numbers.drift import said_of_drift
from report.numbers.group import Group, groups_of
from report.numbers.job_length import job_length
from report.numbers.own_job import is_compared
from report.numbers.precision import detectable
from report.numbers.sharing import has_sharing, has_stores
from report.tables.clusters import titled_clusters
from report.tables.console import Titled, plain_if_piped, print_table, say
from report.tables.faults import tables_of_faults
from report.tables.granularity import tables_of_granularity
from report.tables.grid import tables_of_grid
from report.tables.job_length import titled_job_length
from report.tables.memory import titled_memory
from report.tables.overhead import tables_of_overhead
from report.tables.parts import titled_parts
from report.tables.sharing import titled_sharing
from report.tables.soak import tables_of_soak
from report.tables.stores import titled_stores
from report.tables.stream import tables_of_stream
from report.tables.times import tables_of_times

OF_STUDIES: dict[str, Callable[[Group], list[Titled]]] = {
    "overhead": tables_of_overhead,
    "grid": tables_of_grid,
    "granularity": tables_of_granularity,
    "faults": tables_of_faults,
    "failing_setup": tables_of_faults,
    "soak": tables_of_soak,
    "stream": tables_of_stream,
}


def print_tables(folder: Path, workloads: Iterable[str], console: Console) -> None:
    """Print the tables of each of ``workloads`` that ``folder`` has results of."""
    console = plain_if_piped(console)
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    for line in refused:
        say(console, line)
    by_name = {group.workload: group for group in groups}
    for workload in workloads:
        if group := by_name.get(workload):
            _print(group, console)


def tables_of(group: Group) -> list[Titled]:
    """Return the tables of a workload."""
    tables = OF_STUDIES.get(group.workload, _tables_of_times)(group)
    compared = "" if is_compared(group.newest.run.inputs) else "; results not compared"
    return [replace(each, title=f"{group.workload}: {each.title}{compared}") for each in tables]


def _tables_of_times(group: Group) -> list[Titled]:
    return [
        *tables_of_times(group),
        *([titled_job_length(jobs)] if (jobs := job_length(group)) else []),
        *([titled_sharing(group)] if has_sharing(group) else []),
        *([titled_stores(group)] if has_stores(group) else []),
        titled_parts(group, COLD),
        titled_parts(group, KEPT),
        titled_memory(group),
        *([titled_clusters(group)] if group.on_clusters else []),
    ]


def _print(group: Group, console: Console) -> None:
    first, *others = tables_of(group)
    _print_titled(first, console, _said_of_noise(group))
    _say_conditions(group, console)
    for titled in others:
        _print_titled(titled, console)


def _print_titled(titled: Titled, console: Console, *lines: str) -> None:
    console.print(f"\n{titled.title}", markup=False, style="bold")
    for line in lines:
        say(console, line)
    if titled.table:
        print_table(console, titled.table)
    if titled.note:
        say(console, titled.note)


def _said_of_noise(group: Group) -> str:
    """Return, for the first line, the drift of the machine and the least difference that could be found."""
    newest = [file.run for file in group.files if file.run.started == group.newest.run.started]
    difference = detectable(group) if group.workload not in OF_ROUNDS else None
    return " ".join(filter(None, (said_of_drift(newest), str(difference or ""))))


def _say_conditions(group: Group, console: Console) -> None:
    if group.newest.run.profile == "quick":
        say(console, "quick profile: few worker counts, few trials, small inputs. A first look, nothing to quote.")
    for line in group.newest.run.disturbances:
        say(console, f"warning: {line}")
    say(console, group.newest.machine)
    for line in group.left_out:
        say(console, f"left out: {line}")
