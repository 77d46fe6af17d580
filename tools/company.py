"""How much slower the plain loop is while every core runs one: ``python tools/company.py [PROFILE]``.

No library can come nearer to its limit: the limit comes from a loop that had the machine's memory, caches and clock to
itself. Rounds alone and together take turns. The inputs must be there (a run of the profile makes them).
"""

import os
import sys
from multiprocessing import Barrier, Process, Queue
from pathlib import Path
from statistics import median
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a tool is run as a file of its own

from harness.inputs import folder_of  # noqa: E402
from harness.machine.environment import THREAD_LIMITS, physical_cores  # noqa: E402
from params import PROFILES  # noqa: E402
from record.terms import WORKLOADS  # noqa: E402
from trial.patterns import Setup, Shared  # noqa: E402
from trial.workload import Setting, load_workload  # noqa: E402

REPEATS = 10


def own_of(job):
    """Return a function that gives what the loop's tasks need besides their arguments. It makes a state anew."""
    if isinstance(job, Shared):
        return lambda: job.shared
    if isinstance(job, Setup):
        made = job.make()
        return lambda: made
    return job.start


def loop(name, params, rank, together, answers):
    """Time rounds of the loop: in turn, process 0 alone and all processes together."""
    workload = load_workload(name)
    setting = Setting(workload.PATTERNS[0], 1, 0, 0, None)
    (pool,) = workload.pools(workload.load(params, folder_of(name, params)), setting)
    tasks, own = next(pool.rounds).tasks, own_of(pool.job)
    for repeat in range(1 + REPEATS):
        for alone in (True, False):
            together.wait()
            start = perf_counter()
            if not alone or rank == 0:
                value = own()
                for arguments in tasks:
                    pool.job.task(*arguments, value)
            if repeat:
                answers.put((alone, rank, perf_counter() - start))


def main() -> None:
    params, cores = PROFILES[sys.argv[1] if len(sys.argv) > 1 else "default"], physical_cores()
    for name in WORKLOADS:
        together, answers = Barrier(cores), Queue()
        processes = [Process(target=loop, args=(name, params, rank, together, answers)) for rank in range(cores)]
        for process in processes:
            process.start()
        found = [answers.get(timeout=600) for _ in range(2 * cores * REPEATS)]
        for process in processes:
            process.join()
        alone = [seconds for is_alone, rank, seconds in found if is_alone and rank == 0]
        busy = [seconds for is_alone, _, seconds in found if not is_alone]
        print(f"{name:15} alone {median(alone):.3f} s, on {cores} cores at once {median(busy):.3f} s: ", end="")
        print(f"{median(busy) / median(alone) - 1:+.1%}", flush=True)


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in THREAD_LIMITS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **THREAD_LIMITS})
    main()
