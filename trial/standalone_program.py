"""An idiom without the suite: all that its function needs, out of its script and the suite's own files, as one text."""

import ast
from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from trial import patterns
from trial.source import bound_names

ROOT = Path(__file__).resolve().parent.parent
CLASSES = {"map": "Map", "shared": "Shared", "setup": "Setup", "state": "State"}  # of jobs, by pattern
BLOCKS = (ast.FunctionDef, ast.ClassDef)
RECORDS = "placing"  # the function that opens a block that only measures


class Statement(NamedTuple):
    """A statement at the top level of a file, with the comments before it. ``needs``: names that it looks up."""

    node: ast.stmt
    text: str
    needs: frozenset[str]


def program_of(function: Callable[..., Any], script: Path, names: Mapping[str, Any], pattern: str) -> dict[str, str]:
    """Return the ``program`` that an idiom needs, without its job, and the ``expression`` in it that is the idiom.

    ``names``: what the names in its script stand for. Returns nothing for a pattern that is not in CLASSES.
    """
    if pattern not in CLASSES:
        return {}
    expression = _expression(function, names)
    bundle = _Bundle()
    bundle.add(Path(patterns.__file__), {CLASSES[pattern]})
    bundle.add(script, _looked_up(ast.parse(expression)))
    return {"program": bundle.text(), "expression": expression}


def _expression(value: Any, names: Mapping[str, Any]) -> str:
    """Return Python that stands for a function, or for an argument of it, in its script."""
    if callable(value):
        if named := next((name for name, each in names.items() if each is value), None):
            return named
        if isinstance(value, partial):
            given = [*map(repr, value.args), *(f"{name}={_expression(v, names)}" for name, v in value.keywords.items())]
            return f"partial({', '.join([_expression(value.func, names), *given])})"
        if hasattr(value, "__qualname__"):
            return f"{value.__module__}.{value.__qualname__}"
    return repr(value).removeprefix("operator.")


class _Bundle:
    """Statements by file, and the imports that they need."""

    def __init__(self) -> None:
        self.modules = {"os", "reprlib", "sys"}  # the code around the program needs these
        self.names_of: dict[str, set[str]] = {}  # the names that are imported, by module
        self.chosen: dict[Path, set[Statement]] = {}

    def add(self, path: Path, names: set[str] | frozenset[str]) -> None:
        """Add what binds ``names`` in that file, and all that it needs."""
        for statement in _statements(path):
            if names & bound_names(statement.node):
                self._add(path, statement, names)

    def _add(self, path: Path, statement: Statement, names: set[str] | frozenset[str]) -> None:
        if isinstance(statement.node, ast.Import | ast.ImportFrom):
            self._add_import(statement.node, names)
        elif statement not in self.chosen.setdefault(path, set()):
            self.chosen[path].add(statement)
            self.add(path, statement.needs)

    def _add_import(self, node: ast.Import | ast.ImportFrom, names: set[str] | frozenset[str]) -> None:
        wanted = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in names]
        if isinstance(node, ast.Import):
            self.modules |= set(map(ast.unparse, wanted))
            return
        path = ROOT / f"{(node.module or '').replace('.', '/')}.py"
        if path.exists():  # the suite's own
            self.add(path, {alias.name for alias in wanted})
        else:
            self.names_of.setdefault(node.module or "", set()).update(map(ast.unparse, wanted))

    def text(self) -> str:
        """Return imports, then statements in the order of their files; functions and classes apart from each other."""
        parts = [f"import {module}" for module in sorted(self.modules)]
        parts += [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(self.names_of.items())]
        for path, chosen in self.chosen.items():
            before: ast.stmt | None = None
            for statement in (each for each in _statements(path) if each in chosen):
                apart = before is None or isinstance(statement.node, BLOCKS) or isinstance(before, BLOCKS)
                parts.append(f"{chr(10) * (2 if apart else 0)}{statement.text}")
                before = statement.node
        return "\n".join(parts) + "\n"


@cache
def _statements(path: Path) -> tuple[Statement, ...]:
    text = _unmeasured(path.read_text("utf-8"))
    return tuple(_statements_in(ast.parse(text).body, text.splitlines()))


def _statements_in(body: list[ast.stmt], lines: list[str]) -> Iterator[Statement]:
    """Yield the statements, also those in ``with needs(...)``: that block only tells the suite what is missing."""
    for node in body:
        if isinstance(node, ast.With):
            yield from _statements_in(node.body, lines)
        elif not isinstance(node, ast.If):  # at the end: the script's rows
            first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", ()))]) - 1
            while lines[first - 1].startswith("#"):
                first -= 1
            yield Statement(node, "\n".join(lines[first : node.end_lineno]), frozenset(_looked_up(node)))


def _looked_up(node: ast.AST) -> set[str]:
    """Return the names that ``node`` looks up outside itself: not its arguments, nor the variables that it assigns."""
    inside = list(ast.walk(node))
    names = [each for each in inside if isinstance(each, ast.Name)]
    own = {each.id for each in names if isinstance(each.ctx, ast.Store)}
    own |= {each.arg for each in inside if isinstance(each, ast.arg)}
    of_module = {name for each in inside if isinstance(each, ast.Global) for name in each.names}
    return {each.id for each in names} - own | of_module


def _unmeasured(text: str) -> str:
    """Return the code without ``with`` lines that only record. The statements in their blocks stay."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.With) and ast.unparse(node.items[0]).startswith(f"{RECORDS}("):
            lines = text.splitlines(keepends=True)
            inside = [line.removeprefix("    ") for line in lines[node.body[0].lineno - 1 : node.end_lineno]]
            return _unmeasured("".join([*lines[: node.lineno - 1], *inside, *lines[node.end_lineno :]]))
    return text
