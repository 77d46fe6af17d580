"""Before and after: two sets of results, cell by cell, and what else changed between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from record.terms import COLD, OF_ROUNDS
from report.numbers.cell import Cell
from report.numbers.group import group_of
from report.numbers.measured import Measured, read
from report.numbers.names import in_order
from report.numbers.statistics import SLOWER, Ratio, paired, unpaired


class NotComparable(Exception):
    """Two sets of results that cannot be compared, in one line that says why."""


Key = tuple[str, str, str, int]  # workload, library, idiom, n_jobs


@dataclass(frozen=True)
class Comparison:
    """``ratios``: of new to old. ``changed``: versions and the like. ``unlike``: what ``force`` has overlooked."""

    pairs: dict[Key, tuple[Cell, Cell]]
    ratios: dict[Key, Ratio]
    is_paired: bool
    changed: tuple[str, ...]
    unlike: tuple[str, ...]
    alone: tuple[str, ...]  # cells of one side only
    gone: tuple[Key, ...]  # had times, and has none now, in a library that is on both sides
    limits_s: dict[tuple[str, int], float]  # limits by workload and n_jobs, where serial was measured

    @property
    def slower(self) -> list[Key]:
        """The cells that are slower, and those that had times and have none now: they may be slower too."""
        return [key for key, ratio in self.ratios.items() if ratio.verdict == SLOWER] + list(self.gone)


def compare(old: Path, new: Path, force: bool) -> Comparison:
    """Compare two folders, library by library, or two files of one workload.

    If both sides are of one run, they were measured side by side, and trials are paired by block. Raises NotComparable
    where machines or parameters differ, unless ``force``, and where there is nothing to compare.
    """
    if old.exists() and new.exists() and old.samefile(new):
        raise NotComparable(f"{old} and {new} are the same: name the results of two measurements")
    olds, news = _files(old), _files(new)
    if old.is_file() and new.is_file():
        both = [(olds[0], news[0])] if olds[0].workload == news[0].workload else []
    else:
        by_name = {(file.workload, file.library): file for file in news}
        both = [(file, by_name[name]) for file in olds if (name := (file.workload, file.library)) in by_name]
    if not both:
        raise NotComparable(f"{old} and {new} have no workload of one library in common")
    unlike = tuple(dict.fromkeys(line for pair in both for line in _unlike(*pair)))
    if unlike and not force:
        raise NotComparable(f"{old} and {new} differ: {'; '.join(unlike)}. Measure again, or --force")
    pairs = {key: cells for pair in both for key, cells in _cells(*pair)}
    is_paired = all(was.run.started == now.run.started for was, now in both)
    times = {key: (now.times, was.times) for key, (was, now) in pairs.items()}
    ratios = (
        paired(times)
        if is_paired
        else unpaired({k: (list(a.values()), list(b.values())) for k, (a, b) in times.items()})
    )
    changed = tuple(dict.fromkeys(line for pair in both for line in _changed(*pair)))
    gone = tuple(key for pair in both for key in _gone(*pair))
    alone = tuple(_alone(olds, news, both))
    return Comparison(pairs, ratios, is_paired, changed, unlike, alone, gone, _limits(news))


def _files(path: Path) -> list[Measured]:
    if not path.exists():
        raise NotComparable(f"there is no {path}: name two folders of results, or two results files")
    files, refused = read(sorted(path.glob("*.p3")) if path.is_dir() else [path])
    if refused:
        raise NotComparable(refused[0])
    if not files:
        raise NotComparable(f"no results in {path}; measure first: python benchmark_all.py --results {path}")
    if not (whole := [file for file in files if file.workload not in OF_ROUNDS]):
        raise NotComparable(f"{path} has only {', '.join(OF_ROUNDS)}: they time rounds, see python utils.py table")
    return whole


def _unlike(old: Measured, new: Measured) -> Iterator[str]:
    """Yield why times of the two cannot be compared."""
    if old.machine != new.machine:
        yield f"machine: {old.machine} -> {new.machine}"
    if old.run.params_hash != new.run.params_hash:
        before, now = old.run.params, new.run.params
        names = [name for name in now if name in before and before[name] != now[name]]
        values = ", ".join(f"{name} {before[name]} -> {now[name]}" for name in names)
        yield f"parameters of {new.workload}: {old.run.params_hash} -> {new.run.params_hash} ({values})"


def _changed(old: Measured, new: Measured) -> Iterator[str]:
    """Yield what else changed, which may be why times did."""
    was, now = old.run.environment, new.run.environment
    before, after = was.versions, now.versions
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield f"{name} {before.get(name, 'not installed')} -> {after.get(name, 'not installed')}"
    revisions = [side.suite.get("git_revision", "unknown") for side in (was, now)]
    if revisions[0] != revisions[1]:
        yield f"suite {revisions[0]} -> {revisions[1]}"


def _cells(old: Measured, new: Measured) -> Iterator[tuple[Key, tuple[Cell, Cell]]]:
    names = in_order({idiom for idiom, _ in new.cells}, list(new.run.idioms))
    for (idiom, n_jobs), cell in sorted(new.cells.items(), key=lambda item: (names.index(item[0][0]), item[0][1])):
        if earlier := old.cells.get((idiom, n_jobs)):
            yield (new.workload, new.library, idiom, n_jobs), (earlier, cell)


def _limits(files: list[Measured]) -> dict[tuple[str, int], float]:
    """Return the limits on the new side; the old side had the same inputs on the same machine."""
    limits_s: dict[tuple[str, int], float] = {}
    for workload in {file.workload for file in files}:
        group = group_of([file for file in files if file.workload == workload])
        counts = {n_jobs for file in group.files for _, n_jobs in file.cells}
        limits_s |= {(workload, n_jobs): limit for n_jobs in counts if (limit := group.limit_s(n_jobs, COLD))}
    return limits_s


def _gone(old: Measured, new: Measured) -> Iterator[Key]:
    for (idiom, n_jobs), cell in old.cells.items():
        later = new.cells.get((idiom, n_jobs))
        if cell.times and not (later and later.times):
            yield old.workload, old.library, idiom, n_jobs


def _alone(olds: list[Measured], news: list[Measured], both: list[tuple[Measured, Measured]]) -> Iterator[str]:
    for side, files, place in (("old", olds, 0), ("new", news, 1)):
        matched = [pair[place] for pair in both]
        for file in files:
            if file not in matched:
                yield f"only in {side}: {file.workload}, {file.library}"
    for was, now in both:
        for side, one, other in (("old", was, now), ("new", now, was)):
            for idiom, n_jobs in one.cells.keys() - other.cells.keys():
                yield f"only in {side}: {one.workload}, {one.library}, {idiom}, {n_jobs} workers"
