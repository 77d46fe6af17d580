"""What is shown against the number of workers: times, or copies of the input in memory."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from report.numbers.cell import Cell
from report.numbers.comparable import Comparable


class Point(NamedTuple):
    """``low`` to ``high`` is the value's spread."""

    n_jobs: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Quantity:
    """``limit`` is what cannot be undercut. ``suffix``: of a figure's file."""

    title: str
    axis: str
    suffix: str
    point: Callable[[Comparable, Cell], Point | None]
    limit: Callable[[Comparable, int], float | None]
    limit_name: str


def point_of(cell: Cell) -> Point | None:
    """Return its one-shot time."""
    found = cell.one_shot
    return Point(cell.n_jobs, found.median, found.low, found.high) if found else None


def _copies_of(group: Comparable, cell: Cell) -> Point | None:
    copies = cell.copies(group.counted_bytes)
    return Point(cell.n_jobs, copies, copies, copies) if copies else None


LIMIT = "physical limit"
ONE_SHOT = Quantity(
    "one-shot time", "one-shot time (s)", "", lambda _group, cell: point_of(cell), Comparable.limit_s, LIMIT
)
COPIES = Quantity(
    "copies of the input in memory at the peak, the caller's own among them",
    "copies (growth of memory / size of the input)",
    "_copies",
    _copies_of,
    lambda _group, _count: 1.0,
    "one copy for all",
)
