"""Cost per task by a hand-timed loop, and by the suite, in turn: ``python tools/hand_timed.py [BLOCKS]``.

Each loop is what the library's own documentation writes for many small calls, around a function that returns its
argument. In a fresh interpreter it makes 100 calls, then 30 times one call, then five times each number of calls that
the suite's `overhead` makes in the same block. The same line is fitted to both. The suite also counts its tasks: the
plain loop ("serial") shows what that costs. docs/results/four_cores.txt has the output. The machine must be idle.
"""

import json
import random
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402

from harness import suite  # noqa: E402
from harness.cells import all_cells  # noqa: E402
from harness.cli import parse  # noqa: E402
from harness.launch import run_cell  # noqa: E402
from harness.machine import environment, process, supervise  # noqa: E402
from params import PROFILES  # noqa: E402
from record import terms  # noqa: E402
from record.schema import Pool, Round, Trial  # noqa: E402
from report.numbers.overhead import line_of  # noqa: E402
from workloads.overhead import FACTOR  # noqa: E402

N_JOBS = 4
TASKS = 3162
SINGLE = 30
PARAMS = replace(PROFILES["default"], overhead_tasks=TASKS, overhead_budget_s=60.0, latency_tasks=SINGLE)

# How a pool is opened, and what runs `numbers`.
LOOPS = {
    ("serial", "loop"): ("nullcontext()", "[same(number) for number in numbers]"),
    ("mp", "fork, chunksize 1"): (
        "multiprocessing.get_context('fork').Pool(N_JOBS)",
        "pool.map(same, numbers, chunksize=1)",
    ),
    ("mp", "fork, default chunksize"): (
        "multiprocessing.get_context('fork').Pool(N_JOBS)",
        "pool.map(same, numbers)",
    ),
    ("futures", "fork, chunksize 1"): (
        "concurrent.futures.ProcessPoolExecutor(N_JOBS, multiprocessing.get_context('fork'))",
        "list(pool.map(same, numbers))",
    ),
    ("joblib", "loky, automatic batches"): (
        "joblib.Parallel(n_jobs=N_JOBS)",
        "pool(joblib.delayed(same)(number) for number in numbers)",
    ),
    ("joblib", "loky, batches of 1"): (
        "joblib.Parallel(n_jobs=N_JOBS, batch_size=1)",
        "pool(joblib.delayed(same)(number) for number in numbers)",
    ),
    ("dask", "threads, delayed"): (
        "dask.config.set(scheduler='threads', pool=concurrent.futures.ThreadPoolExecutor(N_JOBS))",
        "dask.compute(*[dask.delayed(same, pure=False)(number) for number in numbers])",
    ),
    ("dask", "distributed, client.map"): (
        "distributed.Client(n_workers=N_JOBS, threads_per_worker=1, dashboard_address=':0')",
        "pool.gather(pool.map(same, numbers, pure=False))",
    ),
    ("ray", "tasks"): (
        "ray.init(num_cpus=N_JOBS, include_dashboard=False)",
        "ray.get([remote.remote(n) for n in numbers])",
    ),
    ("mpire", "fork, chunk_size 1"): (
        "mpire.WorkerPool(N_JOBS, keep_alive=True, start_method='fork')",
        "pool.map_unordered(same, numbers, chunk_size=1)",
    ),
    ("mpire", "fork, default chunks"): (
        "mpire.WorkerPool(N_JOBS, keep_alive=True, start_method='fork')",
        "pool.map_unordered(same, numbers)",
    ),
}
IMPORTS = {
    "mp": "multiprocessing",
    "futures": "concurrent.futures, multiprocessing",
    "dask": "concurrent.futures, dask, distributed",
}
SCRIPT = """
from contextlib import nullcontext
from time import perf_counter
import {imports}

N_JOBS = {n_jobs}


def same(number):
    return number


def seconds(pool, count):
    numbers = list(range(count))
    start = perf_counter()
    results = {loop}
    elapsed = perf_counter() - start
    assert sorted(results) == numbers
    return elapsed


if __name__ == "__main__":
    {remote}
    with {pool} as pool:
        seconds(pool, 100)
        single = [[1, seconds(pool, 1)] for _ in range({single})]
        print(single + [[count, seconds(pool, count)] for count in {sizes} for _ in range(5)])
"""


def by_hand(library: str, idiom: str) -> float:
    """Return seconds per task."""
    pool, loop = LOOPS[library, idiom]
    code = SCRIPT.format(
        imports=IMPORTS.get(library, "time" if library == "serial" else library),
        n_jobs=N_JOBS,
        single=SINGLE,
        sizes=[round(FACTOR**k) for k in range(1, 20) if round(FACTOR**k) <= TASKS],
        pool=pool,
        loop=loop,
        remote="remote = ray.remote(same)" if library == "ray" else "pass",
    )
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "by_hand.py"
        path.write_text(code)
        ended = subprocess.run(
            [sys.executable, str(path)],
            env=environment.trial_environment(Path(folder)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    if ended.returncode:
        sys.exit(f"{library}, {idiom}, by hand: {ended.stderr[-500:]}")
    rounds = [
        Round(phase=terms.TASKS if tasks > 1 else terms.KEPT, tasks=tasks, seconds=seconds)
        for tasks, seconds in json.loads(ended.stdout.strip().splitlines()[-1])
    ]
    return cost_of(Trial(idiom=idiom, n_jobs=N_JOBS, pools=[Pool(rounds=rounds, stop_s=0.0)]))


def by_suite(cell) -> float:
    """Return seconds per task."""
    trial = run_cell(cell, PARAMS)
    if trial.outcome != terms.OK:
        sys.exit(f"{cell.library}, {cell.idiom}: {trial.reason}")
    return cost_of(trial)


def cost_of(trial: Trial) -> float:
    """Return the slope of the line."""
    line = line_of(trial)
    assert line, "there are more than three rounds"
    return line.per_task_s


def main() -> None:
    blocks = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    supervise.become_subreaper()
    process.raise_interrupt_on_termination()
    if problem := suite.make_inputs("overhead", PARAMS, Console()):
        sys.exit(problem)
    cells = {(cell.library, cell.idiom): cell for cell in all_cells(parse(["overhead", "--n-jobs", str(N_JOBS)]))}
    found: dict[tuple[str, str], list[tuple[float, float]]] = {name: [] for name in LOOPS}
    order = random.Random(PARAMS.seed)
    for _ in range(blocks):
        for name in order.sample(list(LOOPS), len(LOOPS)):
            pair = [lambda name=name: by_hand(*name), lambda name=name: by_suite(cells[name])]
            first = order.randrange(2)
            times = {place: pair[place]() for place in (first, 1 - first)}
            found[name].append((times[0], times[1]))
    print(f"{blocks} blocks, {N_JOBS} workers, {TASKS} tasks; microseconds per task, medians; ratio: lowest to highest")
    for (library, idiom), pairs in found.items():
        hand, suite_s = (1e6 * median(column) for column in zip(*pairs, strict=True))
        ratios = sorted(suite / hand for hand, suite in pairs)
        said = f"{median(ratios):.3f} ({ratios[0]:.3f}-{ratios[-1]:.3f})"
        print(f"{library:8} {idiom:26} by hand {hand:8.2f}  suite {suite_s:8.2f}  suite / by hand {said}", flush=True)


if __name__ == "__main__":
    try:
        main()
    finally:
        supervise.end_descendants(grace_s=0.0)
