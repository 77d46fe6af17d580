"""Is a right trial ever refused on a busy machine? A row of each library in each workload, again and again, under load.

    python tools/right_trials.py 40                  # beside a busy loop for each core: 75 minutes on 2 cores
    python tools/right_trials.py 40 serial mp        # of some libraries

Inputs are small, and made anew each time. Prints how often each row was right, and the reasons of all others. Exit
status 1 if there is one.
"""

import shutil
import sys
from collections import Counter
from pathlib import Path

from rich.console import Console

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import inputs  # noqa: E402
from harness.launch import run_cell  # noqa: E402
from harness.machine.supervise import become_subreaper  # noqa: E402
from harness.suite import make_inputs  # noqa: E402
from record.terms import OK, WORKLOADS  # noqa: E402
from tests.conftest import LIBRARIES, TINY, cells_of, without  # noqa: E402
from tools.repeat_tests import busy_loops, cores  # noqa: E402
from trial.rules import LEAST_MEASURE_S  # noqa: E402

SIZES = without(TINY, image_size=600, num_documents=600, num_batches=400)  # whose plain loops are a measure


def main() -> int:
    """Run all rows as often as asked for; return 1 if one was refused."""
    times, libraries = int(sys.argv[1]), sys.argv[2:] or LIBRARIES
    rows = {}
    for workload in WORKLOADS:
        for library in libraries:
            found = [cell for cell in cells_of(workload, library) if not cell.outcome]
            if found:
                rows[f"{workload}, {library}: {found[0].idiom}"] = found[0]
    become_subreaper()
    right: Counter[str] = Counter()
    for number in range(times):
        for workload in WORKLOADS:
            shutil.rmtree(inputs.folder_of(workload, SIZES), ignore_errors=True)
        for name, cell in rows.items():
            if not inputs.facts(cell.workload, SIZES):
                with busy_loops(cores()):
                    assert make_inputs(cell.workload, SIZES, Console(quiet=True)) == ""
                assert inputs.facts(cell.workload, SIZES)["least_serial_s"] >= LEAST_MEASURE_S
            with busy_loops(cores()):  # new ones: `run_cell` ends all children of this process
                trial = run_cell(cell, SIZES)
            right[name] += trial.outcome == OK
            if trial.outcome != OK:
                print(f"{number + 1}: {name}: {trial.outcome}: {trial.reason}", flush=True)
        print(f"{number + 1} of {times}: {right.total()} of {(number + 1) * len(rows)} trials right", flush=True)
    for name in rows:
        print(f"{right[name]} of {times} right: {name}")
    refused = times * len(rows) - right.total()
    print(f"{refused} of {times * len(rows)} trials were not right, beside {cores()} busy loops")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
