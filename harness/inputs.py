"""The inputs of a workload: made once per parameter set, and cached. Run as a program, this module makes them.

They are made in a process of their own, because that trains a network with torch. Neither the orchestrating process nor
the parent of a trial may ever have imported torch.
"""

import fcntl
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.machine.environment import ROOT, version_of
from params import Params, as_dict, from_dict
from trial.workload import load_workload

CACHE = ROOT / "cache"
FACTS = "facts.json"  # in the folder of the inputs: what `Workload.prepare` has returned
BAD_PARAMS = 3  # exit status
COMPUTE_WITH = (
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-image",
    "scikit-learn",
    "torch",
)  # references are compared bit for bit


def folder_of(workload: str, params: Params) -> Path:
    """Return the folder of the inputs. Other parameters, or other versions of COMPUTE_WITH, have another folder."""
    relevant = {name: getattr(params, name) for name in load_workload(workload).PARAMS}
    versions = {name: version_of(name) for name in COMPUTE_WITH}
    known = [relevant, versions, dict(load_workload(workload).IDENTITY)]
    key = hashlib.sha256(_source(workload) + json.dumps(known, sort_keys=True).encode()).hexdigest()[:16]
    return CACHE / f"{workload}-{key}"


def _source(workload: str) -> bytes:
    """Return the source of the workload's module and of the other workload modules that it imports from."""
    module: Any = load_workload(workload)
    used = [getattr(value, "__module__", None) or getattr(value, "__name__", "") for value in vars(module).values()]
    names = {module.__name__, *map(str, used)}
    paths = [ROOT / f"{name.replace('.', '/')}.py" for name in sorted(names) if name.startswith("workloads.")]
    return b"".join(path.read_bytes() for path in paths)


def facts(workload: str, params: Params) -> dict[str, Any]:
    """Return what the workload says about its inputs: nothing where they are not made yet."""
    return facts_in(folder_of(workload, params))


def facts_in(folder: Path) -> dict[str, Any]:
    """Return what the workload says about the inputs in that folder: nothing where they are not made yet."""
    path = folder / FACTS
    return json.loads(path.read_text()) if path.exists() else {}


def make(workload: str, params: Params) -> None:
    """Make the inputs, unless they are there, beside their place, then rename them: there are all inputs or none."""
    folder = folder_of(workload, params)
    with _only_maker(fcntl.LOCK_EX):
        if facts_in(folder):  # another process has just made them
            return
        temporary = Path(tempfile.mkdtemp(dir=CACHE, prefix=f".{folder.name}."))
        try:
            made = load_workload(workload).prepare(params, temporary)
            (temporary / FACTS).write_text(json.dumps(made))
            os.chmod(temporary, 0o755)
            shutil.rmtree(folder, ignore_errors=True)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _only_maker(operation: int) -> Iterator[None]:
    """Hold the cache, by this operation of `flock`: two suites may want the same inputs at the same time.

    Raises BlockingIOError if another process holds it, and the operation is not to wait.
    """
    CACHE.mkdir(exist_ok=True)
    descriptor = os.open(CACHE, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


def remove(workload: str) -> None:
    """Remove all inputs of a workload: those of a user's own job are made anew for every run."""
    for folder in CACHE.glob(f"{workload}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def remove_unfinished(workload: str, params: Params) -> None:
    """Remove the inputs of a process that was ended while it made them, unless another process makes some now."""
    with suppress(BlockingIOError), _only_maker(fcntl.LOCK_EX | fcntl.LOCK_NB):
        for folder in CACHE.glob(f".{folder_of(workload, params).name}.*"):
            shutil.rmtree(folder, ignore_errors=True)


def command(workload: str, params: Params) -> list[str]:
    """Return the command that makes the inputs. If ``params`` allow none, it prints one line and exits with BAD_PARAMS.

    ``-P``: files in the current directory, which is the user's for a job of their own, hide no module.
    """
    return [sys.executable, "-P", "-m", "harness.inputs", workload, json.dumps(as_dict(params))]


if __name__ == "__main__":
    try:
        make(sys.argv[1], from_dict(json.loads(sys.argv[2])))
    except ValueError as error:
        print(error, file=sys.stderr)
        sys.exit(BAD_PARAMS)
