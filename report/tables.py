"""Results as tables for the terminal: one per workload, a row per library and idiom, a column per number of workers."""

from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from report.measured import SERIAL, Comparable, Measured, comparable, read
from report.statistics import Summary

PLAIN_WIDTH = 150  # columns, where there is no terminal to ask


def print_tables(folder: Path, workloads: Iterable[str], console: Console) -> None:
    """Print a table for each of ``workloads`` that ``folder`` has results of."""
    if not console.is_terminal:
        console = Console(file=console.file, width=PLAIN_WIDTH)
    files, refused = read(sorted(folder.glob("*.p3")))
    for line in refused:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    for workload in workloads:
        if found := [file for file in files if file.workload == workload]:
            _print(comparable(found), console)


def _print(group: Comparable, console: Console) -> None:
    newest = max(group.files, key=lambda file: file.run["started"])
    console.print()
    console.print(f"{group.workload}: wall time in s, {group.said_of_trials}", markup=False, style="bold")
    if newest.run["profile"] == "quick":
        console.print("quick profile: few worker counts, few trials, small inputs. A first look, nothing to quote.")
    console.print(workload_table(group))
    console.print(newest.machine, markup=False, highlight=False)
    for line in group.left_out:
        console.print(f"left out: {line}", markup=False, highlight=False)


def workload_table(group: Comparable) -> Table:
    """Return the table of one workload, with the physical limit as its first row."""
    counts = group.worker_counts
    table = Table(pad_edge=False)
    table.add_column("library", no_wrap=True)
    table.add_column("idiom", no_wrap=True)
    for count in counts:
        table.add_column(f"{count} worker{'s' * (count > 1)}", justify="right", no_wrap=True)
    table.add_column("speedup", justify="right", no_wrap=True)
    table.add_column("note", overflow="fold")
    if group.serial_s:
        limits = [f"{group.serial_s / count:.2f}" for count in counts]
        table.add_row("limit", "serial / workers", *limits, f"{counts[-1]:.2f}", "", style="dim")
    for file in group.files:
        for idiom in file.idioms:
            table.add_row(file.library, _escape(idiom), *_row(group, file, idiom, counts))
    return table


def _row(group: Comparable, file: Measured, idiom: str, counts: list[int]) -> list[str]:
    summaries = [cell.summary if (cell := file.cells.get((idiom, n))) else None for n in counts]
    most = next(iter(reversed(summaries if file.library != SERIAL else summaries[:1])), None)
    speedup = f"{group.serial_s / most.median:.2f}" if group.serial_s and most else ""
    return [*map(_time, summaries), speedup, _escape("; ".join(_notes(file, idiom)))]


def _time(summary: Summary | None) -> str:
    if summary is None:
        return ""
    spread = f" ({summary.low:.2f}-{summary.high:.2f})" if summary.count > 1 else ""
    return f"{summary.median:.2f}{spread}"


def _notes(file: Measured, idiom: str) -> list[str]:
    cells = [cell for (name, _), cell in file.cells.items() if name == idiom]
    notes = [f"{cell.n_jobs} workers: {cell.failure}" for cell in cells if cell.failure]
    notes += [f"skipped: {cell.skipped}" for cell in cells if cell.skipped]
    in_parent = [cell.n_jobs for cell in cells if any(trial["in_parent"] for trial in cell.trials)]
    if in_parent and file.library != SERIAL:
        notes.append(f"{', '.join(map(str, in_parent))} worker: runs in the calling process")
    left = {key: max(trial["left_behind"].get(key, 0) for cell in cells for trial in cell.trials) for key in _LEFT}
    notes += [f"leaves {count} {_LEFT[key]}" for key, count in left.items() if count]
    return notes


_LEFT = {"processes": "processes", "shm_segments": "shared-memory segments", "files": "temporary files"}


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
