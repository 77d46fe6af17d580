"""What the suite itself costs: ``python tools/suite_speed.py [RESULTS]``.

Prints how long statistics, tables and the report take over 20 000 made-up trials, and the report over 100 000. For the
newest run in RESULTS, prints which share of its time lay inside the measured functions and where the rest went.
"""

import io
import random
import sys
import tempfile
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402

from record import files as results  # noqa: E402
from record.schema import Tasks  # noqa: E402
from record.terms import WORKLOADS  # noqa: E402
from report.export import write_csv  # noqa: E402
from report.numbers.compare import compare  # noqa: E402
from report.numbers.group import groups_of  # noqa: E402
from report.numbers.measured import read  # noqa: E402
from report.numbers.precision import widest_interval  # noqa: E402
from report.page.render import write_page  # noqa: E402
from report.palette import COLORS  # noqa: E402
from report.tables.workload import print_tables  # noqa: E402
from tests.made_up import a_run, a_trial  # noqa: E402

TRIALS, BLOCKS, COUNTS, TASKS = 20_000, 20, (1, 2, 4), 24


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = _make(folder)
        print(f"{made} trials in {len(list(folder.glob('*.p3')))} files")
        _time("statistics and tables", lambda: print_tables(folder, WORKLOADS, Console(file=io.StringIO())))
        files, _ = read(sorted(folder.glob("*.p3")))
        _time("widest interval", lambda: widest_interval((f.workload, f.library, f.run) for f in files))
        _time("comparison, paired", lambda: compare(folder, folder, force=False))
        later = folder / "later"
        _make(later, started="2026-11-22T00:00:00+0000")
        _time("comparison, unpaired", lambda: compare(folder, later, force=False))
        _time("CSV", lambda: write_csv(files, folder / "trials.csv"))
        _time_page(folder)
        apart = folder / "apart"
        print(f"{_make(apart, apart=True)} trials, each library in a run of its own")
        _time_page(apart)
        many = folder / "many"
        print(f"{_make(many, 5 * BLOCKS)} trials")
        _time_page(many)
    if len(sys.argv) > 1:
        _print_shares(Path(sys.argv[1]))


def _time(what: str, function) -> None:
    start = perf_counter()
    function()
    print(f"  {what}: {perf_counter() - start:.2f} s")


def _time_page(folder: Path) -> None:
    groups, _ = groups_of(sorted(folder.glob("*.p3")))
    page = folder / "report.html"
    _time("report, from results read", lambda: write_page({"": groups}, [], page))
    print(f"  its size: {page.stat().st_size / 1e6:.2f} MB")


def _make(folder: Path, blocks: int = BLOCKS, apart: bool = False, **of_run: str) -> int:
    """Write TRIALS made-up trials (more with more blocks), spread evenly over libraries, workloads and idioms."""
    folder.mkdir(exist_ok=True)
    rng = random.Random(1)
    idioms = TRIALS // (len(COLORS) * len(WORKLOADS) * len(COUNTS) * BLOCKS)
    of_both = 2 * TASKS  # of the cold round, and of one kept
    starts_ns = [*range(0, 2 * TASKS, 2), *(round(2e9) + 2 * task for task in range(TASKS))]
    tasks = Tasks(
        index=list(range(of_both)), pid=[7] * of_both, start_ns=starts_ns, end_ns=[start + 1 for start in starts_ns]
    )
    made = 0
    for day, library in enumerate(COLORS, start=1):
        if apart:
            of_run = {"started": f"2026-11-{day:02}T00:00:00+0000"}
        for workload in WORKLOADS:
            trials = [
                a_trial(
                    rng.lognormvariate(0, 0.1),
                    rng.lognormvariate(0, 0.1),
                    idiom=f"idiom {i}",
                    n_jobs=n,
                    block=block,
                    position=made + block,
                    tasks=tasks,
                    yardstick_s=rng.lognormvariate(-5, 0.02),
                    cpu_user_s=rng.lognormvariate(0, 0.1),
                )
                for i in range(idioms + 1)
                for n in COUNTS
                for block in range(blocks)
            ]
            made += len(trials)
            results.save(folder, workload, library, [a_run(*trials, **of_run)])
    return made


def _print_shares(folder: Path) -> None:
    files, _ = read(sorted(folder.glob("*.p3")))
    newest = max(file.run.started for file in files)
    runs = [file.run for file in files if file.run.started == newest]
    trials = [trial for run in runs for trial in run.trials if trial.trial_s]
    stopping = runs[0].stopping
    if stopping is None or any(trial.session for trial in trials):
        sys.exit(f"{folder}: its newest run was interrupted, so that nobody knows what it took in all; measure again")
    spent = stopping.spent_s
    inside = sum(trial.spent_s for trial in trials)
    in_trials = sum(trial.trial_s for trial in trials)
    print(f"{folder}: {len(trials)} trials in {spent / 60:.1f} min")
    print(f"  inside measured functions: {inside / spent:.1%}")
    around = (in_trials - inside) / spent
    print(f"  around them in the trials' interpreters (start, imports, inputs, check, end): {around:.1%}")
    print(f"  between trials (yardstick, cleaning up, saving, drawing the bar): {(spent - in_trials) / spent:.1%}")


if __name__ == "__main__":
    main()
