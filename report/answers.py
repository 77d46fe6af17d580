"""The answer of each workload in plain words: which library, how sure, how far from the limit, at what memory."""

from report.matrix import fastest_of
from report.measured import FLOOR, SERIAL, Cell, Comparable, Name
from report.statistics import LEAST_FOR_INTERVAL, TIE, UNKNOWN, paired
from report.words import called, duration, listed, seconds_of, size, workers


def answer(group: Comparable) -> str:
    """Return it for a workload that has wall times."""
    most = group.most_workers
    best = fastest_of(group, most)
    if best is None:
        return f"No library finished it on {workers(most)}: the matrix says why."
    name, cell = best
    said = [f"On {workers(most)}, {called(name)} was fastest: {seconds_of(cell)}.", _said_of_ties(group, most, name)]
    return " ".join(filter(None, (*said, _said_of_limit(group, most, cell), _said_of_memory(group, most, name))))


def ties_with(group: Comparable, n_jobs: int, best: Name) -> tuple[list[Name], bool]:
    """Return which others nothing tells from the fastest, paired by block, and whether there are blocks enough to say.

    The fastest is chosen by the same times that it is then compared by, which makes others look slower, if anything.
    """
    cells = {name: cell for name, cell in group.cells(n_jobs).items() if name[0] not in (SERIAL, FLOOR)}
    others = {name: (cell.times, cells[best].times) for name, cell in cells.items() if name != best}
    ratios = paired(others)
    return [n for n, ratio in ratios.items() if ratio.verdict == TIE], any(
        r.verdict != UNKNOWN for r in ratios.values()
    )


def _said_of_ties(group: Comparable, n_jobs: int, best: Name) -> str:
    ties, known = ties_with(group, n_jobs, best)
    if not known:
        return f"Which others tie with it cannot be said from fewer than {LEAST_FOR_INTERVAL} trials each."
    if not ties:
        return "No other ties with it."
    return f"{listed([called(name) for name in ties])} {'ties' if len(ties) == 1 else 'tie'} with it."


def _said_of_limit(group: Comparable, n_jobs: int, cell: Cell) -> str:
    limit, serial = group.limit_s(n_jobs), group.serial_s
    if not (limit and serial and cell.summary):
        return "No physical limit is known: serial was not measured."
    speedup = serial / cell.summary.median
    against = f"{speedup:.3g} times as fast as a plain loop" if speedup > 1 else "not faster than a plain loop"
    return (
        f"That is {against} ({duration(serial)}), and {cell.summary.median / limit:.3g} times the physical limit of "
        f"{duration(limit)}."
    )


def _said_of_memory(group: Comparable, n_jobs: int, fastest: Name) -> str:
    peaks = {
        name: cell.memory["pss_peak_bytes"]
        for name, cell in group.cells(n_jobs).items()
        if cell.memory and name[0] not in (SERIAL, FLOOR)
    }
    if not peaks:
        return "Memory was not measured."
    least = min(peaks, key=lambda name: peaks[name])
    if least == fastest:
        return f"It also takes least memory: {size(peaks[least])} at the peak."
    own = f"; the fastest {size(peaks[fastest])}" if fastest in peaks else ""
    return f"Least memory: {called(least)}, {size(peaks[least])} at the peak{own}."
