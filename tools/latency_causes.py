"""Where three latencies of one task come from, by changing what is blamed: ``python tools/latency_causes.py``.

- `multiprocessing.Pool`: what its caller does between two calls, and Python's switch interval, after which a thread
  that wants the GIL gets it.
- joblib: how long it sleeps while it waits for results.
- Dask distributed: the interval at which its client sends what has piled up.
docs/results/four_cores.txt has the output. The machine must be idle.
"""

import multiprocessing
import sys
import time

import distributed.batched
import distributed.client
import joblib
import joblib.parallel
import numpy as np

N_JOBS = 4
CALLS = 300


def same(number):
    """Return the argument."""
    return number


def say(what, call, between_s=0.0):
    """Time calls, after a few untimed ones; compute for ``between_s`` before each."""
    times = []
    for number in range(20 + CALLS):
        until = time.perf_counter() + between_s
        while (start := time.perf_counter()) < until:
            pass
        call(number)
        times.append(1e6 * (time.perf_counter() - start))
    median, p95, p99 = np.quantile(times[20:], (0.5, 0.95, 0.99))
    print(f"{what:64} median {median:7.0f}  p95 {p95:7.0f}  p99 {p99:7.0f} us", flush=True)


def pool():
    """Time Pool.map of one task at two switch intervals, from a caller that waits only, and from one that computes."""
    default = sys.getswitchinterval()
    with multiprocessing.get_context("fork").Pool(N_JOBS) as workers:
        for between_s in (0.0, 0.0005, 0.005):
            for seconds in (default, default / 50):
                sys.setswitchinterval(seconds)
                what = f"mp.Pool, {1e3 * between_s:g} ms computed between, switch interval {1e3 * seconds:g} ms"
                say(what, lambda number: workers.map(same, [number]), between_s)
    sys.setswitchinterval(default)


def loky():
    """Time joblib with its own sleep and with a shorter one."""
    real = time.sleep
    with joblib.Parallel(n_jobs=N_JOBS) as parallel:
        for seconds in (0.01, 0.001):
            joblib.parallel.time = type("time", (), {"sleep": lambda _, s=seconds: real(s), "time": time.time})
            say(
                f"joblib, sleeping {1e3 * seconds:g} ms at a time",
                lambda number: parallel([joblib.delayed(same)(number)]),
            )
    joblib.parallel.time = time


def dask():
    """Time a distributed client with its own interval and with a shorter one."""
    batched = distributed.batched.BatchedSend
    for interval in ("10ms", "1ms"):
        # Its client writes BatchedSend(interval="10ms", loop=...).
        distributed.client.BatchedSend = lambda loop, wanted=interval, **_: batched(interval=wanted, loop=loop)
        with distributed.Client(n_workers=N_JOBS, threads_per_worker=1, dashboard_address=":0") as client:
            say(
                f"Dask distributed, client sends every {interval}",
                lambda number: client.submit(same, number, pure=False).result(),
            )
    distributed.client.BatchedSend = batched


if __name__ == "__main__":
    pool()
    loky()
    dask()
