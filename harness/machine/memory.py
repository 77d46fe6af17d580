"""What samples of a trial's memory say: see `harness.machine.sampler`, which takes them."""

import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from harness.machine.sampler import RECORD
from record.schema import MEMORY_FIELDS, Bytes, Memory

MEMORY_UNAVAILABLE = "" if sys.platform == "linux" else f"PSS and USS are read from /proc, which {sys.platform} lacks"


def summary_of(samples: Path, cpu_s: float, times_ns: Sequence[int], moments_ns: Mapping[str, int]) -> Memory:
    """Return the memory at start, peak, end and other moments, by name, and what sampling cost.

    ``cpu_s``: the sampler's CPU time. ``times_ns``: four times. ``start`` is the last sample before the first time.
    The peak is sought from the second, the call, to the third, the return. ``end`` is the last sample before the
    fourth: by then the trial's pool is closed, and its inputs are still there.
    """
    start_ns, call_ns, end_ns, released_ns = times_ns
    records = list(RECORD.iter_unpack(samples.read_bytes()))

    def before(moment_ns: int) -> tuple[int, ...]:
        return [record for record in records if record[0] <= moment_ns][-1]

    inside = [record for record in records if call_ns <= record[0] <= end_ns] or [before(end_ns)]
    steps = [(later[0] - earlier[0]) / 1e9 for earlier, later in pairwise(inside)] or [0.0]
    return Memory(
        start=_bytes(before(start_ns)),
        peak=Bytes(**{name: max(record[i] for record in inside) for i, name in enumerate(MEMORY_FIELDS, 1)}),
        end=_bytes(before(released_ns)),
        **{name: _bytes(before(moment_ns)) for name, moment_ns in moments_ns.items()},
        samples=len(inside),
        interval_s=median(steps),
        longest_interval_s=max(steps),
        sampler_cpu_share=cpu_s / ((records[-1][0] - records[0][0]) / 1e9 or 1.0),
    )


def _bytes(record: tuple[int, ...]) -> Bytes:
    return Bytes(**dict(zip(MEMORY_FIELDS, record[1:], strict=True)))
