"""What a library's script says to the harness: `needs`, `skip`, `run`. Light, because worker processes import it."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

LIST_VARIABLE = "BENCHMARK_LIST"  # write to this file which idioms there are, run nothing
TRIAL_VARIABLE = "BENCHMARK_TRIAL"  # run the trial that this file describes

import_s = 0.0  # what the imports in `needs` have taken in this process

Idiom = Callable[[Any, int], Any]
"""A function of (inputs, n_jobs) that opens what it needs, computes the workload, closes it, and returns the result."""


def threads(idiom: Idiom) -> Idiom:
    """Decorate an idiom whose workers are threads of the calling process, on purpose.

    Without it, tasks that run there are refused: a library that fell back to a loop would be taken for a parallel one.
    """
    idiom.workers_are_threads = True  # type: ignore[attr-defined]
    return idiom


def all_cores_each(idiom: Idiom) -> Idiom:
    """Decorate an idiom whose workers each compute with as many threads as there are cores, to show what that costs.

    Without it, a worker that computes with more than one is refused.
    """
    idiom.computes_on_all_cores = True  # type: ignore[attr-defined]
    return idiom


def graphs(idiom: Idiom) -> Idiom:
    """Decorate an idiom of a workload in rounds whose rounds are task graphs: see `trial.workload.Rounds`."""
    idiom.takes_graphs = True  # type: ignore[attr-defined]
    return idiom


@dataclass(frozen=True)
class skip:  # noqa: N801 -- reads as a verb: ``"state at exit": skip("there is no exit hook")``
    """In the place of an idiom: the library cannot do this, and why."""

    reason: str


@dataclass(frozen=True)
class elsewhere:  # noqa: N801 -- reads as an adverb
    """Around an idiom whose packages cannot live beside the others: its trials run under another interpreter."""

    interpreter: Path
    idiom: Idiom


@contextmanager
def needs(*packages: str):
    """Import the library under test, under a clock of its own.

    One that is missing is a row of the script, which says how to install it.
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


def run(*, parallel: bool = True, **idioms: Mapping[str, Idiom | skip | elsewhere]) -> None:
    """Measure this script's idioms: ``workload={"name of the idiom": function, ...}``.

    Called as a program, the script hands over to ``benchmark_all.py``, which imports no library; it starts the script
    again for every trial, in a fresh interpreter, and only there a function of ``idioms`` is called.
    ``parallel=False``: the functions use one worker whatever is asked for, and are run once.
    """
    if trial := os.environ.get(TRIAL_VARIABLE):
        from trial.execute import run_trial

        functions = {
            workload: {name: idiom.idiom if isinstance(idiom, elsewhere) else idiom for name, idiom in named.items()}
            for workload, named in idioms.items()
        }
        run_trial(Path(trial), functions, import_s)
    else:
        listed = {
            workload: {name: idiom.reason if isinstance(idiom, skip) else None for name, idiom in named.items()}
            for workload, named in idioms.items()
        }
        interpreters = {
            f"{workload}: {name}": str(idiom.interpreter)
            for workload, named in idioms.items()
            for name, idiom in named.items()
            if isinstance(idiom, elsewhere)
        }
        _report({"parallel": parallel, "idioms": listed, "interpreters": interpreters, "sources": _sources(idioms)})


def _sources(idioms: Mapping[str, Mapping[str, Idiom | skip | elsewhere]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return by workload and idiom the code that the report shows beside its number."""
    from trial.source import source_of  # what only the listing needs: no worker imports it

    script = Path(sys.argv[0]).resolve()
    return {
        workload: {
            name: source_of(idiom.idiom if isinstance(idiom, elsewhere) else idiom, script)
            for name, idiom in named.items()
            if not isinstance(idiom, skip)
        }
        for workload, named in idioms.items()
    }


def _report(listing: dict[str, Any]) -> None:
    """Write ``listing`` where it was asked for; else this is a user's ``python benchmark_x.py``: hand over."""
    if path := os.environ.get(LIST_VARIABLE):
        Path(path).write_text(json.dumps(listing))
        sys.exit(0)
    suite = Path(__file__).resolve().parent.parent / "benchmark_all.py"
    os.execv(sys.executable, [sys.executable, str(suite), f"--script={Path(sys.argv[0]).resolve()}", *sys.argv[1:]])
