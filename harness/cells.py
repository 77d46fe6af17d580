"""The cells of a run: which idioms each script offers, for which workloads, on how many workers."""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import outcome, script
from harness.cli import Settings
from harness.environment import ROOT

LISTING_TIMEOUT_S = 60.0
NO_IDIOM = "-"  # the idiom's name in the row of a script that cannot say which idioms it has


@dataclass(frozen=True)
class Cell:
    """One (library, workload, idiom, n_jobs). With an ``outcome``, it is known beforehand and nothing is run."""

    library: str
    script: Path
    workload: str
    idiom: str
    n_jobs: int
    outcome: str | None = None
    reason: str = ""


def all_cells(settings: Settings) -> list[Cell]:
    """Return every cell of ``settings``; scripts are asked in processes of their own, because they import libraries."""
    listings = _list_all(settings.scripts)
    return [
        cell
        for library, path in settings.scripts.items()
        for workload in settings.workloads
        for cell in _cells_of(library, path, workload, listings[library], settings.worker_counts)
    ]


def shuffled(cells: list[Cell], seed: int, block: int) -> list[Cell]:
    """Return the cells of a block in its own order, the same for the same seed."""
    order = list(cells)
    random.Random(f"{seed} {block}").shuffle(order)
    return order


def _cells_of(library: str, path: Path, workload: str, listing: dict, counts: tuple[int, ...]) -> Iterator[Cell]:
    if "idioms" not in listing:
        yield Cell(library, path, workload, NO_IDIOM, counts[-1], listing["outcome"], listing["reason"])
        return
    idioms = listing["idioms"].get(workload) or {NO_IDIOM: f"{path.name} has no idiom for it"}
    for idiom, reason in idioms.items():
        if reason is not None:
            yield Cell(library, path, workload, idiom, counts[-1], outcome.SKIPPED, reason)
            continue
        for n_jobs in counts if listing["parallel"] else (1,):
            yield Cell(library, path, workload, idiom, n_jobs)


def _list_all(scripts: dict[str, Path]) -> dict[str, dict[str, Any]]:
    """Ask all scripts at once which idioms they have."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        started = {library: _start_listing(path, Path(folder) / library) for library, path in scripts.items()}
        return {
            library: _listing(process, Path(folder) / library, scripts[library]) for library, process in started.items()
        }


def _start_listing(path: Path, answer: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, script.LIST_VARIABLE: str(answer), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(path)],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _listing(process: subprocess.Popen[str], answer: Path, path: Path) -> dict[str, Any]:
    try:
        errors = process.communicate(timeout=LISTING_TIMEOUT_S)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return {"outcome": outcome.TIMEOUT, "reason": f"{path.name} did not start within {LISTING_TIMEOUT_S:g} s"}
    if not answer.exists():
        last = errors.strip().splitlines()[-1] if errors.strip() else f"it ended with status {process.returncode}"
        return {"outcome": outcome.ERROR, "reason": f"{path.name} does not start: {last}"}
    listing = json.loads(answer.read_text())
    if missing := listing.get("missing"):
        return {"outcome": outcome.SKIPPED, "reason": f"{missing} is not installed: pip install {missing}"}
    return listing
