"""The results of one workload that may stand in one chart, and how they compare."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from statistics import median

from record.terms import CALLER, COLD, KEPT
from report.numbers.cell import TUNED, Block, Cell
from report.numbers.measured import Measured, read
from report.numbers.names import EVERY_WORKLOAD, NO_LIBRARIES, REFERENCE, SERIAL, Name, in_order
from report.numbers.parts import tasks_of
from report.numbers.statistics import UNKNOWN, Ratio, beside_the_fastest, paired, unpaired
from report.palette import COLORS

LEAST_COUNTED_BYTES = 64 * 2**20  # of an input whose copies are counted: a worker with NumPy takes about half of it


@dataclass(frozen=True)
class Ranking:
    """The libraries on one number of workers; the plain loop and the floor are none to choose.

    ``fastest``: the tuned row with the least median; None where none succeeded. ``ratios``: of all other rows to it.
    ``verdicts``: on the other tuned rows. ``beside``: verdicts on the rows of other styles. ``failed``: rows that were
    tried and have no time. The same times choose the fastest row and compare the others with it: this can only make the
    others look slower.
    """

    fastest: Cell | None = None
    ratios: dict[Name, Ratio] = field(default_factory=dict)
    verdicts: dict[Name, str] = field(default_factory=dict)
    beside: dict[Name, str] = field(default_factory=dict)
    failed: list[Name] = field(default_factory=list)

    def those(self, verdict: str) -> list[Name]:
        """Return the other tuned rows with that verdict."""
        return [name for name, each in self.verdicts.items() if each == verdict]


@dataclass(frozen=True)
class Group:
    """Files of one workload that were measured with the same parameters on the same machine, and what was left out.

    ``longer``: the groups whose workload is this one with more of the same tasks, even if from another run.
    """

    workload: str
    files: tuple[Measured, ...]
    left_out: tuple[str, ...]
    longer: tuple["Group", ...] = ()

    @property
    def worker_counts(self) -> list[int]:
        """Every number of workers that was tried."""
        return sorted({n for file in self.files for (_, n), cell in file.cells.items() if not cell.skipped})

    @property
    def most_workers(self) -> int:
        """The largest number of workers that was tried."""
        return max(self.worker_counts, default=1)

    @cached_property
    def idioms(self) -> list[list[Cell]]:
        """The cells of each idiom, by number of workers: the rows of tables, in the order of the scripts."""
        return [cells for file in self.files for cells in file.idioms.values()]

    @cached_property
    def on_clusters(self) -> list[Cell]:
        """The cells whose workers were those of a cluster."""
        return [cell for file in self.files for cell in file.on_clusters]

    def on_most(self, cells: Sequence[Cell]) -> Cell | None:
        """Return an idiom's cell on most workers; on 1 worker if the idiom runs in the calling process."""
        return next((c for c in cells if c.n_jobs == (1 if c.traits.workers == CALLER else self.most_workers)), None)

    @cached_property
    def on_most_workers(self) -> list[Cell]:
        """Each idiom's cell on most workers, failed or not; for a skipped idiom, the cell that says why."""
        pairs = [(self.on_most(cells), next((c for c in cells if c.skipped), None)) for cells in self.idioms]
        return [cell for on_most, skipped in pairs if (cell := on_most or skipped)]

    @cached_property
    def timed_on_most_workers(self) -> list[Cell]:
        """Those of `on_most_workers` that have a one-shot time."""
        return [cell for cell in self.on_most_workers if cell.one_shot]

    @property
    def fastest_of_each_library(self) -> list[Cell]:
        """Each library's fastest tuned idiom in one shot on most workers; in the caller, only the plain loop counts."""
        fastest: dict[str, Cell] = {}
        for cell in self.timed_on_most_workers:
            if cell.style != TUNED or (cell.traits.workers == CALLER and cell.library != SERIAL):
                continue
            known = fastest.get(cell.library)
            if known is None or median(cell.times.values()) < median(known.times.values()):
                fastest[cell.library] = cell
        return list(fastest.values())

    def cells(self, n_jobs: int) -> dict[Name, Cell]:
        """Return the cells with that number of workers that have a time, by library and idiom."""
        cells = {(f.library, idiom): cell for f in self.files for (idiom, n), cell in f.cells.items() if n == n_jobs}
        return {name: cell for name, cell in cells.items() if cell.one_shot}

    @cached_property
    def rankings(self) -> dict[int, Ranking]:
        """Who is fastest in one shot, and who ties with it, on each number of workers."""
        return {n_jobs: self._ranking(n_jobs, COLD) for n_jobs in self.worker_counts}

    @cached_property
    def kept_rankings(self) -> dict[int, Ranking]:
        """The same on a pool that is kept."""
        return {n_jobs: self._ranking(n_jobs, KEPT) for n_jobs in self.worker_counts}

    def _ranking(self, n_jobs: int, phase: str) -> Ranking:
        to_choose = [file for file in self.files if file.library not in NO_LIBRARIES]
        tried = [c for file in to_choose for c in file.cells.values() if c.n_jobs == n_jobs and not c.skipped]
        cells = {cell.name: cell for cell in tried if cell.summary_of(phase)}
        failed = [cell.name for cell in tried if not cell.one_shot]
        tuned = [name for name, cell in cells.items() if cell.style == TUNED]
        best = min(tuned, key=lambda name: median(cells[name].times_of(phase).values()), default=None)
        if best is None:
            return Ranking(failed=failed)
        ratios = self.compared({name: cell.times_of(phase) for name, cell in cells.items()}, reference=best)
        all_verdicts = {name: ratios[name].verdict if name in ratios else UNKNOWN for name in cells if name != best}
        verdicts = {name: beside_the_fastest(all_verdicts[name]) for name in tuned if name != best}
        return Ranking(cells[best], ratios, verdicts, {n: v for n, v in all_verdicts.items() if n not in tuned}, failed)

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

    def ratios(self, n_jobs: int, phase: str = COLD) -> dict[Name, Ratio]:
        """Return each cell's time over the reference's, by library and idiom: a family of comparisons a style."""
        return self.compared({name: times for name, c in self.cells(n_jobs).items() if (times := c.times_of(phase))})

    def compared(
        self, values: Mapping[Name, Mapping[Block, float]], reference: Name | None = None
    ) -> dict[Name, Ratio]:
        """Return ``values``, by block, over those of ``reference``, or else of the group's own reference.

        Each style is a family of its own: a naive row changes no verdict among tuned ones. Files of another run than
        the reference's are families of their own too, and unpaired: block 0 of two runs is not one block.
        """
        reference = reference or self.reference
        if reference is None or reference not in values:
            return {}
        base, alone = values[reference], self._measured_apart_from(reference[0])
        together: dict[str, dict[Name, tuple[Mapping[Block, float], Mapping[Block, float]]]] = {}
        apart: dict[str, dict[Name, tuple[list[float], list[float]]]] = {}
        for name, times in values.items():
            style = self._styles[name]
            if name[0] in alone:
                apart.setdefault(style, {})[name] = list(times.values()), list(base.values())
            elif name != reference:
                together.setdefault(style, {})[name] = times, base
        families = [*map(paired, together.values()), *map(unpaired, apart.values())]
        return {name: ratio for family in families for name, ratio in family.items()}

    @cached_property
    def _styles(self) -> dict[Name, str]:
        return {cell.name: cell.style for file in self.files for cell in file.cells.values()}

    def ratio(self, cell: Cell, reference: Cell) -> Ratio | None:
        """Return one cell's time over another's, by itself; None where they have no block in common."""
        times = {each.name: each.times for each in (cell, reference)}
        return self.compared(times, reference=reference.name).get(cell.name)

    @property
    def measured_alone(self) -> list[str]:
        """The libraries that were measured in another run than the reference, and so in other blocks."""
        return self._measured_apart_from(self.reference[0]) if self.reference else []

    def _measured_apart_from(self, library: str) -> list[str]:
        runs = {file.library: file.run.started for file in self.files}
        return [other for other, started in runs.items() if started != runs[library]]

    @cached_property
    def serial(self) -> Cell | None:
        """The plain loop, the fastest one."""
        cells = [cell for (library, _), cell in self.cells(1).items() if library == SERIAL]
        return min(cells, key=lambda cell: median(cell.times.values()), default=None)

    @cached_property
    def serial_s(self) -> float | None:
        """The best one-shot time of the plain loop, which speedups and limits refer to; None if it was not measured."""
        return self.serial.one_shot.median if self.serial and self.serial.one_shot else None

    @cached_property
    def serial_kept_s(self) -> float | None:
        """The same of a further round of the loop, without the setup: the work in the job; None if not measured."""
        return self.serial.kept.median if self.serial and self.serial.kept else None

    @cached_property
    def setup_s(self) -> float:
        """The time that the loop's setup takes in one shot: every worker makes its own."""
        return (self.serial.middle(lambda trial: trial.setup_s) if self.serial else None) or 0.0

    def longest_task_s(self, phase: str) -> float:
        """Return the longest task in such a round of the loop: however many workers there are, one has to run it."""
        trials = self.serial.timed if self.serial else []
        longest = [max((task.end_s - task.start_s for task in tasks_of(t, phase)), default=0.0) for t in trials]
        return median(longest) if longest else 0.0

    @cached_property
    def data_s(self) -> float:
        """The time that input and result take through the machine's memory, once: bytes over measured bandwidth."""
        run = self.newest.run
        return run.moved_bytes / run.bandwidth_bytes_per_s if run.bandwidth_bytes_per_s else 0.0

    @property
    def shared_bytes(self) -> int:
        """The size of the one large input of all tasks; 0 where there is none."""
        return self.newest.run.shared_bytes

    @property
    def counted_bytes(self) -> int:
        """The size that copies are counted in; 0 also for an input so small that interpreters look like copies."""
        return self.shared_bytes if self.shared_bytes >= LEAST_COUNTED_BYTES else 0

    def limit_s(self, n_jobs: int, phase: str) -> float | None:
        """Return the limit in seconds, of one shot (COLD) or of a round on a pool that is kept (KEPT).

        It is the setup (in one shot only; every worker makes its own) plus the larger of two times: the rest over the
        workers, and the longest task. It is never below `data_s`. None where the loop has no such time.
        """
        serial_s, setup_s = (self.serial_s, self.setup_s) if phase == COLD else (self.serial_kept_s, 0.0)
        if serial_s is None:
            return None
        return max(setup_s + max((serial_s - setup_s) / n_jobs, self.longest_task_s(phase)), self.data_s)

    @property
    def newest(self) -> Measured:
        """The file that was measured last."""
        return max(self.files, key=lambda file: file.run.started)

    @property
    def _trials_of_a_fault(self) -> list[int]:
        """How many trials each idiom has of each fault."""
        trials = ((cell.name, trial) for cells in self.idioms for cell in cells for trial in cell.trials)
        return list(Counter((name, trial.kind) for name, trial in trials if trial.fault).values())

    @cached_property
    def said_of_trials(self) -> str:
        """How many trials stand behind the numbers, and what the spread beside them is."""
        summaries = [cell.one_shot for file in self.files for cell in file.cells.values() if cell.one_shot]
        if faults := self._trials_of_a_fault:
            return (
                "1 trial of each fault" if max(faults) == 1 else f"{min(faults)} to {max(faults)} trials of each fault"
            )
        if not summaries:
            return "no trial succeeded"
        fewest, most = min(s.count for s in summaries), max(s.count for s in summaries)
        many = f"{most}" if fewest == most else f"{fewest} to {most}"
        spreads = sorted({summary.spread for summary in summaries if summary.count > 1})
        said = f"median of {many} trials" if most > 1 else "1 trial"
        return f"{said} ({' or '.join(spreads)})" if spreads else f"{said}, no spread known"


def groups_of(paths: Iterable[Path]) -> tuple[list[Group], list[str]]:
    """Return what may be compared, one group per workload, and one line for each file that was refused."""
    files, refused = read(paths)
    workloads = in_order({file.workload for file in files}, EVERY_WORKLOAD)
    groups = [group_of([file for file in files if file.workload == name]) for name in workloads]
    longer = {name: tuple(other for other in groups if other.newest.run.lengthens == name) for name in workloads}
    return [replace(group, longer=longer[group.workload]) for group in groups], refused


def group_of(files: Sequence[Measured]) -> Group:
    """Return those of one workload's ``files`` that may stand beside the newest of them."""
    newest = max(files, key=lambda file: file.run.started)
    same = [f for f in files if _key(f) == _key(newest)]
    left_out = []
    for file in files:
        if file.run.params_hash != newest.run.params_hash:
            left_out.append(f"{file.path.name}: other parameters ({file.run.profile} profile)")
        elif file.machine != newest.machine:
            left_out.append(f"{file.path.name}: another machine ({file.machine})")
    libraries = in_order({file.library for file in same}, list(COLORS))
    same.sort(key=lambda file: libraries.index(file.library))
    return Group(newest.workload, tuple(same), tuple(left_out))


def _key(file: Measured) -> tuple[str, str]:
    return file.run.params_hash, file.machine
