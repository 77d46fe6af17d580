"""The figures of workloads, by name."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from record.terms import WORKLOADS
from report.figures import grid
from report.figures.dots import draw_dots
from report.figures.faults import draw_faults
from report.figures.granularity import draw_efficiency, draw_shortest
from report.figures.job_length import draw_job_length
from report.figures.lines import draw_lines
from report.figures.overhead import draw_by_tasks, draw_per_task
from report.figures.parts import draw_parts
from report.figures.soak import draw_soak
from report.figures.style import SUFFIXES
from report.figures.timeline import draw_timeline
from report.figures.total import draw_total
from report.numbers.group import Group
from report.numbers.job_length import job_length
from report.numbers.quantities import (
    AHEAD,
    COPIES,
    KEPT_ROUND,
    LEAST_FOR_LINES,
    ONE_SHOT,
    Quantity,
    has_kept,
    sorted_points,
)
from report.numbers.sharing import has_sharing

Draw = Callable[..., list[Path]]
"""Draws, and returns the files that were written: ``save``, or PNG and SVG beside the results; none without data."""

OF_STUDIES: dict[str, Mapping[str, Draw]] = {
    "overhead": {"": draw_per_task, "_by_tasks": draw_by_tasks},
    "grid": grid.DRAWN,
    "granularity": {
        "": partial(draw_shortest, graphs=False),
        "_graphs": partial(draw_shortest, graphs=True),
        "_efficiency": partial(draw_efficiency, graphs=False),
        "_efficiency_graphs": partial(draw_efficiency, graphs=True),
    },
    "faults": {"": draw_faults},
    "failing_setup": {"": draw_faults},
    "soak": {"": draw_soak},
    "stream": {"": partial(draw_dots, quantity=AHEAD)},
}


def figures_of(groups: Sequence[Group]) -> Mapping[str, Draw]:
    """Return all figures of all groups, and ``total``."""
    named: dict[str, Draw] = {
        f"{group.workload}{suffix}": partial(draw, group)
        for group in groups
        for suffix, draw in _figures_of(group).items()
    }
    # Studies answer a question each, and are not drawn side by side with the workloads, nor with each other.
    if workloads := [group for group in groups if group.workload in WORKLOADS]:
        named["total"] = partial(draw_total, workloads)
    return named


def _figures_of(group: Group) -> Mapping[str, Draw]:
    return OF_STUDIES[group.workload] if group.workload in OF_STUDIES else _of_times(group)


def draw_times(
    group: Group, align: bool = False, quantity: Quantity = ONE_SHOT, save: Path | None = None
) -> list[Path]:
    """Draw a quantity against the number of workers, or a dot per idiom where there are fewer than LEAST_FOR_LINES."""
    lines = len(group.worker_counts) >= LEAST_FOR_LINES and sorted_points(group, quantity)
    draw = draw_lines if lines else draw_dots
    return draw(group, align, quantity, save)


def _of_times(group: Group) -> Mapping[str, Draw]:
    kept = {KEPT_ROUND.suffix: partial(draw_times, quantity=KEPT_ROUND)} if has_kept(group) else {}
    copies = {COPIES.suffix: partial(draw_times, quantity=COPIES)} if has_sharing(group) else {}
    lengths = {"_job_length": partial(draw_job_length, jobs=jobs)} if (jobs := job_length(group)) else {}
    return {
        "": draw_times,
        **kept,
        **copies,
        **lengths,
        **{f"_parts{suffix}": partial(draw_parts, phase=phase) for phase, suffix in SUFFIXES.items()},
        **{f"_timeline{suffix}": partial(draw_timeline, phase=phase) for phase, suffix in SUFFIXES.items()},
    }
