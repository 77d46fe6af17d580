"""A short fixed piece of work before each trial: its time against the run's median shows drift."""

from time import perf_counter

SHOTS = 5
ADDITIONS = 100_000
_BLOCK = bytes(2**24)


def yardstick_s() -> float:
    """Return the shortest of five times that some Python arithmetic and a copy of 16 MiB take, in seconds.

    The shortest, because a shot that an interrupt hits says nothing of the machine's speed. All take about 20 ms.
    """
    return min(_shot() for _ in range(SHOTS))


def _shot() -> float:
    start = perf_counter()
    total = 0
    for value in range(ADDITIONS):
        total += value
    bytearray(_BLOCK)
    return perf_counter() - start
