"""Measure beside another program, and two suites at once: ``python tools/beside_others.py [ROUNDS [PAIRS]]``.

The other program makes, closes, opens again and holds files in shared memory, for 200 rounds. Meanwhile trials run,
isolated and not, in turn. This counts the program's files that were lost, and those that were booked on a trial.

Then 20 pairs of suites start at the same time, in turn into one folder and, with ``--anyway``, into two. This counts
how they end, what they keep, and the runs that say that another one ran beside them.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness import inputs  # noqa: E402
from params import as_dict  # noqa: E402
from record import files as results  # noqa: E402
from record import terms  # noqa: E402
from tests.conftest import TINY  # noqa: E402
from tests.harness.test_harness import BESIDE, NEIGHBOUR  # noqa: E402

ROUND_S = 0.55  # of the other program
SUITE = ("benchmark_all.py", "numerical", "--libraries", "serial", "--profile", "quick")


def beside_a_program(rounds: int) -> Counter[str]:
    """Run trials until the other program has done its rounds; return what was seen."""
    inputs.make("sharing", TINY)
    seen: Counter[str] = Counter()
    end = time.monotonic() + rounds * ROUND_S
    neighbour = subprocess.Popen([sys.executable, "-c", NEIGHBOUR], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for isolated in cycle((True, False)):
        command = [sys.executable, "-c", BESIDE, json.dumps(as_dict(TINY)), *(() if isolated else ("not isolated",))]
        beside = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
        (outcome, booked), (_, left) = json.loads(beside.stdout)
        seen.update({"trials": 2, "booked on a trial that leaves nothing": booked})
        if outcome != terms.OK:
            seen["not ok"] += 1
        if isolated and left == 0:
            seen["trials that leave segments, and have none counted"] += 1
        if not isolated:
            seen["not isolated"] += 2
        if time.monotonic() > end:
            break
    printed, _ = neighbour.communicate(timeout=30)
    for path in Path("/dev/shm").glob("psm_left-*"):  # of the trials that leave segments: closed ones are nobody's
        path.unlink()
    done, lost = map(int, printed.split())
    return seen + Counter({"rounds of the other program": done, "of its files lost": lost})


def two_at_once(one_folder: bool) -> Counter[str]:
    """Start two suites; return how they ended, and what they lost."""
    with tempfile.TemporaryDirectory() as name:
        folders = [Path(name) / folder for folder in (("a", "a") if one_folder else ("a", "b"))]
        more = () if one_folder else ("--anyway",)
        suites = [
            subprocess.Popen(
                [sys.executable, *SUITE, *more, "--results", str(folder)],
                cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )
            for folder in folders
        ]  # fmt: skip
        ended = Counter(f"exit {suite.wait(timeout=300)}" for suite in suites)
        runs = [run for path in Path(name).rglob("*.p3") for run in results.load(path).runs]
        seen = ended + Counter({"runs kept": len(runs), "trials kept": sum(len(run.trials) for run in runs)})
        beside = sum(any("another suite" in line for line in run.disturbances) for run in runs)
        seen["runs that say that another one ran beside them"] = beside  # the later one of two can
        return seen


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    pairs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    print("beside a program that holds shared memory:", dict(beside_a_program(rounds)), flush=True)
    for one_folder in (True, False):
        seen: Counter[str] = Counter()
        for _ in range(pairs // 2):
            seen.update(two_at_once(one_folder))
        print(f"{pairs // 2} pairs of suites into {'one folder' if one_folder else 'two'}:", dict(seen), flush=True)


if __name__ == "__main__":
    main()
