"""From samples to a number and how sure it is. Everything statistical comes from scipy."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from scipy.stats import quantile_test

LEAST_FOR_INTERVAL = 6
"""With fewer samples no confidence interval is claimed: 5 span the median with 93.75 % at most, 6 with 96.9 %."""

INTERVAL, RANGE = "95 % confidence interval of the median", "lowest to highest"


@dataclass(frozen=True)
class Summary:
    """``low`` to ``high`` is what ``spread`` says: a confidence interval, or only the range of too few samples."""

    count: int
    median: float
    low: float
    high: float
    spread: str


def summarize(samples: Sequence[float]) -> Summary:
    """Return the median and its spread. Raises ValueError without samples. No outlier is removed."""
    if not samples:
        raise ValueError("no samples to summarize")
    if len(samples) < LEAST_FOR_INTERVAL:
        return Summary(len(samples), median(samples), min(samples), max(samples), RANGE)
    # Distribution-free, from order statistics: run times are skewed, so nothing normal is assumed.
    interval = quantile_test(samples, p=0.5).confidence_interval(confidence_level=0.95)
    return Summary(len(samples), median(samples), float(interval.low), float(interval.high), INTERVAL)
