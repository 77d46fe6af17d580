"""The page: its numbers are those measured, its text is text whatever it says, it asks for nothing from elsewhere."""

import base64
import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import altair as alt
import matplotlib.pyplot as plt
import pytest

import utils
from record import files as results
from record.schema import Environment
from record.terms import CALLER, IN_CALLER, IN_EVERY_TASK, MEMORY, ONCE_PER_WORKER, PROCESSES, THREADS, Traits
from report import palette
from report.figures.workload import figures_of
from report.numbers.cell import Cell
from report.numbers.group import groups_of
from report.numbers.quantities import LIMIT
from report.page.render import render
from report.tables.workload import tables_of
from tests.conftest import ROOT, run_utils, says
from tests.made_up import (
    A_MACHINE,
    CODE,
    MIB,
    a_grid,
    a_run,
    a_trial,
    grid_folder,
    measured,
    memory_of,
    of_lengths,
    of_tasks,
    save,
    save_pools,
    with_longer_jobs,
)

GOLDEN = ROOT / "tests" / "report" / "page.txt"
MISSING = "\N{EN DASH}"
HOSTILE = "</script><img src=x onerror=alert(1)>'\"`{{7*7}}"


@pytest.fixture
def folder(tmp_path):
    return measured(tmp_path)


def page_of(folder):
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    return render({"": groups}, refused)


def text_of(page, start, end):
    """Return what a reader reads between two marks."""
    part = page[page.index(start) : page.index(end, page.index(start))]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part))


def row_of(page, *names):
    """Return the cells of a row of the matrix."""
    rows = re.findall(r"<tr tabindex=\S+ data-style.*?</tr>", page, re.DOTALL)
    cells = [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
        for row in rows
    ]
    return next(row for row in cells if all(name in row for name in names))


class Tags(HTMLParser, Counter):
    """Counts the tags of a page; keeps where they lead to, and what its scripts hold."""

    def __init__(self, page):
        super().__init__()
        self.addresses, self.scripts, self.tag = [], [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tag = tag
        self[tag] += 1
        self.scripts += [""] * (tag == "script")
        self.addresses += [value for name, value in attributes if name in ("src", "href", "action")]

    def handle_data(self, data):
        if self.tag == "script":
            self.scripts[-1] += data


def test_the_answer_names_the_fastest_with_its_interval_and_the_limit(folder):
    said = answer_of(folder)
    assert says(said, "4 workers", "mp (fork)", "2.15 s", "2 s to 2.3 s")
    assert "No other ties with it." in said  # ray (tasks) is slower, and a naive row is none to choose
    assert "ray (naive" not in said
    assert "ray (tasks)" not in said.partition("On a pool that is kept")[0]
    assert says(said, "kept", "ray (tasks)", "1.05 s", "900 ms to 1.2 s")
    assert says(said, "3.72 (3.48 to 4)", "loop (8 s)")
    assert says(said, "1.08 (1 to 1.15)", "limit of 2 s")
    assert says(said, "Failed", "dask (spawn, scatter)")


def test_the_first_screen_says_how_long_a_job_must_be(tmp_path):
    """The loop takes 2 s; mp 0.1 + S / 2, 8 s for 8 times the tasks; ray 5 + 0.45 S, then 15.25 s."""
    with_longer_jobs(tmp_path)
    page = page_of(tmp_path)
    first = text_of(page, '<section id="answers"', "</table>")
    assert says(first, "200 ms", "loop", "mp", "33 s", "20%")
    assert says(first, "at 2 s at 16 s", "mp 100 ms 200 ms 1.00 1.00")
    assert "ray 5.00 s 9.1 s 5.36 1.91" in first  # 5.9 / 1.1, 15.25 / 8
    assert f"a plain loop {MISSING} {MISSING} 1.82 2.00" in first
    assert "numerical_8 On" not in first  # it is there to check what is predicted
    assert page.count('<figure id="numerical-job-length"') == 1
    _, curves, _, used, checks = data_of(specs_of(page)["numerical-job-length"])
    at_the_end = {row["name"]: row["relative"] for row in curves if row["work"] == 3600}
    assert at_the_end["mp"] == pytest.approx(1800.1 / 1625, rel=1e-3)
    assert {row["name"]: row["work"] for row in used} == {"mp": 2, "ray": 2, "a plain loop": 2}
    assert {row["name"]: row["relative"] for row in checks} == {"mp": 1, "ray": 15.25 / 8, "a plain loop": 2}


def answer_of(folder):
    return text_of(page_of(folder), '<section id="workload-numerical"', '<div class="charts">')


def cards_of(page):
    return [text_of(card, "<article", "</article>") for card in re.findall(r"<article.*?</article>", page, re.DOTALL)]


def test_cards_recommend_tuned_idioms_alone(folder):
    save(folder, "mpire", {("naive: fast", 4): [1.0] * 6}, traits={"naive: fast": Traits(naive=True)})
    spawn = {"loky": Traits(start="spawn")}
    save(folder, "joblib", {("loky", 4): [4.0] * 6}, kept={("loky", 4): [1.0] * 6}, traits=spawn)
    script, without_fork = cards_of(page_of(folder))
    assert says(script, "multiprocessing.Pool", "fork", "2.15 s")
    assert says(script, "loop 8 s", "3.7", "Ray 1.42", "joblib 1.8")
    assert "MPIRE" not in script
    assert "without fork" in without_fork
    assert says(without_fork, "joblib", "loky", "4 s", "1 s")


def test_libraries_that_tie_are_recommended_together(tmp_path):
    save(tmp_path, "mp", {("fork", 4): [2.0, 2.1, 2.2, 2.0, 2.1, 2.2]})
    save(tmp_path, "futures", {("fork", 4): [2.1, 2.0, 2.3, 1.9, 2.2, 2.1]})
    save(tmp_path, "joblib", {("loky", 4): [3.0] * 6})
    card = cards_of(page_of(tmp_path))[0]
    assert "multiprocessing.Pool or concurrent.futures" in card
    assert "joblib 1." in card.partition("Times as long")[2]


def test_the_page_reads_as_it_did(folder, tmp_path_factory):
    """Every word of a small page. Where a change of words is meant, the failed assertion says what to copy."""
    page = re.sub(r"(?s)<(script|style).*?</\1>", "", page_of(folder))
    lines = [" ".join(line.split()) for line in re.sub(r"<[^>]+>", "\n", page).splitlines()]
    text, now = "\n".join(filter(None, lines)) + "\n", tmp_path_factory.mktemp("page") / "page.txt"
    now.write_text(text)
    assert text == GOLDEN.read_text(), f"if that is meant: cp {now} {GOLDEN}"


def test_what_is_faster_in_most_blocks_ties_with_the_least_median(tmp_path):
    save(tmp_path, "mp", {("fork", 4): [1.0] * 5 + [2.0] * 5})
    save(tmp_path, "futures", {("fork", 4): [0.99] * 4 + [5.0] + [1.99] * 5})
    assert "multiprocessing.Pool or concurrent.futures" in cards_of(page_of(tmp_path))[0]


def test_where_no_library_is_faster_the_loop_is_recommended(tmp_path):
    save(tmp_path, "serial", {("loop", 1): [1.0] * 6})
    save(tmp_path, "mp", {("fork", 4): [1.2] * 6})
    (card, *_) = cards_of(page_of(tmp_path))
    assert (
        "A plain loop no library is faster 1 s. The fastest library, multiprocessing.Pool (fork), takes 1.2 s" in card
    )


def test_few_blocks_say_what_all_of_them_showed(tmp_path):
    save(tmp_path, "mp", {("fork", 4): [2.0, 2.0, 2.0, 2.0]})
    save(tmp_path, "ray", {("tasks", 4): [10.0, 12.0, 11.0, 14.0]})
    save(tmp_path, "joblib", {("loky", 4): [2.1, 1.9, 2.2, 2.3]})
    page, said = page_of(tmp_path), answer_of(tmp_path)
    assert says(said, "all 4 blocks", "ray (tasks) 5 to 7")
    assert says(said, "ray (tasks)", "joblib (loky)")
    assert row_of(page, "tasks")[7] == "slower in all 4"
    assert row_of(page, "loky")[7] == "either way"


def test_failed_trials_are_not_hidden_by_the_one_that_was_right(tmp_path):
    save(tmp_path, "ray", {("tasks", 4): [1.0, "timeout"]})
    save(tmp_path, "mp", {("fork", 4): ["error", "error"]})
    save(tmp_path, "serial", {("loop", 1): ["timeout"]})
    page = page_of(tmp_path)
    said = answer_of(tmp_path)
    assert says(said, "ray (tasks)", "1 s", "timeout 1 of 2", "Failed")
    assert "The plain loop failed" in said
    overview = text_of(page, '<table class="overview">', "</table>")
    assert "error 2 of 2" in overview
    assert "timeout 1 of 2" in overview


def test_no_block_in_common_is_no_comparison(tmp_path):
    """A run was interrupted before serial's turn, and resumed after it."""
    save(tmp_path, "serial", {("loop", 1): ["timeout", 8.0]})
    save(tmp_path, "mp", {("fork", 4): [2.0, "timeout"]})
    assert says(answer_of(tmp_path), "4 times", "loop (8 s)")


def test_faster_than_the_limit_is_noise(tmp_path):
    save(tmp_path, "serial", {("loop", 1): [8.0] * 6})
    save(tmp_path, "mp", {("fork", 4): [1.9] * 6})
    assert says(answer_of(tmp_path), "below 2 s", "noise")
    save(tmp_path, "mp", {("fork", 4): [2.0] * 6})
    assert says(answer_of(tmp_path), "reaches", "limit of 2 s")


def test_what_is_left_out_is_said_before_the_answer(tmp_path):
    save(tmp_path, "mp", {("fork", 4): [2.0] * 6}, params_hash="another", started="2020-01-01T00:00:00+0000")
    save(tmp_path, "ray", {("tasks", 4): [3.0] * 6})
    page = page_of(tmp_path)
    warnings = text_of(page, "</header>", '<section id="answers"')
    assert "Quick profile" in warnings
    assert says(warnings, "left out", "numerical_mp.p3", "other parameters")
    assert "left out, see the top" in answer_of(tmp_path)


def test_copies_of_a_small_input_are_not_counted(tmp_path):
    """What four interpreters take would look like many copies of 16 MB."""
    memory, of_trial = memory_of(start=40, peak=300, end=40), {"idiom": "fork", "n_jobs": 4}
    for shared, copies in ((16 * MIB, MISSING), (130 * MIB, "2.00")):
        trials = a_trial(**of_trial), a_trial(kind=MEMORY, memory=memory, **of_trial)
        results.save(tmp_path, "numerical", "mp", [a_run(*trials, inputs={"shared_bytes": shared})])
        page = page_of(tmp_path)
        assert row_of(page, "fork", "4")[18] == copies
        assert ("numerical-copies" in specs_of(page)) == (copies != MISSING)
        assert says(answer_of(tmp_path), "peak", "mp (fork)", "300 MiB", "1 sampled")


def test_rows_hold_what_was_measured_and_missing_is_not_zero(folder):
    page = page_of(folder)
    fastest, slower = row_of(page, "fork", "4"), row_of(page, "tasks", "4")
    not_kept = [MISSING, MISSING, "", MISSING, MISSING]
    assert fastest[5:16] == ["2.15 s", "1.00", "fastest", "2.00 s", "2.30 s", *not_kept, "6"]
    assert slower[6] == f"{3.05 / 2.15:.2f}"
    assert slower[10:15] == ["1.05 s", "1.00", "fastest", "900 ms", "1.20 s"]  # kept: medians of their own
    failed = row_of(page, "spawn, scatter")
    assert failed[5:16] == [MISSING, MISSING, "", MISSING, MISSING, *not_kept, MISSING]
    assert failed[-1] == "wrong 2 of 2: because wrong"
    assert failed[3] == "spawn"
    assert row_of(page, "naive: all")[7] == "slower in the only one"
    assert row_of(page, "naive: all")[-1] == "timeout 1 of 2: because timeout"
    assert row_of(page, "exit")[-1] == "skipped: because skipped"


def test_code_stands_beside_the_number(folder):
    page = page_of(folder)
    number = re.search(r'data-code="(\d+)" data-library="ray" data-idiom="tasks"', page).group(1)
    code = text_of(page, f'<template id="code-{number}"', "</template>")
    assert "def numerical_tasks ( inputs , n_jobs )" in code
    assert row_of(page, "tasks", "4")[-2] == "2"
    assert "&lt;b&gt;" in code


def test_what_was_not_measured_is_said_with_what_to_run(folder):
    said = questions_of(folder)
    assert says(said, "task length", "python benchmark_all.py granularity")
    assert said.count("?") >= 10


def test_hostile_names_stay_text(tmp_path):
    where = Environment(machine={"cpu": HOSTILE, "physical_cores_usable": 4, "memory_bytes": 2**30})
    code = {HOSTILE: {**CODE, "call": HOSTILE, "code": HOSTILE}}
    traits = {HOSTILE: Traits(start=HOSTILE, means=HOSTILE)}
    save(tmp_path, "ray", {(HOSTILE, 4): [1.0] * 6}, codes=code, traits=traits, environment=where)
    save(tmp_path, "mp", {("fork", 4): ["error"]}, environment=where)
    tags = Tags(page_of(tmp_path))
    assert "img" not in tags
    assert tags["script"] == 5
    assert json.dumps(HOSTILE)[1:-1] in json.dumps(specs_of(page_of(tmp_path)))


@pytest.mark.parametrize("times", [{("fork", 4): ["error"]}, {("fork", 1): [1.0]}, {("exit", 4): ["skipped"]}])
def test_little_is_still_a_page(tmp_path, times):
    save(tmp_path, "mp", times)
    page = page_of(tmp_path)
    assert '<section id="answers"' in page
    assert len(re.findall(r"<tr tabindex=\S+ data-style", page)) == 1


def specs_of(page):
    """Return the charts' specifications by anchor."""
    packed = re.search(r'<script type="text/plain" id="specs">(.*?)</script>', page).group(1)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def data_of(spec):
    """Return the rows of a chart and of all its layers, a list for each."""
    own = [spec["data"]["values"]] if "data" in spec else []
    return own + [rows for layer in spec.get("layer", ()) for rows in data_of(layer)]


def test_charts_hold_what_was_measured(folder):
    specs = specs_of(page_of(grid_folder(folder)))
    for spec in specs.values():
        alt.Chart.from_dict(spec)  # raises for what Vega-Lite's schema does not allow
    fastest = [row["library"] for row in specs["grid-fastest-kept"]["data"]["values"]]
    assert fastest == ["futures"] * 6
    (limit,), (loop,), dots, *_ = data_of(specs["numerical-time"])
    assert (limit, loop) == ({"at": 2.0, "what": LIMIT}, {"at": 8.0, "what": "plain loop"})
    assert [(row["name"], round(row["value"], 9), row["style"]) for row in dots] == [
        ("mp: fork", 2.15, "tuned"),
        ("ray: tasks", 3.05, "tuned"),
        ("ray: naive: all", 5.0, "naive"),
        ("serial: loop", 8.0, "tuned"),
    ]


def test_three_numbers_of_workers_are_a_panel_for_each_library(folder):
    save(folder, "fork", {("by hand", 2): [4.0] * 6})
    specs = specs_of(page_of(folder))
    others, limits, lines, *_ = data_of(specs["numerical-time-mp"])
    assert [(row["x"], row["value"]) for row in limits] == [(1, 8.0), (2, 4.0), (4, 2.0)]
    assert {(row["name"], row["workers"]): round(row["value"], 9) for row in lines} == {
        ("fork", 1): 8.1,
        ("fork", 4): 2.15,
    }
    assert {(row["library"], row["name"], row["workers"]): round(row["value"], 9) for row in others} == {
        ("fork", "by hand", 2): 4.0,
        ("serial", "loop", 1): 8.0,
        ("serial", "loop", 4): 8.0,  # one number, to compare with
        ("ray", "tasks", 1): 9.0,
        ("ray", "tasks", 4): 3.05,
        ("ray", "naive: all", 4): 5.0,
    }


def test_the_line_at_1_is_between_faster_and_slower(tmp_path):
    """Serial needs 1 ms and 10 ms where tasks compute as long; mp an eighth of 5 and 41 ms, and of 10 for 1 MiB."""
    save_pools(tmp_path, "grid", "serial", {"loop": [a_grid(0, lambda p, c: 4 * c + 5e-6, tasks=4)]}, n_jobs=1)
    save_pools(tmp_path, "grid", "mp", {"fork": [a_grid(0.1, lambda p, c: 4 * c + 1e-3 + p * 1e-8)]}, n_jobs=4)
    (spec,) = (spec for anchor, spec in specs_of(page_of(tmp_path)).items() if anchor.startswith("grid-speedup"))
    _, right, top = ([tuple(row.values()) for row in rows] for rows in data_of(spec))
    assert sorted(right) == [("1 KiB", "0"), ("1 MiB", "1 ms")]
    assert top == [("1 KiB", "1 ms")]


def test_memory_and_time_of_stores_are_drawn(tmp_path):
    memory = memory_of(ready=100, made=100, spread=150, held=164, peak=228, start=50, end=60)
    of_trial = {"idiom": "shared_memory", "n_jobs": 4}
    timed = a_trial(**of_trial, moments_s={"ready": 1.0, "made": 1.5, "spread": 2.0, "held": 3.5})
    run = a_run(timed, a_trial(kind=MEMORY, memory=memory, **of_trial), inputs={"shared_bytes": 60 * MIB})
    results.save(tmp_path, "client_scatter", "dask", [run])
    specs = specs_of(page_of(tmp_path))
    ((held,), (limit,)) = data_of(specs["client_scatter-stores"])
    assert (held["idiom"], held["held"], held["peak"]) == ("shared_memory", 64, 128)
    assert limit == {"one copy": 60}
    ((waited,),) = data_of(specs["client_scatter-stores-time"])
    assert waited["seconds"] == 2.5


def test_only_the_floor_in_a_grid_is_still_a_page(tmp_path):
    save_pools(tmp_path, "grid", "fork", {"by hand": [a_grid(0.1, lambda p, c: c + 1e-3)]}, n_jobs=4)
    assert '<section id="workload-grid"' in page_of(tmp_path)


def test_ties_are_called_so(tmp_path):
    times = [2.0, 2.1, 2.2, 2.3, 2.4, 2.5, 2.6, 2.7]
    others = [times[place] for place in (1, 0, 3, 2, 5, 4, 7, 6)]
    save(tmp_path, "mp", {("fork", 4): times})
    save(tmp_path, "ray", {("tasks", 4): others, ("actors", 4): [2 * seconds for seconds in others]})
    page = page_of(tmp_path)
    assert says(answer_of(tmp_path), "ray (tasks) ties")
    assert row_of(page, "tasks")[6:8] == ["1.00", "tie"]
    assert row_of(page, "actors")[6:8] == ["2.00", "slower"]


def test_files_of_other_runs_are_not_paired(tmp_path):
    """Both drift as they like: 10 % in every block of the same number is no difference between two runs."""
    times = [1.0, 1.3, 1.6, 1.9, 2.2, 2.5, 2.8, 3.1]
    save(tmp_path, "mp", {("fork", 4): times})
    save(tmp_path, "ray", {("tasks", 4): [1.1 * t for t in times]}, started="2026-11-20T00:00:00+0000")
    assert says(answer_of(tmp_path), "ray (tasks) ties")


def test_only_the_plain_loop_is_no_library_that_failed(tmp_path):
    save(tmp_path, "serial", {("loop", 1): [1.0]})
    assert "No library was measured" in answer_of(tmp_path)


@pytest.mark.parametrize(
    ("traits", "in_parent", "method"),
    [
        (Traits(start="forkserver"), False, "forkserver"),
        (Traits(start="Ray's own", means="actors"), False, "Ray's own"),
        (Traits(workers=THREADS), True, "threads"),
        (Traits(workers=CALLER), True, "none"),
        (Traits(start="loky"), True, "none"),  # joblib starts no worker for n_jobs=1
        (Traits(workers=PROCESSES), False, "not known"),
    ],
)
def test_how_workers_come_into_being(traits, in_parent, method):
    """By what the idiom is, whatever it is called."""
    assert Cell("toy", "spawn, fork", 1, (a_trial(in_parent=in_parent),), traits).start_method == method


def test_questions_are_answered_by_what_was_put_in(tmp_path):
    """100 us of overhead a task on 2 workers: even with a loop at 100 us, by 1 / (1 + 100 / 100) = 1 / 2."""
    pools = [of_lengths(1e-4, seed=seed) for seed in range(6)]
    save_pools(tmp_path, "granularity", "mp", {"fork": pools})
    cheap, dear = ([of_tasks(1e-3, cost, 10_000, seed=b) for b in range(6)] for cost in (1e-6, 1e-4))
    save_pools(tmp_path, "overhead", "mp", {"fork, default chunksize": cheap, "fork, chunksize 1": dear})
    setups = {
        "spawn, initializer": (1.0, Traits(start="spawn", sets_up=ONCE_PER_WORKER)),
        "spawn after load": (0.5, Traits(start="spawn", sets_up=IN_CALLER)),
        "naive: model in every task": (2.0, Traits(start="spawn", sets_up=IN_EVERY_TASK, naive=True)),
        "all cores": (3.0, Traits(start="spawn", sets_up=ONCE_PER_WORKER, all_cores=True, naive=True)),
    }
    times = {(idiom, 4): [seconds] * 6 for idiom, (seconds, _) in setups.items()}
    traits = {idiom: found for idiom, (_, found) in setups.items()}
    save(tmp_path, "mp", times, workload="initialization", traits=traits)
    said = questions_of(tmp_path)
    length = re.search(r"less than this: mp \(fork\) ([0-9.]+) µs", said)
    assert float(length.group(1)) == pytest.approx(100, rel=0.1)
    factor = re.search(r"in one library with one way to start: mp \(fork\) (\d+) times", said)
    assert int(factor.group(1)) == pytest.approx(100, rel=0.1)
    assert says(said, "mp (spawn, initializer) 1 s (1 s to 1 s)", "every task 2.00", "2.00 to 2.00")
    assert says(said, "Yes", "4 workers", "mp (all cores)")
    assert says(said, "3.00", "3.00 to 3.00", "mp (spawn, initializer)")
    assert "multiprocessing.Pool" not in said  # of one start method there is nothing to compare


def questions_of(folder):
    return text_of(page_of(folder), '<section id="questions"', "</section>")


def with_memory(grown_mib, times, idiom):
    """Return the trials of an idiom on 4 workers: timed, and one in which memory grew by so much."""
    memory = memory_of(start=0, peak=grown_mib, end=0)
    memory.peak.rss_bytes = 2 * grown_mib * MIB
    timed = [a_trial(seconds, idiom=idiom, n_jobs=4, block=block) for block, seconds in enumerate(times)]
    return [*timed, a_trial(idiom=idiom, n_jobs=4, kind=MEMORY, memory=memory)]


def save_with_memory(folder, workload, library, idioms):
    """Save idioms: ``{name: (MiB that memory grew by, seconds)}``; the shared input has 100 MiB."""
    trials = [trial for idiom, (grown, s) in idioms.items() for trial in with_memory(grown, [s] * 6, idiom)]
    traits = {"spawn, initializer": Traits(start="spawn")} | {
        name: Traits(start="fork", naive=True) for name in idioms if name.startswith("naive")
    }
    results.save(folder, workload, library, [a_run(*trials, traits=traits, inputs={"shared_bytes": 100 * MIB})])


def test_questions_of_memory_are_answered_by_what_was_put_in(tmp_path):
    """On 4 workers, one copy for all besides the caller's makes 2, one in each makes 5."""
    naive = {"naive: input with every task": (900, 5.0)}
    save_with_memory(tmp_path, "sharing", "joblib", {"loky, automatic memmap": (230, 2.0), **naive})
    save_with_memory(tmp_path, "sharing", "mp", {"fork, global": (110, 0.5), "spawn, initializer": (500, 4.0), **naive})
    save_with_memory(tmp_path, "sharing", "ray", {"tasks, ray.put": (310, 3.0)})
    save_with_memory(tmp_path, "numerical", "ray", {"tasks": (400, 3.0), "naive: all": (999, 3.0)})
    save_with_memory(tmp_path, "numerical", "mp", {"fork": (200, 1.0)})
    said = questions_of(tmp_path)
    assert says(said, "joblib (loky, automatic memmap)", "2 s (2 s to 2 s)", "2.3 copies", "4.00")
    assert says(said, "mp (fork, global)", "500 ms")
    assert says(said, "0.50", "0.50 to 0.50", "mp (spawn, initializer)", "4 s")
    assert says(said, "3.5 copies", "4 workers")
    assert re.search(r"fastest: mp \(fork, global\), 1.1.*joblib \(loky.*2.3.*ray \(tasks, ray.put\), 3.1 copies", said)
    assert says(said, "200 MiB", "mp (fork)", "400 MiB", "ray (tasks)")
    assert says(said, "2.0", "2.0 to 2.0")


def test_joblib_is_not_explained_where_it_was_not_measured(tmp_path):
    save_with_memory(tmp_path, "sharing", "mp", {"fork, global": (110, 0.5)})
    save_with_memory(tmp_path, "sharing", "futures", {"fork, global": (110, 0.5)})
    assert "joblib writes" not in questions_of(tmp_path)


def test_start_up_is_compared_of_processes(tmp_path):
    """Threads start in no time, and are no answer to what a pool of processes costs."""
    starts = {"fork, chunksize 1": 0.02, "spawn, chunksize 1": 0.2, "ThreadPool": 1e-3}
    traits = {"spawn, chunksize 1": Traits(start="spawn"), "ThreadPool": Traits(workers=THREADS)}
    pools = {
        idiom: [of_tasks(1e-3, 1e-5, 1000, seed=seed, cold_s=cold_s) for seed in range(6)]
        for idiom, cold_s in starts.items()
    }
    save_pools(tmp_path, "overhead", "mp", pools, n_jobs=4, traits=traits)
    said = questions_of(tmp_path)
    assert "ThreadPool" not in said
    assert re.search(r"starts processes: mp \(fork, chunksize 1\) \d", said)
    assert re.search(r"of multiprocessing.Pool.*fork .*; spawn ", said)


def test_a_library_that_no_list_knows_is_shown_everywhere(tmp_path):
    """Toy: no order, no colour, no name is there for it; traits say what it is."""
    idioms = {
        "one by one": Traits(start="spawn", sets_up=ONCE_PER_WORKER),
        "again and again": Traits(start="spawn", sets_up=IN_EVERY_TASK, naive=True),
    }
    for workload in ("numerical", "initialization"):
        save(tmp_path, "serial", {("loop", 1): [4.0] * 6}, workload=workload)
        times = {("one by one", 4): [1.5] * 6, ("again and again", 4): [3.0] * 6}
        save(tmp_path, "toy", times, workload=workload, traits=idioms)
        save(tmp_path, "mpire", {("fork", 4): [2.0] * 6}, workload=workload)
    for library, cost in (("mp", 1e-5), ("toy", 1e-4)):
        pools = [of_tasks(1e-3, cost, 10_000, seed=seed) for seed in range(6)]
        save_pools(tmp_path, "overhead", library, {"one by one": pools}, n_jobs=4, traits=idioms)
    groups, _ = groups_of(sorted(tmp_path.glob("*.p3")))
    assert [[file.library for file in group.files] for group in groups] == [
        ["serial", "mpire", "toy"],
        ["serial", "mpire", "toy"],
        ["mp", "toy"],
    ]
    table = "\n".join(" ".join(map(str, column.cells)) for column in tables_of(groups[0])[0].table.columns)
    assert "toy" in table
    assert "one by one" in table
    with plt.rc_context({"backend": "Agg"}):
        for draw in figures_of(groups).values():
            draw()
    for figure, label in (("numerical", "toy: one by one"), ("total", "toy"), ("overhead", "toy: one by one")):
        svg = (tmp_path / f"{figure}.svg").read_text()
        assert f">{label}<" in svg
        assert palette.OTHER_COLOR.lower() in svg.lower()
    page = page_of(tmp_path)
    assert row_of(page, "numerical", "toy", "one by one")[3:6] == ["spawn", "4", "1.50 s"]
    assert "<option>toy</option>" in page
    assert says(answer_of(tmp_path), "toy (one by one)", "1.5 s")
    (scale,) = {
        json.dumps(each["encoding"]["color"]["scale"])
        for each in specs_of(page)["numerical-time"]["layer"]
        if "color" in each["encoding"]
    }
    scale = json.loads(scale)
    assert dict(zip(scale["domain"], scale["range"], strict=True))["toy"] == palette.OTHER_COLOR
    said = questions_of(tmp_path)
    assert says(said, "toy (one by one) 1.5 s (1.5 s to 1.5 s)", "every task 2.00")
    assert re.search(r"Sent one by one, it is not only the chunk size: mp .*; toy \(one by one\)", said)


def test_the_page_does_without_matplotlib():
    code = "import sys, report.page.render; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_results_of_two_machines_are_not_mixed(folder):
    machine = Environment(machine=A_MACHINE)
    save(folder, "mpire", {("fork", 4): [0.1] * 6}, environment=machine, started="2020-01-01T00:00:00+0000")
    page = page_of(folder)
    assert "mp (fork) was fastest" in page
    assert "numerical_mpire.p3: another machine (Z80" in page
    assert "results of several machines" not in page
    save(folder, "mpire", {("fork", 4): [0.1] * 6}, workload="stateful", environment=machine)
    assert "These are results of several machines" in page_of(folder)


def test_the_command_writes_one_file_that_asks_for_nothing(folder):
    ended = run_utils("report", "--results", folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    page = (folder / "report.html").read_text()
    assert len(page) < 3e6
    assert all(address.startswith(("#", "data:")) for address in Tags(page).addresses)
    (folder / "empty").mkdir()
    ended = run_utils("report", "--results", folder / "empty")
    assert ended.returncode == 2
    assert "measure first" in ended.stderr


def two_machines(tmp_path):
    """Save what two machines measured, in folders of their own; on the second one Ray is the fastest."""
    for name, mp_s in (("laptop", 2.0), ("server", 4.0)):
        save(tmp_path / name, "serial", {("loop", 1): [8.0] * 6})
        save(tmp_path / name, "mp", {("fork", 4): [mp_s] * 6}, codes={"fork": CODE})
        save(tmp_path / name, "ray", {("tasks", 4): [3.0] * 6})
    return tmp_path / "laptop", tmp_path / "server"


def test_several_machines_share_a_page_and_are_not_compared(tmp_path):
    folders = two_machines(tmp_path)
    ended = run_utils("report", "--results", *folders)
    assert ended.returncode == 0
    page = (folders[0] / "report.html").read_text()
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {"answers", "m1-answers", "workload-numerical", "m1-workload-numerical"} <= set(ids)
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(ids)
    # Each is relative to the fastest of its own machine.
    assert row_of(page, "laptop", "numerical", "mp", "fork")[7] == "1.00"
    assert row_of(page, "server", "numerical", "mp", "fork")[7] == "1.33"
    assert "multiprocessing.Pool" in text_of(page, '<section id="answers"', "</article>")
    assert "Ray" in text_of(page, '<section id="m1-answers"', "</article>")
    assert set(specs_of(page)) >= {"numerical-time", "m1-numerical-time"}
    assert "<option>server</option>" in page


def test_one_machine_needs_no_name(folder):
    page = page_of(folder)
    assert 'data-field="machine"' not in page
    assert 'data-machine=""' in page


def test_the_published_run_can_be_looked_at_before_measuring(tmp_path, monkeypatch):
    published = list(utils.PUBLISHED.glob("*.p3"))
    assert sum(file.stat().st_size for file in published) < 2e6
    monkeypatch.setattr(utils, "EXAMPLE", tmp_path / "example.html")
    monkeypatch.setattr(sys, "argv", ["utils.py", "report", "--example"])
    assert utils.main() == 0
    page = (tmp_path / "example.html").read_text()
    assert {f"<option>{name}</option>" in page for name in ("numerical", "stateful", "initialization")} == {True}


@pytest.mark.parametrize(("yardsticks_s", "is_trouble"), [([0.004] * 12, False), ([0.004] * 8 + [0.005] * 4, True)])
def test_a_machine_that_was_not_steady_is_said_first(yardsticks_s, is_trouble, tmp_path):
    trials = [
        a_trial(1.0, idiom="fork", block=block, position=block, yardstick_s=yardstick_s)
        for block, yardstick_s in enumerate(yardsticks_s)
    ]
    results.save(tmp_path, "numerical", "mp", [a_run(*trials)])
    page = page_of(tmp_path)
    said = text_of(page, "<main>", '<section id="answers"')
    assert ("numerical +25%, 4 of 12 trials" in said) == is_trouble
    assert row_of(page, "numerical", "mp", "fork")[16] == ("4" if is_trouble else MISSING)
