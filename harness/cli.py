"""The command line that every script shares, and its errors: one clear line and exit status 2."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import params
from harness.environment import ROOT, physical_cores
from workloads import WORKLOADS

SCRIPT_OPTION = "--script="  # how a library's script hands itself over: see `harness.script`


class UserError(Exception):
    """A user's mistake: what is wrong, the value seen, what is allowed."""


@dataclass(frozen=True)
class Settings:
    """What to measure. ``scripts``: library name to the path of its script."""

    scripts: dict[str, Path]
    workloads: tuple[str, ...]
    profile: str
    params: params.Params
    worker_counts: tuple[int, ...]
    results: Path


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
    scripts = {library_of(script): script} if script else _chosen(options.libraries)
    unknown = [name for name in options.workloads if name not in WORKLOADS]
    if unknown:
        raise UserError(f"there is no workload {unknown[0]!r}: choose from {', '.join(WORKLOADS)}")
    if options.results.exists() and not options.results.is_dir():
        raise UserError(f"--results is {options.results}: that is not a folder")
    chosen, counts = _params(options)
    return Settings(
        scripts=scripts,
        workloads=tuple(dict.fromkeys(options.workloads)) or WORKLOADS,
        profile=options.profile,
        params=chosen,
        worker_counts=counts,
        results=options.results,
    )


def _parser(script: Path | None) -> argparse.ArgumentParser:
    what = f"the three workloads with {library_of(script)}" if script else "all libraries in interleaved blocks"
    parser = _Parser(
        prog=script.name if script else "benchmark_all.py",
        description=f"Measure {what}. Sizes stand in params.py.",
        allow_abbrev=False,
    )
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"{', '.join(WORKLOADS)} (all)")
    parser.add_argument("--profile", default=params.DEFAULT_PROFILE, help=f"{', '.join(params.PROFILES)} (%(default)s)")
    parser.add_argument("--n-jobs", nargs="+", type=int, metavar="N", help="worker counts (the profile's)")
    parser.add_argument("--trials", type=int, metavar="N", help="trials of every cell (the profile's)")
    parser.add_argument("--results", type=Path, default=ROOT / "results", metavar="DIR", help="where results go")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="time limit of one trial (the profile's)")
    if script is None:
        parser.add_argument("--libraries", nargs="+", metavar="NAME", help=f"{', '.join(all_scripts())} (all)")
    return parser


def _params(options: argparse.Namespace) -> tuple[params.Params, tuple[int, ...]]:
    if options.profile not in params.PROFILES:
        raise UserError(f"there is no profile {options.profile!r}: choose from {', '.join(params.PROFILES)}")
    chosen = params.PROFILES[options.profile]
    limit = physical_cores()
    try:
        if any(count < 1 for count in options.n_jobs or ()):
            raise ValueError(f"n_jobs is {min(options.n_jobs)}: it must be between 1 and {limit}")
        chosen = replace(
            chosen,
            n_jobs=chosen.n_jobs if options.n_jobs is None else tuple(options.n_jobs),
            trials=chosen.trials if options.trials is None else options.trials,
            timeout_s=chosen.timeout_s if options.timeout is None else options.timeout,
        )
        params.check(chosen)
        return chosen, params.worker_counts(chosen.n_jobs, limit)
    except ValueError as error:
        raise UserError(str(error)) from error


def all_scripts() -> dict[str, Path]:
    """Return every ``benchmark_<library>.py``: a new file there is a new library."""
    found = {library_of(path): path for path in sorted(ROOT.glob("benchmark_*.py"))}
    del found["all"]
    return found


def library_of(script: Path) -> str:
    """Return the library's name: ``ray`` of ``benchmark_ray.py``."""
    return script.stem.removeprefix("benchmark_")


def _chosen(names: Sequence[str] | None) -> dict[str, Path]:
    scripts = all_scripts()
    for name in names or ():
        if name not in scripts:
            raise UserError(f"there is no library {name!r}: choose from {', '.join(scripts)}")
    return {name: scripts[name] for name in names} if names else scripts
