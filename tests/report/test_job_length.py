"""How long a job must be: predictions against hand-computed numbers, and against longer jobs that were made up."""

from io import StringIO
from typing import Any

import matplotlib.pyplot as plt
import pytest
from rich.console import Console

from record.schema import Environment
from record.terms import Traits
from report.figures import job_length as figure
from report.figures.workload import figures_of
from report.numbers.group import groups_of
from report.numbers.job_length import Line, from_s, job_length
from report.numbers.said_of_length import said_of_choice, title_of
from report.numbers.words import about
from report.tables.workload import print_tables
from tests.conftest import says
from tests.made_up import A_MACHINE, longer, save, save_rounds, with_longer_jobs

CONNECTED = {"tasks, connected": Traits(connects=True)}


@pytest.fixture
def folder(tmp_path):
    """Besides, ray: 1.1 + S with actors, and 0.2 + S / 2 with workers that run already."""
    with_longer_jobs(tmp_path)
    idioms = {"tasks": (4.9, 0.9, 1.0), "actors": (2.6, 2.0, 0.5), "tasks, connected": (1.1, 1.0, 0.1)}
    save_rounds(tmp_path, "ray", idioms, traits=CONNECTED)
    return tmp_path


def found_of(folder):
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    assert not refused
    return job_length(next(group for group in groups if group.workload == "numerical"))


def line(fixed_s, per_work):
    return Line(None, fixed_s, per_work)


LOOP, FORK, TASKS, ACTORS = line(0.0, 1.0), line(0.1, 0.5), line(5.0, 0.45), line(1.1, 1.0)


@pytest.mark.parametrize(
    ("own", "others", "factor", "expected"),
    [
        ([FORK], [LOOP], 1.0, 0.2),  # 0.1 / (1 - 0.5)
        ([TASKS], [LOOP], 1.0, 5 / 0.55),
        ([ACTORS], [LOOP], 1.0, None),  # always 1.1 s behind
        ([line(0.0, 0.5)], [LOOP], 1.0, 0.0),  # never slower
        ([line(0.0, 1.0)], [LOOP], 1.0, 0.0),
        ([line(0.0, 1.5)], [LOOP], 1.0, None),
        ([TASKS], [FORK], 1.0, 98.0),  # 4.9 / 0.05
        ([TASKS], [FORK, TASKS], 1.1, (5 - 0.11) / (0.55 - 0.45)),
        ([FORK], [FORK, TASKS], 1.1, None),  # 0.5 is more than 1.1 x 0.45
        ([FORK], [FORK, TASKS], 1.2, 0.0),
        # Near by its quick start until 18.9 s, by its quick work from 18.3 s on: always near.
        ([line(0.1, 0.6), line(2.0, 0.51)], [FORK], 1.3, 0.0),
    ],
)
def test_from_which_work_one_is_no_slower(own, others, factor, expected):
    assert from_s(own, others, factor) == (None if expected is None else pytest.approx(expected))


def test_lines_are_those_of_the_medians(folder):
    found = found_of(folder)
    assert found.work_s == 2.0
    lines = {
        each.cell.name: (each.fixed_s, each.per_work, each.small_from_s) for row in found.rows for each in row.lines
    }
    assert lines == {
        ("mp", "fork"): pytest.approx((0.1, 0.5, 1.8)),  # 9 x 0.1 x 2 / 1; what is naive is not there
        ("ray", "tasks"): pytest.approx((5.0, 0.45, 100.0)),
        ("ray", "actors"): pytest.approx((1.1, 1.0, 9.9)),
        ("ray", "tasks, connected"): pytest.approx((0.2, 0.5, 3.6)),
    }


def test_a_library_is_its_best_idiom_at_that_length_and_what_runs_already_is_apart(folder):
    found = found_of(folder)
    assert [(row.name, row.is_choice) for row in found.rows] == [
        ("mp", True),
        ("ray", True),
        ("ray running already", False),
    ]
    ray = found.rows[1]
    # 1.1 + S = 5 + 0.45 S at 7.09 s.
    assert [(begin, each.cell.idiom) for begin, each in ray.pieces] == [
        (0.1, "actors"),
        (pytest.approx(3.9 / 0.55), "tasks"),
    ]
    assert found.relative(ray, 1.0) == pytest.approx(2.1 / 0.6)
    assert found.near_from_s(ray.lines) == pytest.approx(48.9)
    assert found.ties_with_loop_s(ray.lines) == pytest.approx(5 / 0.55)


def test_predictions_are_checked_by_longer_jobs(folder):
    found = found_of(folder)
    assert found.lengths == {1.0: 2.0, 8.0: 16.0}
    checks = {point.line.cell.name: point for point in found.points if point.is_check}
    assert checks["mp", "fork"].error == pytest.approx(8.1 / 8.0 - 1)
    assert checks["ray", "tasks"].error == pytest.approx(12.2 / 15.25 - 1)  # - 20 %
    assert checks["serial", "loop"].error == 0
    ratios = sorted([0.0, (12.2 / 8.1) / (15.25 / 8) - 1, (16 / 8.1) / (16 / 8) - 1], key=abs)
    assert found.errors == pytest.approx((3, 0.0125, 0.2, abs(ratios[1]), abs(ratios[2])))
    assert found.measured_relative(found.rows[1], 8.0) == pytest.approx(15.25 / 8)
    assert found.measured_relative(found.rows[2], 8.0) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"params_hash": "other", **longer(8)}, "numerical_8: other parameters (quick profile)"),
        ({"environment": Environment(machine=A_MACHINE), **longer(8)}, "numerical_8: another machine (Z80"),
        ({"inputs": {"lengthens": "numerical"}}, "numerical_8: it does not say how many times as long it is"),
    ],
)
def test_what_cannot_check_a_prediction_is_left_out_and_said(folder, changes, said):
    for library, idiom in (("serial", "loop"), ("mp", "fork"), ("ray", "tasks")):
        save_rounds(folder, library, {idiom: (16.0, None, 0.0)}, "numerical_8", **changes)
    found = found_of(folder)
    assert (found.errors, list(found.lengths)) == (None, [1.0])
    assert found.left_out[0].startswith(said)
    assert f"left out: {said}" in table_of(folder)


def test_the_range_of_measured_ratios_is_taken_trial_by_trial(tmp_path):
    save(tmp_path, "serial", {"loop": [8.0] * 3}, kept={"loop": [8.0] * 3})
    save(tmp_path, "mp", {"fork": [4.0, 5.0, 6.0]}, kept={"fork": [3.0] * 3})
    save(tmp_path, "ray", {"tasks": [10.0, 10.0, 9.0]}, kept={"tasks": [4.0] * 3})
    found = found_of(tmp_path)
    mp, ray, loop = found.shown
    assert found.measured_range(ray, 1.0) == pytest.approx((9 / 6, 10 / 4))
    assert found.measured_range(loop, 1.0) == pytest.approx((8 / 6, 8 / 4))
    assert found.measured_range(mp, 1.0) is None


def test_noise_is_no_start_that_takes_less_than_no_time(tmp_path):
    save_rounds(tmp_path, "serial", {"loop": (2.0, 2.5, 0.0)})
    save_rounds(tmp_path, "mp", {"fork": (1.0, 1.25, 0.0)})
    found = found_of(tmp_path)
    assert (found.loop.fixed_s, found.rows[0].lines[0].fixed_s, found.rows[0].at(0.1)) == (0.0, 0.0, 0.05)


def test_without_kept_rounds_nothing_is_predicted(tmp_path):
    save_rounds(tmp_path, "mp", {"fork": (1.0, 0.5, 0.1)})
    assert found_of(tmp_path) is None
    save_rounds(tmp_path, "serial", {"loop": (2.0, None, 0.0)})
    assert found_of(tmp_path) is None
    assert "how long must a job be" not in table_of(tmp_path)


def table_of(folder):
    console = Console(file=(printed := StringIO()), width=400)
    print_tables(folder, ["numerical"], console)
    return printed.getvalue()


def test_the_table_says_from_which_length(folder):
    table = table_of(folder)
    table = table[
        table.index("numerical: how long must a job be, on 2 workers") : table.index("where the time of a cold")
    ]
    lines = [[cell.strip() for cell in line.strip("│").split("│")] for line in table.splitlines() if "│" in line]
    rows = {tuple(cells[:2]): cells[2:] for cells in lines}
    assert rows["serial", "loop"] == ["", "", "", "", "", "", "16.00 / 16.00, +0%"]
    assert rows["mp", "fork"] == ["always", "0.06", "0.04", "200 ms", "1.8 s", "never", "8.10 / 8.00, +1%"]
    tasks = ["from 7.1 s", "4.00", "1.00", "9.1 s", "1.7 min", "49 s", "12.20 / 15.25, -20%"]
    assert rows["ray", "tasks"] == tasks
    assert rows["ray", "actors"][:4] == ["100 ms to 7.1 s", "0.60", "0.50", "never"]
    assert rows["ray", "tasks, connected"][-1] == ""
    assert says(table, "3 measured", "1%", "20%")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0"),
        (2e-5, "0.02 ms"),
        (0.2, "200 ms"),
        (0.0123, "12 ms"),
        (9.09, "9.1 s"),
        (59.9, "1 min"),
        (90, "1.5 min"),
        (1000, "17 min"),
        (3600, "1 h"),
        (1e6, "280 h"),
    ],
)
def test_lengths_are_said_in_two_digits(seconds, said):
    assert about(seconds) == said


def test_the_answer_is_said_in_words(folder):
    found = found_of(folder)
    # Ray is within 20 % from (5 - 1.2 x 0.1) / (1.2 x 0.5 - 0.45) on.
    title = (
        "Below 200 ms of work a plain loop; then mp.\nFrom about 33 s on, every library is within 20% of the fastest"
    )
    assert title_of(found) == title
    said = said_of_choice(found)
    assert says(said, "mp (fork) up to 1.6 min", "ray (tasks)")
    # mp is within 10 % until ray is more than 1.1 times as fast; what runs already from 0.09 / 0.05 on, and then alike.
    assert says(said, "10%", "ray from 49 s", "1 h", "mp (1.11 times)")
    assert "ray running already takes" in said


def test_who_is_never_close_and_a_loop_that_is_never_beaten_are_said(tmp_path):
    save_rounds(tmp_path, "serial", {"loop": (2.0, 2.0, 0.0)})
    save_rounds(tmp_path, "mp", {"fork": (1.0, 1.0, 0.0)})
    save_rounds(tmp_path, "ray", {"tasks": (1.75, 1.5, 0.0)})
    assert title_of(found_of(tmp_path)) == "Short jobs: mp.\nIn long jobs no other library comes within 20% of mp"
    save_rounds(tmp_path, "mp", {"fork": (2.5, 2.5, 0.0)})
    save_rounds(tmp_path, "ray", {"tasks": (2.5, 2.5, 0.0)})
    assert title_of(found_of(tmp_path)) == "No library is faster than a plain loop, however long the job"


def test_the_figure_draws_lines_and_the_jobs_that_check_them(folder, monkeypatch):
    seen: dict[Any, Any] = {}

    def look(drawn, base, save=None):
        (axes,) = drawn.axes
        lines = [line for line in axes.get_lines() if len(line.get_xdata()) > 2]
        for line, row in zip(lines, found_of(folder).shown, strict=True):
            of_row = [p for p in axes.get_lines() if p.get_marker() == "o" and p.get_color() == line.get_color()]
            filled = [p.get_markerfacecolor() == p.get_color() for p in of_row]
            seen[row.name] = (line.get_linestyle(), line.get_ydata()[0], filled)
        seen["labels"] = [text.get_text() for text in axes.texts]
        seen["shaded"] = sorted(
            {x for patch in axes.patches for x in (patch.get_x(), patch.get_x() + patch.get_width())}
        )
        plt.close(drawn)
        return []

    monkeypatch.setattr(figure, "show_and_save", look)
    (group, *_), _ = groups_of(sorted(folder.glob("*.p3")))
    figures_of([group])["numerical_job_length"]()
    assert seen["mp"] == ("-", pytest.approx(1.0), [True, False])
    assert seen["ray"][:2] == ("-", pytest.approx(1.2 / 0.15))  # at 0.1 s, actors
    assert seen["ray running already"][:2] == (":", pytest.approx(0.25 / 0.15))
    assert seen["a plain loop"] == ("--", pytest.approx(0.1 / 0.15), [True, False])
    assert {"mp", "ray", "ray running already", "a plain loop", "checked\n16 s"} <= set(seen["labels"])
    assert seen["shaded"] == pytest.approx([0.1, 2.0, 16.0, 3600.0])
