"""Small parameters, real libraries."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from harness import inputs, process
from params import Params

ROOT = Path(__file__).resolve().parent.parent

TINY = Params(
    trials=1,
    timeout_s=60.0,
    image_size=200,
    num_filters=8,
    num_documents=24,
    words_per_document=400,
    words_delta=200,
    vocabulary_size=2000,
    hidden_units=64,
    rounds=2,
    batches_per_round=4,
    batch_size=8,
)


@pytest.fixture(scope="session")
def tiny() -> Params:
    """Parameters of trials that take a moment, with their inputs made."""
    process.become_subreaper()
    for workload in ("numerical", "stateful", "initialization"):
        make_inputs(workload, TINY)
    return TINY


def make_inputs(workload: str, params: Params) -> Path:
    """Make the inputs in a process of their own, as the suite does, unless they are cached."""
    folder = inputs.folder_of(workload, params)
    if not (folder / "facts.json").exists():
        import subprocess

        subprocess.run(inputs.command(workload, params), cwd=ROOT, check=True, timeout=300)
    return folder


def shared_memory() -> set[str]:
    """Return the names of all shared-memory segments."""
    return set(os.listdir("/dev/shm"))


def without(params: Params, **changes) -> Params:
    """Return ``params`` with other values."""
    return replace(params, **changes)
