"""The command line that every script shares, and its errors: one clear line and exit status 2."""

import argparse
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import params
from harness import job_path
from harness.machine.environment import ROOT, physical_cores
from record.terms import STUDIES, WORKLOADS
from trial.workload import JOB_VARIABLE

SELF_CHECK = "measure one library against itself, and against itself slowed down by 5%%: does the suite tell the truth?"
SELF_CHECK_LIBRARY = "mp"
# Of clusters, by the library that they are of: what an address must look like, and in words.
ADDRESSES = {
    "dask": (r"(tcp|tls)://[^/\s:]+:\d{1,5}", "tcp://HOST:PORT or tls://HOST:PORT", ""),
    "ray": (
        r"[^/\s:]+:\d{1,5}",
        "HOST:PORT",
        "is this machine one of its nodes (ray start --address=HOST:PORT --num-cpus=0), ",
    ),
}
SCRIPT_OPTION = "--script="  # how a library's script hands itself over: see `trial.script`


class UserError(Exception):
    """A user's mistake: what is wrong, the value seen, what is allowed."""


@dataclass(frozen=True)
class Settings:
    """What to measure, and for how long. ``scripts``: library name to the path of its script.

    ``clusters``: by library, the ``address`` of a cluster that runs, and what it says of itself (`harness.clusters`).
    ``anyway``: whether to measure beside another suite on this machine.
    ``named``: whether the user has named the scripts; otherwise all are taken.
    ``precision`` is a share (0.02 for ``2%``). Without it and ``budget_s``, ``params`` says how many trials there are.
    """

    scripts: dict[str, Path]
    named: bool
    workloads: tuple[str, ...]
    profile: str
    params: params.Params
    worker_counts: tuple[int, ...]
    results: Path
    precision: float | None
    budget_s: float | None
    resume: bool
    self_check: bool
    anyway: bool
    clusters: dict[str, dict[str, Any]]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        fail(f"{message}; see {self.prog} --help", self.prog)


def program_of(arguments: Sequence[str]) -> str:
    """Return the name of the program that a user started."""
    if arguments and arguments[0].startswith(SCRIPT_OPTION):
        return Path(arguments[0].removeprefix(SCRIPT_OPTION)).name
    return "benchmark_all.py"


def fail(message: str, program: str) -> NoReturn:
    """Print one line and exit with status 2."""
    print(f"{program}: {message}", file=sys.stderr)
    sys.exit(2)


def parse(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line asks for. Raises UserError, or exits with 2, where it makes no sense."""
    script = None
    if arguments and arguments[0].startswith(SCRIPT_OPTION):
        script, arguments = Path(arguments[0].removeprefix(SCRIPT_OPTION)), arguments[1:]
    options = _parser(script).parse_args(arguments)
    scripts = {library_of(script): script} if script else _chosen(options)
    workloads = _workloads(options.workloads)
    if options.results.exists() and not options.results.is_dir():
        raise UserError(f"--results is {options.results}: that is not a folder")
    if options.trials is not None and (options.precision or options.budget):
        raise UserError("--trials sets the number of blocks, --precision and --budget find it: choose one way")
    chosen, counts = _params(options)
    if options.tasks and JOB_VARIABLE not in os.environ:
        raise UserError("--tasks is for a job of your own, a file in the place of a workload's name: none is named")
    self_check = script is None and options.self_check
    if self_check:
        chosen = replace(chosen, memory_trials=0)
    return Settings(
        scripts=scripts,
        named=script is not None or bool(options.libraries),
        workloads=workloads or WORKLOADS,
        profile=options.profile,
        params=chosen,
        worker_counts=counts,
        results=options.results / "self-check" if self_check else options.results,
        precision=options.precision,
        budget_s=options.budget,
        resume=options.resume,
        self_check=self_check,
        anyway=options.anyway,
        clusters=_clusters(options, scripts),
    )


def _clusters(options: argparse.Namespace, scripts: Mapping[str, Path]) -> dict[str, dict[str, Any]]:
    """Return the addresses of clusters by library. Raises UserError for one of another form, or without its library."""
    clusters = {}
    for library, (pattern, form, _) in ADDRESSES.items():
        if (address := getattr(options, library)) is None:
            continue
        if not re.fullmatch(pattern, address):
            raise UserError(f"--{library} is {address!r}: it must be {form}, of a cluster that runs")
        if library not in scripts:
            raise UserError(
                f"--{library} names a cluster, and {library} is not measured: choose from {', '.join(scripts)}"
            )
        clusters[library] = {"address": address}
    return clusters


def _workloads(names: Sequence[str]) -> tuple[str, ...]:
    """Return the workloads' names. A user's own job is named for its file; all processes find it by JOB_VARIABLE."""
    os.environ.pop(JOB_VARIABLE, None)
    chosen = []
    for name in names:
        if job_path.is_job_path(name):
            name = _own_job(name)
        elif name not in (*WORKLOADS, *STUDIES):
            known = ", ".join((*WORKLOADS, *STUDIES))
            raise UserError(f"there is no workload {name!r}: choose from {known}, or name the file of a job: my_job.py")
        chosen.append(name)
    return tuple(dict.fromkeys(chosen))


def _own_job(name: str) -> str:
    try:
        path = job_path.checked(name)
    except ValueError as error:
        raise UserError(str(error)) from error
    if os.environ.setdefault(JOB_VARIABLE, str(path)) != str(path):
        raise UserError(f"{name} is a second job of your own: measure one at a time")
    return path.stem


def _parser(script: Path | None) -> argparse.ArgumentParser:
    what = f"the three workloads with {library_of(script)}" if script else "all libraries in interleaved blocks"
    parser = _Parser(
        prog=script.name if script else "benchmark_all.py",
        description=f"Measure {what}. Sizes stand in params.py.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "workloads",
        nargs="*",
        metavar="WORKLOAD",
        help=f"{', '.join(WORKLOADS)} (all of these); {', '.join(STUDIES)}; my_job.py, a file with a job of your own",
    )
    parser.add_argument("--profile", default=params.DEFAULT_PROFILE, help=f"{', '.join(params.PROFILES)} (%(default)s)")
    parser.add_argument("--tasks", type=int, metavar="N", help="of a job of your own: so many, chosen by chance (all)")
    parser.add_argument("--n-jobs", nargs="+", type=int, metavar="N", help="worker counts (the profile's)")
    parser.add_argument("--trials", type=int, metavar="N", help="trials of every cell (the profile's)")
    parser.add_argument(
        "--memory-trials", type=int, metavar="N", help="trials for memory of every cell (the profile's)"
    )
    parser.add_argument(
        "--precision", type=_share, metavar="2%", help="add blocks until no interval is wider than ± 2%%"
    )
    parser.add_argument("--budget", type=_seconds, metavar="10m", help="begin no block that would end after this time")
    parser.add_argument("--resume", action="store_true", help="go on with the newest run where it stopped")
    parser.add_argument("--results", type=Path, default=ROOT / "results", metavar="DIR", help="where results go")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="time limit of one trial (the profile's)")
    for library, (_, form, _) in ADDRESSES.items():
        parser.add_argument(f"--{library}", metavar="ADDRESS", help=f"a {library} cluster that runs: {form}")
    parser.add_argument("--anyway", action="store_true", help="do not wait for another suite on this machine")
    if script is None:
        parser.add_argument("--self-check", action="store_true", help=SELF_CHECK)
        parser.add_argument("--libraries", nargs="+", metavar="NAME", help=f"{', '.join(all_scripts())} (all)")
    return parser


def _share(text: str) -> float:
    try:
        share = float(text.removesuffix("%")) / 100
    except ValueError:
        share = 0.0
    if not (text.endswith("%") and 0 < share < 1):
        raise argparse.ArgumentTypeError(f"it is {text!r}: it must be a percentage between 0% and 100%, such as 2%")
    return share


def _seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600}
    try:
        seconds = float(text[:-1]) * units[text[-1:]]
    except (ValueError, KeyError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"it is {text!r}: it must be a time with its unit, such as 90s, 10m or 2h")
    return seconds


def _params(options: argparse.Namespace) -> tuple[params.Params, tuple[int, ...]]:
    if options.profile not in params.PROFILES:
        raise UserError(f"there is no profile {options.profile!r}: choose from {', '.join(params.PROFILES)}")
    chosen = params.PROFILES[options.profile]
    limit = physical_cores()
    try:
        if any(count < 1 for count in options.n_jobs or ()):
            raise ValueError(f"n_jobs is {min(options.n_jobs)}: it must be between 1 and {limit}")
        if options.tasks is not None and options.tasks < 1:
            raise ValueError(f"--tasks is {options.tasks}: it must be at least 1")
        given: dict[str, Any] = {
            "job_tasks": options.tasks,
            "n_jobs": tuple(options.n_jobs) if options.n_jobs else None,
            **dict.fromkeys(("trials", "fault_trials", "soak_trials"), options.trials),
            "memory_trials": options.memory_trials,
            "timeout_s": options.timeout,
        }
        chosen = replace(chosen, **{name: value for name, value in given.items() if value is not None})
        params.check(chosen)
        return chosen, params.worker_counts(chosen.n_jobs, limit)
    except ValueError as error:
        raise UserError(str(error)) from error


def all_scripts() -> dict[str, Path]:
    """Return every ``benchmark_<library>.py``: a new file there is a new library."""
    scripts = {library_of(path): path for path in sorted(ROOT.glob("benchmark_*.py"))}
    del scripts["all"]
    return scripts


def library_of(script: Path) -> str:
    """Return the library's name: ``ray`` of ``benchmark_ray.py``."""
    return script.stem.removeprefix("benchmark_")


def _chosen(options: argparse.Namespace) -> dict[str, Path]:
    scripts = all_scripts()
    names = options.libraries or ([SELF_CHECK_LIBRARY] if options.self_check else list(scripts))
    for name in names:
        if name not in scripts:
            raise UserError(f"there is no library {name!r}: choose from {', '.join(scripts)}")
    if options.self_check and len(names) > 1:
        raise UserError(f"--self-check is of one library, not of {len(names)}: name one with --libraries")
    return {name: scripts[name] for name in names}
