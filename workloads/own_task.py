"""A job of the user's own, as workers run it: the functions of their file, with each task's number and its record.

Importing this imports the user's file, which `JOB_VARIABLE` names.
"""

import importlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from trial.tasklog import making, task
from trial.workload import JOB_VARIABLE

own = importlib.import_module(Path(os.environ[JOB_VARIABLE]).stem)


def call(number: int, *arguments: Any) -> tuple[int, Any]:
    """Task: return the number and the result of the user's task. Results come in any order."""
    with task(number):
        return number, own.task(*arguments)


def make() -> Any:
    """Return what the user's setup makes."""
    with making():
        return own.setup()


def start() -> tuple[Any, list[int]]:
    """Return the user's state, and the numbers of the tasks that have changed it so far."""
    return own.start(), []


def change(number: int, *arguments: Any) -> None:
    """Task: let the user's task change the state, which is the last argument."""
    *arguments_of_task, (state, numbers) = arguments
    with task(number):
        numbers.append(number)
        own.task(*arguments_of_task, state)


def hand_back(state: tuple[Any, list[int]]) -> tuple[Any, list[int]]:
    """Return what the user's state hands back, and the numbers of its tasks."""
    value, numbers = state
    return own.hand_back(value), numbers


def combine(parts: Iterable[tuple[Any, list[int]]]) -> tuple[Any, list[int]]:
    """Return what the user makes of all parts, and the numbers of all tasks that are in them."""
    numbers: list[int] = []

    def values() -> Iterator[Any]:
        for value, changed_by in parts:
            numbers.extend(changed_by)
            yield value

    return own.combine(values()), numbers
