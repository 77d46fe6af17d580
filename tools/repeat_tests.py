"""Is `make test` green every time? Run it again and again, every other time with a busy loop for each core beside it.

    python tools/repeat_tests.py 20          # 10 times alone and 10 times beside busy loops: two hours on 2 cores

Prints a line for each run, and the names of tests that failed; all that a red run printed is in results/red_N.txt. Exit
status 1 if there was one.
"""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent


LOOP = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"  # it ends when this program does


def cores() -> int:
    """Return how many cores this process may use."""
    return len(psutil.Process().cpu_affinity())


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Keep so many cores busy until the block has ended."""
    loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main() -> int:
    """Run the tests as often as asked for; return 1 if a run was red."""
    green, times = 0, int(sys.argv[1])
    for number in range(times):
        loops = cores() if number % 2 else 0
        start = time.monotonic()
        with busy_loops(loops):
            ended = subprocess.run(["make", "test"], cwd=ROOT, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - start
        counted = re.findall(r"^\d+ (?:passed|failed).*", ended.stdout, re.MULTILINE)
        green += ended.returncode == 0
        outcome = "green" if ended.returncode == 0 else f"RED ({ended.returncode})"
        print(f"{number + 1:3}: {outcome}, {seconds:.0f} s, {loops} busy loops; {' '.join(counted)}", flush=True)
        if ended.returncode:
            print(
                *re.findall(r"^(?:FAILED|ERROR|make).*", ended.stdout + ended.stderr, re.MULTILINE),
                sep="\n",
                flush=True,
            )
            (ROOT / "results").mkdir(exist_ok=True)
            (ROOT / "results" / f"red_{number + 1}.txt").write_text(ended.stdout + ended.stderr)
    print(f"{green} of {times} green, on {cores()} cores")
    return 0 if green == times else 1


if __name__ == "__main__":
    sys.exit(main())
