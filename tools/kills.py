"""Kill the suite, or what it has started, at random moments: ``python tools/kills.py [ROUNDS]``.

Half of the rounds kill the suite itself, half one of the processes below it. Each round is a short run of libraries of
every kind, with a temporary folder and a mark in the environment of its own. Counted is what lives 3 s after the suite
has ended, what lies in the temporary folder and in shared memory, and what of the results cannot be read.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a tool is run as a file of its own

from harness.folders import remove_abandoned  # noqa: E402
from record import files as results  # noqa: E402

LIBRARIES = ("serial", "mp", "joblib", "dask", "ray")
LONGEST_S = 25.0  # until the kill
END_S = 3.0
MARK = "BENCHMARK_KILLS"


def marked(mark: str) -> list[psutil.Process]:
    """Return the living processes that have the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def round_of(number: int, of_suite: bool, chance: random.Random) -> Counter[str]:
    """Kill once; return what was found wrong, and how the run ended."""
    with tempfile.TemporaryDirectory(prefix="k") as name:
        folder, temporary = Path(name) / "results", Path(name) / "t"
        temporary.mkdir()
        segments = set(os.listdir("/dev/shm"))
        mark = f"{os.getpid()}-{number}"
        arguments = ["numerical", "--profile", "quick", "--libraries", chance.choice(LIBRARIES), "serial"]
        suite = subprocess.Popen(
            [sys.executable, "benchmark_all.py", *arguments, "--results", str(folder)],
            cwd=ROOT,
            env={**os.environ, MARK: mark, "TMPDIR": str(temporary)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with suppress(subprocess.TimeoutExpired):
            suite.wait(chance.uniform(0.0, LONGEST_S))
        below = [process for process in marked(mark) if process.pid != suite.pid]
        victim = suite if of_suite else chance.choice(below) if below else suite
        with suppress(psutil.NoSuchProcess):
            victim.kill()
        _, printed = suite.communicate(timeout=600)
        time.sleep(END_S)
        found = Counter({f"exit {suite.returncode}": 1})
        found["processes left"] = len(marked(mark))
        found["tracebacks"] = printed.count(b"Traceback")
        found["segments left"] = len(set(os.listdir("/dev/shm")) - segments)
        found["folders left"] = len(list(temporary.iterdir()))
        tempfile.tempdir = str(temporary)
        remove_abandoned()  # as the next run does
        found["folders left after the next run"] = len(list(temporary.iterdir()))
        tempfile.tempdir = None
        for path in folder.glob("*.p3"):
            try:
                found["trials read"] += sum(len(run.trials) for run in results.load(path).runs)
            except results.ResultsError:
                found["files damaged"] += 1
        return found


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    chance = random.Random(1)
    for of_suite in (True, False):
        found: Counter[str] = Counter()
        for number in range(rounds // 2):
            found.update(round_of(number, of_suite, chance))
        print(f"{rounds // 2} kills of {'the suite' if of_suite else 'a process below it'}:", dict(found), flush=True)


if __name__ == "__main__":
    main()
