"""One-shot times against the limit, the plain loop and the reference; the time of a round on a pool that is up."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from report.numbers.cell import Cell
from report.numbers.comparable import Comparable
from report.numbers.names import SERIAL, Name
from report.numbers.statistics import UNKNOWN, Ratio
from report.numbers.words import said_of_few_blocks, said_of_ratio, with_spread, workers
from report.tables.console import IdiomTable, Titled, number

LEFT = {"processes": "processes", "shm_segments": "shared-memory segments", "files": "temporary files"}


def titled_times(group: Comparable) -> Titled:
    """Return the table with its title and how it is read."""
    if group.serial_s:
        said = f"Speedup and efficiency: against the best serial time, {group.serial_s:.3f} s. "
    else:
        said = "No serial time was measured, so that no speedup is known. "
    ratios = group.ratios(group.most_workers)
    note = (
        "One-shot: a pool is started, used for one round and closed. Kept: the same round on a pool that is up, on "
        f"{workers(group.most_workers)}.\n{_said_of_limit(group)}\n{said}{_said_of_ratios(group, ratios)}"
    )
    return Titled(f"one-shot time in s, {group.said_of_trials}", _table(group, ratios), note)


def _table(group: Comparable, ratios: Mapping[Name, Ratio]) -> Table:
    """Return times per number of workers; what was kept, speedup, efficiency, the ratio to the reference on most."""
    counts = group.worker_counts
    versus = f"vs {': '.join(group.reference)}" if group.reference else "ratio"
    table = IdiomTable(*map(workers, counts), "kept", "speedup", "efficiency", versus, note="note")
    limits = [limit for count in counts if (limit := group.limit_s(count))]
    if group.serial_s and limits:
        speedup = group.serial_s / limits[-1]
        bound = [f"{limit:.2f}" for limit in limits]
        table.add_limit("physical", (*bound, "", f"{speedup:.2f}", f"{speedup / counts[-1]:.0%}"))
    for cells in group.idioms:
        times = {cell.n_jobs: with_spread(cell.one_shot, number, "-") for cell in cells if cell.one_shot}
        table.add(
            cells[0],
            *(times.get(count, "") for count in counts),
            *_on_most(group, group.on_most(cells)),
            _versus(group, ratios, cells[0].name),
            "; ".join(_notes(cells)),
        )
    return table


def _on_most(group: Comparable, cell: Cell | None) -> tuple[str, str, str]:
    """Return the time of a kept round, speedup and efficiency."""
    if cell is None or cell.one_shot is None:
        return "", "", ""
    kept = number(cell.kept.median if cell.kept else None)
    if not group.serial_s:
        return kept, "", ""
    speedup = group.serial_s / cell.one_shot.median
    return kept, f"{speedup:.2f}", f"{speedup / cell.n_jobs:.0%}"


def _versus(group: Comparable, ratios: Mapping[Name, Ratio], name: Name) -> str:
    if name == group.reference:
        return "reference"
    return said_of_ratio(ratios[name]) if name in ratios else ""


def _said_of_limit(group: Comparable) -> str:
    if not group.serial_s:
        return "No physical limit is known: it starts from the serial time."
    most = group.most_workers
    return (
        f"Limit of one-shot on {workers(most)}: the largest of serial / workers ({group.serial_s / most:.3f} s), the "
        f"longest task ({group.longest_task_s:.3f} s), input and result once through the memory ({group.data_s:.3f} s)."
    )


def _said_of_ratios(group: Comparable, ratios: Mapping[Name, Ratio]) -> str:
    if not ratios or not group.reference:
        return ""
    method = "medians over the blocks"
    if group.measured_alone:
        method += f" (over all pairs of trials for {', '.join(group.measured_alone)}: measured in other runs)"
    if all(ratio.verdict == UNKNOWN for ratio in ratios.values()):
        return f"Ratios are {method}. {said_of_few_blocks(ratios.values())}"
    level = max(ratio.level for ratio in ratios.values())
    few = said_of_few_blocks(ratios.values())
    return (
        f"Ratios are {method}, with intervals of up to {level:.2%}, so that of all differences found among "
        f"{len(ratios)} comparisons 5 % at most are expected to be false. A tie's interval holds 1."
        f"{f' {few}' if few else ''}"
    )


def _notes(cells: Sequence[Cell]) -> list[str]:
    notes = [f"{workers(cell.n_jobs)}: {cell.failure}" for cell in cells if cell.failure]
    notes += [f"skipped: {cell.skipped}" for cell in cells if cell.skipped]
    in_caller = [c.n_jobs for c in cells if c.library != SERIAL and any(trial.in_parent for trial in c.trials)]
    if in_caller:
        notes.append(f"{', '.join(map(workers, in_caller))}: runs in the calling process")
    left = {name: max(getattr(t.left_behind, name) for cell in cells for t in cell.trials) for name in LEFT}
    return notes + [f"leaves {count} {LEFT[name]}" for name, count in left.items() if count]
