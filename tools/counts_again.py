"""How much slower a process counts the prefixes of ``stateful`` a second time: ``python tools/counts_again.py``.

Without the suite: no check, no task records, no library. All documents, and the half of them that each of two workers
gets. The documents must be there (a run of `stateful` with the profile "quick" makes them).
"""

import sys
from contextlib import nullcontext
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a tool is run as a file of its own

from harness.inputs import folder_of
from params import PROFILES
from workloads import stateful

PROCESSES = 15


def counts(documents):
    """Return the seconds that each of two counts in this process takes."""
    stateful.task = nullcontext
    seconds = []
    for _ in range(2):
        start = perf_counter()
        stateful.frequent_prefixes([stateful.JOB.part(enumerate(documents))])
        seconds.append(perf_counter() - start)
    return seconds


def main() -> None:
    params = PROFILES["quick"]
    documents = stateful.load(params, folder_of("stateful", params)).documents
    parts = {"all documents": documents, "half of them": documents[: len(documents) // 2]}
    measured = {name: [] for name in parts}
    for _ in range(PROCESSES):
        for name, part in parts.items():
            with get_context("spawn").Pool(1) as pool:
                measured[name].append(pool.apply(counts, (part,)))
    for name, pairs in measured.items():
        ratios = sorted(again / first for first, again in pairs)
        print(f"{name:13}  first {median(first for first, _ in pairs):.3f} s, again {median(ratios):.2f} times", end="")
        print(f" ({ratios[0]:.2f} to {ratios[-1]:.2f} in {PROCESSES} processes)")


if __name__ == "__main__":
    main()
