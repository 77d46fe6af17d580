"""What is shown: the numbers that were measured, the spread they allow, every failure, and no mixture."""

import json
import os
import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backend_bases import KeyEvent, MouseButton, MouseEvent
from matplotlib.colors import to_rgb
from rich.console import Console

import utils
from record import files as results
from record.schema import MEMORY_FIELDS, Environment, Parts, Pool, Round, Tasks
from record.terms import COLD, KEPT, LEAVES, MEMORY, SKIPPED, TERMINATES, Traits
from report import palette
from report.figures import dots, labels, lines, parts, style, timeline
from report.figures.workload import figures_of
from report.numbers.group import group_of, groups_of
from report.numbers.measured import Measured, read
from report.numbers.parts import tasks_of
from report.numbers.quantities import LIMIT
from report.tables.workload import print_tables
from tests.conftest import LONG_S, ROOT, run_utils
from tests.made_up import A_MACHINE, MIB, a_part, a_run, a_trial, memory_of, save


@pytest.fixture(autouse=True)
def without_display():
    plt.switch_backend("Agg")
    yield
    assert plt.get_fignums() == []


@pytest.fixture
def folder(tmp_path):
    save(tmp_path, "serial", {("loop", 1): [8.0, 8.2, 7.8]}, kept={("loop", 1): [4.0, 4.0, 4.0]})
    times = {("tasks", 1): [9, 9.5, 10], ("tasks", 4): [3, 2, 4], ("naive: all", 4): [5, "timeout", 6]}
    kept = {("tasks", 1): [8, 8, 8], ("tasks", 4): [1.5, 1.25, 1.75]}
    save(tmp_path, "ray", times, kept=kept, traits={"naive: all": Traits(naive=True)})
    save(tmp_path, "dask", {("scatter", 1): [10, 10, 11], ("scatter", 4): ["wrong", "wrong", "wrong"]})
    save(
        tmp_path,
        "mp",
        {("fork", 1): [8, 8, 8], ("fork", 4): [2.1, 2.2, 2.3], ("exit", 4): ["skipped"]},
        kept={("fork", 4): [1.2] * 3},
    )
    return tmp_path


@pytest.fixture
def three_counts(folder):
    """The same, and another row on 2 workers: lines are drawn against three numbers of workers."""
    save(folder, "fork", {("by hand", 2): [4.0, 4.0, 4.0]}, kept={("by hand", 2): [2.0] * 3})
    return folder


def table_of(folder, width=None):
    console = Console(file=(printed := StringIO()), width=width)
    print_tables(folder, ["numerical"], console)
    return printed.getvalue()


def row_of(table, library, idiom):
    line, *_ = [line for line in table.splitlines() if re.search(rf"│\s*{library}\s*│\s*{re.escape(idiom)}", line)]
    return [cell.strip() for cell in line.strip("│").split("│")]


def test_table_shows_what_was_measured(folder):
    table = table_of(folder)
    assert row_of(table, "limit", "serial / n")[2:6] == ["2.00", "1.00", "8.00", "4.00"]
    # One-shot and kept on 4 workers, and on 1.
    times = ["3.00 (2.00-4.00)", "1.50 (1.25-1.75)", "9.50 (9.00-10.00)", "8.00 (8.00-8.00)"]
    assert row_of(table, "ray", "tasks")[2:6] == times
    # No round on its pool that is up was measured: missing is not zero.
    timeout = "4 workers: timeout 1 of 3: because timeout"
    assert row_of(table, "ray", "naive: all")[2:] == ["5.50 (5.00-6.00)", "", "", "", timeout]
    assert row_of(table, "dask", "scatter")[2] == ""  # wrong results have no time
    assert "wrong 3 of 3: because wrong" in row_of(table, "dask", "scatter")[6]
    assert "skipped: because skipped" in row_of(table, "mp", "exit")[6]
    assert "lowest to highest" in table
    assert "few worker counts, few trials" in table  # the quick profile says so
    table = table[table.index("what start-up makes of them") :]
    assert row_of(table, "limit", "serial / n")[8:10] == ["4.00 (100%)", "4.00 (100%)"]
    # Start 3 x 3 / 4 - 1.5 = 0.75 s, stop 0.75 s; kept it takes 3 / 8 of the loop's 4 s, whose own start and end take
    # 4 s: never slower. 9 x 1.5 / (3 / 8) = 36 s. Speedups of 8 s and 4 s; the ratios to mp's times block by block.
    assert row_of(table, "ray", "tasks")[2:] == [
        "1.43 (0.91-1.74) either way",
        "1.25 (1.04-1.46) slower in all 3",
        "0.75",
        "0.75",
        "0",
        "36 s",
        "2.67 (67%)",
        "2.67 (67%)",
    ]
    assert row_of(table, "ray", "naive: all")[2:] == [
        "2.49 (2.38-2.61) slower in all 2",
        "",
        "",
        "1.38",
        "",
        "",
        "1.45 (36%)",
        "",
    ]


class Terminal(StringIO):
    def isatty(self):
        return True


def test_a_narrow_terminal_shows_what_matters_and_names_the_rest(folder):
    terminal = Terminal()
    print_tables(folder, ["numerical"], Console(file=terminal, width=80, color_system=None))
    printed = terminal.getvalue()
    assert max(len(line) for line in printed.splitlines() if line[:1] in "┃│┏└") <= 80
    assert row_of(printed, "ray", "tasks")[2:4] == ["3.00 (2.00-4.00)", "1.50 (1.25-1.75)"]
    assert "Left out for want of room: 1 worker one-shot; 1 worker kept." in printed
    start_up = printed[printed.index("what start-up makes of them") :]
    assert row_of(start_up, "ray", "tasks")[2] == "1.43 (0.91-1.74) either way"
    assert "…" not in printed


def test_workers_that_got_no_task_are_said(tmp_path):
    trials = [a_trial(1.0, n_jobs=4, workers=workers, block=block) for block, workers in enumerate((4, 3, 1))]
    results.save(tmp_path, "numerical", "mp", [a_run(*trials, worker_counts=[4])])
    assert "4 workers: only 1 got tasks in 2 of 3 trials" in row_of(table_of(tmp_path), "mp", "loop")[-1]


def test_short_times_keep_two_digits(tmp_path):
    save(tmp_path, "serial", {("loop", 1): [0.0069]})
    save(tmp_path, "mp", {("fork", 2): [0.05]})
    assert row_of(table_of(tmp_path), "serial", "loop")[3] == "0.0069"
    assert row_of(table_of(tmp_path), "mp", "fork")[2] == "0.0500"


def test_hostile_names_stay_text(tmp_path):
    save(tmp_path, "[red]x", {("[link=file:///etc]<script>", 1): [1.0]})
    assert "[link=file:///etc]<script>" in table_of(tmp_path)


def test_all_failed_is_still_a_table_and_a_figure(tmp_path):
    save(tmp_path, "ray", {("tasks", 1): ["error"], ("tasks", 2): ["crash"]})
    assert "no trial succeeded" in table_of(tmp_path)
    assert len(utils.visualize_results_for_benchmark(tmp_path.glob("*.p3"))) == 2
    assert len(utils.visualize_total_benchmark_times(tmp_path.glob("*.p3"))) == 2


def test_other_parameters_and_machines_are_left_out_and_said(folder):
    save(folder, "joblib", {("loky", 4): [1.0]}, params_hash="other", started="2026-11-20T00:00:00+0000")
    where = Environment(machine=A_MACHINE)
    save(folder, "mpire", {("fork", 4): [1.0]}, environment=where, started="2026-11-20T00:00:00+0000")
    files, _ = read(sorted(folder.glob("*.p3")))
    group = group_of(files)
    assert [file.library for file in group.files] == ["serial", "mp", "dask", "ray"]
    assert len(group.left_out) == 2
    table = table_of(folder)
    assert "left out: numerical_joblib.p3: other parameters (quick profile)" in table
    assert "left out: numerical_mpire.p3: another machine (Z80" in table


def test_figure_shows_every_line_with_its_label(three_counts):
    paths = utils.visualize_results_for_benchmark(sorted(three_counts.glob("*.p3")))
    assert [path.name for path in paths] == ["numerical.png", "numerical.svg"]
    svg = paths[1].read_text()
    shown = ("mp", "fork", "dask", "scatter", "ray", "tasks", "naive: all", "plain loop", LIMIT)
    for text in shown:
        assert f">{text}<" in svg
    assert ">exit<" not in svg  # skipped: no line
    assert "number of workers" in svg
    assert "one-shot time (s)" in svg
    for color in ("mp", "dask", "ray"):
        assert palette.COLORS[color].lower() in svg.lower()


def test_total_figure_has_a_panel_per_workload(folder):
    save(folder, "serial", {("loop", 1): [3.0]}, workload="stateful")
    paths = utils.visualize_total_benchmark_times(sorted(folder.glob("*.p3")))
    svg = paths[1].read_text()
    for text in ("numerical", "stateful", "serial", "mp", "dask", "ray", "8.00 s", "2.20 s", "3.00 s"):
        assert f">{text}<" in svg, text
    for text in ("kept time (s)", "4.00 s", "1.20 s", "1.50 s"):  # the same, kept
        assert f">{text}<" in svg, text


def test_kept_times_are_drawn_against_workers_with_their_own_limit(three_counts, monkeypatch):
    seen = {}

    def look(figure, base, save=None):
        drawn = [line for axes in figure.axes for line in axes.get_lines() if line.get_linestyle() != "None"]
        lines_of = {line.get_color(): line for line in drawn if line.get_color() != palette.OTHERS_COLOR}
        seen[base.name] = {color: list(line.get_ydata()) for color, line in lines_of.items()}
        plt.close(figure)
        return []

    monkeypatch.setattr(lines, "show_and_save", look)
    group = group_of(read(sorted(three_counts.glob("*.p3")))[0])
    for name in ("numerical", "numerical_kept"):
        figures_of([group])[name]()
    assert seen["numerical"][palette.LIMIT_COLOR] == [8.0, 4.0, 2.0]
    assert seen["numerical_kept"] == {
        "black": [4.0, 4.0, 4.0],  # the plain loop
        palette.COLORS["mp"]: [1.2],
        palette.COLORS["ray"]: [8.0, 1.5],
        palette.COLORS["fork"]: [2.0],
        palette.LIMIT_COLOR: [4.0, 2.0, 1.0],
    }


def test_all_libraries_are_drawn_alike(three_counts, monkeypatch):
    widths: set[float] = set()
    sizes: set[float] = set()

    def look(figure, base, save=None):
        others = ("black", palette.LIMIT_COLOR, palette.OTHERS_COLOR)
        found = [line for axes in figure.axes for line in axes.get_lines() if line.get_color() not in others]
        drawn = [line for line in found if line.get_linestyle() != "None"]
        widths.update(line.get_linewidth() for line in drawn)
        sizes.update(line.get_markersize() for line in drawn)
        plt.close(figure)
        return []

    monkeypatch.setattr(lines, "show_and_save", look)
    utils.visualize_results_for_benchmark(three_counts.glob("*.p3"))
    assert len(widths) == len(sizes) == 1


def test_colours_differ_for_every_vision():
    """Simulated deuteranopia, protanopia and tritanopia (Machado et al., 2009): no two colours fall together."""
    from itertools import combinations, product

    from matplotlib.colors import to_rgb

    blindness = {
        "none": np.eye(3),
        "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
        "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
        "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
    }
    on_dark = {library: palette.ON_DARK.get(color, color) for library, color in palette.COLORS.items()}
    for colors, (name, matrix) in product((palette.COLORS, on_dark), blindness.items()):
        seen = {library: np.array(matrix) @ to_rgb(color) for library, color in colors.items()}
        for one, other in combinations(seen, 2):
            assert np.linalg.norm(seen[one] - seen[other]) > 0.12, (name, one, other)


@pytest.mark.parametrize("ground", ["default", "dark_background"])
def test_labels_can_be_read(ground):
    with plt.style.context(ground):
        for library in (*palette.COLORS, "another"):
            colors = [to_rgb(color) for color in (style.text_color_of(library), plt.rcParams["figure.facecolor"])]
            assert style.contrast(*colors) >= 4.5
    assert style.contrast(to_rgb("black"), to_rgb("white")) == pytest.approx(21)
    assert style.contrast(to_rgb("#777777"), to_rgb("white")) == pytest.approx(4.48, abs=0.01)
    assert style.contrast(to_rgb(palette.LIMIT_COLOR), to_rgb("white")) >= 4.5


def test_few_numbers_of_workers_are_dots_sorted_by_their_value(folder, monkeypatch):
    save(folder, "mpire", {("naive: fork", 4): [2.5] * 3}, traits={"naive: fork": Traits(naive=True)})
    seen: dict[str, Any] = {}

    def look(figure, base, save=None):
        (axes,) = figure.axes
        names = [label.get_text() for label in axes.get_yticklabels()]
        dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
        seen["values"] = {names[round(dot.get_ydata()[0])]: dot.get_xdata()[0] for dot in dots}
        seen["open"] = [names[round(d.get_ydata()[0])] for d in dots if d.get_markerfacecolor() == "white"]
        seen["across"] = {line.get_linestyle(): line.get_xdata()[0] for line in axes.get_lines() if line not in dots}
        seen["shown"] = {text.get_text() for text in axes.texts}
        seen["title"] = figure.get_suptitle()
        plt.close(figure)
        return []

    monkeypatch.setattr(dots, "show_and_save", look)
    utils.visualize_results_for_benchmark(folder.glob("*.p3"))
    values = {
        "mp: fork": 2.2,
        "mpire: naive: fork": 2.5,
        "ray: tasks": 3.0,
        "ray: naive: all": 5.5,
        "serial: loop": 8.0,
    }
    assert list(seen["values"].items()) == list(values.items())
    assert seen["open"] == ["mpire: naive: fork", "ray: naive: all"]
    assert seen["across"] == {"-": 2.0, "--": 8.0}  # the limit, the loop
    assert {"2.20", "5.50", "plain loop", LIMIT} <= seen["shown"]
    assert "2 of 2 tuned idioms beat a plain loop" in seen["title"]


def overlaps(boxes):
    return [(i, j) for i in range(len(boxes)) for j in range(i) if boxes[i].overlaps(boxes[j])]


def test_automatic_labels_do_not_overlap(tmp_path, monkeypatch):
    for library in ("mp", "ray"):
        idioms = {f"idiom {number}": 1 + number / 1000 for number in range(9)}
        times = {(name, n): [4 * last / n] for name, last in idioms.items() for n in (1, 2, 4)}
        save(tmp_path, library, times)
    found: list[Any] = []

    def look(figure, base, save=None):
        figure.canvas.draw()
        renderer = figure.canvas.get_renderer()
        found.extend(plt.Text.get_window_extent(text, renderer) for axes in figure.axes for text in axes.texts)
        plt.close(figure)
        return []

    monkeypatch.setattr(lines, "show_and_save", look)
    utils.visualize_results_for_benchmark(tmp_path.glob("*.p3"))
    assert len(found) == 18
    assert overlaps(found) == []
    assert max(box.x1 for box in found) < 8 * 100  # inside the figure


def label_of(figure, library, text):
    """Return the label in the library's panel."""
    (axes,) = [axes for axes in figure.axes if axes.get_title(loc="left") == library]
    (label,) = [each for each in axes.texts if each.get_text() == text]
    return label


def drag(figure, label, dx, dy):
    """Drag a label with the mouse, by real events on the canvas, in pixels."""
    canvas = figure.canvas
    canvas.draw()
    box = plt.Text.get_window_extent(label, canvas.get_renderer())
    x, y = box.x0 + box.width / 2, box.y0 + box.height / 2
    for name, px, py in (
        ("button_press_event", x, y),
        ("motion_notify_event", x + dx, y + dy),
        ("button_release_event", x + dx, y + dy),
    ):
        event: Any = MouseEvent(name, canvas, px, py, MouseButton.LEFT)
        event._process()


def test_dragged_label_is_saved_and_used_again(three_counts, monkeypatch):
    positions, svgs = [], []
    save_figure = lines.show_and_save
    dragging = True

    def show(figure, base, save=None):
        label = label_of(figure, "ray", "tasks")
        before = label.get_position()
        if dragging:
            drag(figure, label, dx=-60, dy=-90)
            assert label.get_position() != before
        positions.append(label.get_position())
        paths = save_figure(figure, base)
        svgs.append(paths[1].read_text())
        return paths

    monkeypatch.setattr(lines, "show_and_save", show)
    files = sorted(three_counts.glob("*.p3"))
    utils.visualize_results_for_benchmark(files)
    saved = json.loads((three_counts / "numerical.labels.json").read_text())
    assert list(saved) == ["ray: tasks"]  # the others stay automatic
    dragging = False
    utils.visualize_results_for_benchmark(files)
    assert positions[1] == pytest.approx(positions[0])
    assert json.loads((three_counts / "numerical.labels.json").read_text()) == saved


def test_drags_can_be_taken_back(three_counts, monkeypatch):
    saved, kept = three_counts / "numerical.labels.json", []

    def show(figure, base, save=None):
        label = label_of(figure, "ray", "tasks")
        over = label.axes.transAxes.transform((0.5, 0.5))  # of several panels, the one that the mouse is over
        for step in ((-60, -90), (-20, 10), "ctrl+z", "ctrl+y", "ctrl+z", "ctrl+0", "ctrl+z", "a"):
            if isinstance(step, str):
                pressed: Any = KeyEvent("key_press_event", figure.canvas, step, *over)
                pressed._process()
            else:
                drag(figure, label, *step)
            kept.append((json.loads(saved.read_text()), label.get_position()))
        plt.close(figure)
        return []

    monkeypatch.setattr(lines, "show_and_save", show)
    utils.visualize_results_for_benchmark(sorted(three_counts.glob("*.p3")))
    first, second, undone, redone, undone_again, reset, again, unknown = kept
    assert first != second == redone
    assert undone == undone_again == first
    assert reset[0] == {}
    assert again == unknown == first


def test_a_figure_is_saved_the_same_again_without_a_display(folder):
    (folder / "numerical.labels.json").write_text('{"ray: tasks": [0.5, 0.9]}')
    for name in ("one.svg", "two.svg", "dark.svg"):
        ended = run_utils(
            "plot", "numerical", "--save", folder / name, *["--dark"] * (name == "dark.svg"), "--results", folder
        )
        assert (ended.returncode, ended.stderr) == (0, "")
    one, two, dark = ((folder / name).read_text() for name in ("one.svg", "two.svg", "dark.svg"))
    assert one == two != dark
    assert not (folder / "numerical.svg").exists()
    assert palette.ON_DARK["#000000"] in dark
    ended = run_utils("plot", "total", "--save", folder / "total.pdf", "--results", folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (folder / "total.pdf").exists()
    ended = run_utils("plot", "nonsense", "--results", folder)
    assert ended.returncode == 2
    assert "there is no figure 'nonsense'" in ended.stderr


def test_nothing_is_cut_off_in_a_pipe(tmp_path):
    idiom = "an idiom whose name is as long as any that a script has"
    counts = range(1, 13)
    save(tmp_path, "mp", {(idiom, count): [100.0 + count, 200.0] for count in counts})
    ended = run_utils("table", "numerical", "--results", tmp_path)
    assert ended.returncode == 0
    assert "…" not in ended.stdout
    assert "\x1b" not in ended.stdout
    assert all(f"{(300.0 + count) / 2:.2f} ({100.0 + count:.2f}-200.00)" in ended.stdout for count in counts)


@pytest.mark.parametrize(
    "content", ["", "[1, 2]", '{"ray: tasks": 5}', '{"ray: tasks": ["a", 1]}', '{"unknown": [0, 1]}']
)
def test_damaged_label_positions_are_as_good_as_none(folder, content):
    (folder / "numerical.labels.json").write_text(content)
    assert len(utils.visualize_results_for_benchmark(folder.glob("*.p3"))) == 2


def test_align_labels_turns_labels_along_their_lines(three_counts, monkeypatch):
    angles = {}

    def look(figure, base, save=None):
        angles.update({text.get_text(): text.get_rotation() for axes in figure.axes for text in axes.texts})
        plt.close(figure)
        return []

    monkeypatch.setattr(lines, "show_and_save", look)
    files = sorted(three_counts.glob("*.p3"))
    utils.visualize_results_for_benchmark(files)
    assert set(angles.values()) == {0}
    utils.visualize_results_for_benchmark(files, align_labels=True)
    assert 270 < angles["tasks"] < 360 or -90 < angles["tasks"] < 0  # time falls with workers
    assert angles[LIMIT] == pytest.approx(angles["fork"], abs=6)


def a_broken_down(cold, kept, stop_s):
    """Return a trial on two workers with known parts and tasks: a cold round, one kept, and the pool's end.

    ``cold``, ``kept``: start-up, work, waiting, of that at the end, gathering.
    """
    names = ("start_s", "work_s", "wait_s", "tail_s", "gather_s")
    of_rounds = [Parts(straggler_s=0.0, **dict(zip(names, of_round, strict=True))) for of_round in (cold, kept)]
    seconds = [each.start_s + each.work_s + each.wait_s + each.gather_s for each in of_rounds]
    rounds = [
        Round(phase=COLD, tasks=3, seconds=seconds[0]),
        Round(phase=KEPT, tasks=3, seconds=seconds[1], start_s=100.0),
    ]
    starts_s, ends_s = (1, 1, 2, 100.5, 100.5, 101), (2, 4, 3, 101, 101.25, 101.125)
    tasks = Tasks(
        index=[*range(6)],
        pid=[7, 8, 7, 8, 7, 8],
        start_ns=[round(second * 1e9) for second in starts_s],
        end_ns=[round(second * 1e9) for second in ends_s],
    )
    pools = [Pool(rounds=rounds, stop_s=stop_s)]
    return a_trial(idiom="tasks", n_jobs=2, pools=pools, cold=of_rounds[0], kept=of_rounds[1], tasks=tasks)


@pytest.fixture
def broken_down(tmp_path):
    """Results with known parts and known tasks: two libraries, two workers."""
    mp = a_broken_down((1.0, 2.5, 0.5, 0.25, 0.125), (0.25, 2.0, 0.5, 0.25, 0.25), 0.125)
    ray = a_broken_down((3.0, 2.0, 1.0, 0.5, 1.5), (0.5, 1.0, 0.0, 0.0, 0.5), 0.5)
    for library, trial in (("mp", mp), ("ray", ray)):
        results.save(tmp_path, "numerical", library, [a_run(trial)])
    save(tmp_path, "serial", {("loop", 1): [4.0]})
    return group_of(read(sorted(tmp_path.glob("*.p3")))[0])


def test_stacked_bars_add_up_to_the_one_shot_and_the_kept_time(broken_down, monkeypatch):
    widths: dict[str, Any] = {}

    def look(figure, base, save=None):
        (axes,) = figure.axes
        names = [label.get_text() for label in axes.get_yticklabels()]
        for bar in axes.patches:
            widths.setdefault(names[round(bar.get_y() + bar.get_height() / 2)], []).append(bar.get_width())
        limits = [line for line in axes.get_lines() if line.get_xdata()[0] == 2.0]  # 4 s / 2 workers
        assert bool(limits) == (base.name == "numerical_parts")  # no round of the loop is kept: no limit is known
        plt.close(figure)
        return []

    monkeypatch.setattr(parts, "show_and_save", look)
    parts.draw_parts(broken_down, COLD)
    assert widths["mp: tasks"] == pytest.approx([1.0, 2.5, 0.25, 0.25, 0.125, 0.125])
    assert widths["ray: tasks"] == pytest.approx([3.0, 2.0, 0.5, 0.5, 1.5, 0.5])
    cells = {cell.library: cell for cell in broken_down.on_most_workers}
    assert {name: cell.one_shot.median for name, cell in cells.items()} == {"serial": 4.0, "mp": 4.25, "ray": 8.0}
    widths.clear()
    parts.draw_parts(broken_down, KEPT)
    assert widths["mp: tasks"] == pytest.approx([0.25, 2.0, 0.25, 0.25, 0.25])
    assert widths["ray: tasks"] == pytest.approx([0.5, 1.0, 0.0, 0.0, 0.5])
    assert (cells["mp"].kept.median, cells["ray"].kept.median, cells["serial"].kept) == (3.0, 2.0, None)
    assert "serial: loop" not in widths


def test_timeline_has_a_row_per_worker_on_one_time_scale(broken_down, monkeypatch):
    seen = {}

    def look(figure, base, save=None):
        scales = {axes.get_xlim() for axes in figure.axes}
        assert len(scales) == 1
        ray = figure.axes[-1]
        spans = [path.vertices[:, 0] for lane in ray.collections for path in lane.get_paths()]
        lanes = {axes.get_ylabel(): len(axes.collections) for axes in figure.axes}
        times = {line.get_xdata()[0] for line in ray.get_lines()}
        seen[base.name] = lanes, sorted((min(span), max(span)) for span in spans), times
        plt.close(figure)
        return []

    monkeypatch.setattr(timeline, "show_and_save", look)
    for phase in (COLD, KEPT):
        timeline.draw_timeline(broken_down, phase)
    lanes, spans, times = seen["numerical_timeline"]
    assert lanes == {"serial: loop": 1, "mp: tasks": 2, "ray: tasks": 2}
    assert spans == [(1, 2), (1, 4), (2, 3)]
    assert times == {7.5, 8.0, 2.0}  # its results, its end, the limit
    lanes, spans, times = seen["numerical_timeline_kept"]
    assert lanes == {"mp: tasks": 2, "ray: tasks": 2}
    assert spans == [(0.5, 1), (0.5, 1.25), (1, 1.125)]  # after the start of that round
    assert times == {2.0}  # its results


def test_of_several_kept_rounds_the_one_in_the_middle_is_shown():
    rounds = [Round(phase=KEPT, tasks=1, seconds=s, start_s=10.0 * place) for place, s in enumerate((3.0, 1.0, 2.0))]
    starts_ns = [round(second * 1e9) for second in (0.5, 10.5, 20.5)]
    tasks = Tasks(index=[0, 1, 2], pid=[7, 7, 7], start_ns=starts_ns, end_ns=[ns + 1 for ns in starts_ns])
    trial = a_trial(pools=[Pool(rounds=rounds, stop_s=0.0)], tasks=tasks)
    assert [(task.number, task.start_s) for task in tasks_of(trial, KEPT)] == [(2, 0.5)]


def test_parts_and_memory_are_in_the_tables(tmp_path, broken_down):
    sizes = memory_of(start=40, peak=200, end=40)
    for moment in (sizes.start, sizes.peak, sizes.end):
        for name in MEMORY_FIELDS:
            setattr(moment, name, moment.pss_bytes)
    sampled = a_trial(77.7, idiom="tasks", n_jobs=2, kind=MEMORY, memory=sizes)
    run = a_run(a_trial(idiom="tasks", n_jobs=2), sampled, inputs={"shared_bytes": 64 * MIB, "moved_bytes": 0})
    run.started = "2026-11-22T00:00:00+0000"
    results.save(tmp_path, "numerical", "joblib", [run])
    table = table_of(tmp_path)
    assert "77.7" not in table  # no time is taken from a trial that was sampled
    first, *_, last = [line for line in table.splitlines() if "│joblib" in line]
    assert [cell.strip() for cell in last.strip("│").split("│")][2:] == [
        "",
        "200, 2.5",
        "200",
        "200",
        "160",
        "160",
        "40",
        "40",
    ]
    assert "1.50" in first
    *_, cold, kept = [line for line in table.splitlines() if "│ray" in line]
    numbers = ["8.000", "3.000", "2.000", "1.000", "0.500", "1.500", "0.500"]  # one-shot, then its parts
    assert [cell.strip() for cell in cold.strip("│").split("│")][2:9] == numbers
    numbers = ["2.000", "0.500", "1.000", "0.000", "0.000", "0.500"]
    assert [cell.strip() for cell in kept.strip("│").split("│")][2:8] == numbers


def test_without_memory_trials_the_table_says_why(folder, tmp_path):
    assert "not measured: memory_trials was 0 in this run" in table_of(folder)
    reason = "PSS and USS are read from /proc, which darwin lacks"
    skipped = a_trial(None, kind=MEMORY, outcome=SKIPPED, reason=reason)
    results.save(folder, "numerical", "futures", [a_run(a_trial(), skipped)])
    assert reason in table_of(folder)


def made_group(times, styles=()):
    """Return what would be read of one library's rows, and the reference's."""
    mp, others = {"fork": times["fork"]}, {name: seconds for name, seconds in times.items() if name != "fork"}
    parts = a_part("mp", mp), a_part("ray", others, traits=styles)
    return group_of([Measured(Path(), *part) for part in parts])


def random_rows(random, slower):
    """Return one-shot times of rows that are slower than "fork" by a factor, in 10 blocks on a drifting machine."""
    drift = np.exp(np.cumsum(random.normal(0, 0.05, 10)))
    return {name: factor * drift * np.exp(random.normal(0, 0.03, 10)) for name, factor in {"fork": 1, **slower}.items()}


@pytest.mark.parametrize("trait", [{"naive": True}, {"connects": True}])
@pytest.mark.parametrize("factor", [0.1, 1.0, 50.0])
def test_a_row_of_another_style_changes_no_verdict_among_the_others(trait, factor):
    random, changeable = np.random.default_rng(1), 0
    for _ in range(50):
        slower = {"alike": 1.0, "near": 1.02, "between": 1.04, "far": 1.3} | {f"farther {n}": 2.0 + n for n in range(4)}
        rows = random_rows(random, slower)
        other = rows["alike"] * factor
        without = made_group(rows)
        beside = made_group(rows | {"other": other}, {"other": Traits(**trait)})
        as_tuned = made_group(rows | {"other": other})
        found = beside.ratios(1)
        assert {name: ratio for name, ratio in found.items() if name[1] != "other"} == without.ratios(1)
        assert found["ray", "other"].family == 1
        assert beside.rankings[1].fastest.name == without.rankings[1].fastest.name
        assert beside.rankings[1].verdicts == without.rankings[1].verdicts
        assert list(beside.rankings[1].beside) == [("ray", "other")]
        assert [cell.idiom for cell in beside.fastest_of_each_library if cell.library == "ray"] != ["other"]
        changeable += any(as_tuned.ratios(1)[name].level != ratio.level for name, ratio in without.ratios(1).items())
    assert changeable > 10  # it would have changed intervals, had it been of the same style


def test_results_are_shown_whatever_takes_the_output(folder):
    command = [sys.executable, "utils.py", "table", "--results", str(folder)]
    in_ascii = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, cwd=ROOT, env=in_ascii, capture_output=True, timeout=LONG_S, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"numerical" in ended.stdout
    into_nothing = subprocess.run(
        ["bash", "-c", f"{' '.join(command)} | head -1"], cwd=ROOT, capture_output=True, timeout=LONG_S, check=False
    )
    assert into_nothing.stderr == b""


def test_leaving_out_a_naive_row_of_the_published_run_changes_no_verdict():
    groups, _ = groups_of(sorted(utils.PUBLISHED.glob("*.p3")))
    left_out = 0
    for group in groups:
        cells = group.cells(group.most_workers)
        found = group.compared({name: cell.times for name, cell in cells.items()})
        for naive in [name for name, cell in cells.items() if cell.traits.naive]:
            fewer = group.compared({name: cell.times for name, cell in cells.items() if name != naive})
            assert {name: ratio for name, ratio in found.items() if not cells[name].traits.naive} == {
                name: ratio for name, ratio in fewer.items() if not cells[name].traits.naive
            }
            left_out += 1
    assert left_out >= 10


def test_a_naive_row_alone_is_nothing_to_choose():
    group = made_group({"fork": np.ones(10)}, {})
    assert group.rankings[1].fastest.name == ("mp", "fork")
    naive = group_of([Measured(Path(), *a_part("ray", {"all": [1.0] * 10}, traits={"all": Traits(naive=True)}))])
    assert (naive.rankings[1].fastest, naive.rankings[1].verdicts) == (None, {})


def test_files_of_different_runs_are_not_paired(tmp_path):
    """The machine was twice as slow while joblib alone was measured again: block 0 of two runs is not one block."""
    drift = np.geomspace(1, 3, 8)
    save(tmp_path, "mp", {("fork", 1): drift})
    save(tmp_path, "joblib", {("loky", 1): 1.1 * drift})
    (ratio,) = group_of(read(sorted(tmp_path.glob("*.p3")))[0]).ratios(1).values()
    assert ratio.verdict == "slower"
    save(tmp_path, "joblib", {("loky", 1): 1.1 * drift}, started="2026-11-22T00:00:00+0000")
    group = group_of(read(sorted(tmp_path.glob("*.p3")))[0])
    (ratio,) = group.ratios(1).values()
    assert ratio.verdict == "tie"
    assert group.measured_alone == ["joblib"]
    assert "(over all pairs of trials for joblib: measured in other runs)" in table_of(tmp_path)


def test_limit_is_never_below_the_longest_task_or_the_data(tmp_path):
    """Serial: 4 s, of which one task takes 2 s; four workers cannot be done before that one is."""
    tasks = Tasks(index=[0, 1], pid=[7, 7], start_ns=[0, 10**9], end_ns=[10**9, 3 * 10**9])
    trial = a_trial(4.0, tasks=tasks)  # 3 s until the results are there, 1 s of end
    results.save(tmp_path, "numerical", "serial", [a_run(trial)])
    group = group_of(read(tmp_path.glob("*.p3"))[0])
    assert [group.limit_s(n_jobs, COLD) for n_jobs in (1, 2, 4)] == [4.0, 2.0, 2.0]
    assert group.limit_s(2, KEPT) is None
    run = a_run(trial, inputs={"moved_bytes": 25 * 10**9}, bandwidth_bytes_per_s=10e9)
    results.save(tmp_path, "numerical", "serial", [run])
    group = group_of(read(tmp_path.glob("*.p3"))[0])
    assert [group.limit_s(n_jobs, COLD) for n_jobs in (1, 2)] == [4.0, 2.5]


def test_the_setup_is_in_the_limit_of_one_shot_as_often_as_it_is_made(tmp_path):
    """Cold 6 s, stop 2 s, of which the setup takes 4; kept 3 s, of which one task takes 2. The data take 1.75 s."""
    rounds = [Round(phase=COLD, tasks=1, seconds=6.0), Round(phase=KEPT, tasks=2, seconds=3.0, start_s=6.0)]
    starts_s, ends_s = (4, 6, 7), (5, 7, 9)
    tasks = Tasks(
        index=[0, 1, 2],
        pid=[7, 7, 7],
        start_ns=[second * 10**9 for second in starts_s],
        end_ns=[second * 10**9 for second in ends_s],
    )
    trial = a_trial(pools=[Pool(rounds=rounds, stop_s=2.0)], tasks=tasks, setups=1, setup_s=4.0)
    results.save(tmp_path, "numerical", "serial", [a_run(trial, inputs={"moved_bytes": 175 * 10**8})])
    group = group_of(read(tmp_path.glob("*.p3"))[0])
    assert [group.limit_s(n_jobs, COLD) for n_jobs in (1, 2, 4, 8)] == [8.0, 6.0, 5.0, 5.0]  # 4 + 4 / n, at least 4 + 1
    assert [group.limit_s(n_jobs, KEPT) for n_jobs in (1, 2)] == [3.0, 2.0]  # 3 / n, at least 2
    cold, kept = [line for line in table_of(tmp_path).splitlines() if re.match(r"│limit .*\d\.\d{3}", line)]
    assert [cell.strip() for cell in cold.split("│")][3:7] == ["8.000", "4.000", "4.000", "0.000"]
    assert [cell.strip() for cell in kept.split("│")][3:7] == ["3.000", "0.000", "3.000", "0.000"]
    results.save(tmp_path, "numerical", "serial", [a_run(trial, inputs={"moved_bytes": 55 * 10**9})])
    group = group_of(read(tmp_path.glob("*.p3"))[0])
    assert (group.limit_s(2, COLD), group.limit_s(8, COLD), group.limit_s(2, KEPT)) == (6.0, 5.5, 5.5)


def test_spread_keeps_order_and_distance_and_moves_little():
    wanted = [0.1, 0.5, 0.50001, 0.51, 0.9]
    spread = labels._apart(wanted, step=0.1)
    assert np.all(np.diff(spread) >= 0.1 - 1e-12)
    assert spread[0] == 0.1
    assert spread[4] == 0.9
    assert np.mean(spread[1:4]) == pytest.approx(np.mean(wanted[1:4]))


def test_utils_lists_and_draws(folder):
    ended = run_utils("--results", folder)
    assert ended.returncode == 0, ended.stderr
    assert "numerical_ray.p3: 2 idioms, 9 trials, quick profile" in ended.stdout
    for name in ("numerical.png", "numerical.svg", "total.png", "total.svg"):
        assert (folder / name).stat().st_size > 5000
        assert name in ended.stdout


def test_utils_refuses_a_hostile_file_by_name_and_draws_the_rest(folder):
    (folder / "numerical_evil.p3").write_bytes(b"cos\nsystem\n(S'touch " + str(folder / "ran").encode() + b"'\ntR.")
    ended = run_utils("--results", folder)
    assert ended.returncode == 1
    assert "numerical_evil.p3: refused" in ended.stderr
    assert not (folder / "ran").exists()
    assert (folder / "numerical.png").exists()
    with pytest.raises(ValueError, match="numerical_evil"):
        utils.visualize_results_for_benchmark(folder.glob("*.p3"))


def test_utils_without_results_says_what_to_do(tmp_path):
    ended = run_utils("--results", tmp_path)
    assert ended.returncode == 2
    assert ended.stderr == f"utils.py: no results in {tmp_path}; measure first: python benchmark_all.py\n"
    with pytest.raises(ValueError, match="no results"):
        utils.visualize_total_benchmark_times([])


def test_table_says_what_each_library_does_to_close(tmp_path):
    for library, traits in (("mp", Traits(closes=TERMINATES)), ("ray", Traits(closes=LEAVES, connects=True))):
        results.save(tmp_path, "numerical", library, [a_run(a_trial(1.0), traits={"loop": traits})])
    (line,) = [line for line in table_of(tmp_path).splitlines() if TERMINATES in line]
    assert f"{TERMINATES}: mp;" in line
    assert f"{LEAVES}: ray, connected" in line
