"""Compute against payload: who is fastest where, with pools kept and rebuilt, and what rebuilding a pool costs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf, log2
from statistics import median

from record.schema import Pool, Trial
from record.terms import COLD, KEPT
from report.numbers.cell import TUNED, Cell
from report.numbers.group import Group
from report.numbers.names import FLOOR, Name

Key = tuple[int, float]  # payload in bytes, compute time of a task in seconds
Times = dict[Key, float]  # seconds per task
# By kind: a round on a pool that is up (KEPT), or on a pool of its own with its start and end (REBUILT).
Grid = Mapping[str, Times]
REBUILT = "rebuilt each time"
POOLS = {KEPT: "kept", REBUILT: REBUILT}
CLOSE = 0.05  # of the time: closer than this to the fastest is a tie
TIED = f"tie (within {CLOSE:.0%})"


def seconds_by_cell(trials: Iterable[Trial], kind: str = KEPT) -> Times:
    """Return seconds per task by payload and compute time, medians. Per task: a plain loop has fewer of them."""
    by_key: dict[Key, list[float]] = {}
    for trial in trials:
        for key, pool in _pools_of(trial):
            for each in pool.rounds:
                if each.phase == (KEPT if kind == KEPT else COLD) and each.tasks:
                    seconds = each.seconds + (0.0 if kind == KEPT else pool.stop_s or 0.0)
                    by_key.setdefault(key, []).append(seconds / each.tasks)
    return {key: median(values) for key, values in by_key.items()}


def _pools_of(trial: Trial) -> Iterator[tuple[Key, Pool]]:
    for pool in trial.pools:
        if {"payload_bytes", "compute_s"} <= pool.label.keys():
            yield (int(pool.label["payload_bytes"]), float(pool.label["compute_s"])), pool


def grids_of(group: Group) -> dict[Name, Grid]:
    """Return the times of every idiom that has any, by what is done with its pool: KEPT, REBUILT."""
    cells = [cell for cell in group.on_most_workers if cell.timed]
    grids = {cell.name: {kind: seconds_by_cell(cell.timed, kind) for kind in POOLS} for cell in cells}
    return {name: grid for name, grid in grids.items() if grid[KEPT]}


def to_choose(group: Group) -> dict[Name, Grid]:
    """Return those of tuned idioms; the floor is no library to choose."""
    tuned = {cell.name for cell in group.on_most_workers if cell.style == TUNED and cell.library != FLOOR}
    return {name: grid for name, grid in grids_of(group).items() if name in tuned}


def first_of(grids: Mapping[Name, Grid], library: str, kind: str) -> Times:
    """Return the times of the library's first idiom, or nothing."""
    return next((grid[kind] for (name, _), grid in grids.items() if name == library), {})


def axes_of(times: Iterable[Times]) -> tuple[list[int], list[float]]:
    """Return all payloads and all compute times."""
    keys = {key for each in times for key in each}
    return sorted({payload for payload, _ in keys}), sorted({compute for _, compute in keys})


def relative(times: Times, others: Times) -> Times:
    """Return the binary logarithm of the ratio of each cell's times."""
    return {key: log2(seconds / others[key]) for key, seconds in times.items() if key in others}


def faster_from(times: Times, others: Times) -> dict[int, float]:
    """Return by payload the compute time of a task, in seconds, from which ``times`` are less.

    Between two cells it is where the line through both, on logarithmic axes, crosses a ratio of 1.

    0 where ``times`` are less at all compute times of the grid; infinity where they are not at the longest one.
    """
    ratios = relative(times, others)
    payloads, _ = axes_of([ratios])
    return {
        payload: _sign_changes_at(sorted((c, r) for (p, c), r in ratios.items() if p == payload))
        for payload in payloads
    }


def _sign_changes_at(row: Sequence[tuple[float, float]]) -> float:
    """Return the compute time from which all ratios are below 1. ``row``: compute times, logarithms of ratios."""
    slower = [place for place, (_, ratio) in enumerate(row) if ratio >= 0]
    if not slower:
        return 0.0
    if slower[-1] == len(row) - 1:
        return inf
    (before, above), (after, below) = row[slower[-1]], row[slower[-1] + 1]
    share = above / (above - below)
    # Tasks that compute nothing have no place on a logarithmic axis: next to them, the axis is linear.
    return before * (after / before) ** share if before else after * share


def fastest_at(grids: Mapping[Name, Grid], kind: str, key: Key) -> str | None:
    """Return the library whose best idiom is fastest there, or TIED, or None where nothing was measured."""
    best: dict[str, float] = {}
    for (library, _), grid in grids.items():
        if seconds := grid[kind].get(key):
            best[library] = min(seconds, best.get(library, seconds))
    order = sorted(best, key=lambda library: best[library])
    if not order:
        return None
    tied = len(order) > 1 and best[order[1]] < best[order[0]] * (1 + CLOSE)
    return TIED if tied else order[0]


def rebuilding_s(cell: Cell) -> list[float]:
    """Return for every cell of the grid what a pool's start and end cost: one shot less a later round."""
    pools = [pool for trial in cell.timed for _, pool in _pools_of(trial)]
    return [pool.one_shot_s - pool.kept_s for pool in pools if pool.one_shot_s is not None and pool.kept_s is not None]


def refusals(cell: Cell) -> Sequence[str]:
    """Return why cells of the grid were not tried."""
    return sorted({pool.refused for trial in cell.timed for pool in trial.pools if pool.refused})
