"""What was measured, on disk: plain-data pickles, one file per library and workload.

A file is a dict: ``schema``, ``workload``, ``library`` and ``runs``, the newest last, so that measuring again loses
nothing. A run is a dict of ``environment``, ``params``, ``params_hash``, ``seed``, ... and ``trials`` (see `suite`).
"""

import hashlib
import io
import json
import math
import os
import pickle
import resource
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from record.terms import MARKED_MOMENTS, MEMORY_FIELDS, MEMORY_MOMENTS, OK

SCHEMA = 5
SUFFIX = ".p3"
PROTOCOL = 3  # as the suffix says
SPARE_BYTES = 256 * 2**20  # that reading a file may need besides its content


class ResultsError(Exception):
    """A file that cannot be used, in one line that names it."""


class _PlainUnpickler(pickle.Unpickler):
    """Reads dict, list, str, int, float, bool and None; refuses every class and function, so that nothing can run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it refers to {module}.{name}, and only plain data is read")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to an object outside the file")


@contextmanager
def _memory_bounded(more_bytes: int) -> Iterator[None]:
    """Let this process' memory grow by ``more_bytes`` at most: five bytes of a pickle can ask for a table of 64 GiB."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    bound = psutil.Process().memory_info().vms + more_bytes
    if before[1] != resource.RLIM_INFINITY:
        bound = min(bound, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (bound, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def path_of(folder: Path, workload: str, library: str) -> Path:
    """Return the path of the results of ``library`` in ``workload``."""
    return folder / f"{workload}_{library}{SUFFIX}"


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file and rename it, so that a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def save(folder: Path, workload: str, library: str, runs: list[dict[str, Any]]) -> None:
    """Write the file of ``library`` in ``workload``."""
    content = {"schema": SCHEMA, "workload": workload, "library": library, "runs": runs}
    write_atomically(path_of(folder, workload, library), pickle.dumps(content, protocol=PROTOCOL))


def load(path: Path) -> dict[str, Any]:
    """Read one file. Raises ResultsError if it cannot be read, is damaged, hostile, or of another schema."""
    try:
        data = path.read_bytes()
        with _memory_bounded(SPARE_BYTES + 100 * len(data)):
            content = _PlainUnpickler(io.BytesIO(data)).load()
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # a damaged pickle raises whatever its bytes lead to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResultsError(f"{path}: refused, not a results file: {reason}; move it away") from error
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise ResultsError(f"{path}: refused, not a results file: it has no schema version; move it away")
    if content["schema"] != SCHEMA:
        raise ResultsError(
            f"{path}: refused: schema {content['schema']}, this suite reads {SCHEMA}; measure again, or use the suite "
            "version that wrote it"
        )
    try:
        usable = _has_shape(content)
    except (KeyError, TypeError, AttributeError):
        usable = False
    if not usable:
        raise ResultsError(f"{path}: refused, not a results file: fields are missing or of another type; move it away")
    return content


_RUN_FIELDS = {
    "params": dict, "params_hash": str, "profile": str, "started": str, "seed": int, "worker_counts": list,
    "asked": dict, "inputs": dict, "bandwidth_bytes_per_s": float, "disturbances": list, "stopping": dict,
    "idioms": list, "sources": dict, "trials": list,
}  # fmt: skip
_SOURCE_FIELDS = {"call": str, "code": str, "lines": int}
_TRIAL_FIELDS = {
    "kind": str, "idiom": str, "n_jobs": int, "session": int, "block": int, "outcome": str, "reason": str,
    "in_parent": bool, "tasks_asked": int, "tasks_run": int, "tasks": dict, "memory": dict, "placed": int,
    "on_write": str, "moments_s": dict, "left_behind": dict, "pools": list, "kernel": dict,
}  # fmt: skip
SECONDS = (
    "yardstick_s", "trial_s", "import_s", "wall_s", "startup_s", "work_s", "wait_s", "tail_s", "straggler_s",
    "shutdown_s", "cpu_user_s", "cpu_system_s", "place_s",
)  # fmt: skip
"""The fields of a trial that are a time, or None where there is none."""
MEASURED = tuple(name for name in SECONDS if name not in ("yardstick_s", "straggler_s", "import_s", "place_s"))
"""Those of SECONDS that every trial has that is right."""


def _has_shape(content: dict[str, Any]) -> bool:
    """Return whether all that a report reads is there and of its type; a missing field raises KeyError."""
    return (
        _is_file_name(content["workload"])
        and _is_file_name(content["library"])
        and isinstance(content["runs"], list)
        and all(_is_run(run) for run in content["runs"])
    )


def _is_run(run: dict[str, Any]) -> bool:
    machine = run["environment"].get("machine", {})
    return (
        _are(run, _RUN_FIELDS)
        and all(isinstance(value, str | int | float) for value in machine.values())
        and isinstance(machine.get("memory_bytes", 0), int)
        and isinstance(run["environment"].get("python", ""), str)
        and isinstance(run["environment"].get("versions", {}), dict)
        and all(isinstance(value, str) for value in (*run["idioms"], *run["disturbances"]))
        and all(_are(source, _SOURCE_FIELDS) for source in run["sources"].values())
        and all(_is_number(run["inputs"].get(name, 0)) for name in ("moved_bytes", "shared_bytes"))
        and _is_number(run["bandwidth_bytes_per_s"])
        and all(_is_trial(trial) for trial in run["trials"])
    )


def _is_trial(trial: dict[str, Any]) -> bool:
    wall_s = trial["wall_s"]
    timed = isinstance(wall_s, float) and math.isfinite(wall_s) and wall_s > 0
    return (
        _are(trial, _TRIAL_FIELDS)
        and (timed or (wall_s is None and trial["outcome"] != OK))
        and all(trial[name] is None or _is_number(trial[name]) for name in SECONDS)
        and all(isinstance(value, int) for value in trial["left_behind"].values())
        and all(_is_number(value) for value in trial["moments_s"].values())
        and (trial["yardstick_s"] is None or isinstance(trial["position"], int))
        and _are_tasks(trial["tasks"])
        and (not trial["memory"] or all(_are_bytes(trial["memory"][moment]) for moment in MEMORY_MOMENTS))
        and all(_are_bytes(trial["memory"][moment]) for moment in MARKED_MOMENTS if moment in trial["memory"])
        and (trial["outcome"] != OK or all(_is_number(trial[name]) for name in _measured(trial)))
        and all(_is_pool(pool) for pool in trial["pools"])
    )


def _measured(trial: dict[str, Any]) -> tuple[str, ...]:
    """Return the times that a trial has that is right: one in rounds has no parts."""
    return ("wall_s", "cpu_user_s", "cpu_system_s") if trial["pools"] else MEASURED


def _is_pool(pool: dict[str, Any]) -> bool:
    return (
        _is_label(pool["label"])
        and isinstance(pool["refused"], str)
        and (_is_number(pool["shutdown_s"]) or (pool["shutdown_s"] is None and bool(pool["refused"])))
        and all(_is_round(round_) for round_ in pool["rounds"])
    )


def _is_round(round_: dict[str, Any]) -> bool:
    seconds = round_["seconds"]
    return (
        _is_label(round_["label"])
        and isinstance(round_["bare"], bool)
        and _is_number(seconds)
        and seconds > 0
        and isinstance(round_["label"]["tasks"], int)
    )


def _is_label(label: dict[str, Any]) -> bool:
    return all(isinstance(name, str) and (isinstance(v, str) or _is_number(v)) for name, v in label.items())


def _are(fields: dict[str, Any], types: Mapping[str, type]) -> bool:
    return all(isinstance(fields[name], kind) for name, kind in types.items())


def _are_tasks(tasks: dict[str, Any]) -> bool:
    columns = list(tasks.values())
    return (
        set(tasks) in ({"index", "pid", "start_ns", "end_ns"}, set())
        and all(isinstance(column, list) and len(column) == len(columns[0]) for column in columns)
        and all(isinstance(value, int) for column in columns for value in column)
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _are_bytes(sample: dict[str, Any]) -> bool:
    return all(_is_number(sample[name]) for name in MEMORY_FIELDS)


def _is_file_name(name: Any) -> bool:
    """Return whether ``name`` may stand in a path that is written to: figures are named for their workload."""
    return isinstance(name, str) and bool(name) and not name.startswith(".") and not {"/", "\\", "\0"} & set(name)


def hash_of(data: Any) -> str:
    """Return a short hash of plain data: the same for the same content."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


def machine_label(environment: dict[str, Any]) -> str:
    """Return the machine in a few words, for titles and for telling results of two machines apart."""
    machine = environment.get("machine", {})
    return (
        f"{machine.get('cpu', 'unknown CPU')}, {machine.get('physical_cores_usable', '?')} cores usable, "
        f"{machine.get('memory_bytes', 0) / 2**30:.0f} GiB, Python {environment.get('python', '?').split()[-1]}"
    )
