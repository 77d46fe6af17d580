"""From samples to a number and how sure it is. Everything statistical comes from scipy.

Comparisons are paired: two cells of one block were measured within minutes of each other, in random order, so that the
machine's drift over the run is not in their ratio, and drift within the block is noise that favours none. A block's
log-ratio is one sample. A family of comparisons is what stands in one table
under one number of workers: the more there are, the more of them would look different by chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import comb, exp, isfinite, log
from statistics import median
from typing import Any, TypeVar

import numpy as np
from scipy.stats import bootstrap, false_discovery_control, mannwhitneyu, quantile_test

LEAST_FOR_INTERVAL = 6
"""With fewer samples no confidence interval is claimed: 5 span the median with 93.75 % at most, 6 with 96.9 %."""

LEVEL = 0.95
Key = TypeVar("Key")  # whatever the caller tells his cells apart by
INTERVAL, RANGE = "95 % confidence interval of the median", "lowest to highest"
FASTER, SLOWER, TIE, UNKNOWN = "faster", "slower", "tie", "too few blocks"


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
    low, high = _median_interval(samples, LEVEL) or (min(samples), max(samples))
    return Summary(len(samples), median(samples), low, high, INTERVAL)


def _median_interval(samples: Sequence[float], level: float) -> tuple[float, float] | None:
    """Return the distribution-free interval, from order statistics: run times are skewed, nothing normal is assumed.

    None where so few samples reach no such level.
    """
    ranks = _ranks(len(samples), level)
    return None if ranks is None else (sorted(samples)[ranks[0]], sorted(samples)[ranks[1]])


@cache
def _ranks(count: int, level: float) -> tuple[int, int] | None:
    """Return which order statistics bound the median: the same ones for all samples of this size, and slow to find."""
    # A hair below, because levels such as 1 - 2 / 2**6 are reached exactly, and rounding must not decide.
    interval = quantile_test(range(count), p=0.5).confidence_interval(confidence_level=level - 1e-9)
    return (int(interval.low), int(interval.high)) if isfinite(interval.low) and isfinite(interval.high) else None


@cache
def _sign_test(below: int, equal: int, above: int) -> float:
    """Return the p-value of a median of 0 for so many samples below, at and above 0: no more of them matters."""
    return float(quantile_test([-1] * below + [0] * equal + [1] * above, q=0, p=0.5).pvalue)


@dataclass(frozen=True)
class Ratio:
    """How much longer one cell takes than another: ``ratio`` 1.05 is 5 % slower.

    ``low`` to ``high``: its interval, at the ``level`` that the family's size asks for, or at 95 % where so few samples
    reach no such level; None with fewer than LEAST_FOR_INTERVAL.
    """

    count: int
    ratio: float
    low: float | None
    high: float | None
    level: float
    verdict: str


def half_width(low: float, high: float) -> float:
    """Return an interval's half-width as a share, on a logarithmic scale: 0.02 for 0.98 to 1.02."""
    return exp((log(high) - log(low)) / 2) - 1


def paired(family: Mapping[Key, tuple[Mapping[Any, float], Mapping[Any, float]]]) -> dict[Key, Ratio]:
    """Compare pairs of cells: ``{name: (times of one, times of its reference)}``, each by block, in seconds.

    The estimate is the median of the log-ratios over the blocks that both have. Pairs without any are left out.
    """
    samples = {name: _log_ratios(*times) for name, times in family.items()}
    samples = {name: ratios for name, ratios in samples.items() if ratios}
    enough = {name: ratios for name, ratios in samples.items() if len(ratios) >= LEAST_FOR_INTERVAL}
    level = _level([_sign_test(*_signs(ratios)) for ratios in enough.values()])
    # So few blocks may reach no such level. Then the interval is that of one comparison alone: if it holds 1, so would
    # any wider one; if it does not, nothing can be said.
    reached = {name: level if _ranks(len(ratios), level) else LEVEL for name, ratios in enough.items()}
    intervals = {name: _median_interval(ratios, reached[name]) for name, ratios in enough.items()}
    return {
        name: _ratio(len(ratios), median(ratios), intervals.get(name), reached.get(name, level), level)
        for name, ratios in samples.items()
    }


def unpaired(family: Mapping[Key, tuple[Sequence[float], Sequence[float]]]) -> dict[Key, Ratio]:
    """Compare cells of different runs: ``{name: (times, times of the reference)}``, in seconds.

    The estimate is the ratio of the medians. Whatever changed on the machine between the two runs is in it, and not in
    its interval. Different are those that Mann and Whitney's test and the bootstrapped interval both call so. Pairs of
    which one is empty are left out.
    """
    samples = {name: (np.log(times), np.log(others)) for name, (times, others) in family.items() if times and others}
    enough = {name: both for name, both in samples.items() if min(map(len, both)) >= LEAST_FOR_INTERVAL}
    p_values = {name: float(mannwhitneyu(*both).pvalue) for name, both in enough.items()}
    level = _level(list(p_values.values()))
    # The smallest p-value that so many samples allow: all of one side below all of the other.
    least = {name: 2 / comb(len(times) + len(others), len(times)) for name, (times, others) in enough.items()}
    reached = {name: level if least[name] <= 1 - level else LEVEL for name in enough}
    intervals = {name: _bootstrap_interval(*both, reached[name]) for name, both in enough.items()}
    ratios = {
        name: _ratio(min(map(len, both)), _difference(*both), intervals.get(name), reached.get(name, level), level)
        for name, both in samples.items()
    }
    alike = [name for name, p_value in p_values.items() if p_value > 1 - level and reached[name] == level]
    return ratios | {name: replace(ratios[name], verdict=TIE) for name in alike}


def _log_ratios(times: Mapping[Any, float], reference: Mapping[Any, float]) -> list[float]:
    return [log(seconds / reference[block]) for block, seconds in times.items() if block in reference]


def _signs(values: Sequence[float]) -> tuple[int, int, int]:
    return sum(v < 0 for v in values), sum(v == 0 for v in values), sum(v > 0 for v in values)


def _difference(logs: np.ndarray, others: np.ndarray, axis: int | None = None) -> Any:
    return np.median(logs, axis=axis) - np.median(others, axis=axis)


def _bootstrap_interval(logs: np.ndarray, others: np.ndarray, level: float) -> tuple[float, float]:
    found = bootstrap(
        (logs, others), _difference, confidence_level=level, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return float(found.low), float(found.high)


def _level(p_values: Sequence[float]) -> float:
    """Return the confidence level for all intervals of a family of comparisons with these p-values.

    Benjamini and Hochberg's procedure selects those that differ, R of m, at a false discovery rate of 5 %; intervals at
    level 1 - 0.05 R / m then cover the truth for 95 % of those selected, and just they exclude a ratio of 1 (Benjamini
    and Yekutieli, "False discovery rate-adjusted multiple confidence intervals", JASA 100, 2005). Comparisons with one
    reference are not independent; that the rate holds for them all the same is simulated in tests/test_statistics.py.
    """
    if not p_values:
        return LEVEL
    differ = sum(float(adjusted) <= 1 - LEVEL for adjusted in false_discovery_control(p_values))
    return 1 - (1 - LEVEL) * max(differ, 1) / len(p_values)


def _ratio(count: int, log_ratio: float, interval: tuple[float, float] | None, reached: float, level: float) -> Ratio:
    if interval is None:
        return Ratio(count, exp(log_ratio), None, None, level, UNKNOWN)
    low, high = interval
    verdict = TIE if low <= 0 <= high else UNKNOWN if reached < level else FASTER if high < 0 else SLOWER
    return Ratio(count, exp(log_ratio), exp(low), exp(high), reached, verdict)
