"""How precise a run is so far, which may decide when it ends."""

from collections.abc import Iterable, Iterator
from math import inf
from pathlib import Path

from record.schema import Run
from record.terms import OF_ROUNDS, WORKLOADS
from report.numbers.comparable import Comparable, comparable
from report.numbers.measured import Measured
from report.numbers.names import in_order
from report.numbers.statistics import LEAST_FOR_INTERVAL, UNKNOWN, half_width


def widest_interval(parts: Iterable[tuple[str, str, Run]]) -> tuple[float, str] | None:
    """Return the half-width, as a share, of the widest interval of a run, and of what.

    It is infinite while a cell has no interval yet. None: no cell will ever have one, because trials fail.
    ``parts``: workload, library and run. Intervals are those that tables show: of the ratio to the reference, and of
    the one-shot time where there is nothing to compare with.
    """
    files = [Measured(Path(), *part) for part in parts if part[0] not in OF_ROUNDS]
    widest = (0.0, "")
    for workload in in_order({file.workload for file in files}, WORKLOADS):
        group = comparable([file for file in files if file.workload == workload])
        for n_jobs in group.worker_counts:
            for name, low, high in _intervals(group, n_jobs):
                if low is None or high is None:
                    return inf, f"{workload}, {name}, {n_jobs} workers"
                widest = max(widest, (half_width(low, high), f"{workload}, {name}, {n_jobs} workers"))
    return widest if widest[1] else None


def _intervals(group: Comparable, n_jobs: int) -> Iterator[tuple[str, float | None, float | None]]:
    """Yield every cell's interval, None where more blocks are needed; nothing for cells that lack one by failing."""
    cells, ratios = group.cells(n_jobs), group.ratios(n_jobs)
    for name, cell in cells.items():
        summary = cell.one_shot
        if group.reference and (ratio := ratios.get(name)):
            known, fails = ratio.verdict != UNKNOWN, bool(cell.failure or cells[group.reference].failure)
            what, low, high = f"{': '.join(name)} over {': '.join(group.reference)}", ratio.low, ratio.high
        elif not ratios and summary:
            known, fails = summary.count >= LEAST_FOR_INTERVAL, bool(cell.failure)
            what, low, high = f"time of {': '.join(name)}", summary.low, summary.high
        else:
            continue
        if known or not fails:
            yield what, low if known else None, high if known else None
