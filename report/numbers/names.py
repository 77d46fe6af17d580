"""What has a meaning by its name: some libraries; in which order workloads are shown."""

from collections.abc import Iterable, Sequence

from record.terms import STUDIES, WORKLOADS

SERIAL = "serial"  # the library that speedups and limits refer to
FLOOR = "fork"  # written by hand: what about 60 lines of Python can reach
NO_LIBRARIES = (SERIAL, FLOOR)  # shown beside the libraries, and none to choose
REFERENCE = "mp"  # whose first idiom all others are compared with: named beforehand, not for its result
EVERY_WORKLOAD = (*WORKLOADS, *STUDIES)

Name = tuple[str, str]  # library, idiom


def in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return ``names`` in ``order``; what is not named there comes last, by its name."""
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
