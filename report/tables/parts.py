"""Where the time goes: the parts of the cold round with the pool's end, and of a round on the pool that is up."""

from collections.abc import Callable

from record.schema import Trial
from record.terms import COLD, KEPT
from report.numbers.group import Group
from report.numbers.parts import SHOWN
from report.numbers.words import workers
from report.tables.console import FROM_SERIAL, IdiomTable, Titled, number

Value = Callable[[Trial], float | None]


def titled_parts(group: Group, phase: str) -> Titled:
    """Return a row per idiom on most workers, medians over the trials; without a table where none has such a round."""
    columns = _columns(phase)
    table = IdiomTable(*columns)
    if limit := _limit(group, phase):
        table.add_limit(FROM_SERIAL, [f"{seconds:.3f}" for seconds in limit])
    for cell in group.timed_on_most_workers:
        if phase == COLD or cell.kept:
            table.add(cell, *(number(cell.middle(value), ".3f") for value in columns.values()))
    title = f"where the time of a {SHOWN[phase]} goes on {workers(group.most_workers)}, medians in s"
    return Titled(title, table) if table.row_count else Titled(title, None, "no trial that was right has it")


def _limit(group: Group, phase: str) -> list[float]:
    """Return the parts of the limit, in the order of the columns; nothing where it is not known."""
    limit, serial_s = group.limit_s(group.most_workers, phase), group.serial_s if phase == COLD else group.serial_kept_s
    if not (limit and serial_s):
        return []
    setup_s = group.setup_s if phase == COLD else 0.0
    work = (serial_s - setup_s) / group.most_workers
    waiting = max(0.0, limit - setup_s - work)  # rounding may leave less than nothing
    return [limit, setup_s, work, waiting, waiting, 0.0, 0.0]


def _columns(phase: str) -> dict[str, Value]:
    def part(name: str) -> Value:
        return lambda trial: getattr(getattr(trial, phase), name) if getattr(trial, phase) else None

    parts = {
        "start-up": part("start_s"),
        "work": part("work_s"),
        "waiting": part("wait_s"),
        "of that,\nat the end": part("tail_s"),
        "gathering": part("gather_s"),
    }
    straggler = {"last - median\nworker": part("straggler_s")}
    if phase == KEPT:
        return {"kept": lambda trial: trial.kept_s, **parts, **straggler}
    return {
        "one-shot": lambda trial: trial.one_shot_s,
        **parts,
        "stop": lambda trial: trial.stop_s,
        **straggler,
        "CPU user,\nall rounds": lambda trial: trial.cpu_user_s,
        "CPU system,\nall rounds": lambda trial: trial.cpu_system_s,
        "import,\nbefore": lambda trial: trial.import_s,
    }
