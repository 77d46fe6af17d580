"""Copying into memory that no one has touched yet, which every store does with every object."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from trial.tasklog import cpus_allowed

LEAST_BYTES = 2**24  # for a thread of its own: starting one takes less than copying this


def copy_memory(target: memoryview, source: memoryview) -> None:
    """Copy ``source`` to ``target``, of the same number of bytes, with as many threads as there are CPUs.

    Arrow's own Plasma client and Vineyard's do so by default. Most of the time goes into fresh pages: the kernel hands
    them out to several threads at once.
    """
    to, of = np.frombuffer(target, np.uint8), np.frombuffer(source, np.uint8)
    threads = min(cpus_allowed(), max(1, of.nbytes // LEAST_BYTES))
    step = max(1, -(-of.nbytes // threads))
    with ThreadPoolExecutor(threads) as pool:  # NumPy copies without the GIL
        list(
            pool.map(
                lambda start: np.copyto(to[start : start + step], of[start : start + step]), range(0, of.nbytes, step)
            )
        )
