"""The path of a user's own job, in the place of a workload's name: what it may be."""

import importlib.util
import sys
from pathlib import Path

from harness.machine.environment import ROOT
from record.terms import STUDIES, WORKLOADS
from workloads.job_file import pattern_of

OF_SUITE = ("params", "record", "trial", "workloads", "stores", "harness")
"""What a trial imports of the suite. A user's module of that name would shadow it, or be shadowed by it."""


def is_job_path(name: str) -> bool:
    """Return whether it is meant as a path."""
    return name.endswith(".py") or "/" in name


def checked(name: str) -> Path:
    """Return the absolute path of the job. Raises ValueError, in one line, for a file that no job can be read from."""
    path = Path(name).absolute()
    if not path.is_file():
        raise ValueError(f"there is no file {name}: name the file of your job, or a workload of the suite")
    if path.suffix != ".py" or not path.stem.isidentifier():
        raise ValueError(f"{name}: a job is imported, so its name must be letters, digits and _, and .py: rename it")
    if path.stem in (*WORKLOADS, *STUDIES):
        raise ValueError(f"{name}: {path.stem} is a workload of the suite: rename it")
    if _is_module(path):
        raise ValueError(f"{name}: Python has a module {path.stem} already: rename it")
    if path.parent != ROOT:
        for module in OF_SUITE:
            if (path.parent / f"{module}.py").exists() or (path.parent / module / "__init__.py").exists():
                raise ValueError(f"{name}: beside it lies a module {module}, as the suite has one: move the job away")
    pattern_of(path)
    return path


def _is_module(path: Path) -> bool:
    if path.stem in sys.stdlib_module_names:
        return True
    spec = importlib.util.find_spec(path.stem)
    return bool(spec and spec.origin and Path(spec.origin) != path)
