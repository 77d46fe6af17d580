"""Which library and idiom for such tasks: the ranking."""

from collections.abc import Callable
from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from record.terms import KEPT, THREADS
from report.numbers.group import Group
from report.numbers.names import NO_LIBRARIES, meaning_of
from report.numbers.recommend import Recommended
from report.numbers.rounds import rounds_of
from report.numbers.statistics import Summary
from report.numbers.words import duration, in_a_column, size
from report.tables.console import IdiomTable, number, plain_if_piped, print_table, say


def print_recommended(recommended: Recommended, console: Console) -> None:
    """Print the ranking, what was left out and why, and what stands behind it."""
    console = plain_if_piped(console)
    table = Table(pad_edge=False)
    for title in ("", "library", "idiom"):
        table.add_column(title, no_wrap=True)
    shares = any(choice.shared_by for choice in recommended.choices)
    as_in = ["start-up and\nPSS as in"] if shares else []
    for title in ("per task", "from - to", "start-up", "peak PSS", "from - to", *as_in, ""):
        table.add_column(title, justify="right", no_wrap=True)
    for rank, choice in enumerate(recommended.choices, start=1):
        s = choice.per_task_s
        table.add_row(
            str(rank),
            *map(escape, choice.cell.name),
            in_a_column(s.median),
            _range(s, duration),
            "not measured" if choice.start_s is None else in_a_column(choice.start_s),
            *_memory_cells(choice.memory_bytes),
            *([escape(choice.shared_by)] if shares else []),
            choice.verdict,
        )
    if recommended.choices:
        print_table(console, table)
        say(console, _note(recommended))
        if any(choice.cell.traits.workers == THREADS for choice in recommended.choices):
            say(console, "Threads are that fast only where tasks let go of the GIL, as those of the grid do.")
    for (library, idiom), why in recommended.excluded.items():
        say(console, f"left out: {library} ({idiom}): {why}")
    if not recommended.choices:
        say(console, "Nothing that was measured can do this.")


def print_nearest_workload(group: Group, console: Console) -> None:
    """Print the order of the libraries in a workload, where nothing nearer to the task was measured."""
    console = plain_if_piped(console)
    table = IdiomTable("kept, times\nthe best", "kept", "start + stop", "one-shot")
    cells = [cell for cell in group.fastest_of_each_library if cell.library not in NO_LIBRARIES and cell.kept]
    cells.sort(key=lambda cell: median(cell.kept_times.values()))
    for cell in cells:
        kept_s, one_shot_s = median(cell.kept_times.values()), median(cell.times.values())
        relative = kept_s / median(cells[0].kept_times.values())
        table.add(
            cell, number(relative), duration(kept_s), duration(max(0.0, one_shot_s - kept_s)), duration(one_shot_s)
        )
    print_table(console, table)
    say(
        console,
        f"No tasks like these were measured: this is the order in {group.workload} ({meaning_of(group.workload)}), "
        f"{group.said_of_trials}. For tasks like yours: python benchmark_all.py grid, or a job of your own: "
        "python benchmark_all.py my_job.py",
    )


def _memory_cells(memory_bytes: Summary | None) -> tuple[str, str]:
    return ("not measured", "") if memory_bytes is None else (size(memory_bytes.median), _range(memory_bytes, size))


def _range(summary: Summary, shown: Callable[[float], str]) -> str:
    return f"{shown(summary.low)} - {shown(summary.high)}" if summary.count > 1 else "1 trial"


def _note(recommended: Recommended) -> str:
    run, spread = recommended.grid.newest.run, recommended.choices[0].per_task_s.spread
    tasks = max(each.tasks for choice in recommended.choices for t in choice.cell.timed for each in rounds_of(t, KEPT))
    return (
        f"per task: time by tasks, of rounds of {tasks} on a pool that is up, so that a call's own cost, 10 ms "
        f"with some libraries, is spread over {tasks} only (python utils.py table overhead has it as fixed); from - "
        f"to: {spread}; start-up: cold, to a first result, with a shared input as large as sharing had it; peak PSS: "
        "estimated, with the shared input, without tasks that wait in a queue. "
        f"{run.profile} profile, {recommended.grid.newest.machine}."
    )
