"""What every text report prints alike."""

from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

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


def idiom_table(*columns: str) -> Table:
    """Return an empty table of library, idiom and ``columns`` of numbers."""
    table = Table(pad_edge=False)
    table.add_column("library", no_wrap=True)
    table.add_column("idiom", no_wrap=True)
    for column in columns:
        table.add_column(escape(column), justify="right", no_wrap=True)
    return table
