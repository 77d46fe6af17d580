"""What there is to show: the newest run of every results file, and which of them may stand in one chart."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness import results
from harness.environment import machine_label
from harness.outcome import FAILURES, OK, SKIPPED
from report.statistics import Summary, summarize

SERIAL = "serial"  # the library that speedups and limits refer to
LIBRARIES = (SERIAL, "mp", "futures", "joblib", "dask", "ray", "mpire")  # the order in which they are shown, everywhere
WORKLOADS = ("numerical", "stateful", "initialization")
NAIVE = "naive"  # an idiom whose name begins so is what many write first, and is drawn dotted


@dataclass(frozen=True)
class Cell:
    """All trials of one library, idiom and number of workers."""

    library: str
    idiom: str
    n_jobs: int
    trials: tuple[dict[str, Any], ...]

    @cached_property
    def summary(self) -> Summary | None:
        """Wall time in seconds of the trials that were right, or None if none was."""
        walls = [trial["wall_s"] for trial in self.trials if trial["outcome"] == OK]
        return summarize(walls) if walls else None

    @cached_property
    def failure(self) -> str:
        """What failed and how often, with the reason of the first failure; empty if nothing did."""
        failed = [trial for trial in self.trials if trial["outcome"] in FAILURES]
        if not failed:
            return ""
        counts = Counter(trial["outcome"] for trial in failed)
        often = ", ".join(f"{outcome} {count} of {len(self.trials)}" for outcome, count in counts.items())
        return f"{often}: {failed[0]['reason']}"

    @cached_property
    def skipped(self) -> str:
        """Why it was skipped; empty if it was not."""
        return next((trial["reason"] for trial in self.trials if trial["outcome"] == SKIPPED), "")


@dataclass(frozen=True)
class Measured:
    """The newest run in one results file."""

    path: Path
    workload: str
    library: str
    run: dict[str, Any]

    @property
    def machine(self) -> str:
        """The machine in a few words."""
        return machine_label(self.run["environment"])

    @cached_property
    def cells(self) -> dict[tuple[str, int], Cell]:
        """The cells by idiom and number of workers."""
        trials: dict[tuple[str, int], list[dict[str, Any]]] = {}
        for trial in self.run["trials"]:
            trials.setdefault((trial["idiom"], trial["n_jobs"]), []).append(trial)
        return {(idiom, n): Cell(self.library, idiom, n, tuple(found)) for (idiom, n), found in trials.items()}

    @property
    def idioms(self) -> list[str]:
        """The idioms, in the order of the script."""
        return [idiom for idiom in self.run["idioms"] if any(name == idiom for name, _ in self.cells)]


@dataclass(frozen=True)
class Comparable:
    """Files of one workload that were measured with the same parameters on the same machine, and what was left out."""

    workload: str
    files: tuple[Measured, ...]
    left_out: tuple[str, ...]

    @property
    def worker_counts(self) -> list[int]:
        """Every number of workers that was tried."""
        return sorted({n for file in self.files for (_, n), cell in file.cells.items() if not cell.skipped})

    @cached_property
    def serial_s(self) -> float | None:
        """The best serial time: what speedups and the ideal line refer to. None if serial was not measured."""
        times = [c.summary.median for f in self.files if f.library == SERIAL for c in f.cells.values() if c.summary]
        return min(times, default=None)

    @cached_property
    def said_of_trials(self) -> str:
        """How many trials stand behind the numbers, and what the spread beside them is."""
        found = [cell.summary for file in self.files for cell in file.cells.values() if cell.summary]
        if not found:
            return "no trial succeeded"
        fewest, most = min(s.count for s in found), max(s.count for s in found)
        many = f"{most}" if fewest == most else f"{fewest} to {most}"
        spreads = sorted({summary.spread for summary in found if summary.count > 1})
        said = f"median of {many} trials" if most > 1 else "1 trial"
        return f"{said} ({' or '.join(spreads)})" if spreads else f"{said}, no spread known"


def read(paths: Iterable[Path]) -> tuple[list[Measured], list[str]]:
    """Return the newest run of every readable file, and one line for each file that was refused."""
    found, refused = [], []
    for path in paths:
        try:
            content = results.load(path)
        except results.ResultsError as error:
            refused.append(str(error))
            continue
        if content["runs"]:
            found.append(Measured(path, content["workload"], content["library"], content["runs"][-1]))
    return found, refused


def comparable(files: Sequence[Measured]) -> Comparable:
    """Return those of one workload's ``files`` that may stand beside the newest of them."""
    newest = max(files, key=lambda file: file.run["started"])
    same = [f for f in files if _key(f) == _key(newest)]
    left_out = []
    for file in files:
        if file.run["params_hash"] != newest.run["params_hash"]:
            left_out.append(f"{file.path.name}: other parameters ({file.run['profile']} profile)")
        elif file.machine != newest.machine:
            left_out.append(f"{file.path.name}: another machine ({file.machine})")
    libraries = in_order({file.library for file in same}, LIBRARIES)
    same.sort(key=lambda file: libraries.index(file.library))
    return Comparable(newest.workload, tuple(same), tuple(left_out))


def _key(file: Measured) -> tuple[str, str]:
    return file.run["params_hash"], file.machine


def in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return ``names`` in ``order``; what is not named there comes last, by its name."""
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
