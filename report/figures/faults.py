"""What came of faults: a row per idiom, a column per fault, coloured by how bad it is for the caller."""

from pathlib import Path

import matplotlib.pyplot as plt

from report.figures.style import STYLE, base_of, caption, show_and_save
from report.numbers.faults import LEGEND, survivals
from report.numbers.group import Group
from report.numbers.names import MEANINGS
from report.numbers.words import duration, row_name, workers
from report.palette import GRADE_COLORS


def draw_faults(group: Group, save: Path | None = None) -> list[Path]:
    """Draw the overview; return the files that were written."""
    by_fault = survivals(group)
    if not by_fault:
        return []
    names = list(dict.fromkeys(row_name(row.cell) for rows in by_fault.values() for row in rows))
    height = 2.9 + 0.3 * len(names)
    with plt.rc_context(STYLE):
        figure, axes = plt.subplots(figsize=(8, height))
        figure.subplots_adjust(left=0.32, right=0.99, top=1 - 0.45 / height, bottom=2.35 / height)
        for x, rows in enumerate(by_fault.values()):
            for row in rows:
                y = names.index(row_name(row.cell))
                after = "" if row.learned_s is None else f"\n{duration(row.learned_s)}"
                axes.add_patch(plt.Rectangle((x, y), 0.96, 0.94, color=GRADE_COLORS[row.grade]))
                text = "/\n".join(row.words) + after
                axes.text(x + 0.48, y + 0.47, text, ha="center", va="center", fontsize=5.5, color="black")
        axes.set_xlim(0, len(by_fault))
        axes.set_ylim(len(names), 0)
        axes.set_yticks([y + 0.47 for y in range(len(names))], names, fontsize="small")
        axes.set_xticks(
            [x + 0.48 for x in range(len(by_fault))], list(by_fault), fontsize="small", rotation=40, ha="right"
        )
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        more = ["; ".join(LEGEND[first : first + 2]) for first in range(0, len(LEGEND), 2)]
        title = f"{group.workload} on {workers(group.most_workers)}: {MEANINGS[group.workload]}"
        caption(figure, title, group, more=more)
        return show_and_save(figure, base_of(group), save)
