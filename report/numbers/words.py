"""Numbers and names as text gives them."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from report.numbers.cell import Cell
from report.numbers.names import Name
from report.numbers.statistics import FASTER, SLOWER, UNKNOWN, Ratio, Summary, least_blocks


def called(name: Name) -> str:
    """Return library and idiom as text names them."""
    return f"{name[0]} ({name[1]})"


def row_name(cell: Cell) -> str:
    """Return library and idiom as rows, lines and labels name them."""
    return ": ".join(cell.name)


def counted(number: int, what: str) -> str:
    """Return so many of something, in the plural unless it is one."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def workers(count: int) -> str:
    """Return a number of workers in words."""
    return counted(count, "worker")


def duration(seconds: float, digits: str = ".3g") -> str:
    """Return three digits and the unit that suits."""
    if not seconds:
        return "0"
    unit, one = next((each for each in (("s", 1.0), ("ms", 1e-3)) if seconds >= 0.9995 * each[1]), ("µs", 1e-6))
    shown = f"{seconds / one:{digits}}" if seconds < 999.5 * one else f"{seconds / one:.0f}"
    return f"{shown.rstrip('.')} {unit}"


def in_a_column(seconds: float) -> str:
    """Return the same with zeros at the end too, as many digits as in the rows above and below."""
    return duration(seconds, "#.3g")


def three_digits(value: float) -> str:
    """Return three digits, zeros at the end too: as many in each row. From a thousand on, all before the point."""
    return f"{value:#.3g}".rstrip(".") if value < 999.5 else f"{value:.0f}"


def about(seconds: float) -> str:
    """Return two digits and the unit that suits, up to hours: of what is predicted."""
    if not seconds:
        return "0"
    units = (("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3))
    unit, one = next((each for each in units if seconds >= 0.995 * each[1]), units[-1])
    return f"{float(f'{seconds / one:.2g}'):g} {unit}"


def size(number: float) -> str:
    """Return a number of bytes in the unit that suits."""
    unit, one = next((each for each in (("GiB", 2**30), ("MiB", 2**20)) if number >= each[1]), ("KiB", 2**10))
    return f"{number / one:.3g} {unit}" if number < 999.5 * one else f"{number / one:.0f} {unit}"


def mib(number: float) -> str:
    """Return a number of bytes in MiB, without the unit."""
    return f"{number / 2**20:.0f}"


def micro(seconds: float) -> str:
    """Return a number of seconds in microseconds, without the unit."""
    return f"{1e6 * seconds:.3g}" if seconds < 1e-3 else f"{1e6 * seconds:.0f}"


def with_spread(summary: Summary, shown: Callable[[float], str] = duration, to: str = " to ") -> str:
    """Return a median and, of several samples, what they spread over."""
    spread = f" ({shown(summary.low)}{to}{shown(summary.high)})" if summary.count > 1 else ""
    return f"{shown(summary.median)}{spread}"


def verdict_of(ratio: Ratio) -> str:
    """Return the verdict; where there are too few blocks for one, what all of them showed."""
    if ratio.verdict != UNKNOWN:
        return ratio.verdict
    if ratio.least <= 1 <= ratio.largest:
        return "either way"
    side = SLOWER if ratio.least > 1 else FASTER
    return f"{side} in all {ratio.count}" if ratio.count > 1 else f"{side} in the only one"


def said_of_ratio(ratio: Ratio, digits: str = ".2f") -> str:
    """Return a ratio, its interval, or else the range of what was measured, and its verdict."""
    if ratio.count == 1:
        return f"{ratio.ratio:{digits}}"
    known = ratio.low is not None and ratio.high is not None
    low, high = (ratio.low, ratio.high) if known else (ratio.least, ratio.largest)
    return f"{ratio.ratio:{digits}} ({low:{digits}}-{high:{digits}}) {verdict_of(ratio)}"


def said_of_few_blocks(ratios: Iterable[Ratio], is_paired: bool = True) -> str:
    """Return how many blocks a verdict needs if some ratio has too few; else an empty string."""
    few = [ratio for ratio in ratios if ratio.verdict == UNKNOWN]
    if not few:
        return ""
    blocks, family = min(ratio.count for ratio in few), max(ratio.family for ratio in few)
    return (
        f"Too few blocks: {blocks} cannot tell a single difference among {counted(family, 'row')} from chance, "
        f"at least {least_blocks(family, is_paired)} can."
    )


def seconds_of(cell: Cell, phase: str) -> str:
    """Return a cell's time in one shot or kept with its spread, and how many of its trials failed."""
    summary = cell.summary_of(phase)
    assert summary is not None
    failed = f"; {cell.failures}" if cell.failures else ""
    if summary.count == 1:
        return f"{duration(summary.median)} (1 trial, no spread known{failed})"
    return (
        f"{duration(summary.median)} ({duration(summary.low)} to {duration(summary.high)}, {summary.spread}, "
        f"{summary.count} trials{failed})"
    )


def peak_of(cell: Cell) -> str:
    """Return a cell's peak memory, with the range of its sampled trials."""
    peaks = [trial.memory["pss_peak_bytes"] for trial in cell.sampled]
    if len(peaks) == 1:
        return f"{size(peaks[0])} (1 sampled trial)"
    return f"{size(median(peaks))} ({size(min(peaks))} to {size(max(peaks))}, {len(peaks)} sampled trials)"


def tie(names: Sequence[Name]) -> str:
    """Return "A ties with it", or "A and B tie with it"."""
    return f"{listed(list(map(called, names)))} {'ties' if len(names) == 1 else 'tie'} with it"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Return an enumeration."""
    return f"{', '.join(names[:-1])} {last} {names[-1]}" if len(names) > 1 else "".join(names)
