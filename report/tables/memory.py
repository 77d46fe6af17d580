"""The peak memory of the whole process tree, and how often a shared input lies in it."""

from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.words import mib, workers
from report.tables.console import IdiomTable, Titled

PEAKS = {
    "USS": "uss_peak_bytes",
    "RSS": "rss_peak_bytes",
    "/dev/shm growth": "shm_growth_bytes",
    "system growth": "used_growth_bytes",
    "PSS at start": "pss_start_bytes",
    "PSS at end": "pss_end_bytes",
}


def titled_memory(group: Group) -> Titled:
    """Return peak PSS and copies per number of workers; the other measures of the peak on most workers."""
    title = "peak memory of the process tree"
    sampled = [cells for cells in group.idioms if any(cell.memory for cell in cells)]
    if not sampled:
        return Titled(title, None, _why_not(group))
    counts, copies = group.worker_counts, group.counted_bytes > 0
    titles = [f"{workers(n)}\nPSS MiB{', copies' if copies else ''}" for n in counts]
    table = IdiomTable(*titles, *(f"{name}\non {group.most_workers}" for name in PEAKS))
    if copies:
        table.add_limit("the input, once", [f"{mib(group.shared_bytes)}, 1.0"] * len(counts))
    for cells in sampled:
        peaks = {cell.n_jobs: _peak(group, cell) for cell in cells if cell.memory}
        last = group.on_most(cells)
        others = [mib(last.memory[name]) if last and last.memory else "" for name in PEAKS.values()]
        table.add(cells[0], *(peaks.get(count, "") for count in counts), *others)
    return Titled(title, table)


def _peak(group: Group, cell: Cell) -> str:
    copies = cell.copies(group.counted_bytes)
    return mib(cell.memory["pss_peak_bytes"]) + (f", {copies:.1f}" if copies is not None else "")


def _why_not(group: Group) -> str:
    skipped = {cell.memory_skipped for cells in group.idioms for cell in cells} - {""}
    return "; ".join(skipped) or "not measured: memory_trials was 0 in this run"
