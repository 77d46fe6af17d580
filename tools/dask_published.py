"""What Dask's documentation says of its schedulers' overhead, measured here: ``python tools/dask_published.py``.

https://docs.dask.org/en/stable/shared.html has said three things of the threaded scheduler. First: 1 ms per task and
100 ms start-up, with 550 ms for ``da.ones(1000, chunks=(2,)).sum()``. Later: about 200 us per task and 1 ms start-up.
Today: 200 us, and 10 us for a new pool. This times that very example, first and later calls, in fresh interpreters.
"""

import subprocess
import sys
from statistics import median

REPEATS = 7
TIMED = """
from statistics import median
from time import perf_counter
import dask
import dask.array as da

def seconds(call):
    start = perf_counter()
    call()
    return perf_counter() - start
"""
EXAMPLE = """
def example():
    return da.ones(1000, chunks=(2,)).sum().compute(scheduler="threads")

(optimized,) = dask.optimize(da.ones(1000, chunks=(2,)).sum())
tasks = len(dict(optimized.__dask_graph__()))
print(tasks, seconds(example), median(seconds(example) for _ in range(9)))
"""
ONE = """
one = dask.delayed(abs, pure=False)(-1)
print(seconds(lambda: one.compute(scheduler="threads")), median(
    seconds(lambda: one.compute(scheduler="threads")) for _ in range(99)))
"""


def medians_of(code: str) -> list[float]:
    """Return the medians of the numbers that it prints."""
    rows = []
    for _ in range(REPEATS):
        command = [sys.executable, "-c", TIMED + code]
        ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        rows.append([float(value) for value in ended.stdout.split()])
    return [median(column) for column in zip(*rows, strict=True)]


def main() -> None:
    tasks, first, later = medians_of(EXAMPLE)
    start_up, single = medians_of(ONE)
    print(f"medians of {REPEATS} fresh interpreters, default number of threads")
    print(f"da.ones(1000, chunks=(2,)).sum(): {tasks:.0f} tasks in its graph, optimized")
    print(f"  first call {1e3 * first:.1f} ms, later calls {1e3 * later:.1f} ms (published: 550 ms)")
    print(f"  per task {1e6 * later / tasks:.0f} us (published: 1 ms at first, later about 200 us)")
    print(
        f"one delayed call: first {1e3 * start_up:.2f} ms, later {1e3 * single:.2f} ms (published start-up: 100, 1 ms)"
    )


if __name__ == "__main__":
    main()
