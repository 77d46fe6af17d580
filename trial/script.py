"""What a library's script says: `needs`, `idiom`, `skip`, `run`; `in_batches`. Light: worker processes import it."""

import json
import os
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any

from record.terms import Traits

LIST_VARIABLE = "BENCHMARK_LIST"  # write to this file which idioms there are, run nothing
CLUSTER_VARIABLE = "BENCHMARK_CLUSTER"  # write to the same file what the cluster at this address is
CODE_VARIABLE = "BENCHMARK_CODE"  # the zip file with the code that a cluster's workers need
TRIAL_VARIABLE = "BENCHMARK_TRIAL"  # run the trial that this file describes

CLOCK = perf_counter_ns  # as it was before the library was imported
import_s = 0.0  # what the imports in `needs` have taken in this process

Function = Callable[[Any, Iterator[Any], int], Generator[Any, None, None]]
"""A generator of (job, rounds, n_jobs): see `trial.patterns`."""
Serve = Callable[[int], AbstractContextManager[str]]
"""Starts so many workers, gives the address at which they are found, and ends them: see `trial.running`."""


@dataclass(frozen=True)
class Idiom:
    """``interpreter``: what runs its trials, if its packages cannot be installed beside the other libraries'.

    ``connects_to``: what runs already when the clock starts; the function gets its ``address``.
    """

    function: Function
    traits: Traits
    interpreter: Path | None
    connects_to: Serve | None


@dataclass(frozen=True)
class Skipped:
    """In the place of an idiom."""

    reason: str
    traits: Traits


Row = Idiom | Skipped
"""What `idiom` and `skip` both return: a checker could not tell what a dictionary with some of each holds."""
Rows = Mapping[str, Row]


def idiom(function: Function, /, *, interpreter: Any = None, connects_to: Any = None, **traits: Any) -> Row:
    """Return a row of a pattern: what runs it, see `Idiom`, and what it is, as `record.terms.Traits` names it.

    Keywords may be anything, for type checkers too: scripts keep traits that several rows have in dictionaries, and a
    checker takes each of their values for any keyword.
    """
    return Idiom(function, Traits(connects=connects_to is not None, **traits), interpreter, connects_to)


def skip(reason: str, **traits: Any) -> Row:
    """Return the row of an idiom that the library cannot have: why, and what it would be."""
    return Skipped(reason, Traits(**traits))


def in_batches(tasks: list[Any], n_jobs: int, each: int) -> list[list[Any]]:
    """Return ``tasks`` divided into about ``each`` batches a worker: for libraries that have no chunks of their own."""
    size = max(1, len(tasks) // (each * n_jobs))
    return [tasks[first : first + size] for first in range(0, len(tasks), size)]


@contextmanager
def needs(*packages: str):
    """Import the library under test, under a clock of its own.

    If one of ``packages`` is missing, the script is a row that says how to install it.
    """
    global import_s
    start = perf_counter()
    try:
        yield
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in packages:
            raise
        _report({"missing": missing})
    import_s += perf_counter() - start


def run(cluster_at: Callable[[str], dict[str, Any]] | None = None, /, **patterns: Rows) -> None:
    """Measure this script's idioms: ``pattern={"name of the idiom": idiom(function, ...), ...}``.

    ``cluster_at(address)``: says what the library's cluster at an address is, see `harness.clusters.with_facts`.

    A script that a user starts hands over to ``benchmark_all.py``, which imports no library. That program starts the
    script again for every trial, in a fresh interpreter. Only there is a function of ``patterns`` called.
    """
    if trial := os.environ.get(TRIAL_VARIABLE):
        from trial.execute import run_trial

        run_trial(Path(trial), patterns, import_s)
    elif cluster_at and (address := os.environ.get(CLUSTER_VARIABLE)):
        _report({"cluster": cluster_at(address)})
    else:
        _report({"patterns": {pattern: _listed(pattern, rows) for pattern, rows in patterns.items()}})


def _listed(pattern: str, rows: Rows) -> dict[str, dict[str, Any]]:
    """Return by name why an idiom is skipped, or its traits, its interpreter, and the code that the report shows."""
    from trial.source import source_of
    from trial.standalone_program import program_of  # what only the listing needs: no worker imports it

    script, names = Path(sys.argv[0]).resolve(), vars(sys.modules["__main__"])
    return {
        name: {"traits": asdict(row.traits), "skipped": row.reason}
        if isinstance(row, Skipped)
        else {
            "traits": asdict(row.traits),
            "interpreter": str(row.interpreter or sys.executable),
            "source": source_of(row.function, script) | program_of(row.function, script, names, pattern),
        }
        for name, row in rows.items()
    }


def _report(listing: dict[str, Any]) -> None:
    """Write ``listing`` if it was asked for. Otherwise a user has started the script: hand over to the suite."""
    if path := os.environ.get(LIST_VARIABLE):
        Path(path).write_text(json.dumps(listing))
        sys.exit(0)
    suite = Path(__file__).resolve().parent.parent / "benchmark_all.py"
    os.execv(sys.executable, [sys.executable, str(suite), f"--script={Path(sys.argv[0]).resolve()}", *sys.argv[1:]])
