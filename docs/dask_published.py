"""What Dask's documentation says of its schedulers' overhead, measured here: ``python docs/dask_published.py``.

https://docs.dask.org/en/stable/shared.html says of the threaded scheduler, first: 1 ms per task and 100 ms start-up,
with 550 ms for ``da.ones(1000, chunks=(2,)).sum()``; later: about 200 us per task and 1 ms start-up; today 200 us and
10 us for a new pool. That very example, in fresh interpreters, first and later calls.
"""

import subprocess
import sys
from statistics import median

REPEATS = 7
EXAMPLE = """
from time import perf_counter
import dask
import dask.array as da

def seconds(call):
    start = perf_counter()
    call()
    return perf_counter() - start

def example():
    return da.ones(1000, chunks=(2,)).sum().compute(scheduler="threads")

tasks = len(dict(da.ones(1000, chunks=(2,)).sum().__dask_graph__()))
first = seconds(example)
later = min(seconds(example) for _ in range(5))
one = dask.delayed(abs, pure=False)(-1)
start_up = seconds(lambda: one.compute(scheduler="threads"))
single = min(seconds(lambda: one.compute(scheduler="threads")) for _ in range(100))
print(tasks, first, later, start_up, single)
"""


def main() -> None:
    rows = []
    for _ in range(REPEATS):
        ended = subprocess.run([sys.executable, "-c", EXAMPLE], capture_output=True, text=True, check=True, timeout=120)
        rows.append([float(value) for value in ended.stdout.split()])
    tasks, first, later, start_up, single = (median(column) for column in zip(*rows, strict=True))
    print(f"medians of {REPEATS} fresh interpreters, default number of threads")
    print(f"da.ones(1000, chunks=(2,)).sum(): {tasks:.0f} tasks in its graph before optimization")
    print(f"  first call {1e3 * first:.1f} ms, later calls {1e3 * later:.1f} ms (published: 550 ms)")
    print(f"  per task {1e6 * later / tasks:.0f} us (published: 1 ms at first, later about 200 us)")
    print(
        f"one delayed call: first {1e3 * start_up:.2f} ms, later {1e3 * single:.2f} ms (published start-up: 100, 1 ms)"
    )


if __name__ == "__main__":
    main()
