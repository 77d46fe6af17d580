"""Labels beside what they name: placed automatically without overlap, dragged with the mouse, remembered in a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan2, degrees
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.text import Annotation

from harness.results import write_atomically

GAP = 1.25  # line heights between two labels


Position = tuple[float, float]


@dataclass(frozen=True)
class Anchor:
    """What a label names: a point in data coordinates, and where the line comes from that ends there."""

    name: str  # the label's key in the file of positions
    text: str
    x: float
    y: float
    color: str
    before: tuple[float, float] | None = None


def place(
    axes: Axes, anchors: Sequence[Anchor], automatic: Mapping[str, Position], saved: Path, align: bool
) -> dict[str, Annotation]:
    """Put a draggable label at every anchor, at its saved position if it has one, and else at its automatic one.

    Positions are fractions of the axes. ``align`` turns each label to the slope of its line. When a drag ends, the
    positions of the labels that were moved are written to ``saved``, and used again next time.
    """
    positions = {**automatic, **_load(saved)}
    labels = {}
    for anchor in anchors:
        label = axes.annotate(
            anchor.text,
            xy=(anchor.x, anchor.y),
            xytext=positions[anchor.name],
            textcoords="axes fraction",
            color=anchor.color,
            fontsize="small",
            va="center",
            rotation=_slope(axes, anchor) if align else 0,
            rotation_mode="anchor",
            arrowprops={"arrowstyle": "-", "color": anchor.color, "linewidth": 0.5, "shrinkB": 2, "relpos": (0, 0.5)},
            annotation_clip=False,
        )
        label.draggable()
        labels[anchor.name] = label
    # When a drag ends, whoever's: matplotlib has moved the label before this is called.
    axes.figure.canvas.mpl_connect("button_release_event", lambda _: _save_moved(saved, labels, positions))
    return labels


def in_a_column(axes: Axes, anchors: Sequence[Anchor]) -> dict[str, Position]:
    """Return positions in a column at the right, each as near to its anchor's height as the others allow."""
    points = [_fraction(axes, anchor) for anchor in anchors]
    right = max((x for x, _ in points), default=1.0)
    step = GAP * _font_height(axes)
    heights = _not_above(1.0, _spread([y for _, y in points], step), step)
    return {anchor.name: (right + 0.04, height) for anchor, height in zip(anchors, heights, strict=True)}


def above(axes: Axes, anchors: Sequence[Anchor]) -> dict[str, Position]:
    """Return positions just above each anchor."""
    points = {anchor.name: _fraction(axes, anchor) for anchor in anchors}
    return {name: (x - 0.04, y + 1.1 * _font_height(axes)) for name, (x, y) in points.items()}


def _fraction(axes: Axes, anchor: Anchor) -> Position:
    x, y = (axes.transData + axes.transAxes.inverted()).transform((anchor.x, anchor.y))
    return float(x), float(y)


def _not_above(top: float, heights: Sequence[float], step: float) -> list[float]:
    """Return the heights with those above ``top`` moved down, and what they would then overlap."""
    lowered = list(heights)
    for index in sorted(range(len(heights)), key=lambda i: -heights[i]):
        lowered[index] = min(lowered[index], top)
        top = lowered[index] - step
    return lowered


def _spread(wanted: Sequence[float], step: float) -> list[float]:
    """Return heights at least ``step`` apart, in the order of those wanted, moving as little as possible.

    Labels that would overlap form a block that is centred on the mean of what its members want.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    blocks: list[list[int]] = []
    for index in order:
        blocks.append([index])
        while len(blocks) > 1 and _bottom(blocks[-1], wanted, step) < _top(blocks[-2], wanted, step) + step:
            last = blocks.pop()
            blocks[-1] += last
    heights = [0.0] * len(wanted)
    for block in blocks:
        for place_in_block, index in enumerate(block):
            heights[index] = _bottom(block, wanted, step) + place_in_block * step
    return heights


def _bottom(block: Sequence[int], wanted: Sequence[float], step: float) -> float:
    return sum(wanted[i] for i in block) / len(block) - step * (len(block) - 1) / 2


def _top(block: Sequence[int], wanted: Sequence[float], step: float) -> float:
    return _bottom(block, wanted, step) + step * (len(block) - 1)


def _font_height(axes: Axes) -> float:
    """Return the height of a small font as a fraction of the axes."""
    dots = FontProperties(size="small").get_size_in_points() / 72 * axes.figure.dpi
    return dots / axes.get_window_extent().height


def _slope(axes: Axes, anchor: Anchor) -> float:
    """Return the angle, in degrees on the screen, of the line that ends at the anchor."""
    if anchor.before is None:
        return 0.0
    (x0, y0), (x1, y1) = axes.transData.transform([anchor.before, (anchor.x, anchor.y)])
    return degrees(atan2(y1 - y0, x1 - x0))


def _load(saved: Path) -> dict[str, Position]:
    """Return saved positions; a file that holds no such thing is as good as none."""
    try:
        return {str(name): (float(x), float(y)) for name, (x, y) in json.loads(saved.read_text()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _save_moved(saved: Path, labels: Mapping[str, Annotation], start: Mapping[str, Position]) -> None:
    now = {name: [float(value) for value in label.get_position()] for name, label in labels.items()}
    moved = {name: position for name, position in now.items() if tuple(position) != start[name]}
    if moved:
        write_atomically(saved, json.dumps({**_load(saved), **moved}, indent=1).encode())
