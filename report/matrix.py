"""The matrix: a row for every workload, library, idiom and number of workers, whatever became of it."""

from collections.abc import Iterable, Iterator
from math import inf
from typing import Any

from harness.outcome import OK
from report.measured import FLOOR, NAIVE, ROUNDS, SERIAL, Cell, Comparable, Name
from report.statistics import SLOWER, UNKNOWN

START_METHODS = ("forkserver", "spawn", "fork", "loky", "thread")  # that idioms are named for, the longer name first
THREADS = "threads"
# Of idioms that are not named for one, as their code has it.
OF_LIBRARY = {
    SERIAL: "none", FLOOR: "fork", "mp": "fork", "futures": "fork", "mpire": "fork", "joblib": "loky", "dask": "spawn",
    "ray": "Ray's own",
}  # fmt: skip
ON_ONE_CORE = "synchronous"  # Dask's scheduler that starts nothing
TUNED = "tuned"
Row = dict[str, Any]


def rows_of(groups: Iterable[Comparable]) -> list[Row]:
    """Return the rows. What is not known is None: never zero."""
    return [row for group in groups if group.workload not in ROUNDS for row in _rows(group)]


def _rows(group: Comparable) -> Iterator[Row]:
    found = {n: fastest_of(group, n) for n in group.worker_counts}
    fastest = {n: best[1].summary.median for n, best in found.items() if best and best[1].summary}
    ties = {(n, name) for n, best in found.items() if best for name in ties_with(group, n, best[0])[0]}
    for file in group.files:
        for idiom in file.idioms:
            cells = sorted((cell for (name, _), cell in file.cells.items() if name == idiom), key=lambda c: c.n_jobs)
            for cell in cells:
                yield _row(group, cell, fastest.get(cell.n_jobs), (cell.n_jobs, (cell.library, cell.idiom)) in ties)


def fastest_of(group: Comparable, n_jobs: int) -> tuple[tuple[str, str], Cell] | None:
    """Return name and cell with the least median on ``n_jobs`` workers, the plain loop and the floor aside."""
    cells = {name: cell for name, cell in group.cells(n_jobs).items() if name[0] not in (SERIAL, FLOOR)}
    return min(cells.items(), key=lambda item: item[1].summary.median if item[1].summary else inf, default=None)


def ties_with(group: Comparable, n_jobs: int, best: Name) -> tuple[list[Name], list[Name]]:
    """Return which others tie with the fastest, and which there are too few blocks of to tell.

    The fastest is chosen by the same times that it is then compared by, which makes others look slower, if anything.
    """
    cells = {name: cell for name, cell in group.cells(n_jobs).items() if name[0] not in (SERIAL, FLOOR)}
    ratios = group.compared({name: cell.times for name, cell in cells.items()}, reference=best)
    verdicts = {name: ratio.verdict for name, ratio in ratios.items()}
    ties = [name for name, verdict in verdicts.items() if verdict not in (SLOWER, UNKNOWN)]
    return ties, [name for name in cells if name != best and verdicts.get(name, UNKNOWN) == UNKNOWN]


def _row(group: Comparable, cell: Cell, fastest_s: float | None, is_tie: bool) -> Row:
    summary, memory = cell.summary, cell.memory
    return {
        "workload": group.workload,
        "library": cell.library,
        "idiom": cell.idiom,
        "start_method": start_method(cell.library, cell.idiom),
        "style": style_of(cell.idiom),
        "n_jobs": cell.n_jobs,
        "wall_s": summary.median if summary else None,
        "low_s": summary.low if summary and summary.count > 1 else None,
        "high_s": summary.high if summary and summary.count > 1 else None,
        "trials": summary.count if summary else 0,
        "tie": is_tie,
        "relative": summary.median / fastest_s if summary and fastest_s else None,
        "peak_pss_bytes": memory.get("pss_peak_bytes"),
        "copies": cell.copies(group.shared_bytes),
        "outcome": outcome_of(cell),
    }


def style_of(idiom: str) -> str:
    """Return whether it is what many write first, or what the library's documentation recommends."""
    return NAIVE if idiom.startswith(NAIVE) else TUNED


def kind_of(idiom: str) -> str:
    """Return the first word of its name, by which idioms of several workloads are of one kind: ``fork``, ``actors``."""
    return idiom.partition(",")[0]


def start_method(library: str, idiom: str) -> str:
    """Return how the idiom's workers come into being, as its name says, or else as its library does it."""
    named = next((method for method in START_METHODS if method in idiom.lower()), None)
    if idiom.startswith(ON_ONE_CORE):
        return "none"
    if named:
        return THREADS if named == "thread" else named
    return OF_LIBRARY.get(library, "not known")


def outcome_of(cell: Cell) -> str:
    """Return ``ok``, or what failed and how often, or why it was skipped."""
    return f"skipped: {cell.skipped}" if cell.skipped else cell.failure or OK
