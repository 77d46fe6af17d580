"""What has a meaning by its name: some libraries; in which order workloads are shown."""

from collections.abc import Iterable, Sequence

from record.terms import STUDIES, WORKLOADS

SERIAL = "serial"  # the library that speedups and limits refer to
FLOOR = "fork"  # written by hand: what about 60 lines of Python can reach
NO_LIBRARIES = (SERIAL, FLOOR)  # shown beside the libraries, and none to choose
REFERENCE = "mp"  # whose first idiom all others are compared with: named beforehand, not for its result
EVERY_WORKLOAD = (*WORKLOADS, *STUDIES)

Name = tuple[str, str]  # library, idiom

# What short names stand for, where a reader meets them first.
FULL_NAMES = {
    "mp": "multiprocessing.Pool",
    "futures": "concurrent.futures",
    "dask": "Dask",
    "ray": "Ray",
    "mpire": "MPIRE",
}
MEANINGS = {
    SERIAL: "a plain loop in one process",
    FLOOR: "processes forked and fed by hand: what about 60 lines of Python reach, and no library to choose",
    "numerical": "filters of unequal cost, all on one large image",
    "stateful": "word prefixes counted as documents arrive: workers keep a state and hand it back",
    "initialization": "labels by a network that is slow to load, once per worker",
    "numerical_8": "numerical with 8 times the tasks",
    "numerical_64": "numerical with 64 times the tasks",
    "sharing": "one large array that every task reads",
    "sharing_frame": "one large data frame that every task reads",
    "client_scatter": "one array that Dask's client sends to all workers, with and without stores",
    "worker_scatter": "one array that a Dask worker sends to all others, with and without stores",
    "array": "a chunked array in Dask, smoothed across its chunks, with and without stores",
    "dataframe": "a time series in Dask, a rolling mean across its partitions, with and without stores",
    "overhead": "tasks that do nothing: what starting costs, and a task",
    "grid": "compute against payload",
    "granularity": "a fixed amount of work in shorter and shorter tasks",
    "soak": "many tasks on one pool, and many pools: does memory grow, do tasks slow down?",
    "stream": "tasks drawn from an input without end, by a slow consumer: how far ahead, what is held?",
    "faults": "one of many tasks goes wrong: an error, a dead worker, a hang",
    "failing_setup": "what each worker has to make first cannot be made",
}


def full_name(library: str) -> str:
    """Return the name that its users know it by."""
    return FULL_NAMES.get(library, library)


def meaning_of(name: str) -> str:
    """Return what a library or a workload is, in a few words; an empty string for one that says it itself."""
    return MEANINGS.get(name) or FULL_NAMES.get(name, "")


def in_order(names: Iterable[str], order: Sequence[str]) -> list[str]:
    """Return ``names`` in ``order``; what is not named there comes last, by its name."""
    return sorted(names, key=lambda name: (order.index(name) if name in order else len(order), name))
