"""The charts of a workload, in the order in which they are shown."""

from collections.abc import Callable, Iterator

from record.terms import COLD, KEPT
from report.numbers.group import Group
from report.numbers.job_length import job_length
from report.numbers.quantities import COPIES, KEPT_ROUND, ONE_SHOT
from report.page.charts.faults import charts_of_faults
from report.page.charts.granularity import charts_of_granularity
from report.page.charts.grid import charts_of_grid
from report.page.charts.job_length import lengths_of_jobs
from report.page.charts.memory import against_memory
from report.page.charts.overhead import charts_of_overhead
from report.page.charts.parts import timeline, where_the_time_goes
from report.page.charts.soak import charts_of_soak
from report.page.charts.stores import held_by_stores, time_of_stores
from report.page.charts.stream import charts_of_stream
from report.page.charts.times import charts_of_quantity
from report.page.charts.vega import Chart

OF_STUDIES: dict[str, Callable[[Group], Iterator[Chart]]] = {
    "overhead": charts_of_overhead,
    "grid": charts_of_grid,
    "granularity": charts_of_granularity,
    "faults": charts_of_faults,
    "failing_setup": charts_of_faults,
    "soak": charts_of_soak,
    "stream": charts_of_stream,
}


def charts_of(group: Group) -> list[Chart]:
    """Return the charts of which there is anything to show."""
    return list(OF_STUDIES.get(group.workload, _charts_of_times)(group))


def _charts_of_times(group: Group) -> Iterator[Chart]:
    charts = (
        lengths_of_jobs(lengths) if (lengths := job_length(group)) else None,
        *charts_of_quantity(group, ONE_SHOT, "time"),
        *charts_of_quantity(group, KEPT_ROUND, "time-kept"),
        *(where_the_time_goes(group, phase) for phase in (COLD, KEPT)),
        *(timeline(group, phase) for phase in (COLD, KEPT)),
        against_memory(group),
        *charts_of_quantity(group, COPIES, "copies"),
        held_by_stores(group),
        time_of_stores(group),
    )
    return (chart for chart in charts if chart)
