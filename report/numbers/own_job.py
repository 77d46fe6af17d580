"""What is said of a user's own job: what it is, before the run; what holds it back, after it."""

from collections.abc import Mapping
from functools import partial
from math import sqrt
from typing import Any

from record.schema import Trial
from record.terms import COLD, KEPT
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.parts import PARTS, parts_of
from report.numbers.quantities import TIME_NAMES
from report.numbers.words import duration, listed, size, workers

HOPELESS_S = 0.02  # of a plain loop: no pool of processes can answer in less
SHORT_S = 1.0  # below which starting and stopping is most of the time with most libraries
FINE_S = 1e-3  # of a task: most libraries take as long to send a shorter one
FEW_TASKS = 4  # per worker: with fewer, the last tasks decide
SLOW_IMPORT_S = 1.0
WORTH_SAYING = 0.1  # of the time that is lost

Facts = Mapping[str, Any]


def is_own_job(facts: Facts) -> bool:
    """Return whether these are the facts about the inputs of a user's own job."""
    return "job" in facts


def is_compared(facts: Facts) -> bool:
    """Return whether results were compared: a job may say that they cannot be."""
    return facts.get("results") != "not compared"


def said_of_job(facts: Facts) -> list[str]:
    """Return what a serial pass has found, a line each: what the job is, and whether an answer can matter."""
    sample = f"{facts['tasks']} of {facts['of_tasks']}" if facts["tasks"] < facts["of_tasks"] else facts["tasks"]
    shared = f"; all read a {facts['shared_type']} of {size(facts['shared_bytes'])}" if "shared_type" in facts else ""
    setup = f" and {duration(facts['setup_s'])} for the setup" if facts["setup_s"] else ""
    lines = [
        f"{facts['job']}: {sample} tasks, in the median {duration(facts['task_median_s'])} long "
        f"({duration(facts['task_shortest_s'])} to {duration(facts['task_longest_s'])}); one is sent "
        f"{size(facts['bytes_in'])} and answers with {size(facts['bytes_out'])}{shared}.",
        f"A plain loop takes {duration(facts['serial_s'])}{setup}.",
        _said_of_length(facts),
    ]
    if facts["task_longest_s"] > facts["serial_s"] / 2 and facts["tasks"] > 1:
        share = facts["task_longest_s"] / facts["serial_s"]
        lines.append(f"The longest task takes {share:.0%} of the time: no number of workers makes the job shorter.")
    if facts["import_s"] > SLOW_IMPORT_S:
        took = duration(facts["import_s"])
        lines.append(f"Importing the file takes {took}, and every worker that starts afresh does so too.")
    if facts["tasks"] < facts["of_tasks"]:
        lines.append(said_of_whole(facts))
    if not is_compared(facts):
        lines.append("same = None: results are not compared; tasks are counted all the same.")
    return [line for line in lines if line]


def _said_of_length(facts: Facts) -> str:
    whole_s = facts["task_mean_s"] * facts["of_tasks"]
    batch = "; batch them: let one task do many" if facts["task_median_s"] < FINE_S else ""
    what = f"{facts['of_tasks']} tasks of {duration(facts['task_median_s'])}"
    if whole_s < HOPELESS_S:
        return f"{what}: a loop takes {duration(whole_s)}; no library can help{batch}."
    if facts["task_median_s"] < FINE_S:
        return f"{what}: sending one may take longer than running it{batch}, or look for rows in batches."
    if whole_s < SHORT_S:
        return "That is short: most libraries take as long to start and stop; kept times are of a pool used again."
    return ""


def said_of_whole(facts: Facts) -> str:
    """Return what all tasks take in a plain loop, by the sample, with twice its standard error."""
    whole_s = facts["task_mean_s"] * facts["of_tasks"]
    error_s = 2 * facts["task_deviation_s"] * facts["of_tasks"] / sqrt(facts["tasks"])
    return f"All {facts['of_tasks']} tasks would take {duration(whole_s)}, ± {duration(error_s)} by this sample."


def said_of_loss(group: Group, cell: Cell, phase: str) -> str:
    """Return what holds a cell back from the limit, from the parts that were measured; nothing where that is little."""
    limit, summary = group.limit_s(cell.n_jobs, phase), cell.summary_of(phase)
    serial_s = group.serial_kept_s or group.serial_s
    if not (limit and summary and serial_s) or summary.median < (1 + WORTH_SAYING) * limit:
        return ""
    parts = {name: cell.middle(partial(_part, phase, name)) or 0.0 for name in PARTS}
    lost = {
        "starting and stopping": parts["start-up"] + parts["stop"],
        "tasks that take longer than in the loop": parts["work"] - serial_s / cell.n_jobs,
        "sending tasks and results": parts["waiting"] + parts["gathering"],
        _tail(group, cell): parts["waiting for the last worker"],
    }
    total_s = sum(max(0.0, seconds) for seconds in lost.values())
    order = sorted(lost, key=lambda name: -lost[name])
    worth = [f"{name} ({duration(lost[name])})" for name in order if lost[name] > WORTH_SAYING * total_s > 0]
    return f"What holds it back, {TIME_NAMES[phase]}: {listed(worth)}." if worth else ""


def _part(phase: str, name: str, trial: Trial) -> float | None:
    return parts_of(trial, phase).get(name)


def _tail(group: Group, cell: Cell) -> str:
    facts = group.newest.run.inputs
    if int(facts["tasks"]) < FEW_TASKS * cell.n_jobs:
        return f"too few tasks, {facts['tasks']} for {workers(cell.n_jobs)}"
    unequal = float(facts["task_longest_s"]) > 2 * float(facts["task_median_s"])
    return "unequal tasks: the last worker has a long one" if unequal else "waiting for the last worker"


def said_of_answer(group: Group, cell: Cell) -> list[str]:
    """Return what follows the answer of any workload where the job is a user's own."""
    facts = group.newest.run.inputs
    lines = [said_of_loss(group, cell, COLD), said_of_loss(group, cell, KEPT)]
    if group.shared_bytes and (copies := cell.copies(group.shared_bytes)):
        lines.append(f"Copies of the shared input at the peak: {copies:.2g}, interpreters among them.")
    if int(facts["tasks"]) < int(facts["of_tasks"]):
        lines.append(said_of_whole(facts))
    if not is_compared(facts):
        lines.append("Results were not compared (same = None).")
    return [line for line in lines if line]
