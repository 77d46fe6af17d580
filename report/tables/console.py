"""What every text report prints alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from report.numbers.cell import Cell
from report.numbers.words import about

PLAIN_WIDTH = 10_000  # columns, where there is no terminal to ask: a table takes as many as it needs


@dataclass(frozen=True)
class Titled:
    """A table with its title, and a note on how to read it; without a table, the note says why."""

    title: str
    table: Table | None
    note: str = ""


def plain_if_piped(console: Console) -> Console:
    """Return a console of a width that tables fit into, where the output goes into a file or a pipe."""
    return console if console.is_terminal else Console(file=console.file, width=PLAIN_WIDTH)


def say(console: Console, text: str) -> None:
    """Print ``text`` as it is, on one line however long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


class IdiomTable(Table):
    """A row per library and idiom, of numbers and, where ``note`` is its title, of a text. All is shown as it is."""

    def __init__(self, *columns: str, note: str = "") -> None:
        super().__init__(pad_edge=False)
        for name in ("library", "idiom"):
            self.add_column(name, no_wrap=True)
        for column in columns:
            self.add_column(escape(column), justify="right", no_wrap=True)
        if note:
            self.add_column(note, overflow="fold")

    def add(self, cell: Cell, *values: str) -> None:
        """Add the row of a cell's idiom."""
        self.add_row(*map(escape, (*cell.name, *values)))

    def add_limit(self, name: str, values: Sequence[str]) -> None:
        """Add what nothing can undercut."""
        self.add_row("limit", name, *values, style="dim")


def work_from(seconds: float | None) -> str:
    """Return the work from which something holds; None: however long a job is, it does not."""
    return "never" if seconds is None else about(seconds)


def number(value: float | None, digits: str = ".2f") -> str:
    """Return a number, or nothing."""
    return "" if value is None else f"{value:{digits}}"
