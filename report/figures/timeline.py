"""The tasks of a round, worker by worker."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from record.schema import Trial
from record.terms import COLD
from report.figures.style import STYLE, SUFFIXES, base_of, caption, color_of, show_and_save, text_color_of
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.parts import median_trial, round_of, tasks_of
from report.numbers.words import row_name
from report.palette import LIMIT_COLOR


def draw_timeline(group: Group, phase: str, save: Path | None = None) -> list[Path]:
    """Draw every library's fastest idiom on most workers, all to one time scale.

    Return the files that were written, none where nobody recorded tasks.
    """
    trials = [(cell, median_trial(cell, phase)) for cell in group.fastest_of_each_library]
    shown = [(cell, trial) for cell, trial in trials if trial and tasks_of(trial, phase)]
    if not shown:
        return []
    lanes = [cell.n_jobs for cell, _ in shown]
    with plt.rc_context(STYLE):
        height = 1.4 + 0.2 * sum(lanes)
        figure, panels = plt.subplots(
            len(lanes), sharex=True, squeeze=False, figsize=(8, height), gridspec_kw={"height_ratios": lanes}
        )
        figure.subplots_adjust(left=0.3, right=0.97, top=1 - 0.45 / height, bottom=0.8 / height, hspace=0.25)
        for axes, (cell, trial) in zip(panels[:, 0], shown, strict=True):
            _lanes(axes, cell, trial, phase, group.limit_s(group.most_workers, phase))
        begin, lines = ("call", "results, stop") if phase == COLD else ("round's start", "results")
        panels[-1][0].set(xlabel=f"time after the {begin} (s)", xlim=(0, None))
        what = f"{phase} round, each library's fastest idiom on {group.most_workers} workers"
        caption(figure, f"{group.workload}: {what}; lines: {lines}, limit (grey)", group)
        return show_and_save(figure, base_of(group, f"_timeline{SUFFIXES[phase]}"), save)


def _lanes(axes: Axes, cell: Cell, trial: Trial, phase: str, limit_s: float | None) -> None:
    color, tasks, chosen = color_of(cell.library), tasks_of(trial, phase), round_of(trial, phase)
    workers = dict.fromkeys(task.worker for task in tasks)
    for lane in workers:
        spans = [(task.start_s, task.end_s - task.start_s) for task in tasks if task.worker == lane]
        edge = plt.rcParams["figure.facecolor"]
        axes.broken_barh(spans, (lane - 0.4, 0.8), facecolor=color, edgecolor=edge, linewidth=0.3)
    ends = [chosen.seconds if chosen else None, trial.one_shot_s if phase == COLD else None]
    for seconds in filter(None, ends):
        axes.axvline(seconds, color=color, linewidth=1)
    if limit_s:
        axes.axvline(limit_s, color=LIMIT_COLOR, linewidth=1)
    axes.set_ylim(max(cell.n_jobs, len(workers)) - 0.4, -0.6)
    axes.set_yticks([])
    axes.set_ylabel(
        row_name(cell), rotation=0, ha="right", va="center", fontsize="small", color=text_color_of(cell.library)
    )
    axes.spines[["top", "right"]].set_visible(False)
