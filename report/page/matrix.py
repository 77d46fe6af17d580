"""The matrix: a row for every workload, library, idiom and number of workers, whatever became of it."""

from collections.abc import Iterable
from typing import Any

from record.terms import COLD, KEPT, OF_ROUNDS, OK
from report.numbers.cell import Cell
from report.numbers.drift import disturbed, yardstick_of
from report.numbers.group import Group, Ranking
from report.numbers.measured import Measured
from report.numbers.names import Name
from report.numbers.statistics import UNKNOWN
from report.numbers.words import verdict_of

FASTEST = "fastest"
Row = dict[str, Any]


def rows_of(groups: Iterable[Group]) -> list[Row]:
    """Return the rows. What is not known is None: never zero."""
    shown = [group for group in groups if group.workload not in OF_ROUNDS]
    return [
        {**_row(group, cell), "disturbed": disturbed(cell.timed, typical_s)}
        for group in shown
        for file in group.files
        for typical_s in [_typical_s(group, file)]  # once a file: it is of all trials of the run
        for cells in file.idioms.values()
        for cell in cells
    ]


def _typical_s(group: Group, file: Measured) -> float | None:
    """Return the yardstick of the run that the file is a part of."""
    return yardstick_of(other.run for other in group.files if other.run.started == file.run.started)


def relative_to_fastest(group: Group, cell: Cell, n_jobs: int, phase: str) -> tuple[float | None, str]:
    """Return its median over the fastest library's on ``n_jobs`` workers, and the verdict: None, "" if there is none.

    Of one-shot or kept times. The floor and the plain loop are no libraries: they get no verdict.
    """
    ranking = (group.rankings if phase == COLD else group.kept_rankings).get(n_jobs)
    fastest = ranking.fastest if ranking else None
    least, own = fastest.summary_of(phase) if fastest else None, cell.summary_of(phase)
    if not (ranking and least and own):
        return None, ""
    return own.median / least.median, FASTEST if cell is fastest else _verdict(ranking, cell.name)


def _verdict(ranking: Ranking, name: Name) -> str:
    verdict = (ranking.verdicts | ranking.beside).get(name, "")
    return verdict_of(ranking.ratios[name]) if verdict == UNKNOWN and name in ranking.ratios else verdict


def _row(group: Group, cell: Cell) -> Row:
    one_shot, kept = cell.one_shot, cell.kept
    relative, verdict = relative_to_fastest(group, cell, cell.n_jobs, COLD)
    kept_relative, kept_verdict = relative_to_fastest(group, cell, cell.n_jobs, KEPT)
    return {
        "workload": group.workload,
        "library": cell.library,
        "idiom": cell.idiom,
        "start_method": cell.start_method,
        "style": cell.style,
        "n_jobs": cell.n_jobs,
        "one_shot_s": one_shot.median if one_shot else None,
        "low_s": one_shot.low if one_shot and one_shot.count > 1 else None,
        "high_s": one_shot.high if one_shot and one_shot.count > 1 else None,
        "kept_s": kept.median if kept else None,
        "kept_relative": kept_relative,
        "kept_verdict": kept_verdict,
        "kept_low_s": kept.low if kept and kept.count > 1 else None,
        "kept_high_s": kept.high if kept and kept.count > 1 else None,
        "trials": one_shot.count if one_shot else 0,
        "verdict": verdict,
        "relative": relative,
        "peak_pss_bytes": cell.memory.get("pss_peak_bytes"),
        "copies": cell.copies(group.counted_bytes),
        "outcome": outcome_of(cell),
    }


def outcome_of(cell: Cell) -> str:
    """Return ``ok``, what failed and how often, or why it was skipped; and where fewer workers ran it than asked."""
    outcome = f"skipped: {cell.skipped}" if cell.skipped else cell.failure or OK
    where = "runs in the calling process" if cell.in_caller else ""
    return "; ".join(filter(None, (outcome, where, cell.idle_workers)))
