"""Results for other tools: tidy CSV, one row per trial, and pyperf's JSON."""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyperf

from record.files import write_atomically
from record.terms import OK, TIME
from report.conditions import is_marked, yardstick_of
from report.measured import ROUNDS, Cell, Measured

COLUMNS = (
    "workload", "library", "idiom", "n_jobs", "kind", "session", "block", "position", "outcome", "reason", "wall_s",
    "startup_s", "work_s", "wait_s", "tail_s", "straggler_s", "shutdown_s", "cpu_s", "cpu_user_s", "cpu_system_s",
    "import_s", "place_s", "placed_bytes", "trial_s", "tasks_asked", "tasks_run", "workers", "pss_peak_bytes",
    "uss_peak_bytes", "rss_peak_bytes", "shm_peak_bytes", "used_peak_bytes", "pss_start_bytes", "pss_end_bytes",
    "pss_growth_bytes", "copies", "on_write", "left_behind", "yardstick_s", "yardstick_moved", "library_version",
    "python", "machine", "started", "profile", "params_hash",
)  # fmt: skip
TIMES = tuple(name for name in COLUMNS if name.endswith("_s"))
PACKAGES = {"dask": "distributed"}  # the version of the library: of the package that does its scheduling


def write_csv(files: Sequence[Measured], path: Path) -> int:
    """Write what `csv_of` returns, and return the number of rows. Raises OSError."""
    text, count = csv_of(files)
    write_atomically(path, text.encode())
    return count


def csv_of(files: Sequence[Measured]) -> tuple[str, int]:
    """Return one row per trial of the newest run of every file, and their number. What is not known is empty.

    Numbers have five digits. Trials whose memory was sampled have ``kind`` memory and no times: sampling holds them up.
    """
    parts: dict[str, list[dict[str, Any]]] = {}  # of each run, which may lie in several files
    for file in files:
        parts.setdefault(file.run["started"], []).append(file.run)
    typical = {started: yardstick_of(runs) for started, runs in parts.items()}
    rows = [row for file in files for row in _rows(file, typical[file.run["started"]])]
    return _as_csv(rows, COLUMNS), len(rows)


def csv_of_rounds(files: Sequence[Measured]) -> str:
    """Return one row per round of the newest run of every file; an empty string where no rounds were timed.

    ``bare``: without the library. ``pool`` and ``round`` are numbers in their trial, ``shutdown_s`` is the pool's; what
    else a round was stands in columns named as in its label.
    """
    rows = [row for file in files for trial in file.run["trials"] for row in _rounds(file, trial)]
    return _as_csv(rows, list(dict.fromkeys(name for row in rows for name in row))) if rows else ""


def _rounds(file: Measured, trial: dict[str, Any]) -> Iterator[dict[str, Any]]:
    of_trial = {name: trial[name] for name in ("idiom", "n_jobs", "kind", "session", "block")}
    for number, pool in enumerate(trial["pools"]):
        of_pool = {**of_trial, "pool": number, "shutdown_s": pool["shutdown_s"], **pool["label"]}
        for place, round_ in enumerate(pool["rounds"]):
            timed = {"round": place, "bare": int(round_["bare"]), "seconds": round_["seconds"]}
            yield {"workload": file.workload, "library": file.library, **of_pool, **timed, **round_["label"]}


def _as_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _as_cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _as_cell(value: Any) -> Any:
    """Return five digits of a number, of which noise leaves three, and a formula as text, by a quote before it."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@\t\r") else value


def _rows(file: Measured, typical_s: float | None) -> Iterator[dict[str, Any]]:
    run = file.run
    of_run = {
        "workload": file.workload,
        "library": file.library,
        "library_version": version_of(file),
        "python": run["environment"].get("python", ""),
        "machine": file.machine,
        "started": run["started"],
        "profile": run["profile"],
        "params_hash": run["params_hash"],
    }
    shared_bytes = run["inputs"].get("shared_bytes", 0)
    for trial in run["trials"]:
        row = {name: trial[name] for name in COLUMNS if name in trial}
        if trial["kind"] == TIME and trial["outcome"] == OK:
            row["cpu_s"] = trial["cpu_user_s"] + trial["cpu_system_s"]
        if trial["kind"] != TIME:
            row |= dict.fromkeys(TIMES)
            memory = Cell(file.library, trial["idiom"], trial["n_jobs"], (trial,))
            row |= {name: size for name, size in memory.memory.items() if name in COLUMNS}
            row["copies"] = memory.copies(shared_bytes)
        left = " ".join(f"{name}={count}" for name, count in sorted(trial["left_behind"].items()) if count)
        yield {**of_run, **row, "left_behind": left, "yardstick_moved": int(is_marked(trial, typical_s))}


def version_of(file: Measured) -> str:
    """Return the version of the library, which for those of the standard library is Python's."""
    environment = file.run["environment"]
    versions = environment.get("versions", {})
    return versions.get(PACKAGES.get(file.library, file.library)) or environment.get("python", "").split(" ")[-1]


def write_pyperf(files: Sequence[Measured], path: Path) -> int:
    """Write wall times as pyperf's JSON, one benchmark per cell, one run per trial; return the number of benchmarks.

    pyperf holds no failures: cells without a time are left out. Raises ValueError if that leaves nothing, and OSError.
    """
    whole = [file for file in files if file.workload not in ROUNDS]  # the others time rounds, of unlike kinds
    benchmarks = [_benchmark(file, cell) for file in whole for cell in file.cells.values() if cell.timed]
    if not benchmarks:
        raise ValueError("no trial has a time, and pyperf's format holds nothing else")
    pyperf.BenchmarkSuite(benchmarks).dump(str(path), compact=False, replace=True)
    return len(benchmarks)


def _benchmark(file: Measured, cell: Cell) -> pyperf.Benchmark:
    machine = file.run["environment"].get("machine", {})
    metadata = {
        "name": f"{file.workload}, {file.library}, {cell.idiom}, {cell.n_jobs} workers",
        "unit": "second",
        "loops": 1,
        "python_version": file.run["environment"].get("python", "unknown"),
        "cpu_model_name": machine.get("cpu", "unknown"),
        "platform": machine.get("kernel", "unknown"),
        "hostname": machine.get("hostname", "unknown"),
        "library_version": version_of(file) or "unknown",
        "params_hash": file.run["params_hash"],
    }
    metadata = {name: value for name, value in metadata.items() if value != ""}
    return pyperf.Benchmark(
        [pyperf.Run([trial["wall_s"]], metadata=metadata, collect_metadata=False) for trial in cell.timed]
    )
