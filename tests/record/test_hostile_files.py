"""A results file with one field spoiled, whichever and however: refused by name, or shown; never anything else.

More of them: ``pytest tests/record/test_hostile_files.py --hypothesis-profile=many``.
"""

import contextlib
import copy
import io
import pickle
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from record import files as results
from record.schema import Content, Environment, Idiom, as_plain
from record.terms import MEMORY
from report.export import write_csv
from report.figures.labels import _load
from report.numbers.compare import NotComparable, compare
from report.numbers.group import groups_of
from report.numbers.measured import read
from report.page.render import write_page
from report.tables.workload import print_tables
from tests.made_up import a_run, a_trial, memory_of

WHOLE = as_plain(
    Content(
        workload="numerical",
        library="ray",
        runs=[
            a_run(
                *(a_trial(1.0 + block / 10, kept_s=1.0, idiom="tasks", block=block) for block in range(2)),
                a_trial(idiom="tasks", kind=MEMORY, memory=memory_of(start=40, peak=100, end=40)),
                environment=Environment(machine={"cpu": "Z80", "memory_bytes": 2**30}, python="CPython 3.11.7"),
                inputs={"shared_bytes": 2**27, "moved_bytes": 2**27, "times": 1},
                idioms={"tasks": Idiom(code="pass")},
            )
        ],
    )
)


def places(data, before=()):
    """Yield the path of every value in plain data."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inside:
        yield (*before, key)
        yield from places(value, (*before, key))


NUMBERS = st.sampled_from([10**400, -(10**400), 2**63, -1, 0, 1e308, -1e308, 1e-308, float("nan"), float("inf"), True])
TEXTS = st.sampled_from(
    [
        "\ud800",
        "\x1b[31mred",
        "\x07",
        "a" * 300,
        "$\\frac{",
        "<script>alert(1)</script>",
        "../../etc",
        "",
        "\u202e",
        "\n",
    ]
) | st.text(max_size=20)
HOSTILE = st.recursive(
    NUMBERS | TEXTS | st.none() | st.floats() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(list(places(WHOLE))), HOSTILE, st.booleans())
def test_a_spoiled_field_is_refused_by_name_or_shown(place, hostile, is_key):
    content = copy.deepcopy(WHOLE)
    *way, last = place
    inside = content
    for key in way:
        inside = inside[key]
    if is_key and isinstance(inside, dict) and isinstance(hostile, str):
        inside[hostile] = inside.pop(last)
    else:
        inside[last] = hostile
    with tempfile.TemporaryDirectory() as name:
        check(Path(name), pickle.dumps(content))


def check(folder, data):
    """Show a folder of one file in every way but by figures."""
    path = folder / "numerical_ray.p3"
    path.write_bytes(data)
    printed = io.StringIO()
    print_tables(folder, ["numerical"], Console(file=printed))
    files, refused = read([path])
    assert all(path.name in line and "\n" not in line for line in refused)
    assert all(each.isprintable() or each in "\n\t\u202e\u00a0" or ord(each) > 127 for each in printed.getvalue())
    write_csv(files, folder / "trials.csv")
    groups, _ = groups_of([path])
    if groups:
        write_page({"": groups}, refused, folder / "report.html")
        assert "<script>alert(1)" not in (folder / "report.html").read_text("utf-8")
    with contextlib.suppress(NotComparable):
        compare(folder, folder, force=False)


@given(st.sampled_from(["NaN", "Infinity", "1e999", "[" * 5000, "[1, 2]", "[NaN, 1]", '"\ud800"', "{}", "-1e300"]))
def test_spoiled_positions_of_labels_are_none(value):
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "numerical.labels.json"
        path.write_bytes(f'{{"a": [{value}, 0.5], "b": [0.5, 0.5]}}'.encode("utf-8", "surrogatepass"))
        assert all(abs(each) <= 10 for position in _load(path).values() for each in position)


def test_what_is_spoiled_is_whole_before(tmp_path):
    results.save(tmp_path, "numerical", "ray", results.from_plain(copy.deepcopy(WHOLE)).runs)
    assert len(results.load(tmp_path / "numerical_ray.p3").runs[0].trials) == 3
