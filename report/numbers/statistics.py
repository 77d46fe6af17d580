"""From samples to a number and how sure it is. Everything statistical comes from scipy.

scipy imports `scipy.stats` when it is first used: that takes a second, which no command needs to wait for at its start.

Comparisons are paired. Two cells of one block were measured within minutes of each other, in random order. So the
machine's drift over the run is not in their ratio, and drift within the block is noise that favours none. A block's
log-ratio is one sample. A family is all comparisons with one reference, of one style, in one workload, on one number of
workers: the more there are, the more of them look different by chance.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import count as count_from
from math import exp, isfinite, log
from statistics import median
from typing import Any, TypeVar

import numpy as np
import scipy

LEAST_FOR_INTERVAL = 6
"""With fewer samples no confidence interval is claimed: 5 span the median with 93.75 % at most, 6 with 96.9 %."""

LEVEL = 0.95
HAIR = 1e-9  # below a level: levels such as 1 - 2 / 2**6 are reached exactly, and rounding must not decide
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
    low, high = _ranks(len(samples), LEVEL) or (0, -1)
    return Summary(len(samples), median(samples), sorted(samples)[low], sorted(samples)[high], INTERVAL)


@cache
def _ranks(count: int, level: float) -> tuple[int, int] | None:
    """Return which order statistics, from 0, bound the median: run times are skewed, nothing normal is assumed.

    They are the same for all samples of this size, and slow to find. None where so few samples cannot reach the level.
    """
    interval = scipy.stats.quantile_test(range(count), p=0.5).confidence_interval(confidence_level=level - HAIR)
    return (int(interval.low), int(interval.high)) if isfinite(interval.low) and isfinite(interval.high) else None


@cache
def _sign_test(below: int, equal: int, above: int) -> float:
    """Return the p-value of a median of 0 for so many samples below, at and above 0: only these counts matter."""
    return float(scipy.stats.quantile_test([-1] * below + [0] * equal + [1] * above, q=0, p=0.5).pvalue)


@cache
def _rank_sum_test(count: int, others: int, beyond: int) -> float:
    """Return Mann and Whitney's p-value of two samples where ``beyond`` of all pairs are in the rarer order.

    It is that of made-up samples with as many: nothing else matters to the test.
    """
    below = [min(others, max(0, beyond - place * others)) for place in range(count)]
    ones = [number + 0.5 + 0.4 * place / count for place, number in enumerate(below)]
    return float(scipy.stats.mannwhitneyu(ones, range(1, others + 1)).pvalue)


@cache
def _shift_ranks(count: int, others: int, level: float) -> tuple[int, int] | None:
    """Return which sorted differences of all pairs, from 0, bound the shifts that the test does not reject."""
    pairs = count * others
    p_value = partial(_rank_sum_test, count, others)
    low = bisect_right(range(pairs // 2), 1 - level + HAIR, key=p_value) - 1
    return None if low < 0 else (low, pairs - 1 - low)


def least_blocks(comparisons: int, is_paired: bool = True) -> int:
    """Return how many blocks are needed at least to find a single difference in a family of so many comparisons.

    Then all blocks lie on one side, and the test's p-value (2 / 2**blocks if paired) is at most 5 % / comparisons.
    """
    return next(
        blocks
        for blocks in count_from(LEAST_FOR_INTERVAL)
        if (_sign_test(blocks, 0, 0) if is_paired else _rank_sum_test(blocks, blocks, 0)) <= (1 - LEVEL) / comparisons
    )


@dataclass(frozen=True)
class Ratio:
    """How much longer one cell takes than another: ``ratio`` 1.05 is 5 % slower.

    ``low`` to ``high``: its interval, at the ``level`` that the family asks for, or at 95 % where the samples are too
    few for that level; None with fewer than LEAST_FOR_INTERVAL. ``family``: the number of comparisons in the family.
    ``least`` to ``largest``: the range of the measured ratios.
    """

    count: int
    ratio: float
    low: float | None
    high: float | None
    level: float
    verdict: str
    family: int
    least: float
    largest: float


def half_width(low: float, high: float) -> float:
    """Return an interval's half-width as a share, on a logarithmic scale: 0.02 for 0.98 to 1.02."""
    return exp((log(high) - log(low)) / 2) - 1


@dataclass(frozen=True)
class _Evidence:
    """What a comparison rests on: log-ratios in order. Their median is the estimate, two of them bound its interval.

    ``count``: of samples, on the side that has fewer. ``ranks``: which two bound the interval, by level.
    """

    count: int
    log_ratios: Sequence[float] | np.ndarray
    p_value: float
    ranks: Callable[[float], tuple[int, int] | None]


def paired(family: Mapping[Key, tuple[Mapping[Any, float], Mapping[Any, float]]]) -> dict[Key, Ratio]:
    """Compare pairs of cells: ``{name: (times of one, times of its reference)}``, each by block, in seconds.

    The estimate is the median of the log-ratios over the blocks that both have. Pairs without any are left out.
    """
    samples = {name: _log_ratios(*times) for name, times in family.items()}
    return _ratios(
        {
            name: _Evidence(
                len(log_ratios), log_ratios, _sign_test(*_signs(log_ratios)), partial(_ranks, len(log_ratios))
            )
            for name, log_ratios in samples.items()
            if log_ratios
        }
    )


def unpaired(family: Mapping[Key, tuple[Sequence[float], Sequence[float]]]) -> dict[Key, Ratio]:
    """Compare cells of different runs: ``{name: (times, times of the reference)}``, in seconds.

    The estimate is Hodges and Lehmann's: the median of the ratios of all pairs of times, one from each side. Its
    interval holds the ratios that Mann and Whitney's test does not reject. It is exact if both sides scatter alike
    about their medians, on a logarithmic scale; nothing else is assumed. What changed on the machine between the two
    runs is in the ratio, and not in its interval. Comparisons with an empty side are left out.
    """
    return _ratios({name: _of_all_pairs(*both) for name, both in family.items() if all(both)})


def _of_all_pairs(times: Sequence[float], others: Sequence[float]) -> _Evidence:
    differences = np.sort(np.subtract.outer(np.log(times), np.log(others)), axis=None)
    beyond = min(int(np.sum(differences <= 0)), int(np.sum(differences >= 0)), len(differences) // 2)
    counts = len(times), len(others)
    return _Evidence(min(counts), differences, _rank_sum_test(*counts, beyond), partial(_shift_ranks, *counts))


def _log_ratios(times: Mapping[Any, float], reference: Mapping[Any, float]) -> list[float]:
    return sorted(log(seconds / reference[block]) for block, seconds in times.items() if block in reference)


def _signs(values: Sequence[float]) -> tuple[int, int, int]:
    return sum(v < 0 for v in values), sum(v == 0 for v in values), sum(v > 0 for v in values)


def beside_the_fastest(verdict: str) -> str:
    """Return the verdict on a row beside the row with the least median: faster in most blocks is only a tie."""
    return TIE if verdict == FASTER else verdict


def _ratios(family: Mapping[Key, _Evidence]) -> dict[Key, Ratio]:
    """Return the verdicts on a family of comparisons.

    Benjamini and Hochberg's procedure selects those that differ, R of m, at a false discovery rate of 5 %. Intervals at
    level 1 - 0.05 R / m then cover the truth for 95 % of those selected, and only the selected ones exclude a ratio of
    1 (Benjamini and Yekutieli, "False discovery rate-adjusted multiple confidence intervals", JASA 100, 2005).
    Comparisons with one reference are not independent: tests/report/test_statistics.py simulates that the rate holds
    all the same.

    So a verdict depends on R / m. Rows of another style are another family, and change nothing. A further row of the
    same style that differs in every block raises R / m. It can turn another row's tie into a difference, but no
    difference into a tie, unless the family then has too many rows for its blocks (see `least_blocks`). Holm's
    procedure does not have this effect. But at 10 blocks, it finds nothing at all in a family of 26, however far its
    rows lie apart, and studies have 30.
    """
    enough = {name: evidence for name, evidence in family.items() if evidence.count >= LEAST_FOR_INTERVAL}
    level = _level([evidence.p_value for evidence in enough.values()])
    return {name: _ratio(evidence, level, len(family)) for name, evidence in family.items()}


def _level(p_values: Sequence[float]) -> float:
    """Return the confidence level for all intervals of a family of comparisons with these p-values."""
    if not p_values:
        return LEVEL
    differ = sum(float(adjusted) <= 1 - LEVEL for adjusted in scipy.stats.false_discovery_control(p_values))
    return 1 - (1 - LEVEL) * max(differ, 1) / len(p_values)


def _ratio(evidence: _Evidence, level: float, family: int) -> Ratio:
    ratio = exp(float(np.median(evidence.log_ratios)))
    measured = exp(float(evidence.log_ratios[0])), exp(float(evidence.log_ratios[-1]))
    if evidence.count < LEAST_FOR_INTERVAL:
        return Ratio(evidence.count, ratio, None, None, level, UNKNOWN, family, *measured)
    # Too few blocks cannot reach the level. Then the interval is that of one comparison alone. If it holds 1, any wider
    # one would too; if it does not, nothing can be said.
    ranks, reached = evidence.ranks(level), level
    if ranks is None:
        ranks, reached = evidence.ranks(LEVEL) or (0, -1), LEVEL
    low, high = (float(evidence.log_ratios[rank]) for rank in ranks)
    if low <= 0 <= high:
        verdict = TIE
    elif reached < level:
        verdict = UNKNOWN
    else:
        verdict = FASTER if high < 0 else SLOWER
    return Ratio(evidence.count, ratio, exp(low), exp(high), reached, verdict, family, *measured)
