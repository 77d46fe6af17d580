"""The profiles, and every parameter that makes no sense."""

from dataclasses import fields, replace

import pytest

from params import PROFILES, Params, as_dict, check, from_dict, worker_counts


def test_every_profile_makes_sense_and_survives_storage():
    assert set(PROFILES) == {"quick", "default", "paper"}
    for profile in PROFILES.values():
        check(profile)
        assert from_dict(as_dict(profile)) == profile


def test_paper_has_the_published_sizes():
    paper = PROFILES["paper"]
    assert (paper.image_size, paper.num_documents) == (5000, 2000)
    assert (paper.words_per_document, paper.words_delta) == (10_000, 5_000)
    assert paper.num_batches == 500


@pytest.mark.parametrize(
    "name",
    [
        field.name
        for field in fields(Params)
        if field.name not in ("n_jobs", "seed", "words_delta", "memory_trials", "job_tasks")
    ],
)
@pytest.mark.parametrize("value", [0, -1])
def test_zero_and_negative_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}"):
        check(replace(Params(), **{name: value}))


@pytest.mark.parametrize("value", [1.5, "7", None, True])
def test_what_is_no_whole_number_is_refused(value):
    with pytest.raises(ValueError, match="trials is"):
        check(replace(Params(), trials=value))


@pytest.mark.parametrize(
    ("asked", "limit", "expected"),
    [
        ((), 1, (1,)),
        ((), 2, (1, 2)),
        ((), 4, (1, 2, 4)),
        ((), 6, (1, 2, 4)),
        ((), 64, (1, 2, 4, 8, 16, 32, 64)),
        ((1, -1), 6, (1, 6)),
        ((1, -1), 1, (1,)),
        ((4, 2, 2), 4, (2, 4)),
    ],
)
def test_worker_counts(asked, limit, expected):
    assert worker_counts(asked, limit) == expected


@pytest.mark.parametrize("asked", [(5,), (0,), (-2,), (1, 8)])
def test_worker_counts_beyond_the_machine_are_refused(asked):
    with pytest.raises(ValueError, match="must be between 1 and 4"):
        worker_counts(asked, 4)
