"""Kill the suite, or what it has started, at random moments: ``python tools/kills.py [ROUNDS]``.

Half of the rounds kill the suite itself. The others kill one of the processes below it; then the suite goes on for a
while and is told to end. Each round is a short run of the plain loop and of a library chosen by chance, with its own
temporary folder and its own mark in the environment. Several run at once. This counts processes that live 3 s after the
suite has ended, what lies in the temporary folder, results that cannot be read and, in the end, what lies in shared
memory.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a tool is run as a file of its own

from record import files as results  # noqa: E402

LIBRARIES = ("serial", "mp", "joblib", "dask", "ray")
LONGEST_S = 25.0  # until the kill
END_S = 3.0
GOES_ON_S = 8.0  # after a process below it was killed
AT_ONCE = 3
NEXT_RUN = "from harness.folders import remove_abandoned; remove_abandoned()"  # what a run begins with
MARK = "BENCHMARK_KILLS"


def marked(mark: str) -> list[psutil.Process]:
    """Return the living processes that have the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def round_of(number: int, of_suite: bool) -> Counter[str]:
    """Kill once; return what was found wrong, and how the run ended."""
    chance = random.Random(number)
    with tempfile.TemporaryDirectory(prefix="k") as name:
        folder, temporary = Path(name) / "results", Path(name) / "t"
        temporary.mkdir()
        mark = f"{os.getpid()}-{of_suite}-{number}"
        environment = {**os.environ, MARK: mark, "TMPDIR": str(temporary)}
        arguments = ["numerical", "--profile", "quick", "--libraries", chance.choice(LIBRARIES), "serial", "--anyway"]
        suite = subprocess.Popen(
            [sys.executable, "benchmark_all.py", *arguments, "--results", str(folder)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        with suppress(subprocess.TimeoutExpired):
            suite.wait(chance.uniform(0.0, LONGEST_S))
        below = [process for process in marked(mark) if process.pid != suite.pid]
        victim = suite if of_suite else chance.choice(below) if below else suite
        with suppress(psutil.NoSuchProcess):
            victim.kill()
        with suppress(subprocess.TimeoutExpired):
            suite.wait(GOES_ON_S)
        suite.terminate()
        _, printed = suite.communicate(timeout=60)
        time.sleep(END_S)
        found = Counter({f"exit {suite.returncode}": 1})
        found["processes left"] = len(marked(mark))
        found["tracebacks"] = printed.count(b"Traceback")
        found["folders left"] = len(list(temporary.iterdir()))
        subprocess.run([sys.executable, "-c", NEXT_RUN], cwd=ROOT, env=environment, timeout=60, check=True)
        found["folders left after the next run"] = len(list(temporary.iterdir()))
        for path in folder.glob("*.p3"):
            try:
                found["trials read"] += sum(len(run.trials) for run in results.load(path).runs)
            except results.ResultsError:
                found["files damaged"] += 1
        return found


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    segments = set(os.listdir("/dev/shm"))
    for of_suite in (True, False):
        found: Counter[str] = Counter()
        with ThreadPoolExecutor(AT_ONCE) as executor:
            for each in executor.map(round_of, range(rounds // 2), [of_suite] * (rounds // 2)):
                found.update(each)
        print(f"{rounds // 2} kills of {'the suite' if of_suite else 'a process below it'}:", dict(found), flush=True)
    print("segments left:", len(set(os.listdir("/dev/shm")) - segments))


if __name__ == "__main__":
    main()
