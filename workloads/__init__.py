"""What is computed: inputs, task functions, checks. Knows no library and no clock."""

WORKLOADS = ("numerical", "stateful", "initialization")
"""The names of the workloads that run unless others are named, each a module here that keeps `contract.Workload`."""

STUDIES = (
    "sharing",
    "sharing_frame",
    "client_scatter",
    "worker_scatter",
    "array",
    "dataframe",
    "overhead",
    "grid",
    "granularity",
)
"""Those that answer one question each, and run when they are named."""
