"""The answer of each workload in plain words: which library, how sure, how far from the limit, at what memory."""

from collections.abc import Mapping

from report.matrix import fastest_of, ties_with
from report.measured import FLOOR, SERIAL, Block, Cell, Comparable, Name
from report.statistics import SLOWER, TIE, UNKNOWN
from report.words import called, duration, listed, seconds_of, size, workers

ALIKE = 1.05  # times the least memory: what lies within is named too, because one sampled trial tells no more


def answer(group: Comparable) -> str:
    """Return it for a workload that has wall times."""
    most = group.most_workers
    best = fastest_of(group, most)
    if best is None:
        tried = any(cell.library not in (SERIAL, FLOOR) for file in group.files for cell in file.cells.values())
        if tried:
            return f"No library finished it on {workers(most)}: the matrix says why."
        return "No library was measured, only the plain loop or the floor."
    name, cell = best
    said = (
        f"On {workers(most)}, {called(name)} was fastest: {seconds_of(cell)}.",
        _said_of_ties(group, most, name),
        _said_of_loop(group, name, cell),
        _said_of_limit(group, most, cell),
        _said_of_memory(group, most, name),
    )
    return " ".join(filter(None, said))


def _said_of_ties(group: Comparable, n_jobs: int, best: Name) -> str:
    ties, untold = ties_with(group, n_jobs, best)
    others = [name for name in group.cells(n_jobs) if name[0] not in (SERIAL, FLOOR) and name != best]
    if not others:
        return "No other was measured on as many."
    if len(untold) == len(others):
        return "There are too few trials to tell others from it."
    said = f"{listed([called(name) for name in ties])} {'ties' if len(ties) == 1 else 'tie'} with it." if ties else ""
    few = f"There are too few trials to tell {listed([called(name) for name in untold])} from it." if untold else ""
    return " ".join(filter(None, (said, few))) or "No other ties with it."


def _said_of_loop(group: Comparable, name: Name, cell: Cell) -> str:
    loop = group.serial
    if not (loop and loop.summary and cell.summary):
        return "Serial was not measured, so that no speedup and no limit are known."
    serial = (loop.library, loop.idiom)
    times: Mapping[Name, Mapping[Block, float]] = {name: cell.times, serial: loop.times}
    verdict = group.compared(times, reference=serial)[name].verdict
    speedup = loop.summary.median / cell.summary.median
    if verdict == TIE:
        return f"That ties with a plain loop ({duration(loop.summary.median)})."
    few = " (too few trials to tell)" if verdict == UNKNOWN else ""
    if verdict == SLOWER:
        return f"That is slower than a plain loop ({duration(loop.summary.median)})."
    return f"That is {speedup:.3g} times as fast as a plain loop ({duration(loop.summary.median)}){few}."


def _said_of_limit(group: Comparable, n_jobs: int, cell: Cell) -> str:
    limit = group.limit_s(n_jobs)
    if not (limit and cell.summary):
        return ""
    return f"It takes {cell.summary.median / limit:.3g} times the physical limit of {duration(limit)}."


def _said_of_memory(group: Comparable, n_jobs: int, fastest: Name) -> str:
    peaks = {
        name: cell.memory["pss_peak_bytes"]
        for name, cell in group.cells(n_jobs).items()
        if cell.memory and name[0] not in (SERIAL, FLOOR)
    }
    if not peaks:
        return "Memory was not measured."
    least = min(peaks.values())
    alike = [called(name) for name in peaks if peaks[name] <= ALIKE * least]
    own = f"; the fastest {size(peaks[fastest])}" if fastest in peaks and called(fastest) not in alike else ""
    return f"Least memory at the peak: {listed(alike)}, {size(least)}{own}."
