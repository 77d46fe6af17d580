"""What there is to show: the newest run of every results file."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from record import files as results
from record.schema import Idiom, Run, Trial
from report.numbers.cell import Cell


class NoMeasurement(Exception):
    """Nothing near was measured, in one line that says what to run."""


@dataclass(frozen=True)
class Measured:
    """The newest run in one results file."""

    path: Path
    workload: str
    library: str
    run: Run

    @property
    def machine(self) -> str:
        """The machine in a few words."""
        return self.run.environment.label

    @cached_property
    def on_clusters(self) -> list[Cell]:
        """The cells whose workers were those of a cluster: they have a table of their own."""
        return [cell for cell in self._all_cells.values() if cell.traits.cluster]

    @cached_property
    def cells(self) -> dict[tuple[str, int], Cell]:
        """The cells on this machine by idiom and number of workers."""
        return {name: cell for name, cell in self._all_cells.items() if not cell.traits.cluster}

    @cached_property
    def _all_cells(self) -> dict[tuple[str, int], Cell]:
        trials: dict[tuple[str, int], list[Trial]] = {}
        for trial in self.run.trials:
            trials.setdefault((trial.idiom, trial.n_jobs), []).append(trial)
        traits = {idiom: self.run.idioms.get(idiom, Idiom()).traits for idiom, _ in trials}
        return {(idiom, n): Cell(self.library, idiom, n, tuple(t), traits[idiom]) for (idiom, n), t in trials.items()}

    @cached_property
    def idioms(self) -> dict[str, list[Cell]]:
        """The cells of each idiom, by number of workers; idioms in the order of the script."""
        by_idiom: dict[str, list[Cell]] = {idiom: [] for idiom in self.run.idioms}
        for _, cell in sorted(self.cells.items(), key=lambda item: item[0][1]):
            if cell.idiom in by_idiom:
                by_idiom[cell.idiom].append(cell)
        return {idiom: cells for idiom, cells in by_idiom.items() if cells}


def read(paths: Iterable[Path]) -> tuple[list[Measured], list[str]]:
    """Return the newest run of every readable file, and one line for each file that was refused."""
    measured, refused = [], []
    for path in paths:
        try:
            content = results.load(path)
        except results.ResultsError as error:
            refused.append(str(error))
            continue
        if content.runs:
            measured.append(Measured(path, content.workload, content.library, content.runs[-1]))
    return measured, refused
