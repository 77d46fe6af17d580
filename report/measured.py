"""What there is to show: the newest run of every results file, and which of them may stand in one chart."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from operator import sub
from pathlib import Path
from statistics import median
from typing import Any

from record import files as results
from record.files import machine_label
from record.terms import FAILURES, MARKED_MOMENTS, MEMORY, MEMORY_FIELDS, MEMORY_MOMENTS, OK, SKIPPED, TIME, WRITE
from report.statistics import (
    FASTER,
    LEAST_FOR_INTERVAL,
    TIE,
    UNKNOWN,
    Ratio,
    Summary,
    half_width,
    paired,
    summarize,
    unpaired,
)

SERIAL = "serial"  # the library that speedups and limits refer to
FLOOR = "fork"  # written by hand: what about 60 lines of Python can reach
NO_LIBRARIES = (SERIAL, FLOOR)  # shown beside the libraries, and none to choose
LIBRARIES = (SERIAL, FLOOR, "mp", "futures", "joblib", "dask", "ray", "mpire")  # as they are shown, everywhere
REFERENCE = "mp"  # whose first idiom all others are compared with: named beforehand, not for its result
WORKLOADS = ("numerical", "stateful", "initialization")
ROUNDS = ("overhead", "grid", "granularity")  # whose trials are of rounds, and have no wall time to compare
STUDIES = ("sharing", "sharing_frame", "client_scatter", "worker_scatter", "array", "dataframe", *ROUNDS)
LEAST_COUNTED_BYTES = 64 * 2**20  # of an input whose copies are counted: a worker with NumPy takes about half of it
NAIVE = "naive"  # an idiom whose name begins so is what many write first, and is drawn dotted


Block = tuple[int, int]  # session, number
Name = tuple[str, str]  # library, idiom


@dataclass(frozen=True)
class Cell:
    """All trials of one library, idiom and number of workers."""

    library: str
    idiom: str
    n_jobs: int
    trials: tuple[dict[str, Any], ...]

    @property
    def name(self) -> Name:
        """Library and idiom."""
        return self.library, self.idiom

    @cached_property
    def timed(self) -> list[dict[str, Any]]:
        """The trials that were right and not held up by sampling memory."""
        return [trial for trial in self.trials if trial["outcome"] == OK and trial["kind"] == TIME]

    @cached_property
    def times(self) -> dict[Block, float]:
        """Wall time in seconds by block.

        The part of a block that was measured after an interrupt is a block of its own: hours may lie between the two.
        """
        return {(trial["session"], trial["block"]): trial["wall_s"] for trial in self.timed}

    @cached_property
    def summary(self) -> Summary | None:
        """Wall time in seconds, or None if no trial was right."""
        return summarize(list(self.times.values())) if self.times else None

    def middle(self, name: str) -> float | None:
        """Return the median over the timed trials of the trial's field ``name``."""
        values = [trial[name] for trial in self.timed if trial[name] is not None]
        return median(values) if values else None

    def between(self, earlier: str, later: str) -> float | None:
        """Return the median of the seconds between two moments that the idiom marks; None where it does not."""
        moments = [trial["moments_s"] for trial in self.timed]
        found = [moment[later] - moment[earlier] for moment in moments if {earlier, later} <= moment.keys()]
        return median(found) if found else None

    @cached_property
    def memory(self) -> dict[str, int]:
        """Start, peak, end and growth in bytes (``pss_start_bytes``, ...), medians of the sampled trials.

        Growth is from the start to the peak.
        """
        found = [trial["memory"] for trial in self._with_memory]
        if not found:
            return {}
        sizes: dict[str, int] = {}
        for name in MEMORY_FIELDS:
            short = name.removesuffix("_bytes")
            for moment in (*MEMORY_MOMENTS, *(moment for moment in MARKED_MOMENTS if moment in found[0])):
                sizes[f"{short}_{moment}_bytes"] = round(median(memory[moment][name] for memory in found))
            sizes[f"{short}_growth_bytes"] = sizes[f"{short}_peak_bytes"] - sizes[f"{short}_start_bytes"]
        return sizes

    @property
    def sampled(self) -> list["Cell"]:
        """Each of the trials whose memory was sampled, alone."""
        return [replace(self, trials=(trial,)) for trial in self._with_memory]

    @property
    def _with_memory(self) -> list[dict[str, Any]]:
        return [trial for trial in self.trials if trial["outcome"] == OK and trial["memory"]]

    def copies(self, shared_bytes: int) -> float | None:
        """Return how often an input of that size lay in memory at the peak, by the memory that the trial grew by.

        It grows from before the input was loaded, so that one copy is the least; what else tasks and processes need is
        in it too. PSS misses segments in /dev/shm that no process has mapped: where these are more, they count.
        """
        if not self.memory or not shared_bytes:
            return None
        return max(self.memory["pss_growth_bytes"], self.memory["shm_growth_bytes"]) / shared_bytes

    @cached_property
    def on_write(self) -> str:
        """What happened when tasks wrote to their shared input; empty if that was not tried."""
        tried = [trial for trial in self.trials if trial["kind"] == WRITE]
        return next((t["on_write"] or f"{t['outcome']}: {t['reason']}" for t in tried), "")

    @cached_property
    def memory_skipped(self) -> str:
        """Why its memory was not sampled; empty if it was, or was not asked for."""
        found = (t["reason"] for t in self.trials if t["kind"] == MEMORY and t["outcome"] == SKIPPED)
        return next(found, "")

    @cached_property
    def failures(self) -> str:
        """What failed and how often; empty if nothing did."""
        counts = Counter(trial["outcome"] for trial in self.trials if trial["outcome"] in FAILURES)
        return ", ".join(f"{outcome} {count} of {len(self.trials)}" for outcome, count in counts.items())

    @cached_property
    def failure(self) -> str:
        """What failed and how often, with the reason of the first failure; empty if nothing did."""
        reasons = (trial["reason"] for trial in self.trials if trial["outcome"] in FAILURES)
        return f"{self.failures}: {next(reasons)}" if self.failures else ""

    @cached_property
    def skipped(self) -> str:
        """Why it was skipped; empty if it was not."""
        found = (t["reason"] for t in self.trials if t["kind"] == TIME and t["outcome"] == SKIPPED)
        return next(found, "")


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
class Ranking:
    """The libraries on one number of workers; the plain loop and the floor are none to choose.

    ``fastest``: with the least median; None where nothing succeeded. ``verdicts``: of the others' ratios to it. It is
    chosen by the same times that they are compared by, which makes them look slower, if anything. ``failed``: tried,
    and without a time.
    """

    fastest: Cell | None
    verdicts: dict[Name, str]
    failed: list[Name]

    def those(self, verdict: str) -> list[Name]:
        """Return the others with that verdict."""
        return [name for name, found in self.verdicts.items() if found == verdict]


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

    @property
    def most_workers(self) -> int:
        """The largest number of workers that was tried."""
        return max(self.worker_counts, default=1)

    @property
    def on_most_workers(self) -> list[Cell]:
        """Each idiom's cell on most workers (serial: 1), where it has a time, in the order of the scripts."""
        counts = {file.library: 1 if file.library == SERIAL else self.most_workers for file in self.files}
        found = [file.cells.get((idiom, counts[file.library])) for file in self.files for idiom in file.idioms]
        return [cell for cell in found if cell and cell.timed]

    @property
    def fastest_of_each_library(self) -> list[Cell]:
        """Each library's fastest idiom on most workers."""
        fastest: dict[str, Cell] = {}
        # Sorted is stable: the slowest first, so that the fastest of a library is the last one to stay.
        for cell in sorted(self.on_most_workers, key=lambda c: -c.summary.median if c.summary else -inf):
            fastest[cell.library] = cell
        return [fastest[file.library] for file in self.files if file.library in fastest]

    def cells(self, n_jobs: int) -> dict[Name, Cell]:
        """Return the cells with that number of workers that have a time, by library and idiom."""
        found = {(f.library, idiom): cell for f in self.files for (idiom, n), cell in f.cells.items() if n == n_jobs}
        return {name: cell for name, cell in found.items() if cell.summary}

    @cached_property
    def rankings(self) -> dict[int, Ranking]:
        """Who is fastest, and who ties with it, on each number of workers."""
        return {n_jobs: self._ranking(n_jobs) for n_jobs in self.worker_counts}

    def _ranking(self, n_jobs: int) -> Ranking:
        to_choose = [file for file in self.files if file.library not in NO_LIBRARIES]
        tried = [c for file in to_choose for c in file.cells.values() if c.n_jobs == n_jobs and not c.skipped]
        cells = {cell.name: cell for cell in tried if cell.summary}
        failed = [cell.name for cell in tried if not cell.summary]
        best = min(cells, key=lambda name: median(cells[name].times.values()), default=None)
        if best is None:
            return Ranking(None, {}, failed)
        ratios = self.compared({name: cell.times for name, cell in cells.items()}, reference=best)
        verdicts = {name: ratios[name].verdict if name in ratios else UNKNOWN for name in cells if name != best}
        # Faster in most blocks, though its median is not: that is a tie too.
        return Ranking(cells[best], {name: TIE if v == FASTER else v for name, v in verdicts.items()}, failed)

    @cached_property
    def reference(self) -> Name | None:
        """Library and idiom that all others are compared with, at the same number of workers; None for serial alone.

        The first idiom of REFERENCE, or else of the first library, that is not skipped.
        """
        parallel = [file for file in self.files if file.library not in NO_LIBRARIES]
        parallel.sort(key=lambda file: file.library != REFERENCE)
        tried = {c.name for file in parallel for c in file.cells.values() if not c.skipped}
        names = [(file.library, idiom) for file in parallel for idiom in file.idioms]
        return next((name for name in names if name in tried), None)

    def ratios(self, n_jobs: int) -> dict[Name, Ratio]:
        """Return each cell's time over the reference's, by library and idiom: a family of comparisons."""
        return self.compared({name: cell.times for name, cell in self.cells(n_jobs).items()})

    def compared(
        self, values: Mapping[Name, Mapping[Block, float]], reference: Name | None = None
    ) -> dict[Name, Ratio]:
        """Return ``values``, by block, over those of ``reference``, or else of the group's own reference.

        Those of files of another run than the reference's are a family of their own, unpaired: block 0 of two runs is
        not one block.
        """
        reference = reference or self.reference
        if reference is None or reference not in values:
            return {}
        base = values[reference]
        others = {name: blocks for name, blocks in values.items() if name != reference}
        alone = self._measured_apart_from(reference[0])
        together = {name: (times, base) for name, times in others.items() if name[0] not in alone}
        against = list(base.values())
        apart = {name: (list(times.values()), against) for name, times in others.items() if name[0] in alone}
        return {**paired(together), **unpaired(apart)}

    def ratio(self, cell: Cell, reference: Cell) -> Ratio | None:
        """Return one cell's time over another's, by itself; None where they have no block in common."""
        times = {each.name: each.times for each in (cell, reference)}
        return self.compared(times, reference=reference.name).get(cell.name)

    @property
    def measured_alone(self) -> list[str]:
        """The libraries that were not measured in the same run, and so the same blocks, as the reference."""
        return self._measured_apart_from(self.reference[0]) if self.reference else []

    def _measured_apart_from(self, library: str) -> list[str]:
        runs = {file.library: file.run["started"] for file in self.files}
        return [other for other, started in runs.items() if started != runs[library]]

    @cached_property
    def serial(self) -> Cell | None:
        """The plain loop, the fastest one."""
        cells = [cell for (library, _), cell in self.cells(1).items() if library == SERIAL]
        return min(cells, key=lambda cell: cell.summary.median if cell.summary else 0.0, default=None)

    @cached_property
    def serial_s(self) -> float | None:
        """The best serial time: what speedups and limits refer to. None if serial was not measured."""
        return self.serial.summary.median if self.serial and self.serial.summary else None

    @cached_property
    def longest_task_s(self) -> float:
        """The longest task in the serial runs: however many workers there are, one of them has to run it."""
        trials = self.serial.timed if self.serial else []
        longest = [max(map(sub, t["tasks"]["end_ns"], t["tasks"]["start_ns"]), default=0) for t in trials]
        return median(longest) / 1e9 if longest else 0.0

    @cached_property
    def data_s(self) -> float:
        """The time that input and result take through the machine's memory, once: bytes over measured bandwidth."""
        run = self.newest.run
        bandwidth = run["bandwidth_bytes_per_s"]
        return run["inputs"].get("moved_bytes", 0) / bandwidth if bandwidth else 0.0

    @property
    def shared_bytes(self) -> int:
        """The size of the one large input of all tasks; 0 where there is none."""
        return self.newest.run["inputs"].get("shared_bytes", 0)

    @property
    def counted_bytes(self) -> int:
        """The size that copies are counted in: 0 also where what interpreters take would look like many copies."""
        return self.shared_bytes if self.shared_bytes >= LEAST_COUNTED_BYTES else 0

    def limit_s(self, n_jobs: int) -> float | None:
        """Return the physical limit: serial / workers, but never below the longest task or the data's way."""
        return max(self.serial_s / n_jobs, self.longest_task_s, self.data_s) if self.serial_s else None

    @property
    def newest(self) -> Measured:
        """The file that was measured last."""
        return max(self.files, key=lambda file: file.run["started"])

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


def widest_interval(parts: Iterable[tuple[str, str, dict[str, Any]]]) -> tuple[float, str] | None:
    """Return the half-width, as a share, of the widest interval of a run, and of what.

    It is infinite while a cell has no interval yet. None: no cell will ever have one, because trials fail.
    ``parts``: workload, library and run. Intervals are those that tables show: of the ratio to the reference, and of
    the wall time where there is nothing to compare with.
    """
    files = [Measured(Path(), *part) for part in parts if part[0] not in ROUNDS]
    widest = (0.0, "")
    for workload in in_order({file.workload for file in files}, WORKLOADS):
        group = comparable([file for file in files if file.workload == workload])
        for n_jobs in group.worker_counts:
            for name, low, high in _intervals(group, n_jobs):
                if low is None or high is None:
                    return inf, f"{workload}, {name}, {n_jobs} workers"
                widest = max(widest, (half_width(low, high), f"{workload}, {name}, {n_jobs} workers"))
    return widest if widest[1] else None


def _intervals(group: Comparable, n_jobs: int) -> Iterator[tuple[str, float | None, float | None]]:
    """Yield every cell's interval, None where more blocks are needed; nothing for cells that lack one by failing."""
    cells, ratios = group.cells(n_jobs), group.ratios(n_jobs)
    for name, cell in cells.items():
        summary = cell.summary
        if group.reference and (ratio := ratios.get(name)):
            known, fails = ratio.verdict != UNKNOWN, bool(cell.failure or cells[group.reference].failure)
            what, low, high = f"{': '.join(name)} over {': '.join(group.reference)}", ratio.low, ratio.high
        elif not ratios and summary:
            known, fails = summary.count >= LEAST_FOR_INTERVAL, bool(cell.failure)
            what, low, high = f"time of {': '.join(name)}", summary.low, summary.high
        else:
            continue
        if known or not fails:
            yield what, low if known else None, high if known else None
