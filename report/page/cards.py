"""What to choose, by the reader's situation: one card each, with the library, its idiom, its figures and its code."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from record.terms import CALLER, PROCESSES
from report.numbers.cell import CONNECTED, TUNED, Cell
from report.numbers.group import Group
from report.numbers.names import NO_LIBRARIES, Name, full_name
from report.numbers.own_job import is_own_job
from report.numbers.statistics import TIE, UNKNOWN, Ratio, beside_the_fastest
from report.numbers.words import duration, listed

LOOP_IS_AS_GOOD = 1.02  # times the fastest library's time
MOST_NAMED = 3  # libraries in a card's large type


@dataclass(frozen=True)
class Situation:
    """What a reader has to do, the workload that is like it, and the idioms that fit."""

    title: str
    workload: str
    fits: Callable[[Cell], bool]


@dataclass(frozen=True)
class Card:
    """``choice``: one library, or those that tie. ``row``: workload, library and idiom of the fastest."""

    title: str
    choice: str
    idiom: str
    figures: str
    others: str
    row: tuple[str, str, str]


def _is_tuned(cell: Cell) -> bool:
    return cell.style == TUNED


def _without_fork(cell: Cell) -> bool:
    return _is_tuned(cell) and cell.traits.workers == PROCESSES and cell.traits.start != "fork"


def _is_connected(cell: Cell) -> bool:
    return cell.style == CONNECTED


SITUATIONS = (
    Situation("A script: one large input for all tasks", "numerical", _is_tuned),
    Situation("Workers that keep a state", "stateful", _is_tuned),
    Situation("A model that is slow to load", "initialization", _is_tuned),
    Situation("Processes without fork (Windows, macOS, threads in the caller)", "numerical", _without_fork),
    Situation("A service, or a cluster that runs already", "numerical", _is_connected),
)


def cards_of(groups: Mapping[str, Group]) -> list[Card]:
    """Return a card for each job of a user's own, and for each situation, of which something was measured."""
    own = [name for name, group in groups.items() if is_own_job(group.newest.run.inputs)]
    asked = [*(Situation(f"Your job: {name}", name, _is_tuned) for name in own), *SITUATIONS]
    cards = [_card(groups[each.workload], each) for each in asked if each.workload in groups]
    return [card for card in cards if card]


def _card(group: Group, situation: Situation) -> Card | None:
    cells = [
        cell
        for cell in group.timed_on_most_workers
        if cell.library not in NO_LIBRARIES and cell.traits.workers != CALLER and situation.fits(cell)
    ]
    if not cells:
        return None
    fastest = min(cells, key=_one_shot_s)
    ratios = group.compared({cell.name: cell.times for cell in cells}, reference=fastest.name)
    if group.serial and group.serial_s and group.serial_s <= LOOP_IS_AS_GOOD * _one_shot_s(fastest):
        beside = f"The fastest library, {full_name(fastest.library)} ({fastest.idiom}), takes {_times(fastest)}."
        figures = f"{duration(group.serial_s)}. {beside}"
        return Card(
            situation.title, "A plain loop", "no library is faster", figures, "", (group.workload, *group.serial.name)
        )
    alike = [cell.library for cell in sorted(cells, key=_one_shot_s) if _is_alike(ratios.get(cell.name))]
    named = list(dict.fromkeys([fastest.library, *alike]))[:MOST_NAMED]
    return Card(
        situation.title,
        listed(list(map(full_name, named)), last="or"),
        fastest.idiom,
        _figures(group, fastest),
        _said_of_others(cells, ratios, named),
        (group.workload, *fastest.name),
    )


def _one_shot_s(cell: Cell) -> float:
    return median(cell.times.values())


def _is_alike(ratio: Ratio | None) -> bool:
    """Return whether a row ties with the fastest; with too few blocks, whether it is not slower in every block."""
    if ratio is None:
        return False
    return beside_the_fastest(ratio.verdict) == TIE or (ratio.verdict == UNKNOWN and ratio.least <= 1)


def _figures(group: Group, cell: Cell) -> str:
    if not group.serial_s:
        return f"{_times(cell)}."
    gain = f"{group.serial_s / _one_shot_s(cell):.2g} times as fast"
    return f"{_times(cell)}; a plain loop {duration(group.serial_s)}: {gain}."


def _times(cell: Cell) -> str:
    kept = f", {duration(cell.kept.median)} on a pool that is kept" if cell.kept else ""
    return f"{duration(_one_shot_s(cell))} in one shot{kept}"


def _said_of_others(cells: Sequence[Cell], ratios: Mapping[Name, Ratio], named: Sequence[str]) -> str:
    """Return how long the other libraries take, each by its fastest idiom for this."""
    best: dict[str, Ratio] = {}
    for cell in sorted(cells, key=_one_shot_s):
        if cell.library not in named and cell.name in ratios:
            best.setdefault(cell.library, ratios[cell.name])
    told = [f"{full_name(library)} {ratio.ratio:.3g}" for library, ratio in best.items()]
    return f"Times as long: {', '.join(told)}." if told else ""
