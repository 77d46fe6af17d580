"""The machine and the software that a run was measured on."""

import importlib.metadata
import os
import platform
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import loky
import psutil
import pyperf

from harness.machine import room
from record.schema import Environment
from trial.workload import JOB_VARIABLE

ROOT = Path(__file__).resolve().parents[2]

CREDENTIALS = ("DASK_DISTRIBUTED__COMM__", "RAY_AUTH_")  # settings that say how to reach a cluster

# One compute thread per worker, for every library alike, set before NumPy loads. Workers are what is compared. With
# torch's default of four threads each, four workers would compete for the cores: that measures the kernel's scheduler.
THREAD_LIMITS = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
}

DISTRIBUTIONS = (
    "dask", "distributed", "joblib", "mpire", "ray", "numpy", "pandas", "pyarrow", "scipy", "scikit-image",
    "scikit-learn", "torch", "cloudpickle", "lmdb", "vineyard", "loky", "psutil",
)  # fmt: skip


def physical_cores() -> int:
    """Return the physical cores that this process may use: affinity mask and container quota counted (loky's count)."""
    return loky.cpu_count(only_physical_cores=True)


def version_of(distribution: str) -> str | None:
    """Return the installed version, or None."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def collect() -> Environment:
    """Return what a reader needs to know to judge the numbers."""
    machine = dict(pyperf.Run([1.0], collect_metadata=True).get_metadata())
    return Environment(
        machine={
            "cpu": machine.get("cpu_model_name", platform.processor() or platform.machine()),
            "cpus": os.cpu_count() or 1,
            "physical_cores_usable": physical_cores(),
            "memory_bytes": psutil.virtual_memory().total,
            "swap_bytes": psutil.swap_memory().total,
            "kernel": platform.platform(),
            "hostname": platform.node(),
        },
        conditions={
            "cpu_config": machine.get("cpu_config", ""),
            "cpu_freq": machine.get("cpu_freq", ""),
            "aslr": machine.get("aslr", ""),
            "load_avg_1min": machine.get("load_avg_1min", 0.0),
            "cgroup_cpu_max": room.read(room.CGROUP / "cpu.max"),
            "cgroup_memory_max": room.read(room.CGROUP / "memory.max"),
            "thread_limits": dict(THREAD_LIMITS),
        },
        python=_python(),
        versions={name: version_of(name) or "not installed" for name in DISTRIBUTIONS},
        suite={"version": _suite_version(), "git_revision": _git_revision()},
        date=machine.get("date", ""),
    )


def _python() -> str:
    """Return the interpreter. A free-threaded build is marked, because its threads compare with no other build's."""
    build = "+free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    return f"{platform.python_implementation()} {platform.python_version()}{build}"


def _suite_version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]


def _git_revision() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout.strip() or "unknown"
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"


def working_folder(is_own_job: bool) -> Path:
    """Return the current directory of a trial: the user's, for a job of their own."""
    return Path.cwd() if is_own_job else ROOT


def trial_environment(folder: Path, to_cluster: bool = False) -> dict[str, str]:
    """Return the environment variables of a trial whose files shall all lie in ``folder``.

    ``to_cluster``: it connects to a cluster of the user's, and needs the user's own certificates for it.

    ``HOME`` and ``TMPDIR`` lie there too, so that whatever a library leaves behind is seen, counted and removed. The
    paths are short because Ray's sockets lie below ``TMPDIR``, and a socket's path has at most 107 bytes.
    """
    home, temporary = folder / "h", folder / "t"
    home.mkdir()
    temporary.mkdir()
    # A user's own settings of a library would hold for that library alone and show in no result.
    settings = ("DASK_", "JOBLIB_", "LOKY_", "MPIRE_", "RAY_")
    allowed = CREDENTIALS if to_cluster else ()
    inherited = {n: value for n, value in os.environ.items() if not n.startswith(settings) or n.startswith(allowed)}
    own_job = os.environ.get(JOB_VARIABLE)
    folders = [str(Path(own_job).parent)] if own_job else []
    return {
        **inherited,
        **THREAD_LIMITS,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "PYTHONUSERBASE": os.environ.get("PYTHONUSERBASE", str(Path.home() / ".local")),
        # The folder of a user's own job comes first: PYTHONSAFEPATH keeps a script from putting its own before it.
        "PYTHONPATH": os.pathsep.join(filter(None, [*folders, str(ROOT), os.environ.get("PYTHONPATH")])),
        **({"PYTHONSAFEPATH": "1"} if own_job else {}),
    }
