"""Results for other tools: tidy CSV, one row per trial, and pyperf's JSON."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyperf

from record.files import write_atomically
from record.schema import DERIVED, PARTS, SCALARS, Run, Trial
from record.terms import COLD, KEPT, OF_ROUNDS, OK, TIME
from report.numbers.cell import MEMORY_COLUMNS, Cell
from report.numbers.drift import is_marked, yardstick_of
from report.numbers.measured import Measured

OF_RUN = ("library_version", "python", "machine", "started", "profile", "params_hash")
OF_PARTS = {(phase, part): f"{phase}_{part}" for phase in (COLD, KEPT) for part in PARTS}
COLUMNS = (
    "workload", "library", *SCALARS, *DERIVED, *OF_PARTS.values(), "cpu_s", *MEMORY_COLUMNS, "copies", "left_behind",
    "yardstick_moved", *OF_RUN,
)  # fmt: skip
TIMES = tuple(name for name in COLUMNS if name.endswith("_s"))
PACKAGES = {"dask": "distributed"}  # a library's version is that of the package that does its scheduling


def write_csv(files: Sequence[Measured], path: Path) -> int:
    """Write what `csv_of` returns, and return the number of rows. Raises OSError."""
    text, count = csv_of(files)
    write_atomically(path, text.encode())
    return count


def csv_of(files: Sequence[Measured]) -> tuple[str, int]:
    """Return the rows of `rows_of` as text, and their number. Numbers have five digits; unknown values are empty."""
    rows = list(rows_of(files))
    return _as_csv(rows, COLUMNS), len(rows)


def rows_of(files: Sequence[Measured]) -> Iterator[dict[str, Any]]:
    """Yield one row per trial of the newest run of every file: a value of each of COLUMNS, None where it is not known.

    Trials whose memory was sampled have ``kind`` memory and no times: sampling holds them up.
    """
    parts: dict[str, list[Run]] = {}  # of each run, which may lie in several files
    for file in files:
        parts.setdefault(file.run.started, []).append(file.run)
    typical = {started: yardstick_of(runs) for started, runs in parts.items()}
    for file in files:
        yield from _rows(file, typical[file.run.started])


def _rows(file: Measured, typical_s: float | None) -> Iterator[dict[str, Any]]:
    run = file.run
    of_run = (version_of(file), run.environment.python, file.machine, run.started, run.profile, run.params_hash)
    named = {"workload": file.workload, "library": file.library, **dict(zip(OF_RUN, of_run, strict=True))}
    for trial in run.trials:
        row = {name: getattr(trial, name) for name in (*SCALARS, *DERIVED)}
        if trial.kind == TIME:
            row |= _times(trial)
        else:
            alone = replace(file.cells[trial.idiom, trial.n_jobs], trials=(trial,))
            row |= {**dict.fromkeys(TIMES), **{name: alone.memory.get(name) for name in MEMORY_COLUMNS}}
            row["copies"] = alone.copies(run.shared_bytes)
        left = " ".join(f"{name}={count}" for name, count in sorted(asdict(trial.left_behind).items()) if count)
        yield {**named, **row, "left_behind": left, "yardstick_moved": int(is_marked(trial, typical_s))}


def _times(trial: Trial) -> dict[str, float | None]:
    cpu = (trial.cpu_user_s, trial.cpu_system_s)
    parts = {
        name: getattr(getattr(trial, phase), part) if getattr(trial, phase) else None
        for (phase, part), name in OF_PARTS.items()
    }
    return {**parts, "cpu_s": None if trial.outcome != OK or None in cpu else sum(filter(None, cpu))}


def csv_of_rounds(files: Sequence[Measured]) -> str:
    """Return one row per round of the newest run of every file; an empty string where there are none.

    ``bare``: without the library. ``pool`` is the pool's number in its trial, ``round`` the round's number in its pool.
    ``stop_s`` is the pool's. Every name in a label is a column of its own.
    """
    rows = [row for file in files for trial in file.run.trials for row in _rounds(file, trial)]
    return _as_csv(rows, list(dict.fromkeys(name for row in rows for name in row))) if rows else ""


def _rounds(file: Measured, trial: Trial) -> Iterator[dict[str, Any]]:
    of_trial = {name: getattr(trial, name) for name in ("idiom", "n_jobs", "kind", "session", "block")}
    for number, pool in enumerate(trial.pools):
        of_pool = {**of_trial, "pool": number, "stop_s": pool.stop_s, **pool.label}
        for place, each in enumerate(pool.rounds):
            timed = {"round": place, **asdict(each), "bare": int(each.bare)}
            label = timed.pop("label")
            yield {"workload": file.workload, "library": file.library, **of_pool, **timed, **label}


def _as_csv(rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _as_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _as_cell(value: Any) -> Any:
    """Return a number in five digits (noise leaves three), and text that looks like a formula with a quote before."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def version_of(file: Measured) -> str:
    """Return the library's version; Python's version for what is in the standard library."""
    environment = file.run.environment
    return environment.versions.get(PACKAGES.get(file.library, file.library)) or environment.python.split(" ")[-1]


def write_pyperf(files: Sequence[Measured], path: Path) -> int:
    """Write one-shot times as pyperf's JSON, a benchmark per cell, a run per trial; return the number of benchmarks.

    pyperf holds no failures: cells without a time are left out. Raises ValueError if that leaves nothing, and OSError.
    """
    whole = [file for file in files if file.workload not in OF_ROUNDS]  # the others time rounds, of unlike kinds
    benchmarks = [_benchmark(file, cell) for file in whole for cell in file.cells.values() if cell.times]
    if not benchmarks:
        raise ValueError("no trial has a time, and pyperf's format holds nothing else")
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), compact=False, replace=True)
    return len(benchmarks)


def _benchmark(file: Measured, cell: Cell) -> pyperf.Benchmark:
    machine = file.run.environment.machine
    metadata = {
        "name": f"{file.workload}, {file.library}, {cell.idiom}, {cell.n_jobs} workers",
        "unit": "second",
        "loops": 1,
        "python_version": file.run.environment.python,
        "cpu_model_name": machine.get("cpu", "unknown"),
        "platform": machine.get("kernel", "unknown"),
        "hostname": machine.get("hostname", "unknown"),
        "library_version": version_of(file) or "unknown",
        "params_hash": file.run.params_hash,
    }
    metadata = {name: value for name, value in metadata.items() if value != ""}
    return pyperf.Benchmark(
        [pyperf.Run([seconds], metadata=metadata, collect_metadata=False) for seconds in cell.times.values()]
    )
