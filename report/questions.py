"""Ten questions that users of these libraries ask, each answered from this machine's results, or with what to run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf, isinf
from statistics import median

from harness.outcome import OK
from report.answers import ties_with
from report.granularity import INDEPENDENT, patterns
from report.matrix import fastest_of, start_method
from report.measured import FLOOR, NAIVE, SERIAL, WORKLOADS, Cell, Comparable, Name
from report.rounds import efficiencies, is_graph, latencies, length_at, on_most_workers, per_task_s, start_s
from report.statistics import Summary, summarize
from report.words import called, duration, listed, seconds_of, size, workers

Groups = Mapping[str, Comparable]
ON_ONE_CORE = "synchronous"  # Dask's scheduler that starts nothing
SHARED = 1.5  # copies up to which workers share: the caller's own, and half of one for all else that grows


@dataclass(frozen=True)
class Answered:
    """``chart``: where it is shown. ``run``: what has to be measured first; then there is no answer."""

    question: str
    said: str
    chart: str = ""
    run: str = ""


def answers(groups: Groups) -> list[Answered]:
    """Return all ten."""
    return [_answered(question, asked, groups) for question, asked in QUESTIONS.items()]


def _answered(question: str, asked: tuple[tuple[str, ...], str, Callable[[Groups], str]], groups: Groups) -> Answered:
    wanted, chart, find = asked
    missing = [workload for workload in wanted if workload not in groups]
    said = "" if missing else find(groups)
    if said:
        return Answered(question, said, chart)
    return Answered(question, "not measured", run=" ".join(("python benchmark_all.py", *wanted)))


def _pointless(groups: Groups) -> str:
    """Find, by library, the length at which as much is done as by one core: efficiency 1 / workers."""
    group = groups["granularity"]
    found = {}
    for cell in _in_parallel(group):
        if cell.timed and INDEPENDENT in patterns(cell) and cell.n_jobs > 1:
            lengths = [length_at(efficiencies(trial, INDEPENDENT), 1 / cell.n_jobs) for trial in cell.timed]
            shortest = min(min(efficiencies(trial, INDEPENDENT)) for trial in cell.timed)
            found[cell.library, cell.idiom] = summarize([s or shortest for s in lengths])
    if not found:
        return ""
    order = sorted(found, key=lambda name: found[name].median)
    told = [f"{called(name)} {_length(found[name])}" for name in (order[0], order[len(order) // 2], order[-1])]
    return (
        f"On {workers(group.most_workers)}, a task by itself must be longer than: {'; '.join(dict.fromkeys(told))} "
        "(the best, the middle and the last). Below that a plain loop does more."
    )


def _length(summary: Summary) -> str:
    if isinf(summary.median):
        return "more than was tried"
    spread = f" ({duration(summary.low)} to {_or_more(summary.high)})" if summary.low < summary.high else ""
    return f"{duration(summary.median)}{spread}"


def _or_more(seconds: float) -> str:
    return "more than was tried" if isinf(seconds) else duration(seconds)


def _cheapest(groups: Groups) -> str:
    costs = {
        (cell.library, cell.idiom): summarize(found)
        for cell in _in_parallel(groups["overhead"])
        if not is_graph(cell) and (found := [s for trial in cell.timed if (s := per_task_s(trial))])
    }
    if not costs:
        return ""
    order = sorted(costs, key=lambda name: costs[name].median)
    ends = [f"{called(name)}, {_spread(costs[name])} a task" for name in (order[0], order[-1])]
    by_library: dict[str, list[Name]] = {}
    for name in order:
        by_library.setdefault(name[0], []).append(name)
    factors = {library: costs[names[-1]].median / costs[names[0]].median for library, names in by_library.items()}
    most = max(factors, key=lambda library: factors[library])
    low, high = by_library[most][0], by_library[most][-1]
    cheapest = [costs[names[0]].median for names in by_library.values()]
    return (
        f"Least {ends[0]}; most {ends[1]}. Within {most}, {low[1]} and {high[1]} differ {factors[most]:.0f} times; "
        f"the cheapest idioms of all libraries {max(cheapest) / min(cheapest):.0f} times."
    )


def _large_objects(groups: Groups) -> str:
    group = groups["sharing"]
    cells = {(cell.library, cell.idiom): cell for cell in group.on_most_workers}
    told = []
    for library in ("joblib", "mp", "futures"):
        of_library = {name: cell for name, cell in cells.items() if name[0] == library and "thread" not in name[1]}
        for naive in (False, True):
            names = [name for name in of_library if name[1].startswith(NAIVE) == naive]
            best = min(names, key=lambda name: _median(of_library[name]), default=None)
            if best:
                told.append(
                    f"{called(best)} {duration(_median(of_library[best]))}{_with_copies(group, of_library[best])}"
                )
    if len(told) < 2:
        return ""
    return (
        f"Given one input of {size(group.shared_bytes)}: {'; '.join(told)}. joblib writes a large array once to a file "
        "that all workers map, and pays for that before the first task; Pool and futures pickle it into a pipe with "
        "every task, unless workers inherit it or open it themselves."
    )


def _with_copies(group: Comparable, cell: Cell) -> str:
    copies = cell.copies(group.shared_bytes)
    return f" with {copies:.1f} copies" if copies is not None else ""


def _without_copies(groups: Groups) -> str:
    group = groups["sharing"]
    copies = {
        (cell.library, cell.idiom): found
        for cell in group.on_most_workers
        if cell.library not in (SERIAL, FLOOR) and (found := cell.copies(group.shared_bytes)) is not None
    }
    if not copies:
        return ""
    cells = {(cell.library, cell.idiom): cell for cell in group.on_most_workers}
    sharing = sorted((name for name in copies if copies[name] <= SHARED), key=lambda name: _median(cells[name]))
    if not sharing:
        least = min(copies, key=lambda name: copies[name])
        return f"None did: the least was {copies[least]:.1f} copies, by {called(least)}."
    told = [f"{called(name)} ({copies[name]:.2f} copies, {duration(_median(cells[name]))})" for name in sharing[:5]]
    more = f", and {len(sharing) - 5} more" if len(sharing) > 5 else ""
    on = workers(group.most_workers)
    return f"At most {SHARED:g} copies on {on}, the caller's own among them: {listed(told)}{more}."


def _memory(groups: Groups) -> str:
    group = groups["numerical"]
    cells = [cell for cell in group.on_most_workers if cell.memory and cell.library not in (SERIAL, FLOOR)]
    if not cells:
        return ""
    cells.sort(key=lambda cell: cell.memory["pss_peak_bytes"])
    told = [
        f"{size(cell.memory['pss_peak_bytes'])} with {called((cell.library, cell.idiom))}"
        for cell in (cells[0], cells[-1])
    ]
    factor = median(cell.memory["rss_peak_bytes"] / cell.memory["pss_peak_bytes"] for cell in cells)
    return (
        f"In the numerical workload {workers(group.most_workers)} and their parent take from {told[0]} to {told[1]} "
        "(PSS, peak). Adding up RSS, as top shows it, counts shared pages again for every process: "
        f"{factor:.1f} times as much."
    )


def _startup(groups: Groups) -> str:
    told = []
    fastest: dict[str, Cell] = {}
    for cell in _in_parallel(groups["overhead"]):
        if not is_graph(cell) and cell.timed and not cell.idiom.startswith(ON_ONE_CORE):
            fastest.setdefault(cell.library, cell)
    for library, cell in fastest.items():
        starts = [[s for trial in cell.timed if (s := start_s(trial, pool)) is not None] for pool in (0, 1)]
        waits = latencies(cell)
        if all(starts) and waits:
            cold, warm = (duration(median(found)) for found in starts)
            told.append(f"{library} ({cell.idiom}) {cold}, {warm}, {duration(median(waits))}")
    return (
        f"To the first result in a fresh interpreter, again in the same, and on a pool that is up: {'; '.join(told)}."
        if told
        else ""
    )


def _start_methods(groups: Groups) -> str:
    group = groups["overhead"]
    cells = [cell for cell in _in_parallel(group) if cell.library == "mp" and cell.timed]
    by_method: dict[str, Cell] = {}
    for cell in cells:
        by_method.setdefault(start_method(cell.library, cell.idiom), cell)
    told = [
        f"{method} {duration(median(starts))}"
        for method in ("fork", "forkserver", "spawn")
        if method in by_method and (starts := [s for t in by_method[method].timed if (s := start_s(t, 0)) is not None])
    ]
    if not told:
        return ""
    return (
        f"To the first result on {workers(group.most_workers)} of multiprocessing.Pool, with next to nothing imported: "
        f"{'; '.join(told)}. What workers must import comes on top with spawn, and is inherited by fork, which copies "
        "locks as other threads have left them, "
        "https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods."
    )


def _threads(groups: Groups) -> str:
    trials = [trial for group in groups.values() for file in group.files for trial in file.run["trials"]]
    right = sum(trial["outcome"] == OK for trial in trials)
    if not right:
        return ""
    return (
        "Not here: all libraries are limited to one compute thread per worker before NumPy loads, and each of these "
        f"{right} trials was checked; more threads make a trial wrong. What happens without the limit was not measured."
    )


def _model_once(groups: Groups) -> str:
    group = groups["initialization"]
    cells = {(c.library, c.idiom): c for c in group.on_most_workers if c.library not in (SERIAL, FLOOR)}
    told = []
    for library in dict.fromkeys(library for library, _ in cells):
        times = {idiom: _median(cell) for (name, idiom), cell in cells.items() if name == library}
        once = min((i for i in times if not i.startswith(NAIVE)), key=lambda i: times[i], default=None)
        naive = min((i for i in times if i.startswith(NAIVE)), key=lambda i: times[i], default=None)
        if once and naive:
            told.append(f"{library} ({once}) {duration(times[once])} against {duration(times[naive])}")
    if not told:
        return ""
    return f"Yes. Once per worker, against in every task: {'; '.join(told)}."


def _hardware(groups: Groups) -> str:
    return " ".join(filter(None, (_nearness(groups[name]) for name in WORKLOADS if name in groups)))


def _nearness(group: Comparable) -> str:
    best, limit = fastest_of(group, group.most_workers), group.limit_s(group.most_workers)
    if not (best and limit and best[1].summary):
        return ""
    name, cell = best
    ties, _ = ties_with(group, group.most_workers, name)
    tied = f" (and {len(ties)} that tie)" if ties else ""
    times = f"{best[1].summary.median / limit:.3g} times the limit"
    return f"{group.workload}: {called(name)}{tied}, {seconds_of(cell)}, is {times}."


def _in_parallel(group: Comparable) -> Iterator[Cell]:
    return (cell for cell in on_most_workers(group) if cell.library not in (SERIAL, FLOOR))


def _median(cell: Cell) -> float:
    return cell.summary.median if cell.summary else inf


def _spread(summary: Summary) -> str:
    spread = f" ({duration(summary.low)} to {duration(summary.high)})" if summary.count > 1 else ""
    return f"{duration(summary.median)}{spread}"


# The workloads that an answer needs, the chart that shows it, and how it is found.
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
    "What does start-up cost, cold, warm, reused?": (("overhead",), "overhead-tasks", _startup),
    "fork, forkserver or spawn?": (("overhead",), "overhead-tasks", _start_methods),
    "Do BLAS or torch threads oversubscribe the cores?": ((), "conditions", _threads),
    "Can a model be loaded once per worker?": (("initialization",), "initialization-time", _model_once),
    "How close is the best to the hardware?": ((), "answers", _hardware),
}  # fmt: skip
