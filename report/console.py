"""What every text report prints alike."""

from rich.console import Console

PLAIN_WIDTH = 180  # columns, where there is no terminal to ask


def plain_if_piped(console: Console) -> Console:
    """Return a console of a width that tables fit into, where the output goes into a file or a pipe."""
    return console if console.is_terminal else Console(file=console.file, width=PLAIN_WIDTH)


def say(console: Console, text: str) -> None:
    """Print ``text`` as it is, on one line however long."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
