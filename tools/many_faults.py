"""Inject many faults, and count what was lost or left.

    python tools/many_faults.py --trials 6 --results DIR [arguments of benchmark_all.py]

The workloads are `faults` and `failing_setup`. The run has its own temporary folder and its own mark in the
environment. Afterwards this counts: trials that are not in the results, or that failed; processes with the mark that
live 3 s later; what lies in the temporary folder and in shared memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a tool is run as a file of its own

from record import files as results  # noqa: E402
from record.schema import Run  # noqa: E402
from record.terms import FAILURES, NOTHING, SKIPPED  # noqa: E402
from tools.kills import END_S, MARK, marked  # noqa: E402
from trial.workload import load_workload  # noqa: E402

WORKLOADS = ("faults", "failing_setup")


def injected(run: Run, workload: str, trials: int) -> Counter[str]:
    """Count a run's trials: each idiom must have had each fault ``trials`` times, or until it hung."""
    ran = [trial for trial in run.trials if trial.outcome != SKIPPED]
    faults = load_workload(workload).FAULTS[: run.params["fault_classes"]]
    found: Counter[str] = Counter()
    for idiom, fault in product({trial.idiom for trial in ran}, faults):
        alike = [trial for trial in ran if (trial.idiom, trial.kind) == (idiom, fault)]
        has_hung = any(trial.fault and trial.fault.learned == NOTHING for trial in alike)
        found["faults injected"] += len(alike)
        found["trials missing"] += 0 if has_hung else trials - len(alike)
        found["trials failed"] += sum(trial.outcome in FAILURES for trial in alike)
        found["hangs"] += has_hung
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--results", type=Path, required=True)
    options, others = parser.parse_known_args()
    segments, mark = set(os.listdir("/dev/shm")), str(os.getpid())
    with tempfile.TemporaryDirectory(prefix="f") as temporary:
        asked = [*WORKLOADS, "--trials", str(options.trials), "--results", str(options.results), *others]
        ended = subprocess.run(
            [sys.executable, "benchmark_all.py", *asked],
            cwd=ROOT,
            env={**os.environ, MARK: mark, "TMPDIR": temporary},
            check=False,
        )
        time.sleep(END_S)
        found = Counter({f"exit {ended.returncode}": 1, "processes left": len(marked(mark))})
        found["folders left"] = len(os.listdir(temporary))
    found["segments left"] = len(set(os.listdir("/dev/shm")) - segments)
    files = [results.load(path) for path in sorted(options.results.glob("*.p3"))]
    started = max(file.runs[-1].started for file in files)
    for file in files:
        if file.runs[-1].started == started:
            found.update(injected(file.runs[-1], file.workload, options.trials))
    print(", ".join(f"{what}: {found[what]}" for what in sorted(found)))


if __name__ == "__main__":
    main()
