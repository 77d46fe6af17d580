"""Shapes of task graphs: for each task, the positions of those that it needs, all of them before its own.

Stencil, tree and random are patterns of Task Bench (Slaughter et al., SC'20, https://doi.org/10.1109/SC41405.2020.00066).
"""

import random as random_numbers
from collections.abc import Sequence

Shape = list[tuple[int, ...]]


def layered(width: int, depth: int, needed: int) -> Shape:
    """Return ``depth`` layers of ``width`` tasks; each needs ``needed`` of the layer before, none in the first."""
    return _layers(width, depth, lambda place: [(place + step) % width for step in range(needed)])


def stencil(width: int, depth: int) -> Shape:
    """Return layers in which each task needs its own place and the neighbours' in the layer before."""
    return _layers(width, depth, lambda place: [p for p in (place - 1, place, place + 1) if 0 <= p < width])


def random(width: int, depth: int, needed: int, seed: int) -> Shape:
    """Return layers in which each task needs ``needed`` of the layer before, chosen at random."""
    numbers = random_numbers.Random(seed)
    return _layers(width, depth, lambda _: numbers.sample(range(width), min(needed, width)))


def tree(leaves: int) -> Shape:
    """Return a reduction by pairs: ``leaves`` tasks, and one for each two until one is left."""
    shape: Shape = [()] * leaves
    level = list(range(leaves))
    while len(level) > 1:
        pairs = [tuple(level[i : i + 2]) for i in range(0, len(level), 2)]
        level = [pair[0] if len(pair) == 1 else len(shape) + i for i, pair in enumerate(pairs)]
        shape += [pair for pair in pairs if len(pair) == 2]
    return shape


def _layers(width: int, depth: int, needs) -> Shape:
    first: Shape = [()] * width
    return first + [
        tuple((layer - 1) * width + place for place in needs(own)) for layer in range(1, depth) for own in range(width)
    ]


def sinks(shape: Sequence[Sequence[int]]) -> list[int]:
    """Return the positions of the tasks that no other task needs: a graph is computed for their results."""
    needed = {position for needs in shape for position in needs}
    return [position for position in range(len(shape)) if position not in needed]


def edges(shape: Shape) -> int:
    """Return the number of dependencies."""
    return sum(map(len, shape))


def value(position: int, inputs: Sequence[int]) -> int:
    """Return a task's result: it changes with its place and with each of its inputs."""
    return (position + 1 + 31 * sum(inputs)) % 2**31


def values(shape: Shape, computed: tuple[int, ...] = ()) -> list[int]:
    """Return the results of all tasks, one after another: the reference. ``computed``: among the inputs of each."""
    results: list[int] = []
    for position, needs in enumerate(shape):
        results.append(value(position, (*computed, *(results[other] for other in needs))))
    return results
