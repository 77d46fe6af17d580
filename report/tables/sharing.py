"""Where the data live: how soon workers have a shared input, how often it is in memory, what a write to it does."""

from record.schema import Trial
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.words import mib, workers
from report.tables.console import IdiomTable, Titled, number
from report.tables.times import LEFT


def titled_sharing(group: Group) -> Titled:
    """Return a row per idiom: times on most workers, copies per number of workers, what a write does, what is left."""
    counts = group.worker_counts
    columns = ("one-shot s", "first task\nafter s", "placing s", "placed\nMiB")
    copies = [f"copies\non {count}" for count in counts]
    table = IdiomTable(*columns, *copies, "left\nbehind", note="what a worker's write to the input does")
    for cells in group.idioms:
        by_count = {cell.n_jobs: cell.copies(group.shared_bytes) for cell in cells}
        left = max(sum(getattr(t.left_behind, name) for name in LEFT) for cell in cells for t in cell.trials)
        written = next((outcome for cell in cells if (outcome := cell.skipped or cell.on_write)), "")
        table.add(
            cells[0],
            *_times(group.on_most(cells)),
            *(number(by_count.get(count)) for count in counts),
            str(left),
            "; ".join(filter(None, (*(cell.failure for cell in cells), written))),
        )
    return Titled(f"one input of {mib(group.shared_bytes)} MiB, on {workers(group.most_workers)}", table)


def _times(cell: Cell | None) -> list[str]:
    if cell is None or cell.one_shot is None:
        return [""] * 4
    placed = cell.middle(lambda trial: trial.placed_bytes)
    values = (cell.one_shot.median, cell.middle(_first_task_s), cell.middle(lambda trial: trial.place_s))
    return [*map(number, values), mib(placed) if placed else ""]


def _first_task_s(trial: Trial) -> float | None:
    return trial.cold.start_s if trial.cold else None
