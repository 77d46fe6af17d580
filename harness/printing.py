"""Printing that never ends a run, even if its reader has gone or its disk is full."""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from rich.console import Console


def console() -> Console:
    """Return what a run prints to: standard output, with a question mark for what its encoding lacks."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    return Console(file=_Unfailing(sys.stdout))  # type: ignore[arg-type]


class _Unfailing:
    """A stream; once it cannot be written to, what is written goes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        with suppress(OSError):
            os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
