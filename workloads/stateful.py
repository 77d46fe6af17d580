"""Word prefixes counted as documents arrive: who can keep state in its workers and hand it back at the end?"""

import string
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from params import Params
from trial.patterns import State
from trial.tasklog import task
from trial.workload import Pool, Setting, plain_loop, repeated

PATTERNS = ("state",)
PARAMS = ("num_documents", "words_per_document", "words_delta", "vocabulary_size", "seed")

PROCESS_BYTES = 100 * 2**20  # an interpreter with a library, and the counts of all prefixes
LONGEST_PREFIX = 3
THRESHOLD = 3  # the result is the set of prefixes that occur more often than this in all documents together


class Inputs(NamedTuple):
    """``documents``: texts, which are words with spaces between them. ``reference``: the file of their prefixes."""

    documents: list[str]
    reference: Path


class Counts:
    """The state that a worker keeps, and hands back: how often each prefix of 1 to 3 characters has occurred so far.

    ``numbers``: of the tasks that it has counted.
    """

    __slots__ = ("numbers", "prefixes")

    def __init__(self) -> None:
        self.prefixes: Counter[str] = Counter()
        self.numbers: list[int] = []


def count_prefixes(number: int, text: str, counts: Counts) -> None:
    """Task: count the prefixes of a document."""
    with task(number):
        counts.numbers.append(number)
        words = text.split()
        for length in range(1, LONGEST_PREFIX + 1):
            # One by one: a list of them would leave the process' memory in pieces, and every further round would take
            # longer than the one before it: see docs/design-notes.md.
            counts.prefixes.update(word[:length] for word in words if len(word) >= length)


def hand_back(counts: Counts) -> tuple[Counter[str], list[int]]:
    """Return what a worker has counted."""
    return counts.prefixes, counts.numbers


def frequent_prefixes(parts: Iterable[tuple[Counter[str], list[int]]]) -> tuple[set[str], list[int]]:
    """Return the prefixes whose count over all ``parts`` exceeds 3, and the numbers of the tasks that were counted.

    Exact however the documents were divided: a prefix counts by its total, not by any one worker's count.
    """
    total: Counter[str] = Counter()
    numbers: list[int] = []
    for counts, counted in parts:
        total.update(counts)
        numbers += counted
    return {prefix for prefix, count in total.items() if count > THRESHOLD}, numbers


JOB = State(count_prefixes, Counts, hand_back, frequent_prefixes)


def make_documents(params: Params) -> list[str]:
    """Return texts of words drawn by Zipf's law (p ~ 1 / rank), of ``mean + delta`` and ``mean - delta`` words in turn.

    Unbalanced on purpose: if worker i mod n gets document i and n is even, half of the workers get all long documents.
    """
    import numpy as np  # here: workers do not need it, and under spawn would pay for it

    rng = np.random.default_rng(params.seed)
    # Lower case only: this makes 18 000 prefixes. Both cases made 63 000, and the loop took 1.5 times as long the
    # second time in a process: see docs/design-notes.md.
    letters = np.array(list(string.ascii_lowercase))
    lengths = rng.integers(1, 11, params.vocabulary_size)
    vocabulary = ["".join(rng.choice(letters, length)) for length in lengths]
    cumulated = np.cumsum(1 / np.arange(1, params.vocabulary_size + 1))
    deltas = (params.words_delta, -params.words_delta)
    return [
        " ".join(vocabulary[rank] for rank in np.searchsorted(cumulated, rng.random(size) * cumulated[-1]))
        for size in (params.words_per_document + deltas[i % 2] for i in range(params.num_documents))
    ]


def prepare(params: Params, folder: Path) -> dict[str, Any]:
    """See `Workload`."""
    documents = make_documents(params)
    (folder / "documents.txt").write_text("\n".join(documents))
    part, least_s = plain_loop(lambda: JOB.part(enumerate(documents)))
    reference, _ = frequent_prefixes([part])
    (folder / "reference.txt").write_text("\n".join(sorted(reference)))
    moved = sum(map(len, documents)) + sum(map(len, reference))
    return {"moved_bytes": moved, "frequent_prefixes": len(reference), "least_serial_s": least_s}


def load(params: Params, folder: Path) -> Inputs:
    """See `Workload`."""
    return Inputs((folder / "documents.txt").read_text().splitlines(), folder / "reference.txt")


def pools(inputs: Inputs, setting: Setting) -> Iterator[Pool]:
    """See `Workload`."""
    arguments = [(text,) for text in inputs.documents]
    return repeated(JOB, arguments, partial(wrong, reference=inputs.reference), setting)


def wrong(numbers: range, result: Any, reference: Path) -> str | None:
    """The set must be exactly the reference, counted in this round and not in an earlier one."""
    prefixes, counted = result
    if sorted(counted) != list(numbers):
        return f"{len(counted)} documents were counted that are not the {len(numbers)} of the round"
    # As one text: a set of many small strings between two rounds would leave the caller's memory in pieces, and slow
    # down the plain loop's next round.
    if "\n".join(sorted(prefixes)) == (text := reference.read_text()):
        return None
    expected = set(text.splitlines())
    return f"{len(prefixes)} frequent prefixes, {len(expected)} expected; {len(prefixes ^ expected)} differ"


def memory_bytes(params: Params, n_jobs: int) -> tuple[int, int]:
    """See `Workload`. Words have 5.5 letters on average; the parent may hold its documents and send copies."""
    documents = 7 * params.num_documents * params.words_per_document
    return n_jobs * PROCESS_BYTES + 3 * documents, documents
