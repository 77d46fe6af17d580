"""What does the harness add to a trial? Each library by hand and through the harness, in turn.

``python tools/harness_overhead.py [PAIRS]`` takes 4.5 minutes for 10 pairs; docs/harness_overhead.md has its output.

By hand: a script that loads the inputs, runs the same idiom for one round between two readings of the clock and prints
the difference; no task is recorded, nothing is checked. Through the harness: `harness.launch.run_cell`, its one-shot
time. The workload is `stateful`, default profile: it has the most tasks, so the most records. The machine must be idle.
"""

import math
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import inputs, launch  # noqa: E402
from harness.cells import Cell  # noqa: E402
from harness.cli import all_scripts  # noqa: E402
from harness.machine import environment  # noqa: E402
from params import PROFILES  # noqa: E402
from record import terms  # noqa: E402
from report.numbers.statistics import summarize  # noqa: E402
from trial import tasklog  # noqa: E402

PARAMS = PROFILES["default"]
N_JOBS = 2  # half of the cores of a 4-core machine, so that what else runs there disturbs little
IDIOMS = {
    "serial": ("loop", "state_loop"),
    "mp": ("fork, merge parts", "state_merged"),
    "futures": ("fork, merge parts", "state_merged"),
    "joblib": ("loky, merge parts", "state_merged"),
    "dask": ("spawn, merge parts", "state_merged"),
    "ray": ("tasks, merge parts", "state_merged"),
    "mpire": ("fork, merge parts", "state_merged"),
}
BY_HAND = """
import time
from pathlib import Path

from benchmark_{library} import {function}
from workloads.stateful import JOB

if __name__ == "__main__":
    tasks = list(enumerate(Path({documents!r}).read_text().splitlines()))
    start = time.perf_counter()
    for _ in {function}(JOB, iter([tasks]), {n_jobs}):
        pass
    print(time.perf_counter() - start)
"""


def by_hand(library: str) -> float:
    """Return the seconds that a script without the harness measures."""
    documents = inputs.folder_of("stateful", PARAMS) / "documents.txt"
    function = IDIOMS[library][1]
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
        script = Path(folder) / "by_hand.py"
        script.write_text(BY_HAND.format(library=library, function=function, documents=str(documents), n_jobs=N_JOBS))
        command = [sys.executable, str(script)]
        variables = environment.trial_environment(Path(folder))
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=True, timeout=120)
    return float(ended.stdout.split()[-1])


def through_harness(library: str) -> float:
    """Return the seconds that the harness measures."""
    n_jobs = 1 if library == "serial" else N_JOBS
    cell = Cell(library, all_scripts()[library], "stateful", IDIOMS[library][0], n_jobs, "state")
    trial = launch.run_cell(cell, PARAMS)
    assert trial.outcome == terms.OK, trial.reason
    return trial.one_shot_s


def seconds_per_record(records: int = 100_000) -> float:
    """Return what recording one task costs the worker that runs it."""

    def loop() -> float:
        start = time.perf_counter()
        for index in range(records):
            with tasklog.task(index):
                pass
        return time.perf_counter() - start

    with tempfile.TemporaryDirectory() as folder:
        os.environ[tasklog.ENVIRONMENT_VARIABLE] = str(Path(folder) / "tasks.log")
        try:
            return loop() / records
        finally:
            del os.environ[tasklog.ENVIRONMENT_VARIABLE]


def main() -> None:
    """Print a Markdown table of the ratios."""
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    if not inputs.facts("stateful", PARAMS):
        subprocess.run(inputs.command("stateful", PARAMS), cwd=ROOT, check=True)
    rng = random.Random(PARAMS.seed)
    hand: dict[str, list[float]] = {library: [] for library in IDIOMS}
    harness: dict[str, list[float]] = {library: [] for library in IDIOMS}
    for _ in range(pairs):
        for library in rng.sample(list(IDIOMS), len(IDIOMS)):
            for measure, seconds in rng.sample([(by_hand, hand), (through_harness, harness)], 2):
                seconds[library].append(measure(library))
    record_s = seconds_per_record()
    print(f"{environment.collect().label}; {pairs} pairs, {N_JOBS} workers")
    print(f"one task record costs its worker {record_s * 1e6:.2f} µs, {PARAMS.num_documents} tasks a trial\n")
    print("| library | by hand (s) | harness (s) | harness / by hand - 1 (95 % interval) | records / one-shot time |")
    print("|---|---|---|---|---|")
    for library in IDIOMS:
        logs = [math.log(b / a) for a, b in zip(hand[library], harness[library], strict=True)]
        ratio = summarize(logs)
        share, low, high = (math.expm1(value) for value in (ratio.median, ratio.low, ratio.high))
        a, b = summarize(hand[library]).median, summarize(harness[library]).median
        records = record_s * PARAMS.num_documents / b
        print(f"| {library} | {a:.3f} | {b:.3f} | {share:+.1%} ({low:+.1%} to {high:+.1%}) | {records:.3%} |")


if __name__ == "__main__":
    main()
