"""The workloads against independent references: other code, the same answer."""

import zlib
from collections import Counter, defaultdict

import numpy as np
import pytest

from harness.inputs import folder_of
from params import PROFILES
from tests.conftest import TINY, needs_torch, setting
from trial.rules import WrongResult
from workloads import initialization, numerical, stateful


@pytest.fixture(scope="module")
def image():
    return numerical.make_image(200)


def test_image_is_real(image):
    assert image.shape == (200, 200)
    assert image.dtype == np.float32
    assert 0 <= image.min() < 0.05
    assert 0.9 < image.max() <= 1
    assert image.std() > 0.1
    # Zeros compress to 0.4 % and are never resident: every row and column must carry information.
    assert len(zlib.compress(image.tobytes())) > 0.5 * image.nbytes
    assert min(image.std(axis=0).min(), image.std(axis=1).min()) > 0.01


def test_image_size_is_what_was_asked_for_where_tiles_do_not_fit():
    assert numerical.make_image(203).shape == (203, 203)


def test_filters_against_scipy(image):
    import scipy.ndimage  # here, as other large packages: it takes long to import, and every process of tests would

    def by_scipy(name, **options):
        return getattr(scipy.ndimage, name)(image.astype(np.float64), mode="nearest", **options)

    sobel = np.hypot(
        scipy.ndimage.correlate(image, np.outer([1, 2, 1], [1, 0, -1]) / 4, mode="reflect"),
        scipy.ndimage.correlate(image, np.outer([1, 0, -1], [1, 2, 1]) / 4, mode="reflect"),
    ) / np.sqrt(2)
    expected = {
        0: by_scipy("gaussian_filter", sigma=1),
        1: by_scipy("median_filter", size=3),
        2: sobel,
        3: by_scipy("gaussian_filter", sigma=8),
        9: by_scipy("gaussian_filter", sigma=16),
    }
    for index, whole in expected.items():
        number, decimated = numerical.filter_image(7, index, image)
        assert number == 7
        np.testing.assert_allclose(decimated, whole[::5, ::5], atol=2e-5)


def test_bank_is_of_different_filters_and_reused_when_exhausted(image):
    import skimage.filters

    size = len(numerical.filter_bank())
    results = [numerical.filter_image(0, index, image)[1] for index in range(size)]
    for i in range(size):
        for j in range(i):
            assert not np.array_equal(results[i], results[j])
    assert np.array_equal(numerical.filter_image(0, size + 2, image)[1], results[2])
    assert skimage.filters.sobel in numerical.filter_bank()


def test_decimated_image_does_not_keep_the_whole_image_alive(image):
    _, decimated = numerical.filter_image(0, 0, image)
    assert decimated.base is None
    assert decimated.shape == (40, 40)


def test_documents_are_unbalanced_and_follow_zipf():
    documents = stateful.make_documents(TINY)
    lengths = [len(text.split()) for text in documents]
    assert lengths == [600, 200] * 12
    counts = [count for _, count in Counter(word for text in documents for word in text.split()).most_common()]
    # Zipf: the most frequent word is about 10 times as frequent as the tenth.
    assert 5 < counts[0] / counts[9] < 20


def test_documents_depend_on_the_seed_alone():
    from tests.conftest import without

    assert stateful.make_documents(TINY) == stateful.make_documents(TINY)
    assert stateful.make_documents(TINY) != stateful.make_documents(without(TINY, seed=1))


def brute_force_prefixes(documents: list[str]) -> set[str]:
    counts: dict[str, int] = defaultdict(int)
    for text in documents:
        for word in text.split(" "):
            for end in range(1, min(3, len(word)) + 1):
                counts[word[0:end]] += 1
    return {prefix for prefix in counts if counts[prefix] > 3}


def test_prefixes_against_brute_force():
    documents = stateful.make_documents(TINY)
    expected = brute_force_prefixes(documents)
    assert len(expected) > 300
    merged = stateful.frequent_prefixes(stateful.JOB.part([document]) for document in enumerate(documents))
    assert merged == (expected, list(range(24)))


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_result_does_not_depend_on_who_counted_what(workers):
    documents = stateful.make_documents(TINY)
    states = [stateful.JOB.start() for _ in range(workers)]
    for index, text in enumerate(documents):
        stateful.JOB.task(index, text, states[(index * index) % workers])
    prefixes, numbers = stateful.JOB.combine(map(stateful.JOB.hand_back, states))
    assert prefixes == brute_force_prefixes(documents)
    assert sorted(numbers) == list(range(24))


def test_threshold_is_on_the_total():
    two_and_two = [(Counter({"a": 2, "b": 2}), [0]), (Counter({"a": 2, "b": 1}), [1])]
    assert stateful.frequent_prefixes(two_and_two) == ({"a"}, [0, 1])


@needs_torch
def test_network_is_accurate_and_its_labels_are_checked(tiny):
    import json

    from sklearn.datasets import load_digits

    folder = folder_of("initialization", tiny)
    assert json.loads((folder / "facts.json").read_text())["test_accuracy"] >= 0.95
    loaded = initialization.load(tiny, folder)
    (pool,) = initialization.pools(loaded, setting("setup"))
    first, second = pool.rounds
    assert [number for number, _ in (*first.tasks, *second.tasks)] == list(range(16))
    made = pool.job.make()
    right = total = 0
    images, labels = load_digits(return_X_y=True)
    truth = {tuple(image): label for image, label in zip((images / 16).astype(np.float32), labels, strict=True)}
    for number, batch in first.tasks:
        _, got = pool.job.task(number, batch, made)
        right += sum(label == truth[tuple(image)] for image, label in zip(batch, got, strict=True))
        total += len(batch)
    assert right / total > 0.85


def test_default_network_costs_more_than_a_second_to_set_up():
    # Not timed here (never a test on an absolute time): docs/results.md has the figure. Its size is what costs.
    assert PROFILES["default"].hidden_units >= 4096


@pytest.mark.parametrize("workload", [numerical, pytest.param(initialization, marks=needs_torch)])
def test_a_missing_a_foreign_an_old_and_a_changed_result_are_refused(workload, tiny):
    folder = folder_of(workload.__name__.rpartition(".")[2], tiny)
    (pool,) = workload.pools(workload.load(tiny, folder), setting(*workload.PATTERNS))
    cold, kept = pool.rounds
    reference = list(enumerate(np.load(folder / "reference.npy")))
    assert cold.wrong(reference) is None
    assert cold.wrong(reversed(reference)) is None
    with pytest.raises(WrongResult, match="7 of 8"):
        cold.wrong(reference[:-1])
    with pytest.raises(WrongResult, match="0 of 8"):
        kept.wrong(reference)
    assert kept.wrong([(8 + number, values) for number, values in reference]) is None
    changed = [(i, values.copy()) for i, values in reference]
    changed[3][1].flat[0] += 1
    assert "3" in cold.wrong(changed)


def test_prefixes_one_too_few_one_too_many_and_those_of_an_earlier_round_are_refused(tiny):
    folder = folder_of("stateful", tiny)
    (pool,) = stateful.pools(stateful.load(tiny, folder), setting("state"))
    cold, kept = pool.rounds
    reference = set((folder / "reference.txt").read_text().splitlines())
    numbers = list(range(24))
    assert cold.wrong((reference, numbers[::-1])) is None
    assert "1 differ" in cold.wrong((reference - {min(reference)}, numbers))
    assert "1 differ" in cold.wrong((reference | {"????"}, numbers))
    assert "24 documents were counted" in kept.wrong((reference, numbers))
    assert "23 documents were counted" in cold.wrong((reference, numbers[1:]))
