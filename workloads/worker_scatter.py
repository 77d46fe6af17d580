"""`client_scatter` where a worker makes the input, and the others get it from there."""

from workloads.client_scatter import PARAMS, load, memory_bytes, pools, prepare

__all__ = ["PARAMS", "PATTERNS", "load", "memory_bytes", "pools", "prepare"]

PATTERNS = ("worker_scatter",)
