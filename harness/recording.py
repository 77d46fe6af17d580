"""One run on disk: opened in every file, saved after every trial, resumed after an interrupt."""

from collections.abc import Iterator
from dataclasses import replace
from time import strftime
from typing import Any

import params
from harness import inputs
from harness.cells import Cell
from harness.cli import Settings, UserError
from harness.machine import environment
from record import files as results
from record import terms
from record.schema import Environment, Run, Stopping, Trial, printable
from record.terms import MEMORY, WRITE
from trial.workload import load_workload


class Recording:
    """What one run has measured so far, on disk after every trial.

    Raises UserError for an unreadable file, which would be overwritten, and for a run that cannot be resumed.
    """

    def __init__(self, settings: Settings, cells: list[Cell]) -> None:
        self.settings = settings
        self.trials = 0
        self.failures = 0
        self.done: set[tuple[str, int, Cell]] = set()
        self.session = 0  # how often this run was resumed: trials of two sessions are in no common block
        self._common = Run(
            started=strftime("%Y-%m-%dT%H:%M:%S%z"),
            profile=settings.profile,
            params=params.as_dict(settings.params),
            params_hash="",
            worker_counts=list(settings.worker_counts),
            seed=settings.params.seed,
            asked=_asked(cells),
            environment=_with_clusters(environment.collect(), settings),
        )
        self._files = {(cell.workload, cell.library): self._earlier(cell) for cell in cells}
        if settings.resume:
            self._common = self._interrupted()

    def _earlier(self, cell: Cell) -> list[Run]:
        path = results.path_of(self.settings.results, cell.workload, cell.library)
        try:
            return results.load(path).runs if path.exists() else []
        except results.ResultsError as error:
            raise UserError(str(error)) from error

    def _interrupted(self) -> Run:
        """Return the newest run. Raises UserError unless it measured what would be measured now."""
        runs = [runs[-1] for runs in self._files.values() if runs]
        if not runs:
            raise UserError(f"--resume: there is no run to go on with in {self.settings.results}; measure without it")
        newest = max(runs, key=lambda run: run.started)
        if differences := list(_differences(newest, self._common, self.settings.workloads)):
            raise UserError(
                f"--resume: the run of {newest.started} cannot be gone on with: {'; '.join(differences)}. "
                "Measure without --resume, or restore what has changed"
            )
        return newest

    @property
    def order_seed(self) -> str:
        """The seed of the trials' order: recorded, and different in every run, so that orders average out."""
        return f"{self._common.seed} {self._common.started}"

    def begin(self, cells: list[Cell], bandwidth: float, disturbances: list[str]) -> None:
        """Open a run in every file: a new one without trials, or the one to resume. Note which trials that one has."""
        for (workload, library), runs in self._files.items():
            mine = [cell for cell in cells if (cell.workload, cell.library) == (workload, library)]
            if not (self.settings.resume and runs and runs[-1].started == self._common.started):
                runs.append(
                    replace(
                        self._common,
                        params_hash=results.hash_of(_relevant(self._common.params, workload)),
                        inputs=inputs.facts(workload, self.settings.params),
                        idioms={cell.idiom: cell.shown for cell in mine},
                        bandwidth_bytes_per_s=bandwidth,
                        disturbances=disturbances,
                        stopping=None,
                        trials=[],
                    )
                )
            by_name = {(cell.idiom, cell.n_jobs): cell for cell in mine}
            for trial in runs[-1].trials:
                self.session = max(self.session, trial.session + 1)
                if cell := by_name.get((trial.idiom, trial.n_jobs)):
                    self.done.add((trial.kind, trial.block, cell))

    def add(self, cell: Cell, trial: Trial) -> None:
        """Record a trial and save the file that it belongs to."""
        trial.session = self.session
        trial.reason, trial.output = printable(trial.reason), printable(trial.output)  # of a library's, or a user's
        self.newest(cell.workload, cell.library).trials.append(trial)
        self._save(cell.workload, cell.library)
        self.trials += trial.outcome != terms.SKIPPED
        self.failures += trial.outcome in terms.FAILURES

    def finish(self, stopping: Stopping) -> None:
        """Record why the run has ended and how sure it is."""
        for workload, library in self._files:
            self.newest(workload, library).stopping = stopping
            self._save(workload, library)

    def has_hung(self, kind: str, cell: Cell) -> bool:
        """Return whether a trial for this fault has hung: it is not tried again, so that it costs its limit once."""
        trials = self.newest(cell.workload, cell.library).trials
        alike = [t for t in trials if (t.kind, t.idiom, t.n_jobs) == (kind, cell.idiom, cell.n_jobs)]
        return any(trial.fault is not None and trial.fault.learned == terms.NOTHING for trial in alike)

    def blocks(self) -> int:
        """Return how many blocks have a trial; those for memory or for writes are no blocks."""
        beside = (MEMORY, WRITE)
        trials = [trial for _, _, run in self.parts() for trial in run.trials]
        return len({trial.block for trial in trials if trial.kind not in beside and trial.outcome != terms.SKIPPED})

    def newest(self, workload: str, library: str) -> Run:
        """Return this run's part in the file of ``library`` in ``workload``."""
        return self._files[workload, library][-1]

    def parts(self) -> list[tuple[str, str, Run]]:
        """Return workload, library and this run's part in their file, for every file."""
        return [(*names, self.newest(*names)) for names in self._files]

    def _save(self, workload: str, library: str) -> None:
        try:
            results.save(self.settings.results, workload, library, self._files[workload, library])
        except OSError as error:
            path = results.path_of(self.settings.results, workload, library)
            raise UserError(
                f"{path} cannot be written: {error.strerror}. The {self.trials} trials before are saved, the last one "
                "is not: make room, and go on with --resume"
            ) from error


def _with_clusters(found: Environment, settings: Settings) -> Environment:
    """Return the environment with what is known of the clusters, as conditions."""
    known = {
        terms.cluster_condition(library): {
            name: ", ".join(map(str, fact)) if isinstance(fact, list) else fact for name, fact in facts.items()
        }
        for library, facts in settings.clusters.items()
    }
    return replace(found, conditions={**found.conditions, **known})


def _relevant(all_params: dict[str, Any], workload: str) -> dict[str, Any]:
    known = load_workload(workload)
    return {**{name: all_params.get(name) for name in ("kept_rounds", *known.PARAMS)}, **known.IDENTITY}


def _asked(cells: list[Cell]) -> dict[str, list[str]]:
    """Return the idioms of every library in every workload."""
    asked: dict[str, list[str]] = {}
    for cell in cells:
        idioms = asked.setdefault(f"{cell.library} in {cell.workload}", [])
        if cell.idiom not in idioms:
            idioms.append(cell.idiom)
    return asked


def _differences(old: Run, new: Run, workloads: tuple[str, ...]) -> Iterator[str]:
    """Yield, in words, each difference that keeps trials of the two runs out of one block."""
    for workload in workloads:
        before, now = _relevant(old.params, workload), _relevant(new.params, workload)
        if results.hash_of(before) != results.hash_of(now):
            changed = ", ".join(
                f"{name} was {before[name]}, is {now[name]}" for name in now if before[name] != now[name]
            )
            yield f"parameters {results.hash_of(before)} and {results.hash_of(now)} of {workload} ({changed})"
    for name in ("seed", "worker_counts"):
        if getattr(old, name) != getattr(new, name):
            yield f"{name} was {getattr(old, name)}, is {getattr(new, name)}"
    for name in sorted({*old.asked, *new.asked}):
        if old.asked.get(name) != new.asked.get(name):
            yield f"{name}: idioms were {old.asked.get(name, [])}, are {new.asked.get(name, [])}"
    if old.environment.label != new.environment.label:
        yield f"it ran on another machine ({old.environment.label}; this is {new.environment.label})"
    was = {**old.environment.versions, **old.environment.suite}
    for name, version in {**new.environment.versions, **new.environment.suite}.items():
        if was.get(name) != version:
            yield f"{name} was {was.get(name)}, is {version}"
