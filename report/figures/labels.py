"""Labels beside what they name: placed automatically without overlap, dragged with the mouse, remembered in a file."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import atan2, degrees
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation

from record.files import write_atomically

GAP = 1.25  # line heights between two labels
FARTHEST = 10.0  # from the axes, in their widths: what lies beyond was never dragged there
UNDO, REDO, RESET = "ctrl+z", "ctrl+y", "ctrl+0"
HELP = "labels can be dragged; Ctrl+Z: undo, Ctrl+Y: redo, Ctrl+0: all as they were"


Position = tuple[float, float]


@dataclass(frozen=True)
class Anchor:
    """What a label names: a point in data coordinates. ``before``: the point before it, if it ends a line."""

    name: str  # the label's key in the file of positions
    text: str
    x: float
    y: float
    color: str
    before: tuple[float, float] | None = None


def place(
    axes: Axes,
    anchors: Sequence[Anchor],
    automatic: Mapping[str, Position],
    saved: Path,
    align: bool,
    size: str = "small",
) -> dict[str, Annotation]:
    """Put a draggable label at every anchor, at its saved position if it has one, and else at its automatic one.

    Positions are fractions of the axes. ``align`` turns each label to the slope of its line. When a drag ends, the
    positions that are not the automatic ones are written to ``saved``, and used again next time. Ctrl+Z undoes the last
    drag, Ctrl+Y redoes it, Ctrl+0 puts all labels at their automatic positions.
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
            fontsize=size,
            va="center",
            rotation=_slope(axes, anchor) if align else 0,
            rotation_mode="anchor",
            arrowprops={"arrowstyle": "-", "color": anchor.color, "linewidth": 0.5, "shrinkB": 2, "relpos": (0, 0.5)},
            annotation_clip=False,
        )
        label.draggable()
        labels[anchor.name] = label
    moves = _Moves(labels, automatic, saved)
    # Called when any drag ends: matplotlib has moved the label by then.
    axes.figure.canvas.mpl_connect("button_release_event", lambda _: moves.done())
    alone = len(axes.figure.axes) == 1  # of several panels, the one that the mouse is over
    axes.figure.canvas.mpl_connect(
        "key_press_event", lambda event: moves.key(event.key) if alone or event.inaxes is axes else None
    )
    return labels


def on_lines(labels: Mapping[str, Annotation]) -> None:
    """Make labels readable where lines run below them."""
    for label in labels.values():
        label.set(zorder=4, path_effects=[withStroke(linewidth=3, foreground=plt.rcParams["figure.facecolor"])])


def in_a_column(axes: Axes, anchors: Sequence[Anchor]) -> dict[str, Position]:
    """Return positions in a column at the right, each as near to its anchor's height as the others allow."""
    points = [_fraction(axes, anchor) for anchor in anchors]
    right = max((x for x, _ in points), default=1.0)
    step = GAP * _font_height(axes)
    heights = _not_above(1.0, _apart([y for _, y in points], step), step)
    return {anchor.name: (right + 0.04, height) for anchor, height in zip(anchors, heights, strict=True)}


def above(axes: Axes, anchors: Sequence[Anchor]) -> dict[str, Position]:
    """Return positions just above each anchor."""
    points = {anchor.name: _fraction(axes, anchor) for anchor in anchors}
    return {name: (x - 0.04, y + 1.1 * _font_height(axes)) for name, (x, y) in points.items()}


def beside(axes: Axes, anchors: Sequence[Anchor]) -> dict[str, Position]:
    """Return positions just to the right of each anchor."""
    points = {anchor.name: _fraction(axes, anchor) for anchor in anchors}
    return {name: (x + 0.015, y) for name, (x, y) in points.items()}


def _fraction(axes: Axes, anchor: Anchor) -> Position:
    x, y = (axes.transData + axes.transAxes.inverted()).transform((anchor.x, anchor.y))
    return float(x), float(y)


def _not_above(top: float, heights: Sequence[float], step: float) -> list[float]:
    """Return the heights; those above ``top`` are moved down, and so are those that they would then overlap."""
    lowered = list(heights)
    for index in sorted(range(len(heights)), key=lambda i: -heights[i]):
        lowered[index] = min(lowered[index], top)
        top = lowered[index] - step
    return lowered


def _apart(wanted: Sequence[float], step: float) -> list[float]:
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
    """Return saved positions; none if the file is missing or holds anything else."""
    try:
        positions = {str(name): (float(x), float(y)) for name, (x, y) in json.loads(saved.read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
    return {name: at for name, at in positions.items() if all(abs(each) <= FARTHEST for each in at)}  # NaN is not


class _Moves:
    """Earlier positions of the labels, so that moves can be undone; the file holds the current positions."""

    def __init__(self, labels: Mapping[str, Annotation], automatic: Mapping[str, Position], saved: Path) -> None:
        self.labels, self.automatic, self.saved = labels, automatic, saved
        self.now = self._positions()
        self.before: list[dict[str, Position]] = []
        self.after: list[dict[str, Position]] = []

    def done(self) -> None:
        """Remember a drag that has ended."""
        if (positions := self._positions()) != self.now:
            self.before.append(self.now)
            self.after.clear()
            self._keep(positions)

    def key(self, key: str | None) -> None:
        """Undo, redo or reset, if the key asks for that."""
        if key == UNDO and self.before:
            self.after.append(self.now)
            self._put(self.before.pop())
        elif key == REDO and self.after:
            self.before.append(self.now)
            self._put(self.after.pop())
        elif key == RESET:
            self.before.append(self.now)
            self.after.clear()
            self._put(dict(self.automatic))

    def _put(self, positions: dict[str, Position]) -> None:
        for name, label in self.labels.items():
            label.set_position(positions[name])
            label.figure.canvas.draw_idle()
        self._keep(positions)

    def _positions(self) -> dict[str, Position]:
        return {name: (float(x), float(y)) for name, label in self.labels.items() for x, y in [label.get_position()]}

    def _keep(self, positions: dict[str, Position]) -> None:
        """Write the positions that are not the automatic ones; those of labels that are not in this figure stay."""
        self.now = positions
        others = {name: position for name, position in _load(self.saved).items() if name not in positions}
        moved = {name: position for name, position in positions.items() if position != self.automatic[name]}
        write_atomically(self.saved, json.dumps({**others, **moved}, indent=1).encode())
