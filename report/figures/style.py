"""How every figure looks: plain numbers, and a caption of what was measured and where. Where its file is."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.backends.registry import BackendFilter, backend_registry
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from record.terms import COLD, KEPT
from report import palette
from report.figures.labels import HELP
from report.numbers.group import Group

RGB = tuple[float, float, float]  # red, green and blue, from 0 to 1
LEAST_CONTRAST = 4.5  # of text: WCAG 2.2, level AA
SUFFIXES = {COLD: "", KEPT: "_kept"}  # of the files of figures of a round
STYLE: Any = {
    "font.size": 10,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "svg.fonttype": "none",
    "text.parse_math": False,  # a dollar sign in a name is one
    "svg.hashsalt": "benchmark",  # the same figure is the same file
    "savefig.dpi": 200,
}


def color_of(library: str) -> str:
    """Return the library's colour; on a dark ground, a lighter one where it would be lost."""
    color = palette.color_of(library)
    return palette.ON_DARK.get(color, color) if plt.rcParams["figure.facecolor"] == "black" else color


def text_color_of(library: str) -> str:
    """Return the library's colour, nearer to black, or on a dark ground to white, until text in it can be read."""
    color: RGB = to_rgb(color_of(library))
    ground = to_rgb(plt.rcParams["figure.facecolor"])
    end = 0.0 if _luminance(ground) > 0.5 else 1.0
    while contrast(color, ground) < LEAST_CONTRAST:
        red, green, blue = (part + 0.05 * (end - part) for part in color)
        color = red, green, blue
    return to_hex(color)


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast of two colours, from 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: RGB) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def base_of(group: Group, suffix: str = "") -> Path:
    """Return where a figure of the group is, without the suffix of a file."""
    return group.files[0].path.parent / f"{group.workload}{suffix}"


def in_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name the rows of a figure that has one for each idiom, the first on top."""
    axes.set_yticks(range(len(names)), names, fontsize="small")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(names) - 0.4, -0.6)


def plain_ticks(axis, low: float, high: float) -> None:
    """Tick a logarithmic axis in plain numbers: over a short range at many digits, over a long one at powers of ten."""
    digits = (1, 2, 3, 4, 5, 7) if high < 10 * low else (1, 2, 5) if high < 1000 * low else (1,)
    ticks = [digit * 10.0**power for power in range(-6, 9) for digit in digits]
    axis.set_major_locator(plt.FixedLocator([tick for tick in ticks if low <= tick <= high] or [low]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())


def plain(value: float, _position: int | None = None) -> str:
    """Format a tick's number."""
    return f"{value:g}"


def caption(figure: Figure, title: str, *groups: Group, more: Sequence[str] = ()) -> None:
    """Say in the figure what it shows, when and on which machine, ``more`` lines of that, and what it leaves out."""
    newest = max((file for group in groups for file in group.files), key=lambda file: file.run.started)
    profile = f"{newest.run.profile} profile" + (": a first look" if newest.run.profile == "quick" else "")
    of_trials = " / ".join(dict.fromkeys(group.said_of_trials for group in groups))
    figure.suptitle(title, x=0.02, ha="left", fontsize="medium")
    lines = [*more, f"{newest.run.started[:10]}, {profile}, {of_trials}", newest.machine]
    left_out = sum(len(group.left_out) for group in groups)
    if left_out:
        lines.append(f"left out: {left_out} results of other parameters or machines")
    figure.text(0.02, 0.015, "\n".join(lines), fontsize="x-small", alpha=0.75)


def show_and_save(figure: Figure, base: Path, save: Path | None = None) -> list[Path]:
    """Let the labels be dragged, where there is a display, until the window is closed; then write PNG and SVG.

    With ``save``, nothing is shown, and that file alone is written.
    """
    if not save and plt.get_backend().lower() not in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE):
        if window := figure.canvas.manager:
            window.set_window_title(f"{base.name}: {HELP}")
        plt.show()
    paths = [save] if save else [base.with_suffix(".png"), base.with_suffix(".svg")]
    for path in paths:
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    plt.close(figure)
    return paths
