"""Times in one shot and on a pool that is kept, beside the limit; what start-up, loop and reference make of them."""

from collections.abc import Mapping, Sequence
from functools import partial
from math import floor, log10

from record.terms import COLD, KEPT
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.job_length import FIXED_SHARE, from_s, line_of, starts_s
from report.numbers.names import SERIAL, Name
from report.numbers.quantities import TIME_NAMES, has_kept
from report.numbers.statistics import UNKNOWN, Ratio
from report.numbers.words import listed, said_of_few_blocks, said_of_ratio, with_spread, workers
from report.tables.console import FROM_SERIAL, IdiomTable, Titled, number, work_from

LEFT = {"processes": "processes", "shm_segments": "shared-memory segments", "files": "temporary files"}


def tables_of_times(group: Group) -> list[Titled]:
    """Return the times on all numbers of workers, and what follows from them on most."""
    return [_titled_times(group), _titled_start_up(group)]


def _titled_times(group: Group) -> Titled:
    phases = _phases(group)
    columns = [(count, phase) for count in reversed(group.worker_counts) for phase in phases]
    table = IdiomTable(*(f"{workers(count)}\n{TIME_NAMES[phase]}" for count, phase in columns), note="note")
    summaries = {
        (cell.name, cell.n_jobs, phase): summary
        for cells in group.idioms
        for cell in cells
        for phase in phases
        if (summary := cell.summary_of(phase))
    }
    shown = partial(number, digits=_digits(min((summary.median for summary in summaries.values()), default=1.0)))
    limits = [group.limit_s(*column) for column in columns]
    if any(limits):
        table.add_limit(FROM_SERIAL, [*map(shown, limits), ""])
    for cells in group.idioms:
        name = cells[0].name
        times = {
            column: with_spread(summary, shown, "-")
            for column in columns
            if (summary := summaries.get((name, *column)))
        }
        table.add(cells[0], *(times.get(column, "") for column in columns), "; ".join(_notes(cells)))
    note = (
        "One-shot: a pool is started, used for one round and closed. Kept: the same round on a pool that is up.\n"
        f"{_said_of_limits(group)}"
    )
    return Titled(f"times in s, {group.said_of_trials}", table, note)


def _digits(least_s: float) -> str:
    """Return the format that leaves two digits of the shortest time: at least hundredths of a second."""
    return f".{max(2, 1 - floor(log10(least_s)))}f"


def _titled_start_up(group: Group) -> Titled:
    phases, most = _phases(group), group.most_workers
    ratios = {phase: group.ratios(most, phase) for phase in phases}
    versus = f"vs {': '.join(group.reference)}" if group.reference else "ratio"
    table = IdiomTable(
        *(f"{versus},\n{TIME_NAMES[phase]}" for phase in phases),
        "start",
        "stop",
        "ties with\nthe loop at",
        f"start, stop\n< {FIXED_SHARE:.0%} from",
        *(f"speedup,\n{TIME_NAMES[phase]}" for phase in phases),
    )
    limits = [limit for phase in phases if (limit := group.limit_s(most, phase))]
    if len(limits) == len(phases):
        speedups = [_speedup(group, limit, phase, most) for limit, phase in zip(limits, phases, strict=True)]
        table.add_limit(FROM_SERIAL, [*([""] * len(phases)), "0.00", "0.00", "", "", *speedups])
    for cell in group.timed_on_most_workers:
        summaries = [(phase, cell.summary_of(phase)) for phase in phases]
        table.add(
            cell,
            *(_versus(group, ratios[phase], cell.name) for phase in phases),
            number(cell.middle(starts_s)),
            number(cell.middle(lambda trial: trial.stop_s)),
            *_work(group, cell),
            *(_speedup(group, summary.median, phase, cell.n_jobs) if summary else "" for phase, summary in summaries),
        )
    title = f"what start-up makes of them on {workers(most)}: times in s"
    notes = (_said_of_columns(group), _said_of_closing(group), _said_of_ratios(group, ratios[COLD]))
    return Titled(title, table, "\n".join(filter(None, notes)))


def _phases(group: Group) -> list[str]:
    """Return one-shot, and kept where that was measured."""
    return [phase for phase in TIME_NAMES if phase == COLD or has_kept(group)]


def _work(group: Group, cell: Cell) -> tuple[str, str]:
    """Return the work in a job at which the idiom ties with the loop, and that from which its start matters little."""
    loop = line_of(group, group.serial) if group.serial else None
    line = line_of(group, cell)
    if not (line and loop) or cell.library == SERIAL:
        return "", ""
    return work_from(from_s([line], [loop])), work_from(line.small_from_s)


def _speedup(group: Group, seconds: float, phase: str, n_jobs: int) -> str:
    """Return speedup and efficiency against the loop's time of the same phase."""
    serial_s = group.serial_s if phase == COLD else group.serial_kept_s
    return f"{serial_s / seconds:.2f} ({serial_s / seconds / n_jobs:.0%})" if serial_s else ""


def _versus(group: Group, ratios: Mapping[Name, Ratio], name: Name) -> str:
    if name == group.reference:
        return "reference"
    return said_of_ratio(ratios[name]) if name in ratios else ""


def _said_of_limits(group: Group) -> str:
    if not group.serial_s:
        return "No limit is known: it starts from the serial time."
    most = group.most_workers
    rest = group.serial_s - group.setup_s
    said = (
        f"Limit on {workers(most)}, one-shot: the setup, which each worker makes ({group.setup_s:.3f} s), and the "
        f"larger of the rest / workers ({rest / most:.3f} s) and the longest task ({group.longest_task_s(COLD):.3f} s)"
    )
    if group.serial_kept_s:
        kept = f"kept / workers ({group.serial_kept_s / most:.3f} s)"
        said += f"; kept: the larger of serial {kept} and the longest task ({group.longest_task_s(KEPT):.3f} s)"
    return f"{said}; never less than input and result take once through the memory ({group.data_s:.3f} s)."


def _said_of_columns(group: Group) -> str:
    if not group.serial_s:
        return "Start: cold - kept. No serial time was measured, so that no speedup is known."
    kept = f", {group.serial_kept_s:.3f} s kept" if group.serial_kept_s else ""
    return (
        "Start: cold - kept. Ties with the loop at, < 10% from: the work in a job, in seconds that the loop's kept "
        "round takes for it. Speedup and, in brackets, efficiency: against the best serial time, "
        f"{group.serial_s:.3f} s in one shot{kept}."
    )


def _said_of_closing(group: Group) -> str:
    """Return what each library does when it closes: this differs, and is part of the stop time."""
    closing: dict[str, dict[str, None]] = {}
    for cell in group.timed_on_most_workers:
        if cell.traits.closes:
            name = f"{cell.library}, connected" if cell.traits.connects else cell.library
            closing.setdefault(cell.traits.closes, {})[name] = None
    said = "; ".join(f"{closes}: {listed(list(libraries))}" for closes, libraries in closing.items())
    return f"At its stop, it {said}." if said else ""


def _said_of_ratios(group: Group, ratios: Mapping[Name, Ratio]) -> str:
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
        f"Ratios are {method}. Their intervals, of up to {level:.2%} in one shot, are corrected for "
        f"{len(ratios)} comparisons: 5 % at most of the differences found are expected to be false. A tie's interval "
        f"holds 1."
        f"{f' {few}' if few else ''}"
    )


def _notes(cells: Sequence[Cell]) -> list[str]:
    notes = [f"{workers(cell.n_jobs)}: {cell.failure}" for cell in cells if cell.failure]
    notes += [f"skipped: {cell.skipped}" for cell in cells if cell.skipped]
    in_caller = [c.n_jobs for c in cells if c.library != SERIAL and any(trial.in_parent for trial in c.trials)]
    if in_caller:
        notes.append(f"{', '.join(map(workers, in_caller))}: runs in the calling process")
    notes += [f"{workers(cell.n_jobs)}: {cell.idle_workers}" for cell in cells if cell.idle_workers]
    left = {name: max(getattr(t.left_behind, name) for cell in cells for t in cell.trials) for name in LEFT}
    return notes + [f"leaves {count} {LEFT[name]}" for name, count in left.items() if count]
