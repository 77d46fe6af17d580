"""The statistics against simulated truth, seeded: coverage, false differences, power, what few samples may claim."""

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from report.numbers.statistics import (
    FASTER,
    INTERVAL,
    LEVEL,
    RANGE,
    SLOWER,
    TIE,
    UNKNOWN,
    half_width,
    least_blocks,
    paired,
    summarize,
    unpaired,
)

SEED = 20261121
TRUTH = 1.10  # how much slower the simulated cell is than its reference


def test_interval_covers_the_true_median():
    """Skewed samples whose median is known. Nominal 95 %; discrete, so never below."""
    rng = np.random.default_rng(SEED)
    for count in (6, 12, 30):
        covered = 0
        for _ in range(1000):
            summary = summarize(np.exp(rng.normal(0, 0.3, count)).tolist())
            assert summary.spread == INTERVAL
            covered += summary.low <= 1 <= summary.high
        assert 0.935 <= covered / 1000 <= 0.995, (count, covered)


def test_few_samples_claim_no_interval():
    summary = summarize([3.0, 1.0, 2.0])
    assert (summary.median, summary.low, summary.high, summary.spread) == (2, 1, 3, RANGE)
    assert summarize([1.0] * 5).spread == RANGE
    with pytest.raises(ValueError, match="no samples"):
        summarize([])
    five = dict.fromkeys(range(5), 1.0)
    ratio = paired({"a": (five, five)})["a"]
    assert (ratio.ratio, ratio.low, ratio.high, ratio.verdict) == (1, None, None, UNKNOWN)


def drifting_machine(rng, trials):
    """Return the speed of a machine at each of a run's trials: a random walk, and skewed noise on top."""
    walk = np.cumsum(rng.normal(0, 0.012, trials))
    noise = rng.normal(0, 0.01, trials) + rng.exponential(0.015, trials)
    return np.exp(walk + noise)


def one_run(rng, blocks, in_blocks):
    """Simulate a cell that takes TRUTH seconds and its reference of 1 s; return the times of both by block."""
    order = np.array([rng.permutation(2) for _ in range(blocks)]).ravel() if in_blocks else np.repeat([0, 1], blocks)
    times = drifting_machine(rng, 2 * blocks) * np.where(order == 1, TRUTH, 1.0)
    return [dict(enumerate(times[order == which].tolist())) for which in (1, 0)]


def test_paired_blocks_cover_the_truth_where_sequential_runs_do_not():
    rng = np.random.default_rng(SEED)
    covered = {"sequential": 0, "paired": 0}
    for _ in range(300):
        cell, reference = one_run(rng, 20, in_blocks=False)
        ratio = unpaired({"a": (list(cell.values()), list(reference.values()))})["a"]
        covered["sequential"] += ratio.low <= TRUTH <= ratio.high
        ratio = paired({"a": one_run(rng, 20, in_blocks=True)})["a"]
        covered["paired"] += ratio.low <= TRUTH <= ratio.high
    assert 0.93 <= covered["paired"] / 300 <= 0.98, covered
    assert covered["sequential"] / 300 < 0.75, covered


@pytest.mark.parametrize("cells", [20, 40])
def test_pairs_far_apart_in_a_large_block_cover_the_truth_all_the_same(cells):
    """In a block of many cells the machine drifts between a cell and its reference; random order makes that noise."""
    rng = np.random.default_rng(SEED)
    covered = 0
    for _ in range(300):
        machine = drifting_machine(rng, 12 * cells).reshape(12, cells)
        places = np.array([rng.permutation(cells)[:2] for _ in range(12)])
        cell, reference = (dict(enumerate(row)) for row in np.take_along_axis(machine, places, axis=1).T)
        ratio = paired({"a": ({block: TRUTH * value for block, value in cell.items()}, reference)})["a"]
        covered += ratio.low <= TRUTH <= ratio.high
    assert 0.93 <= covered / 300 <= 0.99, covered


def test_unpaired_false_differences_are_rare_in_a_family():
    """Without drift, that is; with it there is no defence, which is why results are paired wherever they can be."""
    rng = np.random.default_rng(SEED)
    blocks, runs = 6, 300
    falsely = 0
    for _ in range(runs):
        cells = {i: (np.exp(rng.normal(0, 0.05, blocks)), np.exp(rng.normal(0, 0.05, blocks))) for i in range(20)}
        ratios = unpaired({i: (new.tolist(), old.tolist()) for i, (new, old) in cells.items()})
        falsely += any(ratio.verdict in (FASTER, SLOWER) for ratio in ratios.values())
    assert falsely / runs <= 0.07, falsely


def family(rng, slower, blocks, noise=0.02):
    """Simulate cells that are each slower than their reference by a factor, on a drifting machine."""
    machine = np.exp(np.cumsum(rng.normal(0, 0.02, blocks)))
    reference = dict(enumerate((machine * np.exp(rng.normal(0, noise, blocks))).tolist()))
    cells = [dict(enumerate((factor * machine * np.exp(rng.normal(0, noise, blocks))).tolist())) for factor in slower]
    return {place: (cell, reference) for place, cell in enumerate(cells)}


@pytest.mark.parametrize("blocks", [6, 10, 20])
def test_false_differences_are_rare_however_many_cells_are_compared(blocks):
    """Twenty cells that are all alike: without correction most runs would find a difference somewhere."""
    rng = np.random.default_rng(SEED)
    falsely = uncorrected = 0
    for _ in range(200):
        cells = family(rng, [1.0] * 20, blocks)
        falsely += any(ratio.verdict in (FASTER, SLOWER) for ratio in paired(cells).values())
        uncorrected += any(paired({0: pair})[0].verdict in (FASTER, SLOWER) for pair in cells.values())
    assert falsely / 200 <= 0.07, falsely
    assert uncorrected / 200 > 0.2, uncorrected


def test_of_the_differences_found_few_are_false():
    rng = np.random.default_rng(SEED)
    found = false = 0
    for _ in range(200):
        ratios = paired(family(rng, [1.0] * 10 + [1.2] * 10, blocks=12))
        verdicts = [ratio.verdict in (FASTER, SLOWER) for ratio in ratios.values()]
        found, false = found + sum(verdicts), false + sum(verdicts[:10])
    assert found > 0.95 * 200 * 10
    assert false / found <= 0.06, (false, found)


def test_intervals_of_a_whole_family_cover_the_truth_and_verdicts_follow_them():
    rng = np.random.default_rng(SEED)
    truths = [1.0] * 6 + [1.05, 1.1, 0.9, 1.3]
    covered = 0
    for _ in range(200):
        for truth, ratio in zip(truths, paired(family(rng, truths, blocks=15)).values(), strict=True):
            covered += ratio.low <= truth <= ratio.high
            assert ratio.level >= LEVEL
            assert ratio.verdict == (FASTER if ratio.high < 1 else SLOWER if ratio.low > 1 else TIE)
    assert covered / 2000 >= 0.95, covered


def test_power_to_find_five_percent():
    """On a machine whose pairs scatter by 2.8 %, twelve blocks find 5 % nearly always, and more often than six."""
    rng = np.random.default_rng(SEED)
    power = {}
    for blocks in (6, 12):
        found = [paired(family(rng, [1.05], blocks))[0].verdict == SLOWER for _ in range(300)]
        power[blocks] = sum(found) / 300
    assert power[12] >= 0.95, power
    assert 0.5 < power[6] < power[12], power


def test_blocks_that_one_side_lacks_are_left_out():
    reference = dict.fromkeys(range(9), 2.0)
    ratio = paired({"a": (dict.fromkeys(range(2, 12), 4.0), reference)})["a"]
    assert (ratio.count, ratio.ratio) == (7, pytest.approx(2))
    assert paired({"a": ({20: 1.0}, reference), "b": ({}, reference)}) == {}
    assert unpaired({"a": ([], [1.0])}) == {}


def test_drift_that_meets_both_alike_cancels():
    rng = np.random.default_rng(SEED)
    machine = np.exp(np.cumsum(rng.normal(0, 0.5, 10)))
    ratio = paired({"a": (dict(enumerate(machine * 1.5)), dict(enumerate(machine)))})["a"]
    assert (ratio.ratio, ratio.low, ratio.high) == pytest.approx((1.5, 1.5, 1.5))


def test_too_few_blocks_for_so_many_comparisons_are_no_verdict():
    """Six blocks reach 96.9 % at most: one real difference among twenty cannot be told from chance, a tie is a tie."""
    reference = dict.fromkeys(range(6), 1.0)
    slower = {block: 1.2 + block / 100 for block in range(6)}
    alike = {block: 1 + (-1) ** block / 100 for block in range(6)}
    ratios = paired({"slower": (slower, reference)} | {str(i): (alike, reference) for i in range(19)})
    assert ratios["slower"].verdict == UNKNOWN
    assert {ratios[str(i)].verdict for i in range(19)} == {TIE}
    assert paired({"slower": (slower, reference)})["slower"].verdict == SLOWER


@pytest.mark.parametrize(("count", "others"), [(6, 6), (6, 20), (10, 10), (20, 20)])
def test_unpaired_intervals_cover_the_truth_without_drift(count, others):
    rng = np.random.default_rng(SEED)
    covered = 0
    for _ in range(1000):
        new, old = (np.exp(rng.normal(0, 0.05, n) + rng.exponential(0.03, n)) for n in (count, others))
        ratio = unpaired({"a": ((TRUTH * new).tolist(), old.tolist())})["a"]
        assert ratio.low <= ratio.ratio <= ratio.high
        covered += ratio.low <= TRUTH <= ratio.high
    assert 0.94 <= covered / 1000 <= 0.98, covered


def test_unpaired_verdicts_are_those_of_mann_and_whitney():
    rng = np.random.default_rng(SEED)
    for _ in range(300):
        count, others = rng.integers(6, 14, 2)
        new, old = np.exp(rng.normal(0.05, 0.05, count)), np.exp(rng.normal(0, 0.05, others))
        verdict = unpaired({"a": (new.tolist(), old.tolist())})["a"].verdict
        assert (verdict != TIE) == (mannwhitneyu(new, old).pvalue <= 0.05)


def test_equal_times_of_two_runs_are_a_tie():
    ratio = unpaired({"a": ([1.0] * 8, [1.0] * 8)})["a"]
    assert (ratio.ratio, ratio.low, ratio.high, ratio.verdict) == (1, 1, 1, TIE)


def test_half_width_is_a_share():
    assert half_width(1 / 1.02, 1.02) == pytest.approx(0.02)
    assert half_width(3 / 1.02, 3 * 1.02) == pytest.approx(0.02)


@pytest.mark.parametrize("comparisons", [1, 2, 5, 12, 21, 25, 26, 60])
def test_the_least_blocks_find_a_single_difference_and_one_less_does_not(comparisons):
    for blocks, verdict in ((least_blocks(comparisons), SLOWER), (least_blocks(comparisons) - 1, UNKNOWN)):
        cells = family(np.random.default_rng(SEED), [9.0], blocks)
        alike = {block: 1 + (-1) ** block / 100 for block in range(blocks)}
        cells |= {f"alike {i}": (alike, dict.fromkeys(range(blocks), 1.0)) for i in range(comparisons - 1)}
        assert paired(cells)[0].verdict == verdict
    assert (least_blocks(1), least_blocks(21)) == (6, 10)


@pytest.mark.parametrize(("comparisons", "blocks"), [(20, 6), (60, 7)])
def test_the_least_blocks_of_two_runs_find_a_single_difference_and_one_less_does_not(comparisons, blocks):
    assert least_blocks(comparisons, is_paired=False) == blocks
    for count, verdict in ((blocks, SLOWER), (blocks - 1, UNKNOWN)):
        times = [1 + block / 100 for block in range(count)]
        cells = dict.fromkeys(range(comparisons - 1), (times, times)) | {"slower": ([9 * s for s in times], times)}
        assert unpaired(cells)["slower"].verdict == verdict


def test_a_hopeless_row_of_the_same_style_undoes_no_difference():
    """It can turn a tie into a difference, seldom: R of m that differ become R + 1 of m + 1."""
    rng = np.random.default_rng(SEED)
    changed = 0
    for _ in range(300):
        few = family(rng, [1.0] * 10 + [1.02] * 5 + [1.1] * 5, blocks=10)
        more = few | {"hopeless": family(rng, [5.0], blocks=10)[0]}
        before, after = paired(few), paired(more)
        assert after["hopeless"].verdict == SLOWER
        differing = [name for name in few if before[name].verdict != after[name].verdict]
        assert {before[name].verdict for name in differing} <= {TIE}
        changed += bool(differing)
    assert changed / 300 <= 0.1, changed
