"""A computation of chosen length: compiled code that holds its core and releases the GIL, with a result to check.

PBKDF2 is made to take long in proportion to its iterations, and to be impossible to shorten.
https://docs.python.org/3.11/library/hashlib.html#hashlib.pbkdf2_hmac
"""

from dataclasses import dataclass
from hashlib import pbkdf2_hmac
from time import perf_counter_ns

CALIBRATED_ITERATIONS = (1, 4000)
CALIBRATION_REPEATS = 50


def compute(iterations: int) -> int:
    """Compute for a time in proportion to ``iterations``; return a number that depends on all of them."""
    return int.from_bytes(pbkdf2_hmac("sha256", b"benchmark", b"salt", iterations)[:8], "little") if iterations else 0


@dataclass(frozen=True)
class Kernel:
    """What ``compute(iterations)`` takes on this machine: ``fixed_s + iterations * iteration_s``."""

    fixed_s: float
    iteration_s: float

    def iterations(self, seconds: float) -> int:
        """Return how many iterations take about ``seconds``; none for 0, and for anything else at least one."""
        return max(1, round((seconds - self.fixed_s) / self.iteration_s)) if seconds else 0

    def seconds(self, iterations: int) -> float:
        """Return how long ``iterations`` take."""
        return self.fixed_s + iterations * self.iteration_s if iterations else 0.0


def calibrate() -> Kernel:
    """Time the kernel in this process: the least of many times, because disturbances only ever add time."""
    short, long = (min(_time_of(count) for _ in range(CALIBRATION_REPEATS)) for count in CALIBRATED_ITERATIONS)
    few, many = CALIBRATED_ITERATIONS
    iteration_s = (long - short) / (many - few)
    return Kernel(max(0.0, short - few * iteration_s), iteration_s)


def _time_of(iterations: int) -> float:
    start = perf_counter_ns()
    compute(iterations)
    return (perf_counter_ns() - start) / 1e9
