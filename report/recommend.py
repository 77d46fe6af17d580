"""Which library and idiom for such tasks: from this machine's `grid`, `sharing`, `overhead` and `stateful`.

Time is between the cells of the grid that enclose the task, linear in payload and in compute time, as what is moved and
what is computed add up. A task that is not near any cell gets no answer. Memory is that of workers at rest, the shared
input as often as it was found in memory, and, estimated, what is on the way to and from workers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from scipy.interpolate import RegularGridInterpolator

from report.console import plain_if_piped, say
from report.matrix import THREADS, kind_of, start_method
from report.measured import FLOOR, NAIVE, SERIAL, Block, Cell, Comparable, Name
from report.rounds import on_most_workers, per_block, seconds_by_cell, start_s
from report.statistics import TIE, UNKNOWN, Summary, summarize
from report.words import called, duration, size

NEAR = 10.0  # times longer, shorter, larger or smaller than what was measured, at most
SMALL_BYTES = 4096  # a payload below this is taken for the smallest one measured, if that is no larger
KEEPING_STATE = ("state", "actor")  # idioms of `stateful` that are named so keep state in workers


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
    """``per_task_s``: wall time by the number of tasks, on a pool that is up. None is what was not measured.

    ``shared_by``: the idiom of `sharing` whose start-up and memory these are; empty where nothing is shared.
    """

    name: Name
    per_task_s: Summary
    start_s: float | None
    memory_bytes: Summary | None
    shared_by: str
    verdict: str


@dataclass(frozen=True)
class Recommended:
    """``choices``: the fastest first. ``excluded``: by name, why. ``grid``: what it rests on."""

    choices: list[Choice]
    excluded: dict[Name, str]
    grid: Comparable


def recommend(groups: Mapping[str, Comparable], task: Task) -> Recommended:
    """Return the ranking. Raises NoMeasurement."""
    grid = _grid(groups, task)
    # Another machine's would be of no use beside it.
    groups = {name: group for name, group in groups.items() if group.newest.machine == grid.newest.machine}
    excluded: dict[Name, str] = {}
    times: dict[Name, dict[Block, float]] = {}
    beside: dict[Name, tuple[float | None, Summary | None, str]] = {}
    cells = [c for c in on_most_workers(grid) if c.library != FLOOR and not c.idiom.startswith(NAIVE)]
    for cell in cells:
        found = per_block(cell, lambda trial: _per_task_s(trial, task))
        beside[cell.name] = _start_and_memory(groups, cell, task)
        why = cell.skipped or _unfit(groups, cell, task, beside[cell.name][1])
        if not found:
            why = why or cell.failure or "not measured near this"
        if why:
            excluded[cell.name] = why
        else:
            times[cell.name] = found
    middle = {name: summarize(list(blocks.values())) for name, blocks in times.items()}
    order = sorted(times, key=lambda name: middle[name].median)
    ratios = grid.compared(times, reference=order[0]) if order else {}
    verdicts = {name: ratio.verdict for name, ratio in ratios.items()} | dict.fromkeys(order[:1], "fastest")
    failed = {cell.name: f", {cell.failures}" if cell.failures else "" for cell in cells}
    choices = [Choice(n, middle[n], *beside[n], _said(verdicts.get(n)) + failed[n]) for n in order]
    return Recommended(choices, excluded, grid)


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
    keys = {key for cell in on_most_workers(group) for trial in cell.timed for key in seconds_by_cell(trial)}
    if not keys:
        raise NoMeasurement("no measurement near this: all of the grid has failed; see python utils.py table grid")
    payloads, computes = sorted({p for p, _ in keys}), sorted({c for _, c in keys})
    moved = max(_moved(task), payloads[0]) if payloads[0] <= SMALL_BYTES else _moved(task)
    if not (_is_near(moved, payloads) and _is_near(task.task_s, computes)):
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
    """Return whether it lies between the levels and one of them is near."""
    return levels[0] <= value <= levels[-1] and any(
        value == level or (level and 1 / NEAR <= value / level <= NEAR) for level in levels
    )


def _per_task_s(trial: dict[str, Any], task: Task) -> float | None:
    """Return the time between the cells around the task; None where one of them is missing."""
    found = seconds_by_cell(trial)
    axes = [
        _around(max(_moved(task), min((p for p, _ in found), default=0)), sorted({p for p, _ in found})),
        _around(task.task_s, sorted({c for _, c in found})),
    ]
    if not all(axes):
        return None
    corners = [[found.get((p, c)) for c in axes[1]] for p in axes[0]]
    if any(seconds is None for row in corners for seconds in row):
        return None
    point = [min(max(v, levels[0]), levels[-1]) for v, levels in zip((_moved(task), task.task_s), axes, strict=True)]
    # An axis of one level has no between.
    between = [levels for levels in axes if len(levels) > 1]
    at = [v for v, levels in zip(point, axes, strict=True) if len(levels) > 1]
    values = np.array(corners, dtype=float)
    return float(RegularGridInterpolator(between, values.squeeze())(at)[0]) if between else float(values[0, 0])


def _around(value: float, levels: list[Any]) -> list[Any]:
    """Return the level that it is, or the two around it, or nothing outside of them."""
    if value in levels:
        return [value]
    return next(([low, high] for low, high in pairwise(levels) if low < value < high), [])


def _start_and_memory(
    groups: Mapping[str, Comparable], cell: Cell, task: Task
) -> tuple[float | None, Summary | None, str]:
    """Return start-up in seconds, peak PSS, and the idiom of `sharing` that they are of, or else of `overhead`."""
    group = groups.get("sharing" if task.shared_bytes else "overhead")
    of_kind = [other for other in _alike(group, cell) if other.n_jobs == cell.n_jobs]
    alike = [other for other in of_kind if not other.idiom.startswith(NAIVE)]
    least = min((c for c in alike if c.memory), key=lambda other: other.memory["pss_peak_bytes"], default=None)
    memory = None
    if group and least and not (task.shared_bytes and _far(task.shared_bytes, group.shared_bytes)):
        memory = summarize([_peak_bytes(trial, group.shared_bytes, task) for trial in least.sampled])
    if task.shared_bytes:
        return (least.middle("startup_s"), memory, least.idiom) if least and memory else (None, None, "")
    return _start_s(alike), memory, ""


def _far(bytes_: float, measured_bytes: float) -> bool:
    return not 1 / NEAR <= bytes_ / measured_bytes <= NEAR


def _peak_bytes(trial: Cell, measured_bytes: int, task: Task) -> float:
    """Return what the trial lets expect: its shared input of ``measured_bytes`` as large as that of the task."""
    on_the_way = 2 * task.n_jobs * (task.bytes_in + task.bytes_out)
    peak_bytes = trial.memory["pss_peak_bytes"]
    if not task.shared_bytes:
        return trial.memory.get("pss_ready_bytes", peak_bytes) + on_the_way
    copies = trial.copies(measured_bytes) or 0.0
    return max(0.0, peak_bytes - copies * measured_bytes) + copies * task.shared_bytes + on_the_way


def _alike(group: Comparable | None, cell: Cell) -> list[Cell]:
    """Return the library's cells of the same kind, by name, or else those whose workers come into being alike."""
    files = [file for file in group.files if file.library == cell.library] if group else []
    cells = [c for file in files for c in file.cells.values() if not c.skipped]
    same = [other for other in cells if kind_of(other.idiom) == kind_of(cell.idiom)]
    method = start_method(*cell.name)
    return same or [other for other in cells if start_method(*other.name) == method]


def _unfit(groups: Mapping[str, Comparable], cell: Cell, task: Task, memory_bytes: Summary | None) -> str:
    if task.memory_bytes:
        if memory_bytes is None:
            return "its memory was not measured near this: run python benchmark_all.py sharing overhead"
        if memory_bytes.high > task.memory_bytes:  # who says how much is allowed wants to be sure
            return f"it would take {size(memory_bytes.high)}, {size(task.memory_bytes)} are allowed"
    return _without_state(groups, cell) if task.state and cell.library != SERIAL else ""


def _without_state(groups: Mapping[str, Comparable], cell: Cell) -> str:
    """Return why such an idiom has not shown to keep state in workers and hand it back, or an empty string."""
    if "stateful" not in groups:
        return "whether it keeps state was not measured: run python benchmark_all.py stateful"
    of_library = [c for f in groups["stateful"].files if f.library == cell.library for c in f.cells.values()]
    keeping = [other for other in of_library if any(word in other.idiom for word in KEEPING_STATE)]
    if any(other.timed for other in _alike(groups["stateful"], cell) if other in keeping):
        return ""
    if shown := next((other for other in keeping if other.timed), None):
        return f"in this idiom no state was kept; it was in {called(shown.name)}"
    return next((why for other in keeping if (why := other.skipped or other.failure)), "it kept no state")


def _start_s(alike: list[Cell]) -> float | None:
    """Return the least time to a first result, in a fresh interpreter."""
    found = [[s for t in other.timed if (s := start_s(t, 0)) is not None] for other in alike]
    return min((median(starts) for starts in found if starts), default=None)


def _said(verdict: str | None) -> str:
    return {TIE: "ties with it", UNKNOWN: "too few trials to tell", None: "not compared"}.get(verdict, str(verdict))


def print_recommended(found: Recommended, console: Console) -> None:
    """Print the ranking, what was left out and why, and what stands behind it."""
    console = plain_if_piped(console)
    table = Table(pad_edge=False)
    for title in ("", "library", "idiom"):
        table.add_column(title, no_wrap=True)
    shares = any(choice.shared_by for choice in found.choices)
    as_in = ["start-up and\nPSS as in"] * shares
    for title in ("per task", "from - to", "start-up", "peak PSS", "from - to", *as_in, ""):
        table.add_column(title, justify="right", no_wrap=True)
    for rank, choice in enumerate(found.choices, start=1):
        s = choice.per_task_s
        table.add_row(
            str(rank),
            *map(escape, choice.name),
            duration(s.median),
            _spread(s, duration),
            "not measured" if choice.start_s is None else duration(choice.start_s),
            *_memory_cells(choice.memory_bytes),
            *([escape(choice.shared_by)] * shares),
            choice.verdict,
        )
    if found.choices:
        console.print(table)
        say(console, _note(found))
        if any(start_method(*choice.name) == THREADS for choice in found.choices):
            say(console, "Threads are that fast only where tasks let go of the GIL, as those of the grid do.")
    for (library, idiom), why in found.excluded.items():
        say(console, f"left out: {library} ({idiom}): {why}")
    if not found.choices:
        say(console, "Nothing that was measured can do this.")


def _memory_cells(memory_bytes: Summary | None) -> tuple[str, str]:
    return ("not measured", "") if memory_bytes is None else (size(memory_bytes.median), _spread(memory_bytes, size))


def _spread(found: Summary, shown: Callable[[float], str]) -> str:
    return f"{shown(found.low)} - {shown(found.high)}" if found.count > 1 else "1 trial"


def _note(found: Recommended) -> str:
    run, spread = found.grid.newest.run, found.choices[0].per_task_s.spread
    tasks = run["params"].get("grid_tasks_per_worker", 4) * found.grid.most_workers
    return (
        f"per task: wall time by tasks, of rounds of {tasks} on a pool that is up, so that a call's own cost, 10 ms "
        f"with some libraries, is spread over {tasks} only (python utils.py table overhead has it as fixed); from - "
        f"to: {spread}; start-up: cold, to a first result, with a shared input as large as sharing had it; peak PSS: "
        "estimated, with the shared input, without tasks that wait in a queue. "
        f"{run['profile']} profile, {found.grid.newest.machine}."
    )
