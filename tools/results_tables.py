"""Print the tables of docs/results.md: each library's best tuned idiom, in one shot and on a pool that is kept.

python tools/results_tables.py [RESULTS]     # docs/published unless named
"""

import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from record.terms import CALLER, COLD, KEPT  # noqa: E402
from report.numbers.cell import CONNECTED, TUNED, Cell  # noqa: E402
from report.numbers.drift import said_of_drift  # noqa: E402
from report.numbers.group import Group, groups_of  # noqa: E402
from report.numbers.job_length import starts_s  # noqa: E402
from report.numbers.names import NO_LIBRARIES  # noqa: E402
from report.numbers.precision import detectable  # noqa: E402
from report.numbers.statistics import Ratio  # noqa: E402

PHASES = {COLD: "one-shot", KEPT: "kept"}


def main() -> None:
    """Print them."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "docs" / "published"
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    if refused or not groups:
        sys.exit("\n".join(refused) or f"no results in {folder}")
    for group in groups:
        print("\n".join([*_head(group), *_rows(group)]), end="\n\n")


def _head(group: Group) -> Iterator[str]:
    run, most = group.newest.run, group.most_workers
    trials = [trial for file in group.files for trial in file.run.trials]
    failed = sum(bool(cell.failure) for file in group.files for cell in file.cells.values())
    suite = ", ".join(f"{name} {value}" for name, value in run.environment.suite.items())
    yield f"**{group.workload}**, {run.profile} profile, {suite}, {len(trials)} trials, {failed} cells with a failure."
    yield f"{said_of_drift([file.run for file in group.files])} {detectable(group) or ''}"
    for phase, said in PHASES.items():
        loop, limit = group.serial.summary_of(phase) if group.serial else None, group.limit_s(most, phase)
        if loop and limit:
            yield f"{said}: loop {loop.median:.2f}, limit {limit:.2f}."
    yield ""


def _rows(group: Group) -> Iterator[str]:
    yield "| library | one-shot | | kept | | start | stop |"
    yield "|---|---|---|---|---|---|---|"
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in group.timed_on_most_workers:
        if cell.library not in NO_LIBRARIES and cell.traits.workers != CALLER and cell.style in (TUNED, CONNECTED):
            found.setdefault((cell.style, cell.library), []).append(cell)
    ratios = {phase: group.ratios(group.most_workers, phase) for phase in PHASES}
    rows = []
    for (style, library), cells in found.items():
        best = {phase: min(cells, key=lambda cell: _median(cell, phase)) for phase in PHASES}
        columns = [
            column
            for phase, cell in best.items()
            for column in (
                f"{_median(cell, phase):.2f} {cell.idiom.removeprefix('connected: ')}",
                _ratio(ratios[phase].get(cell.name)),
            )
        ]
        started, stopped = best[COLD].middle(starts_s), best[COLD].middle(lambda trial: trial.stop_s)
        columns += ["" if seconds is None else f"{seconds:.2f}" for seconds in (started, stopped)]
        name = f"connected: {library}" if style == CONNECTED else library
        rows.append((style == CONNECTED, _median(best[COLD], COLD), f"| {name} | {' | '.join(columns)} |"))
    yield from (row for *_, row in sorted(rows))


def _median(cell: Cell, phase: str) -> float:
    summary = cell.summary_of(phase)
    return summary.median if summary else float("inf")


def _ratio(ratio: Ratio | None) -> str:
    """Return the ratio to the reference with its interval, bold where that excludes 1."""
    if ratio is None:
        return "1 (reference)"
    if ratio.low is None or ratio.high is None:
        return f"{ratio.ratio:.2f} ({ratio.least:.2f}-{ratio.largest:.2f})"
    said = f"{ratio.ratio:.2f} ({ratio.low:.2f}-{ratio.high:.2f})"
    return f"**{said}**" if ratio.low > 1 or ratio.high < 1 else said


if __name__ == "__main__":
    main()
