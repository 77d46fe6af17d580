"""The tables of a workload: wall time, where it goes, memory; a row per library and idiom."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from report.conditions import said_of_drift
from report.console import Titled, idiom_table, plain_if_piped, say
from report.granularity import tables_of_granularity
from report.grid import tables_of_grid
from report.measured import SERIAL, Cell, Comparable, Measured, Name, comparable, read
from report.overhead import tables_of_overhead
from report.sharing import has_sharing, has_stores, sharing_table, stores_table
from report.statistics import LEAST_FOR_INTERVAL, UNKNOWN, Ratio, Summary
from report.words import workers


def print_tables(folder: Path, workloads: Iterable[str], console: Console) -> None:
    """Print wall times, parts and memory of each of ``workloads`` that ``folder`` has results of."""
    console = plain_if_piped(console)
    files, refused = read(sorted(folder.glob("*.p3")))
    for line in refused:
        say(console, line)
    for workload in workloads:
        if found := [file for file in files if file.workload == workload]:
            _print(comparable(found), console)


IN_ROUNDS = {"overhead": tables_of_overhead, "grid": tables_of_grid, "granularity": tables_of_granularity}


def tables_of(group: Comparable) -> list[Titled]:
    """Return the tables of a workload, in the order in which they are shown."""
    found = IN_ROUNDS[group.workload](group) if group.workload in IN_ROUNDS else list(_tables_of_times(group))
    return [replace(each, title=f"{group.workload}: {each.title}") for each in found]


def _tables_of_times(group: Comparable) -> Iterator[Titled]:
    most = group.most_workers
    on_most = f"on {workers(most)}"
    if group.serial_s:
        said = f"Speedup and efficiency: against the best serial time, {group.serial_s:.3f} s. "
    else:
        said = "No serial time was measured, so that no speedup is known. "
    ratios = group.ratios(most)
    note = f"{_said_of_limit(group, most)}\n{said}{_said_of_ratios(group, ratios)}"
    yield Titled(f"wall time in s, {group.said_of_trials}", time_table(group, ratios), note)
    if has_sharing(group):
        yield Titled(f"one input of {group.shared_bytes / 2**20:.0f} MiB, {on_most}", sharing_table(group))
    if has_stores(group):
        yield Titled(f"memory of all processes {on_most}", stores_table(group))
    yield Titled(f"where the time goes {on_most}, medians in s", parts_table(group, most))
    has_memory = any(map(_has_memory, group.files))
    yield Titled(
        "peak memory of the process tree",
        memory_table(group) if has_memory else None,
        "" if has_memory else _no_memory(group),
    )


def _print(group: Comparable, console: Console) -> None:
    first, *others = tables_of(group)
    _print_titled(first, console)
    _say_conditions(group, console)
    for titled in others:
        _print_titled(titled, console)


def _print_titled(titled: Titled, console: Console) -> None:
    console.print(f"\n{titled.title}", markup=False, style="bold")
    if titled.table:
        console.print(titled.table)
    if titled.note:
        say(console, titled.note)


def _say_conditions(group: Comparable, console: Console) -> None:
    if group.newest.run["profile"] == "quick":
        say(console, "quick profile: few worker counts, few trials, small inputs. A first look, nothing to quote.")
    newest = [file.run for file in group.files if file.run["started"] == group.newest.run["started"]]
    say(console, said_of_drift(newest))
    for line in group.newest.run["disturbances"]:
        say(console, f"warning: {line}")
    say(console, group.newest.machine)
    for line in group.left_out:
        say(console, f"left out: {line}")


def time_table(group: Comparable, ratios: Mapping[Name, Ratio]) -> Table:
    """Return wall times per number of workers; speedup, efficiency and the ratio to the reference on most workers."""
    counts = group.worker_counts
    table = idiom_table(*(workers(count) for count in counts), "speedup", "efficiency", _versus(group))
    table.add_column("note", overflow="fold")
    limits = [group.limit_s(count) for count in counts]
    if group.serial_s and limits[-1]:
        bound = [f"{limit:.2f}" for limit in limits]
        speedup = group.serial_s / limits[-1]
        table.add_row("limit", "physical", *bound, f"{speedup:.2f}", f"{speedup / counts[-1]:.0%}", "", "", style="dim")
    for file in group.files:
        for idiom in file.idioms:
            ratio = ratios.get((file.library, idiom))
            table.add_row(
                escape(file.library),
                escape(idiom),
                *_times(group, file, idiom),
                _versus_text(group, file, idiom, ratio),
                escape("; ".join(_notes(file, idiom))),
            )
    return table


def _times(group: Comparable, file: Measured, idiom: str) -> list[str]:
    counts = group.worker_counts
    summaries = [cell.summary if (cell := file.cells.get((idiom, n))) else None for n in counts]
    if not counts:
        return ["", ""]
    count, summary = (1, summaries[0]) if file.library == SERIAL else (counts[-1], summaries[-1])
    if not (group.serial_s and summary):
        return [*map(_time, summaries), "", ""]
    speedup = group.serial_s / summary.median
    return [*map(_time, summaries), f"{speedup:.2f}", f"{speedup / count:.0%}"]


def _time(summary: Summary | None) -> str:
    if summary is None:
        return ""
    spread = f" ({summary.low:.2f}-{summary.high:.2f})" if summary.count > 1 else ""
    return f"{summary.median:.2f}{spread}"


def _versus(group: Comparable) -> str:
    return f"vs {': '.join(group.reference)}" if group.reference else "ratio"


def _versus_text(group: Comparable, file: Measured, idiom: str, ratio: Ratio | None) -> str:
    if (file.library, idiom) == group.reference:
        return "reference"
    if ratio is None:
        return ""
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.2f}"
    return f"{ratio.ratio:.2f} ({ratio.low:.2f}-{ratio.high:.2f}) {ratio.verdict}"


def _said_of_limit(group: Comparable, most: int) -> str:
    if not group.serial_s:
        return "No physical limit is known: it starts from the serial time."
    return (
        f"Limit on {workers(most)}: the largest of serial / workers ({group.serial_s / most:.3f} s), the longest task "
        f"({group.longest_task_s:.3f} s), input and result once through the memory ({group.data_s:.3f} s)."
    )


def _said_of_ratios(group: Comparable, ratios: Mapping[Name, Ratio]) -> str:
    if not ratios or not group.reference:
        return ""
    if all(ratio.verdict == UNKNOWN for ratio in ratios.values()):
        fewest = min(ratio.count for ratio in ratios.values())
        return (
            f"Ratios are medians over the blocks. {fewest} blocks are too few to tell {len(ratios)} rows from the "
            f"reference: more --trials, at least {LEAST_FOR_INTERVAL}."
        )
    level = max(ratio.level for ratio in ratios.values())
    method = "medians over the blocks"
    if group.measured_alone:
        method += f" (of medians, unpaired, for {', '.join(group.measured_alone)}: measured in other runs)"
    return (
        f"Ratios are {method}, with {level:.2%} intervals, so that of all differences found among "
        f"{len(ratios)} comparisons 5 % at most are expected to be false. A tie's interval holds 1."
    )


def _notes(file: Measured, idiom: str) -> list[str]:
    cells = [cell for (name, _), cell in file.cells.items() if name == idiom]
    notes = [f"{workers(cell.n_jobs)}: {cell.failure}" for cell in cells if cell.failure]
    notes += [f"skipped: {cell.skipped}" for cell in cells if cell.skipped]
    in_parent = [cell.n_jobs for cell in cells if any(trial["in_parent"] for trial in cell.trials)]
    if in_parent and file.library != SERIAL:
        notes.append(f"{', '.join(map(workers, in_parent))}: runs in the calling process")
    left = {key: max(trial["left_behind"].get(key, 0) for cell in cells for trial in cell.trials) for key in _LEFT}
    notes += [f"leaves {count} {_LEFT[key]}" for key, count in left.items() if count]
    return notes


_LEFT = {"processes": "processes", "shm_segments": "shared-memory segments", "files": "temporary files"}


def parts_table(group: Comparable, n_jobs: int) -> Table:
    """Return the parts of the wall time on ``n_jobs`` workers (serial: 1); see `trial.breakdown.parts_of`."""
    table = idiom_table(*(title for title, _ in _PARTS))
    if group.serial_s and (limit := group.limit_s(n_jobs)):
        work = group.serial_s / n_jobs
        parts = (limit, 0.0, work, limit - work, limit - work, 0.0)
        table.add_row("limit", "physical", *(f"{seconds:.3f}" for seconds in parts), style="dim")
    for file in group.files:
        count = 1 if file.library == SERIAL else n_jobs
        for idiom in file.idioms:
            cell = file.cells.get((idiom, count))
            if cell and cell.summary:
                values = [cell.middle(field) for _, field in _PARTS]
                table.add_row(escape(file.library), escape(idiom), *("" if v is None else f"{v:.3f}" for v in values))
    return table


_PARTS = (
    ("wall", "wall_s"),
    ("start-up", "startup_s"),
    ("work", "work_s"),
    ("waiting", "wait_s"),
    ("of that,\nat the end", "tail_s"),
    ("shut-down", "shutdown_s"),
    ("last - median\nworker", "straggler_s"),
    ("CPU\nuser", "cpu_user_s"),
    ("CPU\nsystem", "cpu_system_s"),
    ("import,\nbefore", "import_s"),
)


def memory_table(group: Comparable) -> Table:
    """Return peak PSS and copies per number of workers; the other measures of the peak on most workers."""
    counts = group.worker_counts
    most = counts[-1] if counts else 1
    copies = group.counted_bytes > 0
    titles = [f"{workers(n)}\nPSS MiB{', copies' * copies}" for n in counts]
    table = idiom_table(*titles, *(f"{title}\non {most}" for title, _ in _PEAKS))
    if copies:
        once = f"{group.shared_bytes / 2**20:.0f}, 1.0"
        table.add_row("limit", "the input, once", *(once for _ in counts), style="dim")
    for file in group.files:
        for idiom in file.idioms:
            cells = [file.cells.get((idiom, count)) for count in counts]
            if any(cell and cell.memory for cell in cells):
                last = cells[0] if file.library == SERIAL else cells[-1]
                peaks = [_mib(last, field) for _, field in _PEAKS]
                table.add_row(escape(file.library), escape(idiom), *(_peak(group, cell) for cell in cells), *peaks)
    return table


_PEAKS = (
    ("USS", "uss_peak_bytes"),
    ("RSS", "rss_peak_bytes"),
    ("/dev/shm growth", "shm_growth_bytes"),
    ("system growth", "used_growth_bytes"),
    ("PSS at start", "pss_start_bytes"),
    ("PSS at end", "pss_end_bytes"),
)


def _peak(group: Comparable, cell: Cell | None) -> str:
    if not (cell and cell.memory):
        return ""
    copies = cell.copies(group.counted_bytes)
    return _mib(cell, "pss_peak_bytes") + (f", {copies:.1f}" if copies is not None else "")


def _mib(cell: Cell | None, field: str) -> str:
    return f"{cell.memory[field] / 2**20:.0f}" if cell and cell.memory else ""


def _has_memory(file: Measured) -> bool:
    return any(cell.memory for cell in file.cells.values())


def _no_memory(group: Comparable) -> str:
    skipped = {cell.memory_skipped for file in group.files for cell in file.cells.values()} - {""}
    profile = group.newest.run["profile"]
    return "; ".join(skipped) or f"not measured: memory_trials is 0 in the {profile} profile of params.py"
