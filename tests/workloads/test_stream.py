"""Stream: an input is drawn no further than was noted, results are checked, and what is left never runs twice."""

from itertools import count, islice
from threading import Thread

import pytest

from harness.cells import Cell
from harness.launch import run_cell
from record.schema import Pool, Round
from record.terms import COLD, KEPT, OK, SKIPPED, SLOW
from report.figures.workload import figures_of
from report.numbers.group import groups_of
from report.page.render import render
from report.tables.workload import tables_of
from tests.conftest import ROOT, cells_of
from tests.made_up import MIB, save_pools
from trial.workload import Drawn
from workloads import stream


def test_each_library_draws_or_says_why_not(tiny):
    cells = cells_of("stream")
    assert {cell.outcome for cell in cells} <= {None, SKIPPED}
    assert {cell.library for cell in cells if cell.outcome is None} == {
        "dask", "futures", "joblib", "mp", "mpire", "ray",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("library", "idiom", "most_ahead"),
    [
        ("futures", "fork, map", 200),  # all there is
        ("futures", "fork, window of submits", 8 + 1),
        ("mpire", "fork, imap, max_tasks_active", 2 * 8),  # 8 under way, and results that came meanwhile
    ],
)
def test_what_is_drawn_ahead_is_counted(library, idiom, most_ahead, tiny):
    trial = trial_of(library, idiom, tiny)
    (pool,) = trial.pools
    phases = {each.phase: each for each in pool.rounds}
    assert list(phases) == [COLD, KEPT, SLOW]
    assert phases[KEPT].tasks == tiny.stream_tasks
    assert phases[SLOW].label["pss_bytes"] > MIB
    ahead = phases[SLOW].label["most_ahead"]
    assert 0 < ahead <= most_ahead
    assert (ahead > 100) == (idiom == "fork, map")
    assert trial.tasks_run <= trial.tasks_asked


def trial_of(library, idiom, params):
    path = ROOT / f"benchmark_{library}.py"
    trial = run_cell(Cell(library, path, "stream", idiom, 2, "stream"), params)
    assert (trial.outcome, trial.reason) == (OK, ""), trial.output
    return trial


def test_an_input_that_has_ended_gives_nothing_to_any_thread():
    drawn = Drawn(iter(count()))
    assert list(islice(drawn, 5)) == [0, 1, 2, 3, 4]
    threads = [Thread(target=lambda: list(islice(drawn, 1000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    drawn.end()
    known = drawn.count
    for thread in threads:
        thread.join()
    assert list(drawn) == []
    assert drawn.count == known <= 4005


def test_wrong_results_are_found():
    right = [(number, stream.payload_of(number)) for number in range(3)]
    assert stream.wrong(3, right) is None
    assert "2 results came, 3" in stream.wrong(3, right[:2])
    assert "1 results came twice" in stream.wrong(3, [*right[:2], right[0]])
    assert "task 1" in stream.wrong(3, [right[0], (1, b""), right[2]])


def test_it_is_shown(tmp_path):
    def a_round(phase, ahead, mib):
        label = {"most_ahead": ahead, "in_order": 1, "pss_bytes": mib * MIB}
        return Round(phase=phase, tasks=100, seconds=0.2, label=label)

    rounds = [Round(phase=COLD, tasks=8, seconds=0.1), a_round(KEPT, 40, 150), a_round(SLOW, 1234, 777)]
    save_pools(tmp_path, "stream", "mp", {"<b>imap": [[Pool(rounds=rounds, stop_s=0.5)]]})
    groups, _ = groups_of([tmp_path / "stream_mp.p3"])
    (titled,) = tables_of(groups[0])
    cells = [next(iter(column.cells)) for column in titled.table.columns]
    assert cells[1:] == ["<b>imap", "1234", "777", "150", "40", "2000", "yes", "0.50", ""]
    page = render({"": groups}, [])
    assert "<b>imap" not in page
    assert "stream-ahead" in page
    (draw,) = figures_of(groups).values()
    assert all(path.stat().st_size for path in draw(save=tmp_path / "figure.png"))
