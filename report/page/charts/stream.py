"""How far an input without end is drawn ahead, an idiom a row."""

from collections.abc import Iterator

from report.numbers.group import Group
from report.numbers.quantities import AHEAD
from report.page.charts.dots import chart_of_dots
from report.page.charts.vega import Chart


def charts_of_stream(group: Group) -> Iterator[Chart]:
    """Yield the chart, where anything was measured."""
    yield from chart_of_dots(group, AHEAD, "ahead", group.said_of_trials)
