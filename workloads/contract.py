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

        Raises ValueError, in one line, where ``params`` allow no valid input.
        """

    def load(self, params: Params, folder: Path) -> Any:
        """Return the inputs, as every library's function gets them. Runs before the clock starts."""

    def num_tasks(self, params: Params) -> int:
        """Return how many tasks a trial must run, with the indices 0 to that number."""

    def check(self, result: Any, folder: Path) -> str | None:
        """Return what is wrong with a function's result, in one line, or None. Runs after the clock has stopped."""
