"""What every workload module offers to the harness."""

from pathlib import Path
from typing import Any, Protocol

from params import Params


class Workload(Protocol):
    """A module of this package is one. All files live in ``folder``, made once per parameter set."""

    PARAMS: tuple[str, ...]
    """The names of the parameters that its inputs depend on."""

    NOT_IN_PARENT: tuple[str, ...]
    """Modules that a trial's parent must not have imported when the clock starts: a fork would hand them over free."""

    def prepare(self, params: Params, folder: Path) -> dict[str, Any]:
        """Write the inputs and the serial reference result; return plain facts about them for the record.

        ``moved_bytes``: the input read once and the result written once, which is the least that any implementation
        moves. ``shared_bytes``, where there is one large input for all tasks: its size, which copies are counted by.

        Raises ValueError, in one line, where ``params`` allow no valid input.
        """

    def load(self, params: Params, folder: Path) -> Any:
        """Return the inputs, as every library's function gets them. Runs before the clock starts."""

    def num_tasks(self, params: Params) -> int:
        """Return how many tasks a trial must run, with the indices 0 to that number."""

    def memory_bytes(self, params: Params, n_jobs: int) -> tuple[int, int]:
        """Return the memory that a trial of any idiom may take, and how much of it may lie in /dev/shm: estimates."""

    def check(self, result: Any, folder: Path) -> str | None:
        """Return what is wrong with a function's result, in one line, or None. Runs after the clock has stopped."""


class Sharing(Workload, Protocol):
    """A workload whose tasks share one input. Trials of the kind `write` find out what a write to it does."""

    def writing(self, inputs: Any) -> Any:
        """Return ``inputs`` with a task that tries to write in place of the one that computes."""

    def on_write(self, result: Any, inputs: Any) -> str:
        """Return what happened, in a few words, from a function's result and the caller's own inputs afterwards."""
