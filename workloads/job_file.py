"""Which pattern is a user's job? The names in its file tell, without running it."""

import ast
from pathlib import Path

from trial.source import bound_names

WANTED = {
    "tasks": "def tasks(): return a list with a tuple of arguments for each task",
    "task": "def task(...): what is done with the arguments of one",
}
OF_STATE = ("start", "hand_back", "combine")


def pattern_of(path: Path) -> str:
    """Return the pattern that a job is an instance of. Raises ValueError, in one line, where it is of none."""
    names = _names(path)
    for name, how in WANTED.items():
        if name not in names:
            raise ValueError(f"{path} has no {name}: add '{how}'")
    of_state = [name for name in OF_STATE if name in names]
    if of_state and len(of_state) < len(OF_STATE):
        missing = next(name for name in OF_STATE if name not in names)
        raise ValueError(
            f"{path} has {of_state[0]} and no {missing}: a job with state has start(), hand_back(state), combine(parts)"
        )
    patterns: list[str] = [name for name in ("shared", "setup") if name in names]
    if of_state:
        patterns.append("state")
    if len(patterns) > 1:
        raise ValueError(
            f"{path} has {' and '.join(patterns)}: a job has one of shared(), setup() and a state; "
            "what all tasks read can be loaded in setup() or start()"
        )
    return patterns[0] if patterns else "map"


def _names(path: Path) -> set[str]:
    """Return the names that the file defines, assigns or imports at its top level."""
    try:
        tree = ast.parse(path.read_bytes(), path.name)
    except SyntaxError as error:
        raise ValueError(f"{path}, line {error.lineno}: {error.msg}") from error
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as Python: {error}") from error
    return {name for statement in tree.body for name in bound_names(statement)}
