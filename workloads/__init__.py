"""What is computed: inputs, tasks, checks. A file is an instance of one or two patterns, and no script hears of it.

What each module offers is said in `trial.workload.Workload`; their names are listed in `record.terms`.
"""
