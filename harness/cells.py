"""The cells of a run: which idioms each script offers, for which workloads, on how many workers."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.cli import Settings, UserError
from harness.folders import temporary_folder
from harness.machine import process
from harness.machine.environment import trial_environment
from harness.machine.supervise import end_descendants
from record import terms
from record.schema import Idiom
from record.terms import SELF_AGAIN, SELF_SLOWDOWN, SELF_SLOWED, Traits
from trial import script
from trial.workload import SHOWN_ON_REQUEST, Workload, load_workload

LISTING_TIMEOUT_S = 60.0
NO_IDIOM = "-"  # the idiom's name in the row of a script that cannot say which idioms it has


@dataclass(frozen=True)
class Cell:
    """One (library, workload, idiom, n_jobs).

    A cell with an ``outcome`` is not run: the outcome is known beforehand. ``slowdown``: it is made slower on purpose,
    by this share of its own time. ``address``: of the cluster whose workers it uses. ``interpreter``: what runs its
    trials. ``shown``: what its idiom is, and its code.
    """

    library: str
    script: Path
    workload: str
    idiom: str
    n_jobs: int
    pattern: str = ""
    outcome: str | None = None
    reason: str = ""
    slowdown: float = 0.0
    address: str = ""
    interpreter: str = sys.executable
    shown: Idiom = field(default_factory=Idiom, compare=False)


def all_cells(settings: Settings) -> list[Cell]:
    """Return every cell of ``settings``; scripts are asked in processes of their own, because they import libraries.

    A script is left out if the user has not named it and it has no idiom for any of the workloads.
    """
    listings = _list_all(settings.scripts)
    patterns = {pattern for workload in settings.workloads for pattern in load_workload(workload).PATTERNS}
    return [
        cell
        for library, path in settings.scripts.items()
        if settings.named or patterns.intersection(listings[library].get("patterns", patterns))
        for workload in settings.workloads
        for cell in _cells_of(library, path, workload, listings[library], settings)
    ]


def shuffled(cells: list[Cell], seed: str, block: str) -> list[Cell]:
    """Return the cells of a block in its own order, the same for the same seed."""
    order = list(cells)
    random.Random(f"{seed} {block}").shuffle(order)
    return order


def self_check_cells(settings: Settings) -> list[Cell]:
    """Return one idiom of one library three times: as it is, as it is under another name, and slowed down by 5 %.

    The idiom is the first that the script lists, on most workers, in each of the workloads. Raises UserError where
    the library has none.
    """
    if counted := [name for name in settings.workloads if not load_workload(name).RECORDED]:
        raise UserError(
            f"--self-check cannot measure {counted[0]}: it chooses its rounds by their time; name other workloads"
        )
    first: dict[str, Cell] = {}
    cells = all_cells(settings)
    for cell in cells:
        if not cell.outcome and cell.idiom == first.setdefault(cell.workload, cell).idiom:
            first[cell.workload] = cell  # worker counts ascend
    if lacking := [cell for cell in cells if cell.workload not in first]:
        cell = lacking[0]
        raise UserError(
            f"--self-check cannot measure {cell.library} in {cell.workload}: {cell.reason}; "
            "choose another library: --libraries NAME"
        )
    return [
        copy
        for cell in first.values()
        for copy in (
            cell,
            replace(cell, library=cell.library + SELF_AGAIN),
            replace(cell, library=cell.library + SELF_SLOWED, slowdown=SELF_SLOWDOWN),
        )
    ]


def _cells_of(library: str, path: Path, name: str, listing: dict[str, Any], settings: Settings) -> Iterator[Cell]:
    """Yield the cells of a workload. An idiom that the script or the workload rules out is a row with the reason."""
    workload, most = load_workload(name), settings.worker_counts[-1]
    if "patterns" not in listing:
        yield Cell(library, path, name, NO_IDIOM, most, outcome=listing["outcome"], reason=listing["reason"])
        return
    offered = [(pattern, listing["patterns"].get(pattern, {})) for pattern in workload.PATTERNS]
    if not any(rows for _, rows in offered):
        reason = f"{path.name} has no idiom of the pattern {' or '.join(workload.PATTERNS)}"
        yield Cell(library, path, name, NO_IDIOM, most, outcome=terms.SKIPPED, reason=reason)
    for pattern, rows in offered:
        for idiom, row in rows.items():
            shown = Idiom(traits=Traits(**row["traits"]), **_source(row, workload))
            cluster = settings.clusters.get(library) if shown.traits.cluster else None
            if not _is_asked_for(workload, shown.traits) or (shown.traits.cluster and not cluster):
                continue
            cell = Cell(library, path, name, idiom, most, pattern, shown=shown)
            why = row.get("skipped", _left_out(workload, shown.traits))
            if why:
                yield replace(cell, outcome=terms.SKIPPED, reason=why)
            elif why is None:
                asked = settings.worker_counts if workload.EVERY_COUNT else (most,)
                for n_jobs in (1,) if shown.traits.workers == terms.CALLER else _on_cluster(asked, cluster):
                    address = cluster["address"] if cluster else ""
                    yield replace(cell, n_jobs=n_jobs, address=address, interpreter=row["interpreter"])


def _on_cluster(counts: Sequence[int], cluster: dict[str, Any] | None) -> Sequence[int]:
    """Return the worker counts of a row: on a cluster, those asked for here that it has, and all its workers."""
    if cluster is None:
        return counts
    return sorted({*(count for count in counts if count < cluster["workers"]), cluster["workers"]})


def _source(row: dict[str, Any], workload: Workload) -> dict[str, Any]:
    """Return the code of an idiom; for a user's own job also the program that the user can take away."""
    has_program = workload.OWN and not row["traits"]["cluster"]  # on a cluster, the suite sends the code
    shown = ("call", "code", "lines", *(("program", "expression") if has_program else ()))
    return {name: value for name, value in row.get("source", {}).items() if name in shown}


def _is_asked_for(workload: Workload, traits: Traits) -> bool:
    return all(trait in workload.SHOWS or not getattr(traits, trait) for trait in SHOWN_ON_REQUEST)


def _left_out(workload: Workload, traits: Traits) -> str | None:
    """Return why the workload leaves an idiom out: empty if no reader needs to know, None if the idiom stays."""
    return next((why for (trait, value), why in workload.LEFT_OUT.items() if getattr(traits, trait) == value), None)


def _list_all(scripts: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """Ask all scripts at once which idioms they have."""
    with temporary_folder() as folder:
        folders = {library: folder / library for library in scripts}
        try:
            started = {library: _start_listing(path, folders[library]) for library, path in scripts.items()}
            return {library: _listing(started[library], folders[library], path) for library, path in scripts.items()}
        finally:
            with process.interrupts_wait():
                end_descendants(grace_s=0.0)


def _start_listing(path: Path, folder: Path) -> subprocess.Popen[bytes]:
    folder.mkdir()
    with (folder / "output.txt").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, str(path)],
            env={**trial_environment(folder), script.LIST_VARIABLE: str(folder / "listing.json")},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _listing(started: subprocess.Popen[bytes], folder: Path, path: Path, again: bool = True) -> dict[str, Any]:
    """Return what a script says. One whose process is ended by a signal is asked once more."""
    try:
        status = started.wait(LISTING_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        return {"outcome": terms.TIMEOUT, "reason": f"{path.name} did not start within {LISTING_TIMEOUT_S:g} s"}
    answer = folder / "listing.json"
    if not answer.exists() and status < 0 and again:
        return _listing(_start_listing(path, folder / "again"), folder / "again", path, again=False)
    if not answer.exists():
        lines = (folder / "output.txt").read_text("utf-8", errors="replace").strip().splitlines()
        last = lines[-1] if lines else f"it ended with status {status}"
        return {"outcome": terms.ERROR, "reason": f"{path.name} does not start: {last}"}
    listing = json.loads(answer.read_text())
    if missing := listing.get("missing"):
        return {"outcome": terms.SKIPPED, "reason": f"{missing} is not installed: pip install {missing}"}
    return listing
