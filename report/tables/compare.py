"""Before and after: a row per cell, and what stands around it."""

from statistics import median

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from report.numbers.cell import Cell
from report.numbers.compare import Comparison
from report.numbers.statistics import Ratio
from report.numbers.words import said_of_few_blocks
from report.tables.console import plain_if_piped, print_table, say


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the table of all cells, and what stands around it."""
    console = plain_if_piped(console)
    for line in comparison.unlike:
        say(console, f"not alike, compared all the same (--force): {line}")
    print_table(console, _table(comparison))
    say(console, _said_of_method(comparison))
    if few := said_of_few_blocks(comparison.ratios.values(), comparison.is_paired):
        say(console, few)
    gone = [
        f"has no time now: {workload}, {library}, {idiom}, {n} workers"
        for workload, library, idiom, n in comparison.gone
    ]
    for line in (*comparison.changed, *comparison.alone, *gone):
        say(console, line)
    counts = {
        verdict: sum(r.verdict == verdict for r in comparison.ratios.values()) for verdict in _verdicts(comparison)
    }
    say(
        console,
        "; ".join(f"{verdict}: {count}" for verdict, count in counts.items()) or "no cell has times on both sides",
    )


def _table(comparison: Comparison) -> Table:
    table = Table(pad_edge=False)
    for title in ("workload", "library"):
        table.add_column(title, no_wrap=True)
    table.add_column("idiom", overflow="fold")
    for title in ("old s", "new s", "new / old", "workers", "interval", "limit s"):  # by their importance
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for key, (old, new) in comparison.pairs.items():
        if not (old.skipped and new.skipped):
            workload, library, idiom, n_jobs = key
            limit = comparison.limits_s.get((workload, n_jobs))
            ratio, interval, verdict = _verdict(comparison.ratios.get(key), old, new)
            table.add_row(
                *map(escape, (workload, library, idiom)),
                _seconds(old),
                _seconds(new),
                ratio,
                str(n_jobs),
                interval,
                f"{limit:.3f}" if limit else "",
                verdict,
            )
    return table


def _verdict(ratio: Ratio | None, old: Cell, new: Cell) -> tuple[str, str, str]:
    failures = [f"{side}: {cell.failure}" for side, cell in (("old", old), ("new", new)) if cell.failure]
    if ratio is None:
        return "", "", escape("; ".join(failures) or "not in both")
    interval = f"{ratio.low:.3f}-{ratio.high:.3f}" if ratio.low is not None else f"none, {ratio.count} blocks"
    return f"{ratio.ratio:.3f}", interval, escape("; ".join([ratio.verdict, *failures]))


def _said_of_method(comparison: Comparison) -> str:
    if not comparison.ratios:
        return ""
    level = next(iter(comparison.ratios.values())).level
    method = (
        "paired by block: both sides are of one run"
        if comparison.is_paired
        else "unpaired: the runs were made at different times, and what drifted between them is in the ratios"
    )
    return f"one-shot times, {method}; {level:.2%} intervals for {len(comparison.ratios)} comparisons"


def _verdicts(comparison: Comparison) -> list[str]:
    return sorted({ratio.verdict for ratio in comparison.ratios.values()})


def _seconds(cell: Cell) -> str:
    return f"{median(cell.times.values()):.3f}" if cell.times else ""
