"""`numerical` with 8 times the tasks."""

from functools import partial

from workloads import lengthened
from workloads.lengthened import EVERY_COUNT, LEFT_OUT, PARAMS, PATIENCE, PATTERNS, SAMPLED, load

__all__ = ["EVERY_COUNT", "LEFT_OUT", "PARAMS", "PATIENCE", "PATTERNS", "SAMPLED", "load"]

prepare = partial(lengthened.prepare, times=8)
pools = partial(lengthened.pools, times=8)
memory_bytes = partial(lengthened.memory_bytes, times=8)
