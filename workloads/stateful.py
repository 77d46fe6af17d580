"""Word prefixes counted as documents arrive: who can keep state in its workers and hand it back at the end?"""

import string
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from params import Params
from trial.tasklog import task

PARAMS = ("num_documents", "words_per_document", "words_delta", "vocabulary_size", "seed")
NOT_IN_PARENT = ()

PROCESS_BYTES = 100 * 2**20  # an interpreter with a library, and the counts of all prefixes
LONGEST_PREFIX = 3
THRESHOLD = 3  # the result is the set of prefixes that occur more often than this in all documents together


@dataclass(frozen=True)
class Inputs:
    """``documents``: (index, text) pairs; a text is words with spaces between them."""

    documents: list[tuple[int, str]]


class PrefixCounter:
    """The state that a worker keeps: how often each prefix of 1 to 3 characters has occurred so far."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, index: int, text: str) -> None:
        """Task: count the prefixes of document ``index``."""
        with task(index):
            _count(text, self.counts)


def count_prefixes(index: int, text: str) -> Counter[str]:
    """Task: return the counts of document ``index`` alone, for libraries or idioms that keep no state in workers."""
    with task(index):
        counts: Counter[str] = Counter()
        _count(text, counts)
        return counts


def _count(text: str, counts: Counter[str]) -> None:
    words = text.split()
    for length in range(1, LONGEST_PREFIX + 1):
        counts.update([word[:length] for word in words if len(word) >= length])


def frequent_prefixes(parts: Iterable[Counter[str]]) -> set[str]:
    """Return the prefixes whose count over all ``parts`` exceeds 3.

    Exact however the documents were divided: a prefix counts by its total, not by any one worker's count.
    """
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return {prefix for prefix, count in total.items() if count > THRESHOLD}


def make_documents(params: Params) -> list[str]:
    """Return texts of words drawn by Zipf's law (p ~ 1 / rank), of ``mean + delta`` and ``mean - delta`` words in turn.

    Unbalanced on purpose: giving document i to worker i mod n, for even n, gives half of the workers all the long ones.
    """
    import numpy as np  # here alone: workers count words, and under spawn would pay for it

    rng = np.random.default_rng(params.seed)
    letters = np.array(list(string.ascii_letters))
    lengths = rng.integers(1, 11, params.vocabulary_size)
    vocabulary = ["".join(rng.choice(letters, length)) for length in lengths]
    cumulated = np.cumsum(1 / np.arange(1, params.vocabulary_size + 1))
    deltas = (params.words_delta, -params.words_delta)
    return [
        " ".join(vocabulary[rank] for rank in np.searchsorted(cumulated, rng.random(size) * cumulated[-1]))
        for size in (params.words_per_document + deltas[i % 2] for i in range(params.num_documents))
    ]


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `contract.Workload`."""
    documents = make_documents(params)
    (folder / "documents.txt").write_text("\n".join(documents))
    reference = frequent_prefixes(count_prefixes(*document) for document in enumerate(documents))
    (folder / "reference.txt").write_text("\n".join(sorted(reference)))
    moved = sum(map(len, documents)) + sum(map(len, reference))
    return {"moved_bytes": moved, "frequent_prefixes": len(reference)}


def load(params: Params, folder: Path) -> Inputs:
    """See `contract.Workload`."""
    return Inputs(list(enumerate((folder / "documents.txt").read_text().splitlines())))


def num_tasks(params: Params) -> int:
    """See `contract.Workload`."""
    return params.num_documents


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `contract.Workload`. Words have 5.5 letters on average; the parent may hold its documents and send copies."""
    documents = 7 * params.num_documents * params.words_per_document
    return n_jobs * PROCESS_BYTES + 3 * documents, documents


def check(result: set[str], folder: Path) -> str | None:
    """The set must be exactly the reference."""
    reference = set((folder / "reference.txt").read_text().splitlines())
    if result != reference:
        return f"{len(result)} frequent prefixes, {len(reference)} expected; {len(result ^ reference)} differ"
    return None
