"""Twelve questions that users of these libraries ask: each answered from these results, or with what to run."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, isinf
from statistics import median

from record.schema import Trial
from record.terms import COLD, FAULTS, IN_EVERY_TASK, OK, ONCE_PER_WORKER, PROCESSES, THREADS, WORKLOADS
from report.numbers.cell import NAIVE, TUNED, Cell
from report.numbers.faults import Survival, survivals
from report.numbers.granularity import INDEPENDENT, efficiencies, length_at, patterns, slowdown
from report.numbers.group import Group
from report.numbers.names import NO_LIBRARIES, Name
from report.numbers.overhead import per_task_s, starts_s
from report.numbers.rounds import is_graph
from report.numbers.soak import growth
from report.numbers.statistics import SLOWER, TIE, UNKNOWN, Ratio, Summary, summarize
from report.numbers.words import called, duration, peak_of, seconds_of, size, tie, with_spread, workers
from report.page.answers import said_of_limit

Groups = Mapping[str, Group]
POOLS = ("mp", "futures")


@dataclass(frozen=True)
class Answered:
    """``chart``: where it is shown. ``run``: what has to be measured first; then there is no answer."""

    question: str
    said: str
    chart: str = ""
    run: str = ""


def answers(groups: Groups) -> list[Answered]:
    """Return all of them."""
    return [_answered(question, asked, groups) for question, asked in QUESTIONS.items()]


def _answered(question: str, asked: tuple[tuple[str, ...], str, Callable[[Groups], str]], groups: Groups) -> Answered:
    wanted, chart, find = asked
    run = " ".join(("python benchmark_all.py", *wanted))
    if any(workload not in groups for workload in wanted):
        return Answered(question, "", run=run)
    if said := find(groups):
        return Answered(question, said, chart)
    return Answered(question, "", run=run)


def _pointless(groups: Groups) -> str:
    """Find the length of a task, by itself, at which a library does as much work as a plain loop."""
    group = groups["granularity"]
    break_even_s = {}
    for cell in _in_parallel(group):
        if cell.n_jobs > 1 and INDEPENDENT in patterns(cell):
            break_even_s[cell.name] = summarize([_even_s(trial) for trial in cell.timed])
    if not break_even_s:
        return ""
    order = sorted(break_even_s, key=lambda name: break_even_s[name].median)
    ends = dict.fromkeys((order[0], order[len(order) // 2], order[-1]))
    shortest = min(min(efficiencies(t, INDEPENDENT), default=inf) for c in _in_parallel(group) for t in c.timed)
    told = [f"{called(name)} {_length(break_even_s[name], shortest)}" for name in ends]
    which = " (the first, the middle and the last of all)" if len(ends) > 2 else ""
    return (
        f"On {workers(group.most_workers)}, a plain loop is faster at tasks that by themselves take less than this: "
        f"{'; '.join(told)}{which}."
    )


def _even_s(trial: Trial) -> float:
    """Return the length at which a library breaks even with a loop; `efficiencies` are against busy cores."""
    slower = slowdown(trial, INDEPENDENT)
    return length_at(efficiencies(trial, INDEPENDENT), slower / trial.n_jobs) / slower


def _length(summary: Summary, shortest: float) -> str:
    def shown(seconds: float) -> str:
        if isinf(seconds):
            return "more than was tried"
        return duration(seconds) if seconds else f"even below {duration(shortest)}"

    return with_spread(summary, shown) if summary.low < summary.high else shown(summary.median)


def _cheapest(groups: Groups) -> str:
    """Compare processes only: threads cost less, but run in parallel only where tasks let go of the GIL."""
    group = groups["overhead"]
    cells = {cell.name: cell for cell in _processes(group) if _is_tuned(cell) and not is_graph(cell)}
    costs = {name: by_block for name, cell in cells.items() if (by_block := cell.per_block(per_task_s))}
    if not costs:
        return ""
    middle = {name: summarize(list(by_block.values())) for name, by_block in costs.items()}
    order = sorted(costs, key=lambda name: middle[name].median)
    ties = [name for name, ratio in group.compared(costs, reference=order[0]).items() if ratio.verdict == TIE]
    tied = f" ({tie(ties)})" if ties else ""
    least, most = (f"{called(name)}, {with_spread(middle[name])} a task" for name in (order[0], order[-1]))
    told = f"least: {least}{tied}; most: {most}" if order[1:] else f"only {least}"
    said = f"Each further task, of those that start processes: {told}."
    beside = (_by_handing_over(cells, middle), _one_at_a_time(cells, middle))
    return " ".join(filter(None, (said, *beside)))


def _by_handing_over(cells: Mapping[Name, Cell], costs: Mapping[Name, Summary]) -> str:
    # Idioms of one library and one way to start differ in how many tasks travel together.
    alike: dict[Name, list[float]] = {}
    for name, cost in costs.items():
        traits = cells[name].traits
        alike.setdefault((name[0], traits.means or traits.start), []).append(cost.median)
    several = {name: medians_s for name, medians_s in alike.items() if len(medians_s) > 1 and min(medians_s)}
    if not several:
        return ""
    factors = [f"{called(name)} {_factor(max(medians_s) / min(medians_s))}" for name, medians_s in several.items()]
    return f"How tasks are handed over makes, in one library with one way to start: {', '.join(factors)} times."


def _one_at_a_time(cells: Mapping[Name, Cell], costs: Mapping[Name, Summary]) -> str:
    singly = [name for name in costs if not cells[name].traits.batched]
    least = _first_of_each_library(sorted(singly, key=lambda name: costs[name].median))
    told = [f"{called(name)} {with_spread(costs[name])}" for name in least]
    return f"Sent one by one, it is not only the chunk size: {'; '.join(told)}." if len(told) > 1 else ""


def _large_objects(groups: Groups) -> str:
    group = groups["sharing"]
    cells = [cell for cell in group.timed_on_most_workers if cell.traits.workers != THREADS]

    def fastest(library: str, fits: Callable[[Cell], bool]) -> Cell | None:
        return min((c for c in cells if c.library == library and fits(c)), key=_median, default=None)

    own = fastest("joblib", _is_tuned)
    if own is None:
        return ""
    others = [fastest(library, fits) for fits in (_is_tuned, _is_tuned_and_spawned) for library in POOLS]
    told = [
        f"{_times_as_long(group.ratio(own, cell))} as {called(cell.name)}, {_time(cell)}{_with_copies(group, cell)}"
        for cell in {cell.name: cell for cell in others if cell}.values()
    ]
    if not told:
        return ""
    naive = [cell for library in ("joblib", *POOLS) if (cell := fastest(library, lambda c: c.style == NAIVE))]
    sent = f" Sent with every task: {'; '.join(f'{called(c.name)} {_time(c)}' for c in naive)}." if naive else ""
    return (
        f"Given one input of {size(group.shared_bytes)}, {called(own.name)} takes {_time(own)}"
        f"{_with_copies(group, own)}: {'; '.join(told)}.{sent} As documented, joblib's workers start fresh, and "
        "it writes a large array once to a file that all of them map "
        "(https://joblib.readthedocs.io/en/stable/parallel.html); with Pool and futures forked workers inherit what "
        "the caller has loaded, and others get a pickle through a pipe, unless they open it themselves."
    )


def _is_tuned(cell: Cell) -> bool:
    return cell.style == TUNED


def _is_tuned_and_spawned(cell: Cell) -> bool:
    return _is_tuned(cell) and cell.traits.start == "spawn"


def _with_copies(group: Group, cell: Cell) -> str:
    copies = cell.copies(group.counted_bytes)
    return f" with {copies:.1f} copies" if copies is not None else ""


def _without_copies(groups: Groups) -> str:
    group = groups["sharing"]
    most = group.most_workers
    cells = {c.name: c for c in group.timed_on_most_workers if c.library not in NO_LIBRARIES}
    counts = {name: cell.copies(group.counted_bytes) for name, cell in cells.items()}
    copies = {name: count for name, count in counts.items() if count is not None}
    if not copies or most == 1:
        return ""
    # The caller has one; one more that all share makes 2, one more in each worker makes most + 1.
    shared = (2 + most + 1) / 2
    sharing = [name for name in sorted(copies, key=lambda name: _median(cells[name])) if copies[name] < shared]
    told = [
        f"{called(name)}, {copies[name]:.1f} copies, {_time(cells[name])}" for name in _first_of_each_library(sharing)
    ]
    if not told:
        least = min(copies, key=lambda name: copies[name])
        return f"None did: the least was {copies[least]:.1f} copies, by {called(least)}."
    return (
        f"These had less than {shared:g} copies on {workers(most)}, the caller's own among them, where a copy in each "
        f"worker makes {most + 1}; each library's fastest: {'; '.join(told)}."
    )


def _memory(groups: Groups) -> str:
    group = groups["numerical"]
    cells = [c for c in group.timed_on_most_workers if c.library not in NO_LIBRARIES and c.memory and _is_tuned(c)]
    if not cells:
        return ""
    cells.sort(key=lambda cell: cell.memory["pss_peak_bytes"])
    told = [f"{peak_of(cell)} with {called(cell.name)}" for cell in (cells[0], cells[-1])]
    factors = [cell.memory["rss_peak_bytes"] / cell.memory["pss_peak_bytes"] for cell in cells]
    return (
        f"In the numerical workload on {workers(group.most_workers)} all processes of a library, its servers too, take "
        f"from {told[0]} to {told[1]} (PSS at the peak). Adding up RSS, as top shows it, counts shared pages again for "
        f"every process: {median(factors):.1f} times as much ({min(factors):.1f} to {max(factors):.1f})."
    )


def _startup(groups: Groups) -> str:
    quickest: dict[str, Cell] = {}
    for cell in _processes(groups["overhead"]):
        if starts_s(cell, 0) and not is_graph(cell):
            known = quickest.get(cell.library)
            if known is None or median(starts_s(cell, 0)) < median(starts_s(known, 0)):
                quickest[cell.library] = cell
    told = []
    for cell in quickest.values():
        kept = list(cell.per_block(lambda trial: trial.kept_s).values())
        times_s = (starts_s(cell, 0), starts_s(cell, 1), kept)
        told.append(
            f"{called(cell.name)} {', '.join(with_spread(summarize(s)) if s else 'not measured' for s in times_s)}"
        )
    if not told:
        return ""
    return (
        "To the first result in a fresh interpreter, again in the same, and on a pool that is up, by each library's "
        f"quickest idiom that starts processes: {'; '.join(told)}."
    )


def _start_methods(groups: Groups) -> str:
    group = groups["overhead"]
    first: dict[str, Cell] = {}  # with every start method
    for cell in _processes(group):
        if cell.library == "mp" and not is_graph(cell) and starts_s(cell, 0):
            first.setdefault(cell.traits.start, cell)
    told = [
        f"{method} {with_spread(summarize(starts_s(first[method], 0)))}"
        for method in ("fork", "forkserver", "spawn")
        if method in first
    ]
    if len(told) < 2:
        return ""
    return (
        f"To the first result on {workers(group.most_workers)} of multiprocessing.Pool, with next to nothing imported: "
        f"{'; '.join(told)}. What workers must import comes on top with spawn and forkserver, and is inherited by "
        "fork, which copies locks as other threads have left them, "
        "https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods."
    )


def _threads(groups: Groups) -> str:
    without_limit = _unlimited(groups["initialization"])
    if not without_limit:
        return ""
    cells = [cell for group in groups.values() for file in group.files for cell in file.cells.values()]
    right = sum(trial.outcome == OK for cell in cells if not cell.traits.all_cores for trial in cell.trials)
    return (
        f"{without_limit} Nowhere else here: all libraries are limited to one compute thread per worker before NumPy "
        f"loads, and each of the {right} other trials was checked."
    )


def _unlimited(group: Group) -> str:
    """Say what happens without the limit, in a row that is there to show it."""
    many = next((cell for cell in group.timed_on_most_workers if cell.traits.all_cores), None)
    if many is None:
        return ""
    once = [cell for cell in _once_per_worker(group, many.library) if not cell.traits.all_cores]
    one = next((cell for cell in once if cell.kind == many.kind), None)
    if one is None:
        return ""
    ratio = group.ratio(many, one)
    yes = "Yes: with" if ratio and ratio.verdict == SLOWER else "With"
    return (
        f"{yes} as many threads as there are cores in each of {workers(group.most_workers)}, {called(many.name)} takes "
        f"{_times_as_long(ratio)} as {called(one.name)}, which has one thread each."
    )


def _once_per_worker(group: Group, library: str) -> list[Cell]:
    cells = [cell for cell in group.timed_on_most_workers if cell.library == library and _is_tuned(cell)]
    return [cell for cell in cells if cell.traits.sets_up == ONCE_PER_WORKER]


def _model_once(groups: Groups) -> str:
    group = groups["initialization"]
    told = []
    for library in dict.fromkeys(cell.library for cell in _in_parallel(group)):
        once = min(_once_per_worker(group, library), key=_median, default=None)
        cells = [cell for cell in group.timed_on_most_workers if cell.library == library]
        naive = next((cell for cell in cells if cell.traits.sets_up == IN_EVERY_TASK), None)
        if once and naive:
            told.append(f"{called(once.name)} {_time(once)}, in every task {_times_as_long(group.ratio(naive, once))}")
        elif once:
            told.append(f"{called(once.name)} {_time(once)}")
    return f"These do it, once per worker: {'; '.join(told)}." if told else ""


def _worker_dies(groups: Groups) -> str:
    """Say it of each library's first idiom: where a second try would do, and where none would."""
    by_fault = survivals(groups["faults"])
    told = []
    for fault in FAULTS[:2]:
        first: dict[str, Survival] = {}
        for row in by_fault.get(fault, []):
            if row.cell.library not in NO_LIBRARIES:
                first.setdefault(row.cell.library, row)
        if first:
            told.append(f"{fault}: {'; '.join(f'{called(row.cell.name)} {row.said}' for row in first.values())}")
    return f"{'. '.join(told)}." if told else ""


def _times_as_long(ratio: Ratio | None) -> str:
    if ratio is None:
        return "not compared"
    if ratio.low is None or ratio.high is None or ratio.verdict == UNKNOWN:
        spread = f" ({ratio.least:.2f} to {ratio.largest:.2f})" if ratio.count > 1 else ""
        return f"{ratio.ratio:.2f} times as long{spread}"
    tied = ", a tie" if ratio.verdict == TIE else ""
    return f"{ratio.ratio:.2f} times as long ({ratio.low:.2f} to {ratio.high:.2f}{tied})"


def _hardware(groups: Groups) -> str:
    return " ".join(filter(None, (_nearness(groups[name]) for name in WORKLOADS if name in groups)))


def _nearness(group: Group) -> str:
    ranking = group.rankings.get(group.most_workers)
    cell = ranking.fastest if ranking else None
    if not (ranking and cell and (beside := said_of_limit(group, cell, COLD))):
        return ""
    tied = f" {tie(ties)}." if (ties := ranking.those(TIE)) else ""
    return f"{group.workload}: {called(cell.name)}, {seconds_of(cell, COLD)}. {beside}{tied}"


def _first_of_each_library(names: Iterable[Name]) -> list[Name]:
    first: dict[str, Name] = {}
    for name in names:
        first.setdefault(name[0], name)
    return list(first.values())


def _in_parallel(group: Group) -> Iterator[Cell]:
    return (cell for cell in group.on_most_workers if cell.library not in NO_LIBRARIES and cell.timed)


def _processes(group: Group) -> Iterator[Cell]:
    return (cell for cell in _in_parallel(group) if cell.traits.workers == PROCESSES and not cell.in_caller)


def _memory_grows(groups: Groups) -> str:
    """Say of which rows the growth is surely above 0, and what it comes to."""
    cells = [cell for cell in groups["soak"].on_most_workers if cell.library not in NO_LIBRARIES]
    rates = {cell.name: rate for cell in cells if (rate := growth(cell))}
    grown = {name: rate for name, rate in rates.items() if rate.is_growth}
    if not rates:
        return ""
    if not grown:
        return f"In none of {len(rates)} rows does the interval of its growth lie above 0."
    told = [f"{called(name)} by {size(max(0.0, rate.slope))}" for name, rate in grown.items()]
    return f"Per 1 000 tasks, memory grows in {len(grown)} of {len(rates)} rows: {'; '.join(told)}."


def _median(cell: Cell) -> float:
    return median(cell.times.values())


def _time(cell: Cell) -> str:
    return with_spread(summarize(list(cell.times.values()))) + (f" ({cell.failures})" if cell.failures else "")


def _factor(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


# The workloads that an answer needs, what in the page shows it, and how it is found.
QUESTIONS: dict[str, tuple[tuple[str, ...], str, Callable[[Groups], str]]] = {
    "Below which task length is parallel pointless?": (("granularity",), "granularity-tasks", _pointless),
    "Which library costs least for many small tasks, and is it only the chunk size?": (
        ("overhead",), "overhead-tasks", _cheapest,
    ),
    "Why is joblib slower or faster than Pool and futures with large objects?": (
        ("sharing",), "sharing-time", _large_objects,
    ),
    "How do workers share read-only data without copies?": (("sharing",), "sharing-copies", _without_copies),
    "How much memory do N workers really use?": (("numerical",), "numerical-memory", _memory),
    "What does start-up cost, cold, warm, reused?": (("overhead",), "overhead-numbers-1", _startup),
    "fork, forkserver or spawn?": (("overhead",), "overhead-numbers-1", _start_methods),
    "Do BLAS or torch threads oversubscribe the cores?": (("initialization",), "initialization-time", _threads),
    "Can a model be loaded once per worker?": (("initialization",), "initialization-time", _model_once),
    "A worker dies: what happens?": (("faults",), "faults-overview", _worker_dies),
    "Does memory grow on a pool that goes on and on?": (("soak",), "soak-numbers-1", _memory_grows),
    "How close is the best to the hardware?": ((), "answers", _hardware),
}  # fmt: skip
