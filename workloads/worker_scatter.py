"""`client_scatter` where a worker makes the input, and the others get it from there."""

from workloads.client_scatter import NOT_IN_PARENT, PARAMS, check, load, memory_bytes, num_tasks, prepare

__all__ = ["NOT_IN_PARENT", "PARAMS", "check", "load", "memory_bytes", "num_tasks", "prepare"]
