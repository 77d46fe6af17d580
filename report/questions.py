"""Ten questions that users of these libraries ask, each answered from this machine's results, or with what to run."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import isinf
from statistics import median

from harness.outcome import OK
from report.granularity import INDEPENDENT, patterns
from report.matrix import ON_ONE_CORE, fastest_of, kind_of, start_method, ties_with
from report.measured import FLOOR, NAIVE, SERIAL, WORKLOADS, Cell, Comparable, Name
from report.rounds import efficiencies, is_graph, latencies, length_at, on_most_workers, per_task_s, slowdown, start_s
from report.statistics import TIE, UNKNOWN, Ratio, Summary, summarize
from report.words import called, duration, listed, seconds_of, size, workers

Groups = Mapping[str, Comparable]
SHARED = 1.5  # copies up to which workers share: the caller's own, and half of one for all else that grows
IN_PARENT = "after load"  # idioms that are named so load once in the parent, not once per worker
IN_EVERY_TASK = "model in every task"
UNLIMITED = "threads not limited"


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
    run = " ".join(("python benchmark_all.py", *wanted))
    if any(workload not in groups for workload in wanted):
        return Answered(question, "not measured", run=run)
    if said := find(groups):
        return Answered(question, said, chart)
    return Answered(question, "not answered by what was measured, which failed or lacks libraries or memory", run=run)


def _pointless(groups: Groups) -> str:
    """Find the length of a task by itself at which as much is done as by a plain loop."""
    group = groups["granularity"]
    found = {}
    for cell in _in_parallel(group):
        if cell.n_jobs > 1 and INDEPENDENT in patterns(cell):
            found[cell.library, cell.idiom] = summarize([_even_s(trial) for trial in cell.timed])
    if not found:
        return ""
    order = sorted(found, key=lambda name: found[name].median)
    ends = dict.fromkeys((order[0], order[len(order) // 2], order[-1]))
    shortest = min(min(efficiencies(t, INDEPENDENT)) for c in _in_parallel(group) for t in c.timed if _has(t))
    told = [f"{called(name)} {_length(found[name], shortest)}" for name in ends]
    which = " (the first, the middle and the last of all)" if len(ends) > 2 else ""
    return (
        f"On {workers(group.most_workers)}, a plain loop does more of tasks that take by themselves less than this: "
        f"{'; '.join(told)}{which}."
    )


def _has(trial: dict) -> bool:
    return bool(efficiencies(trial, INDEPENDENT))


def _even_s(trial: dict) -> float:
    """Return the length at which a library breaks even with a loop: its efficiency is against busy cores, see there."""
    slower = slowdown(trial, INDEPENDENT)
    return length_at(efficiencies(trial, INDEPENDENT), slower / trial["n_jobs"]) / slower


def _length(summary: Summary, shortest: float) -> str:
    def said(seconds: float) -> str:
        if isinf(seconds):
            return "more than was tried"
        return duration(seconds) if seconds else f"even below {duration(shortest)}"

    spread = f" ({said(summary.low)} to {said(summary.high)})" if summary.low < summary.high else ""
    return f"{said(summary.median)}{spread}"


def _cheapest(groups: Groups) -> str:
    cells = [c for c in _in_parallel(groups["overhead"]) if not is_graph(c) and not c.idiom.startswith(ON_ONE_CORE)]
    costs = {
        (cell.library, cell.idiom): summarize(found)
        for cell in cells
        if (found := [s for trial in cell.timed if (s := per_task_s(trial)) is not None])
    }
    if not costs:
        return ""
    order = sorted(costs, key=lambda name: costs[name].median)
    ends = [f"{called(name)}, {_spread(costs[name])} a task" for name in dict.fromkeys((order[0], order[-1]))]
    # Idioms of one library and one way to start differ in how many tasks travel together.
    alike: dict[Name, list[float]] = {}
    for library, idiom in costs:
        alike.setdefault((library, kind_of(idiom)), []).append(costs[library, idiom].median)
    several = {name: found for name, found in alike.items() if len(found) > 1 and min(found)}
    factors = [f"{called(name)} {_factor(max(found) / min(found))}" for name, found in several.items()]
    chunks = f" How tasks are handed over makes, within one library and way to start: {', '.join(factors)} times."
    return f"Least: {'; most: '.join(ends)}.{chunks * bool(factors)}"


def _large_objects(groups: Groups) -> str:
    group = groups["sharing"]
    told = []
    for library in ("joblib", "mp", "futures"):
        of_library = [c for c in group.on_most_workers if c.library == library and "thread" not in c.idiom]
        for naive in (False, True):
            cells = [cell for cell in of_library if cell.idiom.startswith(NAIVE) == naive]
            if cells:
                cell = min(cells, key=_median)
                told.append(f"{called((library, cell.idiom))} {_time(cell)}{_with_copies(group, cell)}")
    if len({said.partition(" ")[0] for said in told}) < 2:
        return ""
    return (
        f"Given one input of {size(group.shared_bytes)}: {'; '.join(told)}. As documented, joblib writes a large array "
        "once to a file that all workers map, and pays for that before the first task "
        "(https://joblib.readthedocs.io/en/stable/parallel.html); Pool and futures pickle what a task is given into a "
        "pipe, unless workers inherit it or open it themselves."
    )


def _with_copies(group: Comparable, cell: Cell) -> str:
    copies = cell.copies(group.shared_bytes)
    return f" with {copies:.1f} copies" if copies is not None else ""


def _without_copies(groups: Groups) -> str:
    group = groups["sharing"]
    cells = {(c.library, c.idiom): c for c in group.on_most_workers if c.library not in (SERIAL, FLOOR)}
    found = {name: cell.copies(group.shared_bytes) for name, cell in cells.items()}
    copies = {name: count for name, count in found.items() if count is not None}
    if not copies:
        return ""
    sharing = sorted((name for name in copies if copies[name] <= SHARED), key=lambda name: _median(cells[name]))
    if not sharing:
        least = min(copies, key=lambda name: copies[name])
        return f"None did: the least was {copies[least]:.1f} copies, by {called(least)}."
    told = [f"{called(name)}, {copies[name]:.2f} copies, {_time(cells[name])}" for name in sharing[:5]]
    more = f"; and {len(sharing) - 5} more" if len(sharing) > 5 else ""
    on = workers(group.most_workers)
    return f"At most {SHARED:g} copies on {on}, the caller's own among them: {'; '.join(told)}{more}."


def _memory(groups: Groups) -> str:
    group = groups["numerical"]
    cells = [c for c in group.on_most_workers if c.library not in (SERIAL, FLOOR) and c.memory.get("pss_peak_bytes")]
    if not cells:
        return ""
    cells.sort(key=lambda cell: cell.memory["pss_peak_bytes"])
    peaks = [(cell.memory["pss_peak_bytes"], (cell.library, cell.idiom)) for cell in (cells[0], cells[-1])]
    told = [f"{size(peak)} with {called(name)}" for peak, name in peaks]
    factors = [cell.memory["rss_peak_bytes"] / cell.memory["pss_peak_bytes"] for cell in cells]
    return (
        f"In the numerical workload {workers(group.most_workers)} and their parent take from {told[0]} to {told[1]} "
        "(PSS at the peak). Adding up RSS, as top shows it, counts shared pages again for every process: "
        f"{median(factors):.1f} times as much ({min(factors):.1f} to {max(factors):.1f})."
    )


def _startup(groups: Groups) -> str:
    quickest: dict[str, tuple[list[float], Cell]] = {}
    for cell in _in_parallel(groups["overhead"]):
        cold = _starts(cell, 0)
        if cold and not is_graph(cell) and not cell.idiom.startswith(ON_ONE_CORE):
            known = quickest.get(cell.library)
            if known is None or median(cold) < median(known[0]):
                quickest[cell.library] = cold, cell
    told = []
    for library, (cold, cell) in quickest.items():
        parts = [_spread(summarize(found)) for found in (cold, _starts(cell, 1), latencies(cell)) if found]
        told.append(f"{called((library, cell.idiom))} {', '.join(parts)}")
    if not told:
        return ""
    return (
        "To the first result in a fresh interpreter, again in the same, and on a pool that is up, by each library's "
        f"quickest idiom: {'; '.join(told)}."
    )


def _starts(cell: Cell, pool: int) -> list[float]:
    return [s for trial in cell.timed if (s := start_s(trial, pool)) is not None]


def _start_methods(groups: Groups) -> str:
    group = groups["overhead"]
    by_method: dict[str, list[float]] = {}
    for cell in _in_parallel(group):
        if cell.library == "mp" and not is_graph(cell):
            by_method.setdefault(start_method(cell.library, cell.idiom), []).extend(_starts(cell, 0))
    told = [
        f"{method} {_spread(summarize(by_method[method]))}"
        for method in ("fork", "forkserver", "spawn")
        if by_method.get(method)
    ]
    if len(told) < 2:
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
    said = (
        "Not in the other rows: all libraries are limited to one compute thread per worker before NumPy loads, and "
        f"each of these {right} trials was checked."
    )
    return f"{_unlimited(groups['initialization'])} {said}".strip()


def _unlimited(group: Comparable) -> str:
    """Say what happens without the limit, in a row that is there to show it."""
    cells = {(c.library, c.idiom): c for c in group.on_most_workers}
    many = next((name for name in cells if UNLIMITED in name[1]), None)
    if many is None:
        return ""
    tuned = [n for n in cells if n[0] == many[0] and not n[1].startswith(NAIVE) and IN_PARENT not in n[1]]
    one = next((n for n in tuned if start_method(*n) == start_method(*many)), None)
    if one is None:
        return ""
    ratio = group.compared({name: cells[name].times for name in (one, many)}, reference=one).get(many)
    return (
        f"With as many threads as cores in each of {workers(group.most_workers)}, {called(many)} takes "
        f"{_times_as_long(ratio)} as {called(one)}, which has one thread each."
    )


def _model_once(groups: Groups) -> str:
    group = groups["initialization"]
    cells = {(c.library, c.idiom): c for c in group.on_most_workers if c.library not in (SERIAL, FLOOR)}
    told = []
    for library in dict.fromkeys(library for library, _ in cells):
        names = [name for name in cells if name[0] == library and IN_PARENT not in name[1]]
        once = min((n for n in names if not n[1].startswith(NAIVE)), key=lambda n: _median(cells[n]), default=None)
        naive = next((name for name in names if IN_EVERY_TASK in name[1]), None)
        if once and naive:
            ratio = group.compared({name: cells[name].times for name in (once, naive)}, reference=once).get(naive)
            told.append(f"{called(once)} {_time(cells[once])}, in every task {_times_as_long(ratio)}")
    return f"These do it, once per worker: {'; '.join(told)}." if told else ""


def _times_as_long(ratio: Ratio | None) -> str:
    if ratio is None:
        return "not compared"
    if ratio.low is None or ratio.high is None or ratio.verdict == UNKNOWN:
        return f"{ratio.ratio:.2f} times as long (too few trials to tell)"
    return f"{ratio.ratio:.2f} times as long ({ratio.low:.2f} to {ratio.high:.2f}{', a tie' * (ratio.verdict == TIE)})"


def _hardware(groups: Groups) -> str:
    return " ".join(filter(None, (_nearness(groups[name]) for name in WORKLOADS if name in groups)))


def _nearness(group: Comparable) -> str:
    best, limit = fastest_of(group, group.most_workers), group.limit_s(group.most_workers)
    if not (best and limit and best[1].summary):
        return ""
    name, cell = best
    ties, _ = ties_with(group, group.most_workers, name)
    tied = f" (with {listed([called(tie) for tie in ties])}, which tie)" if ties else ""
    times = f"{best[1].summary.median / limit:.3g} times the limit"
    return f"{group.workload}: {called(name)}{tied}, {seconds_of(cell)}, is {times}."


def _in_parallel(group: Comparable) -> Iterator[Cell]:
    return (cell for cell in on_most_workers(group) if cell.library not in (SERIAL, FLOOR) and cell.timed)


def _median(cell: Cell) -> float:
    return median(cell.times.values())


def _time(cell: Cell) -> str:
    return _spread(summarize(list(cell.times.values())))


def _factor(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.1f}"


def _spread(summary: Summary) -> str:
    spread = f" ({duration(summary.low)} to {duration(summary.high)})" if summary.count > 1 else ""
    return f"{duration(summary.median)}{spread}"


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
    "How close is the best to the hardware?": ((), "answers", _hardware),
}  # fmt: skip
