"""What every text report prints alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from report.numbers.cell import Cell
from report.numbers.words import about, workers

PLAIN_WIDTH = 10_000  # characters, where there is no terminal to ask: a table takes as many as it needs
FROM_SERIAL = "serial / n"  # the name of a limit in time: see `report.numbers.quantities.LIMIT`
LEAST_TEXT = 14  # characters to which a column of text is folded before a column of numbers is left out


@dataclass(frozen=True)
class Titled:
    """A table with its title, and a note on how to read it; without a table, the note says why."""

    title: str
    table: Table | None
    note: str = ""


def plain_if_piped(console: Console) -> Console:
    """Return a console wide enough for every table if the output goes into a file or a pipe."""
    return console if console.is_terminal else Console(file=console.file, width=PLAIN_WIDTH)


def say(console: Console, text: str) -> None:
    """Print ``text`` as it is, on one line however long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_table(console: Console, table: Table) -> None:
    """Print a table; where the terminal is too narrow, without its last columns of numbers, which are named."""
    left_out: list[str] = []
    for column in reversed(table.columns):
        if _width_of(table) <= console.width:
            break
        if column.no_wrap and column.justify == "right":
            left_out.insert(0, " ".join(str(column.header).split()))
            table.columns = [each for each in table.columns if each is not column]
    console.print(table)
    if left_out:
        say(console, f"Left out for want of room: {'; '.join(left_out)}. With --wide, utils.py shows them.")


def _width_of(table: Table) -> int:
    """Return the characters that a table takes at least: columns of text are folded."""
    between = 3 * len(table.columns) - 1  # lines, and a space on both sides of each but for the outermost
    return between + sum(map(_width_of_column, table.columns))


def _width_of_column(column: Column) -> int:
    longest = max(cell_len(line) for cell in (column.header, *column.cells) for line in str(cell).split("\n"))
    return longest if column.no_wrap else min(longest, LEAST_TEXT)


class IdiomTable(Table):
    """A row per library and idiom: numbers and, under the title ``note``, a text. All is shown as it is.

    The most important columns come first; where there is no room, the last are left out (`print_table`).
    """

    def __init__(self, *columns: str, note: str = "") -> None:
        super().__init__(pad_edge=False)
        self.add_column("library", no_wrap=True)
        self.add_column("idiom", overflow="fold")
        for column in columns:
            self.add_column(escape(column), justify="right", no_wrap=True)
        if note:
            self.add_column(note, overflow="fold")

    def add(self, cell: Cell, *values: str) -> None:
        """Add the row of a cell's idiom; on a cluster, also of which number of workers, because there are several."""
        idiom = f"{cell.idiom}, {workers(cell.n_jobs)}" if cell.traits.cluster else cell.idiom
        self.add_row(*map(escape, (cell.library, idiom, *values)))

    def add_limit(self, name: str, values: Sequence[str]) -> None:
        """Add what nothing can undercut, but for noise."""
        self.add_row("limit", name, *values, style="dim")


def work_from(seconds: float | None) -> str:
    """Return the work from which something holds; None: however long a job is, it does not."""
    return "never" if seconds is None else about(seconds)


def number(value: float | None, digits: str = ".2f") -> str:
    """Return a number, or nothing."""
    return "" if value is None else f"{value:{digits}}"
