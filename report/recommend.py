"""Which library and idiom for such tasks: from this machine's `grid`, `sharing`, `overhead` and `stateful`, no model.

Time is between the cells of the grid that enclose the task, linear in payload and in compute time, as what is moved and
what is computed add up. A task that is not near any cell gets no answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.interpolate import RegularGridInterpolator

from report.console import plain_if_piped, say
from report.matrix import THREADS, start_method
from report.measured import FLOOR, NAIVE, SERIAL, Block, Cell, Comparable, Name
from report.rounds import on_most_workers, per_block, seconds_by_cell, start_s
from report.statistics import TIE, UNKNOWN, Summary, paired, summarize
from report.words import duration, size

NEAR = 10.0  # times longer, shorter, larger or smaller than what was measured, at most
HAND_BACK_STATE = ("state", "actor")  # idioms of `stateful` that are named so keep state in workers


class NoMeasurement(Exception):
    """Nothing near was measured, in one line that says what to run."""


@dataclass(frozen=True)
class Task:
    """What one task is like, and what it runs in. Bytes are per task; ``shared_bytes``: which all tasks read."""

    task_s: float
    bytes_in: float
    bytes_out: float
    state: bool
    shared_bytes: float
    memory_bytes: float
    n_jobs: int


@dataclass(frozen=True)
class Choice:
    """``per_task_s``: wall time by the number of tasks, on a pool that is up. None is what was not measured."""

    name: Name
    per_task_s: Summary
    start_s: float | None
    memory_bytes: float | None
    verdict: str


@dataclass(frozen=True)
class Recommended:
    """``choices``: the fastest first. ``excluded``: by name, why."""

    choices: list[Choice]
    excluded: dict[Name, str]


def recommend(groups: Mapping[str, Comparable], task: Task) -> Recommended:
    """Return the ranking. Raises NoMeasurement."""
    grid = _grid(groups, task)
    excluded: dict[Name, str] = {}
    times: dict[Name, dict[Block, float]] = {}
    memory: dict[Name, float | None] = {}
    for cell in on_most_workers(grid):
        name = (cell.library, cell.idiom)
        if cell.library == FLOOR or cell.idiom.startswith(NAIVE) or cell.skipped:
            continue
        found = per_block(cell, lambda trial: _per_task_s(trial, task))
        memory[name] = _memory(groups, cell, task)
        why = _unfit(groups, name, task, memory[name]) or ("" if found else cell.failure or "not measured near this")
        if why:
            excluded[name] = why
        else:
            times[name] = found
    if not times:
        return Recommended([], excluded)
    middle = {name: summarize(list(blocks.values())) for name, blocks in times.items()}
    order = sorted(times, key=lambda name: middle[name].median)
    ratios = paired({name: (times[name], times[order[0]]) for name in order[1:]})
    verdicts = {order[0]: "fastest"} | {name: _verdict(ratio.verdict) for name, ratio in ratios.items()}
    starts = {name: _start_s(groups.get("overhead"), *name) for name in order}
    choices = [Choice(n, middle[n], starts[n], memory[n], verdicts.get(n, UNKNOWN)) for n in order]
    return Recommended(choices, excluded)


def _grid(groups: Mapping[str, Comparable], task: Task) -> Comparable:
    """Return the grid if the task is near to some of its cells."""
    if "grid" not in groups:
        raise NoMeasurement("no measurement near this: run python benchmark_all.py grid")
    group = groups["grid"]
    if task.n_jobs != group.most_workers:
        raise NoMeasurement(
            f"no measurement near this: the grid was measured on {group.most_workers} workers; "
            f"run python benchmark_all.py grid --n-jobs {task.n_jobs}"
        )
    keys = {key for c in on_most_workers(group) for t in c.timed for key in seconds_by_cell(t)}
    payloads, computes = sorted({p for p, _ in keys}), sorted({c for _, c in keys})
    if not keys or not (_is_near(_moved(task), payloads) and _is_near(task.task_s, computes)):
        has = [*map(size, payloads), *map(duration, computes)]
        raise NoMeasurement(
            f"no measurement near {size(_moved(task))} and {duration(task.task_s)}: the grid has {', '.join(has)}; "
            "add them to grid_payload_bytes and grid_compute_s in params.py and run python benchmark_all.py grid"
        )
    return group


def _moved(task: Task) -> float:
    """Return the payload of the grid, which goes both ways, with as many bytes on the way."""
    return (task.bytes_in + task.bytes_out) / 2


def _is_near(value: float, levels: list[Any]) -> bool:
    """Return whether a level is near, or, below all of them, there is so little of it that it cannot matter."""
    if value > levels[-1]:
        return False
    return value <= levels[0] or any(level and 1 / NEAR <= value / level <= NEAR for level in levels)


def _per_task_s(trial: dict[str, Any], task: Task) -> float | None:
    """Return the time between the four cells around the task, or None where one of them is missing."""
    found = seconds_by_cell(trial)
    payloads, computes = (np.array(sorted({key[axis] for key in found})) for axis in (0, 1))
    if len(found) < len(payloads) * len(computes) or not len(found):
        return None
    values = np.array([[found[payload, compute] for compute in computes] for payload in payloads])
    point = [min(max(v, levels[0]), levels[-1]) for v, levels in ((_moved(task), payloads), (task.task_s, computes))]
    # An axis of one level has no between.
    axes = [levels for levels in (payloads, computes) if len(levels) > 1]
    at = [v for v, levels in zip(point, (payloads, computes), strict=True) if len(levels) > 1]
    return float(RegularGridInterpolator(axes, values.squeeze())(at)[0]) if axes else float(values[0, 0])


def _memory(groups: Mapping[str, Comparable], cell: Cell, task: Task) -> float | None:
    """Return the peak PSS that `sharing` and `overhead` let expect, with what is on the way."""
    on_the_way = 2 * task.n_jobs * (task.bytes_in + task.bytes_out)
    if not task.shared_bytes:
        alike = _alike(groups.get("overhead"), cell, task.n_jobs)
        return alike.memory["pss_peak_bytes"] + on_the_way if alike else None
    group = groups.get("sharing")
    alike = _alike(group, cell, task.n_jobs)
    if not (group and alike and _is_near(task.shared_bytes, [group.shared_bytes, NEAR * group.shared_bytes])):
        return None
    copies = alike.copies(group.shared_bytes) or 0.0
    rest = max(0.0, alike.memory["pss_peak_bytes"] - copies * group.shared_bytes)
    return rest + copies * task.shared_bytes + on_the_way


def _alike(group: Comparable | None, cell: Cell, n_jobs: int) -> Cell | None:
    """Return the library's cell with the least memory among those whose workers come into being in the same way."""
    if group is None:
        return None
    method = start_method(cell.library, cell.idiom)
    found = [
        other
        for file in group.files
        if file.library == cell.library
        for (idiom, n), other in file.cells.items()
        if other.memory and n in (n_jobs, 1 if cell.library == SERIAL else n_jobs)
        if start_method(file.library, idiom) == method and not idiom.startswith(NAIVE)
    ]
    return min(found, key=lambda other: other.memory["pss_peak_bytes"], default=None)


def _unfit(groups: Mapping[str, Comparable], name: Name, task: Task, memory_bytes: float | None) -> str:
    if task.memory_bytes:
        if memory_bytes is None:
            return "its memory was not measured near this: run python benchmark_all.py sharing overhead"
        if memory_bytes > task.memory_bytes:
            return f"it would take {size(memory_bytes)}, {size(task.memory_bytes)} are allowed"
    return _without_state(groups, name[0]) if task.state else ""


def _without_state(groups: Mapping[str, Comparable], library: str) -> str:
    """Return why it cannot keep state in workers and hand it back, or an empty string."""
    if "stateful" not in groups:
        return "whether it keeps state was not measured: run python benchmark_all.py stateful"
    if library == SERIAL:
        return ""
    cells = [c for f in groups["stateful"].files if f.library == library for c in f.cells.values()]
    keeping = [cell for cell in cells if any(word in cell.idiom for word in HAND_BACK_STATE)]
    if any(cell.timed for cell in keeping):
        return ""
    return next((cell.skipped or cell.failure for cell in keeping), "no idiom that keeps state was measured")


def _start_s(group: Comparable | None, library: str, idiom: str) -> float | None:
    """Return the library's least time to a first result, of idioms whose workers come into being in the same way."""
    method = start_method(library, idiom)
    found = [
        median(starts)
        for cell in (on_most_workers(group) if group else ())
        if (cell.library, start_method(cell.library, cell.idiom)) == (library, method)
        if (starts := [s for trial in cell.timed if (s := start_s(trial, 0)) is not None])
    ]
    return min(found, default=None)


def _verdict(verdict: str) -> str:
    return {TIE: "ties with it", UNKNOWN: "too few trials to tell"}.get(verdict, verdict)


def print_recommended(found: Recommended, console: Console) -> None:
    """Print the ranking, what was left out and why, and what stands behind it."""
    console = plain_if_piped(console)
    table = Table(pad_edge=False)
    for title in ("", "library", "idiom"):
        table.add_column(title, no_wrap=True)
    for title in ("1000 tasks", "from - to", "start-up", "peak PSS", ""):
        table.add_column(title, justify="right", no_wrap=True)
    for rank, choice in enumerate(found.choices, start=1):
        s = choice.per_task_s
        table.add_row(
            str(rank),
            *choice.name,
            duration(1000 * s.median),
            f"{duration(1000 * s.low)} - {duration(1000 * s.high)}" if s.count > 1 else "1 trial",
            "not measured" if choice.start_s is None else duration(choice.start_s),
            "not measured" if choice.memory_bytes is None else size(choice.memory_bytes),
            choice.verdict,
        )
    if found.choices:
        console.print(table)
        say(console, f"from - to: {found.choices[0].per_task_s.spread}; start-up: cold, to a first result.")
        if any(start_method(*choice.name) == THREADS for choice in found.choices):
            say(console, "Threads are that fast only where tasks let go of the GIL, as those of the grid do.")
    for (library, idiom), why in found.excluded.items():
        say(console, f"left out: {library} ({idiom}): {why}")
    if not found.choices:
        say(console, "Nothing that was measured can do this.")
