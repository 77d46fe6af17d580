"""The code behind a number: the function of an idiom, and the functions and classes of its script that it uses."""

import ast
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

Definition = ast.FunctionDef | ast.ClassDef


def source_of(idiom: Callable[..., Any], script: Path) -> dict[str, str | int]:
    """Return how the idiom is called, the ``code`` of it all in the script's order, and its number of ``lines``.

    Lines are those with code: no empty ones, no comments, no docstrings.
    """
    arguments: dict[str, Any] = {}
    while isinstance(idiom, partial):
        arguments = {**idiom.keywords, **arguments}
        idiom = idiom.func
    definitions, text = _definitions(script)
    used: dict[str, Definition] = {}
    if idiom.__name__ in definitions:
        _add(idiom.__name__, definitions, used)
    in_order = sorted(used.values(), key=lambda node: node.lineno)
    named = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    return {
        "call": f"{idiom.__name__}({named})",
        "code": "\n\n\n".join("\n".join(text[_first(node) - 1 : node.end_lineno]) for node in in_order),
        "lines": len({line for node in in_order for line in _lines(node, text)}),
    }


def bound_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement at the top level of a file defines, assigns or imports."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in statement.names}
    if isinstance(statement, ast.If | ast.Try | ast.With):
        inside = [each for each in ast.walk(statement) if isinstance(each, ast.stmt) and each is not statement]
        return {name for each in inside for name in bound_names(each)}
    stored = [each for each in ast.walk(statement) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)]
    return {each.id for each in stored}


@cache
def _definitions(script: Path) -> tuple[dict[str, Definition], list[str]]:
    text = script.read_text("utf-8")
    nodes = [node for node in ast.parse(text).body if isinstance(node, Definition)]
    return {node.name: node for node in nodes}, text.splitlines()


def _add(name: str, definitions: dict[str, Definition], used: dict[str, Definition]) -> None:
    used[name] = definitions[name]
    names = [node for node in ast.walk(definitions[name]) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}  # a variable that is called like a function
    for node in names:
        if node.id in definitions and node.id not in used and node.id not in own:
            _add(node.id, definitions, used)


def _first(node: Definition) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _lines(definition: Definition, text: list[str]) -> Iterator[int]:
    docstrings = {
        line
        for node in ast.walk(definition)
        if isinstance(node, Definition) and ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    for number in range(_first(definition), (definition.end_lineno or 0) + 1):
        line = text[number - 1].strip()
        if line and not line.startswith("#") and number not in docstrings:
            yield number
