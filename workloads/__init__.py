"""What is computed: inputs, task functions, checks. Knows no library and no clock."""

WORKLOADS = ("numerical", "stateful", "initialization")
"""The names of the workloads, each a module of this package that keeps `contract.Workload`."""
