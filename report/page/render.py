"""One self-contained HTML file: the answer, the matrix, charts, code, twelve questions, conditions, the raw data."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import isfinite, log2
from pathlib import Path
from statistics import median
from typing import Any

import altair as alt
import jinja2
import vl_convert
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from rich.text import Text

from record.files import write_atomically
from record.schema import Environment, Run
from record.terms import COLD, KEPT, OF_ROUNDS
from report.code_file import code_file
from report.export import csv_of, csv_of_rounds, version_of
from report.numbers.drift import said_of_drift, said_of_trouble
from report.numbers.group import Group
from report.numbers.measured import Measured
from report.numbers.names import meaning_of
from report.numbers.own_job import is_own_job
from report.numbers.statistics import TIE, half_width
from report.numbers.words import in_a_column, listed, said_of_few_blocks, size
from report.page import answers, matrix, questions
from report.page.cards import Card, cards_of
from report.page.charts.vega import Chart
from report.page.charts.workload import charts_of
from report.page.job_length import JobLengthSection, job_length_section
from report.page.questions import Answered
from report.palette import ON_DARK, color_of
from report.tables.console import Titled
from report.tables.workload import tables_of

TEMPLATES = Path(__file__).resolve().parent / "html"
VEGA_LITE = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
CODE_STYLES = {"light": "default", "dark": "github-dark"}  # Pygments' names


Machines = Mapping[str, Sequence[Group]]
"""What was measured on each machine, by its name, which is empty for a single one. Machines are not compared."""


def write_page(machines: Machines, refused: Sequence[str], path: Path) -> int:
    """Write the page and return its size in bytes. Raises OSError."""
    rendered = render(machines, refused).encode()
    write_atomically(path, rendered)
    return len(rendered)


def render(machines: Machines, refused: Sequence[str]) -> str:
    """Return the page. ``refused``: a line for each file that could not be read."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": in_a_column, "size": size, "meaning": meaning_of, "color": color_of}
    files = [(name, file) for name, groups in machines.items() for group in groups for file in group.files]
    rows = [{"machine": name, **row} for name, groups in machines.items() for row in matrix.rows_of(groups)]
    sources = {(m, f.workload, f.library, name): source for m, f in files for name, source in _sources(f).items()}
    shared = list(dict.fromkeys(sources.values()))  # many idioms have the same code
    shown = [
        _of_machine(name, f"m{number}-" if number else "", groups)
        for number, (name, groups) in enumerate(machines.items())
    ]
    of_machine = ("machine",) if len(machines) > 1 else ()
    return environment.get_template("page.html").render(
        machines=shown,
        rows=rows,
        codes_of={name: (shared.index(source), source[2]) for name, source in sources.items()},
        columns=[*((name, name) for name in of_machine), *COLUMNS],
        heat=_heat,
        tie=TIE,
        filters={name: sorted({row[name] for row in rows}) for name in (*of_machine, *FILTERS)},
        codes=[_highlighted(source) for source in shared],
        warnings=[*refused, *(line for name, groups in machines.items() for line in _warnings(name, groups))],
        packed={
            "specs": _packed(_as_json({c.anchor: c.spec for m in shown for drawn in m.charts.values() for c in drawn})),
            "trials": _packed(csv_of([file for _, file in files])[0]),
            "rounds": _packed(csv_of_rounds([file for _, file in files if file.workload in OF_ROUNDS])),
        },
        colors_on_dark=ON_DARK,
        style=Markup((TEMPLATES / "page.css").read_text("utf-8") + _code_style()),
        script=Markup((TEMPLATES / "page.js").read_text("utf-8")),
        vega=Markup(_vega()),
    )


@cache
def _vega() -> str:
    """Return the program that draws charts: bundling it takes longer than all else of a page."""
    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE))


@dataclass(frozen=True)
class _OfMachine:
    """What the page says of one machine. ``prefix``: of the addresses of its parts."""

    name: str
    label: str
    prefix: str
    cards: list[Card]
    first: JobLengthSection | None
    lead: Chart | None
    answers: dict[str, str]
    own_jobs: list[str]
    overview: dict[str, dict[str, Any]]
    charts: dict[str, list[Chart]]
    tables: dict[str, list[dict[str, Any]]]
    questions: list[Answered]
    conditions: list[tuple[Group, dict[str, str]]]


def _of_machine(name: str, prefix: str, groups: Sequence[Group]) -> _OfMachine:
    by_name = {group.workload: group for group in groups}
    charts = {
        workload: [replace(chart, anchor=prefix + chart.anchor) for chart in charts_of(group)]
        for workload, group in by_name.items()
    }
    first = job_length_section(group for group in groups if _is_answered(group))
    return _OfMachine(
        name=name,
        label=groups[0].newest.machine,
        prefix=prefix,
        cards=cards_of(by_name),
        first=first,
        lead=next((c for drawn in charts.values() for c in drawn if first and c.anchor == prefix + first.anchor), None),
        answers={group.workload: answers.answer(group) for group in groups if _is_answered(group)},
        own_jobs=[group.workload for group in groups if is_own_job(group.newest.run.inputs)],
        overview=_overview(groups),
        charts=charts,
        tables={group.workload: [_plain(titled) for titled in tables_of(group)] for group in groups},
        questions=questions.answers(by_name),
        conditions=[(group, _conditions(group)) for group in groups],
    )


# Title, field, and how its cells are shown.
COLUMNS = (
    ("workload", "workload"),
    ("library", "library"),
    ("idiom", "idiom"),
    ("start method", "start_method"),
    ("workers", "n_jobs"),
    ("one-shot", "one_shot_s"),
    ("relative to best", "relative"),
    ("verdict", "verdict"),
    ("from", "low_s"),
    ("to", "high_s"),
    ("kept", "kept_s"),
    ("kept, relative to best", "kept_relative"),
    ("kept, verdict", "kept_verdict"),
    ("kept, from", "kept_low_s"),
    ("kept, to", "kept_high_s"),
    ("trials", "trials"),
    ("disturbed trials", "disturbed"),
    ("peak PSS", "peak_pss_bytes"),
    ("copies", "copies"),
    ("lines of code", "lines"),
    ("outcome", "outcome"),
)
FILTERS = ("workload", "library", "start_method", "n_jobs", "style")


def _heat(relative: float) -> float:
    """Return how strongly a ratio to the best is coloured: from 0 at 1 to 1 at 16."""
    return round(min(1.0, max(0.0, log2(relative) / 4)), 2)


def _is_answered(group: Group) -> bool:
    """Return whether it has one-shot times, and is not a longer job that only checks predictions."""
    return group.workload not in OF_ROUNDS and not group.newest.run.lengthens


def _overview(groups: Sequence[Group]) -> dict[str, dict[str, Any]]:
    """Return by library and workload the fastest idiom on most workers, and its ratio to the best, one-shot and kept.

    Where a library has no time, the cell is one that says why.
    """
    by_library: dict[str, dict[str, Any]] = {}
    for group in groups:
        if not _is_answered(group):
            continue
        most, fastest = group.most_workers, {cell.library: cell for cell in group.fastest_of_each_library}
        for file in group.files:
            of_workload = by_library.setdefault(file.library, {})
            without = [cell for cell in file.cells.values() if not cell.one_shot]
            if cell := fastest.get(file.library):
                of_workload[group.workload] = (
                    cell,
                    *matrix.relative_to_fastest(group, cell, most, COLD),
                    matrix.relative_to_fastest(group, cell, most, KEPT)[0],
                )
            elif without:
                of_workload[group.workload] = (next((c for c in without if c.failure), without[0]), None, "", None)
    return by_library


def _plain(titled: Titled) -> dict[str, Any]:
    """Return what the terminal shows as a table, as text."""
    columns = [list(map(_text, (c.header, *c.cells))) for c in titled.table.columns] if titled.table else []
    header, *rows = [list(row) for row in zip(*columns, strict=True)] or [[]]
    return {"title": titled.title, "note": titled.note, "header": header, "rows": rows}


def _text(cell: Any) -> str:
    return Text.from_markup(cell, emoji=False).plain


Source = tuple[str, str, int]  # call, code, number of lines


def _sources(file: Measured) -> dict[str, Source]:
    """Return by idiom the code that was measured; of a user's own job, the whole program to take away."""
    run = file.run
    own = is_own_job(run.inputs)
    return {
        name: (idiom.call, code_file(run, file.library, name) if own else idiom.code, idiom.lines)
        for name, idiom in run.idioms.items()
        if (idiom.program if own else idiom.code)
    }


def _highlighted(source: Source) -> dict[str, Any]:
    call, code, lines = source
    html = highlight(code, PythonLexer(), HtmlFormatter(nowrap=True))
    return {"call": call, "lines": lines, "html": Markup(html)}


def _code_style() -> str:
    styles = {
        mode: HtmlFormatter(style=name).get_style_defs(f"[data-mode={mode}] pre") for mode, name in CODE_STYLES.items()
    }
    return "\n".join(styles.values())


def _warnings(name: str, groups: Sequence[Group]) -> Iterator[str]:
    """Yield what a reader has to know before the first number."""
    of = f"{name}: " if name else ""
    quick = [group.workload for group in groups if group.newest.run.profile == "quick"]
    if quick:
        said = "few worker counts, few trials, small inputs. A first look, nothing to quote"
        yield f"{of}Quick profile: {said}: {listed(quick)}"
    labels = sorted({group.newest.machine for group in groups})
    if labels[1:]:
        yield f"{of}These are results of several machines, one per workload: {'; '.join(labels)}"
    runs = {group.workload: [file.run for file in group.files] for group in groups}
    trouble = [f"{workload} {text}" for workload, parts in runs.items() if (text := said_of_trouble(parts))]
    if trouble:
        what = "how much slower it was at the end, and before how many trials it was disturbed"
        yield f"{of}The machine was not steady. Do not trust small differences. Here is {what}: {'; '.join(trouble)}"
    rankings = [ranking for group in groups if _is_answered(group) for ranking in group.rankings.values()]
    if few := said_of_few_blocks(ratio for ranking in rankings for ratio in ranking.ratios.values()):
        yield f"{of}{few}"
    for group in groups:
        yield from (f"{of}{group.workload}, left out: {line}" for line in group.left_out)


def _conditions(group: Group) -> dict[str, str]:
    """Return what a reader has to know of the newest run, and of the other runs that stand beside it."""
    run = group.newest.run
    runs: dict[str, list[Run]] = {}
    for file in group.files:
        runs.setdefault(file.run.started, []).append(file.run)
    # With the order statistics of few samples, intervals are as wide as the range: the noise that two cells would show.
    widths = [
        half_width(s.low, s.high)
        for file in group.files
        for c in file.cells.values()
        if (s := c.one_shot) and s.count > 1 and group.workload not in OF_ROUNDS
    ]
    started = sorted({f"{file.run.started}, {file.run.profile} profile" for file in group.files})
    return {
        "measured": f"{'; '.join(started)}; {group.said_of_trials}",
        "machine": group.newest.machine,
        "details": ", ".join(
            f"{name} {value}" for name, value in {**run.environment.machine, **run.environment.conditions}.items()
        ),
        "libraries": ", ".join(f"{file.library} {version_of(file)}" for file in group.files),
        "packages, suite": "; ".join(dict.fromkeys(_versions(parts[0].environment) for parts in runs.values())),
        "parameters": ", ".join(f"{name}={value}" for name, value in run.params.items()),
        "hash of parameters, seed": f"{run.params_hash}, {run.seed}",
        "noise floor": f"± {median(widths):.1%}, the median of the spreads of one-shot times"
        if widths
        else "not known here",
        "drift": "; ".join(map(said_of_drift, runs.values())),
        "warnings": "; ".join(dict.fromkeys(w for f in runs.values() for w in f[0].disturbances)) or "none",
        "left out": "; ".join(group.left_out) or "nothing",
    }


def _versions(environment: Environment) -> str:
    packages = [f"{name} {version}" for name, version in environment.versions.items()]
    return ", ".join([*packages, *(f"suite's {name} {value}" for name, value in environment.suite.items())])


def _packed(text: str) -> str:
    """Return it compressed, in letters and digits; a browser unpacks it."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode() if text else ""


def _as_json(data: Any) -> str:
    return json.dumps(_finite(data), separators=(",", ":"), allow_nan=False)


def _finite(data: Any) -> Any:
    """Return the data with null for what JSON has no number for."""
    if isinstance(data, dict):
        return {name: _finite(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_finite(value) for value in data]
    return None if isinstance(data, float) and not isfinite(data) else data
