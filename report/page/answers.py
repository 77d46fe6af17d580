"""The answer of each workload in plain words: which library, how sure, how far from the limit, at what memory."""

from record.terms import COLD, KEPT
from report.numbers.cell import Cell
from report.numbers.group import Group, Ranking
from report.numbers.names import NO_LIBRARIES, SERIAL, Name
from report.numbers.own_job import is_own_job, said_of_answer
from report.numbers.statistics import SLOWER, TIE, UNKNOWN, Ratio
from report.numbers.words import called, duration, listed, peak_of, seconds_of, tie, workers

ALIKE = 1.05  # times the least memory: cells within are named too, because one sampled trial cannot tell them apart
SAME = 0.005  # of the limit: three digits do not show a smaller difference


def answer(group: Group) -> str:
    """Return it for a workload that has one-shot times."""
    most = group.most_workers
    ranking = group.rankings.get(most, Ranking())
    cell = ranking.fastest
    if cell is None:
        if ranking.failed:
            return f"No library finished it on {workers(most)}: the matrix says why."
        return "No library was measured in a tuned idiom on its own workers: the matrix has what was."
    sentences = (
        f"On {workers(most)}, {called(cell.name)} was fastest in one shot: {seconds_of(cell, COLD)}.",
        _said_of_others(ranking),
        _said_of_loop(group, cell),
        said_of_limit(group, cell, COLD),
        _said_of_kept(group, cell),
        _said_of_memory(group, cell),
        *(said_of_answer(group, cell) if is_own_job(group.newest.run.inputs) else ()),
        "Results of other parameters or another machine are left out, see the top." if group.left_out else "",
    )
    return " ".join(filter(None, sentences))


def _said_of_others(ranking: Ranking) -> str:
    ties, untold = ranking.those(TIE), ranking.those(UNKNOWN)
    failed = f"Failed, as the matrix says: {listed(list(map(called, ranking.failed)))}." if ranking.failed else ""
    if not ranking.verdicts:
        return failed or "No other was measured with it on as many."
    tied = f"{tie(ties)}." if ties else ""
    few = _said_of_few(ranking, untold)
    if not (tied or few):
        tied = "No other ties with it."
    return " ".join(filter(None, (tied, few, failed)))


def _said_of_few(ranking: Ranking, untold: list[Name]) -> str:
    """Return what was seen of those rows that had too few blocks for a verdict."""
    ratios = {name: ranking.ratios[name] for name in untold if name in ranking.ratios}
    slower: dict[str, Name] = {}  # the nearest of each library
    for name in sorted(ratios, key=lambda each: ratios[each].ratio):
        if ratios[name].least > 1:
            slower.setdefault(name[0], name)
    either = [name for name, ratio in ratios.items() if ratio.least <= 1]
    blocks = max((ratio.count for ratio in ratios.values()), default=0)
    within = f"all {blocks} blocks" if blocks > 1 else "the only block"
    said = f"Slower in {within}: {listed([_seen(name, ratios[name]) for name in slower.values()])}." if slower else ""
    told = f"Not slower in all of them: {listed(list(map(called, either)))}." if either else ""
    return " ".join(filter(None, (said, told)))


def _seen(name: Name, ratio: Ratio) -> str:
    times = f"{ratio.least:.3g} to {ratio.largest:.3g}" if ratio.count > 1 else f"{ratio.ratio:.3g}"
    return f"{called(name)} {times} times"


def _said_of_loop(group: Group, cell: Cell) -> str:
    loop = group.serial
    if not (loop and loop.one_shot and cell.one_shot):
        tried = any(file.library == SERIAL for file in group.files)
        return f"The plain loop {'failed' if tried else 'was not measured'}, so that no speedup and no limit are known."
    ratio = group.ratio(cell, loop)
    beside = f"a plain loop ({duration(loop.one_shot.median)})"
    if ratio and ratio.verdict in (TIE, SLOWER):
        return f"That ties with {beside}." if ratio.verdict == TIE else f"That is slower than {beside}."
    if ratio and ratio.low and ratio.high and ratio.verdict != UNKNOWN:
        return f"That is {1 / ratio.ratio:.3g} ({1 / ratio.high:.3g} to {1 / ratio.low:.3g}) times as fast as {beside}."
    return f"That is {loop.one_shot.median / cell.one_shot.median:.3g} times as fast as {beside}."


def _said_of_kept(group: Group, in_one_shot: Cell) -> str:
    """Return who is fastest on a pool that is kept, and whether that is another than in one shot."""
    ranking = group.kept_rankings[in_one_shot.n_jobs]
    cell = ranking.fastest
    if cell is None or cell.kept is None:
        return ""
    if cell is in_one_shot:
        said = f"On a pool that is kept it is the fastest too: {seconds_of(cell, KEPT)}."
    else:
        said = f"On a pool that is kept it is another, {called(cell.name)}: {seconds_of(cell, KEPT)}."
    differs = ""
    if cell is not in_one_shot and in_one_shot.kept:
        times = f"takes {in_one_shot.kept.median / cell.kept.median:.3g} times as long there"
        tied = ", a tie" if ranking.verdicts.get(in_one_shot.name) == TIE else ""
        differs = f"{called(in_one_shot.name)} {times}{tied}."
    return " ".join(filter(None, (said, differs, said_of_limit(group, cell, KEPT))))


def said_of_limit(group: Group, cell: Cell, phase: str) -> str:
    """Return how far from the limit a cell is, in one shot or kept; nothing where that is not known."""
    limit, summary = group.limit_s(cell.n_jobs, phase), cell.summary_of(phase)
    if not (limit and summary):
        return ""
    beside = f"the limit of {duration(limit)} that the plain loop's time sets"
    if summary.median < (1 - SAME) * limit:  # the limit is measured too, and as noisy
        return f"It is below {duration(limit)}, the limit that the plain loop's time sets: that is noise."
    if summary.median < (1 + SAME) * limit:
        return f"It reaches {beside}."
    spread = f" ({summary.low / limit:.3g} to {summary.high / limit:.3g})" if summary.count > 1 else ""
    return f"It takes {summary.median / limit:.3g}{spread} times {beside}."


def _said_of_memory(group: Group, fastest: Cell) -> str:
    cells = group.cells(fastest.n_jobs).values()
    sampled = [cell for cell in cells if cell.memory and cell.library not in NO_LIBRARIES]
    if not sampled:
        return "Memory was not measured."
    order = sorted(sampled, key=lambda cell: cell.memory["pss_peak_bytes"])
    least_bytes = order[0].memory["pss_peak_bytes"]
    alike = [cell for cell in order if cell.memory["pss_peak_bytes"] <= ALIKE * least_bytes]
    own = f"; the fastest took {peak_of(fastest)}" if fastest.memory and fastest not in alike else ""
    return f"Least memory at the peak: {listed([called(cell.name) for cell in alike])}, {peak_of(order[0])}{own}."
