"""The matrix: a row for every workload, library, idiom and number of workers, whatever became of it."""

from collections.abc import Iterable, Iterator
from typing import Any

from record.terms import OK
from report.measured import FLOOR, NAIVE, ROUNDS, SERIAL, Cell, Comparable

START_METHODS = ("forkserver", "spawn", "fork", "loky", "thread")  # that idioms are named for, the longer name first
THREADS = "threads"
# Of idioms that are not named for one, as their code has it.
OF_LIBRARY = {
    SERIAL: "none", FLOOR: "fork", "mp": "fork", "futures": "fork", "mpire": "fork", "joblib": "loky", "dask": "spawn",
    "ray": "Ray's own",
}  # fmt: skip
ON_ONE_CORE = "synchronous"  # Dask's scheduler that starts nothing
TUNED = "tuned"
FASTEST = "fastest"
Row = dict[str, Any]


def rows_of(groups: Iterable[Comparable]) -> list[Row]:
    """Return the rows. What is not known is None: never zero."""
    return [row for group in groups if group.workload not in ROUNDS for row in _rows(group)]


def _rows(group: Comparable) -> Iterator[Row]:
    for file in group.files:
        for idiom in file.idioms:
            cells = sorted((cell for (name, _), cell in file.cells.items() if name == idiom), key=lambda c: c.n_jobs)
            yield from (_row(group, cell) for cell in cells)


def relative_to_fastest(group: Comparable, cell: Cell, n_jobs: int) -> tuple[float | None, str]:
    """Return its median over the fastest library's on ``n_jobs`` workers, and the verdict: None, "" if there is none.

    What the floor and the plain loop are beside it, no verdict says: they are no libraries.
    """
    ranking = group.rankings.get(n_jobs)
    fastest = ranking.fastest if ranking else None
    if not (ranking and fastest and fastest.summary and cell.summary):
        return None, ""
    verdict = FASTEST if cell is fastest else ranking.verdicts.get(cell.name, "")
    return cell.summary.median / fastest.summary.median, verdict


def _row(group: Comparable, cell: Cell) -> Row:
    summary, memory = cell.summary, cell.memory
    relative, verdict = relative_to_fastest(group, cell, cell.n_jobs)
    return {
        "workload": group.workload,
        "library": cell.library,
        "idiom": cell.idiom,
        "start_method": _method(cell),
        "style": style_of(cell.idiom),
        "n_jobs": cell.n_jobs,
        "wall_s": summary.median if summary else None,
        "low_s": summary.low if summary and summary.count > 1 else None,
        "high_s": summary.high if summary and summary.count > 1 else None,
        "trials": summary.count if summary else 0,
        "verdict": verdict,
        "relative": relative,
        "peak_pss_bytes": memory.get("pss_peak_bytes"),
        "copies": cell.copies(group.counted_bytes),
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


def _method(cell: Cell) -> str:
    """Return the start method, ``none`` where a library started no worker, as joblib does for one."""
    method = start_method(*cell.name)
    return "none" if _in_caller(cell) and method != THREADS else method


def outcome_of(cell: Cell) -> str:
    """Return ``ok``, or what failed and how often, or why it was skipped; and whether it left its process at all."""
    said = f"skipped: {cell.skipped}" if cell.skipped else cell.failure or OK
    return f"{said}; runs in the calling process" if _in_caller(cell) else said


def _in_caller(cell: Cell) -> bool:
    """Return whether a library ran its tasks in the calling process, in threads or not."""
    return cell.library != SERIAL and any(trial["in_parent"] for trial in cell.timed)
