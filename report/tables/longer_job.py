"""What is expected of a user's own job with more tasks, on more workers: the ranking."""

from rich.console import Console

from report.numbers.longer_job import LongerJob
from report.numbers.words import about, workers
from report.tables.console import IdiomTable, plain_if_piped, print_table, say


def print_longer_job(job: LongerJob, console: Console) -> None:
    """Print the ranking, and what it rests on."""
    console = plain_if_piped(console)
    group = job.group
    table = IdiomTable("one-shot", "kept", "times\nthe loop", note="bound by")
    loop = next((row for row in job.rows if row.cell.name == (group.serial and group.serial.name)), None)
    for row in job.rows:
        gain = f"{loop.one_shot_s / row.one_shot_s:.3g}" if loop else ""
        table.add(row.cell, about(row.one_shot_s), about(row.kept_s), gain, row.bound_by)
    say(console, f"{group.workload}: {job.tasks} tasks on {workers(job.n_jobs)}, predicted")
    print_table(console, table)
    tasks = group.newest.run.inputs["tasks"]
    say(console, f"Predicted from {tasks} tasks on {workers(group.most_workers)}, {group.said_of_trials}.")
    if job.uncertain:
        say(console, f"By this sample, the mean task is known to ± {job.uncertain:.0%}; all times are as uncertain.")
    if job.n_jobs > group.most_workers:
        most = workers(group.most_workers)
        say(
            console,
            f"More than {most} were not measured: starting is taken to last as long as on {most}, and "
            "memory and caches may hold more back.",
        )
    if not job.has_overhead:
        say(
            console,
            "What handing out a task costs is not known, so that all that was lost is taken for it: "
            "python benchmark_all.py overhead measures it.",
        )
