"""How precise a run is so far (this may decide when it ends), and which differences it could have found."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, inf, log
from pathlib import Path
from statistics import median

from record.schema import Run
from record.terms import OF_ROUNDS, WORKLOADS
from report.numbers.cell import TUNED
from report.numbers.group import Group, group_of
from report.numbers.measured import Measured
from report.numbers.names import in_order
from report.numbers.statistics import LEAST_FOR_INTERVAL, UNKNOWN, half_width, least_blocks

ASKED = 0.05  # a difference of this size: the report says how many blocks it needs


def widest_interval(parts: Iterable[tuple[str, str, Run]]) -> tuple[float, str] | None:
    """Return the half-width, as a share, of a run's widest interval, and what the interval is of.

    It is infinite while a cell has no interval yet. None: no cell will ever have one, because trials fail.
    ``parts``: workload, library and run. Intervals are those that tables show: of the ratio to the reference, and of
    the one-shot time where there is nothing to compare with.
    """
    files = [Measured(Path(), *part) for part in parts if part[0] not in OF_ROUNDS]
    widest = (0.0, "")
    for workload in in_order({file.workload for file in files}, WORKLOADS):
        group = group_of([file for file in files if file.workload == workload])
        for n_jobs in group.worker_counts:
            for name, low, high in _intervals(group, n_jobs):
                if low is None or high is None:
                    return inf, f"{workload}, {name}, {n_jobs} workers"
                widest = max(widest, (half_width(low, high), f"{workload}, {name}, {n_jobs} workers"))
    return widest if widest[1] else None


def _intervals(group: Group, n_jobs: int) -> Iterator[tuple[str, float | None, float | None]]:
    """Yield every cell's interval, None where more blocks are needed; skip cells without one because they fail."""
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


@dataclass(frozen=True)
class Detectable:
    """``share``: the difference from the reference that half of all such runs would find; None where none can be found.

    ``blocks``: how many were measured. ``needed``: about how many it takes to find the difference ASKED, or, if
    ``share`` is None, any difference.
    """

    share: float | None
    blocks: int
    needed: int
    rows: int

    def __str__(self) -> str:
        if self.share is None:
            return (
                f"No difference could have been found: to tell one among {self.rows} rows from chance takes "
                f"{self.needed} blocks at least; here are {self.blocks}."
            )
        enough = f"for {ASKED:.0%}, about {self.needed} blocks are needed; here are {self.blocks}"
        return f"Differences below about {self.share:.1%} could not have been found here; {enough}."


def detectable(group: Group) -> Detectable | None:
    """Return which difference in one-shot time could have been found on most workers; None with nothing to compare.

    It is the half-width of the ratios' intervals, the median over the tuned rows. If the true ratio is that far from 1,
    half of all estimates lie farther off, and their intervals exclude 1. Intervals narrow by the root of the blocks.
    """
    cells = group.cells(group.most_workers)
    ratios = [ratio for name, ratio in group.ratios(group.most_workers).items() if cells[name].style == TUNED]
    if not ratios:
        return None
    blocks, rows = round(median(ratio.count for ratio in ratios)), max(ratio.family for ratio in ratios)
    least = least_blocks(rows or len(ratios))
    known = [half_width(r.low, r.high) for r in ratios if r.low and r.high and r.verdict != UNKNOWN]
    if blocks < least or not known:
        return Detectable(None, blocks, least, len(ratios))
    share = median(known)
    return Detectable(share, blocks, max(least, ceil(blocks * (log(1 + share) / log(1 + ASKED)) ** 2)), len(ratios))
