"""What tables and figures say of rounds: the numbers that were put in, what is missing said, nothing made up."""

import pickle
from io import StringIO
from math import inf
from typing import Any

import matplotlib.pyplot as plt
import pytest
from rich.console import Console

from record import files as results
from record.schema import Content, Pool, Round, as_plain
from record.terms import CALLER, COLD, GRAPH, KEPT, OF_ROUNDS, SETTLING, STUDIES, Traits
from report.figures import workload as figures
from report.numbers import granularity, grid, overhead
from report.numbers.group import group_of
from report.numbers.measured import read
from report.numbers.quantities import PER_TASK, sorted_points
from report.page.charts import workload as charts
from report.tables import workload as tables
from tests.made_up import MIB, a_grid, a_run, a_trial, of_lengths, of_tasks, save_pools


@pytest.fixture(autouse=True)
def without_display():
    plt.switch_backend("Agg")
    yield
    assert plt.get_fignums() == []


def table_of(folder, workload):
    console = Console(file=(printed := StringIO()), width=500)
    tables.print_tables(folder, [workload], console)
    return printed.getvalue()


def group_in(folder):
    files, refused = read(sorted(folder.glob("*.p3")))
    assert not refused
    return group_of(files)


def drawn(folder):
    """Draw all figures; return the names of their files."""
    return [path.name for draw in figures.figures_of([group_in(folder)]).values() for path in draw()]


def row_of(table, library, idiom):
    """Return the cells of a row."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines()]
    return next(row for row in rows if row[:2] == [library, idiom])


def test_cost_per_task_and_its_ratio(tmp_path):
    """100 and 105 µs a task: 5 % are told apart in 8 blocks whose fits scatter by less."""
    for library, cost in (("mp", 1e-4), ("futures", 1.05e-4)):
        blocks = [of_tasks(1e-3, cost, 10_000, noise=0.005, seed=seed) for seed in range(8)]
        save_pools(tmp_path, "overhead", library, {"fork": blocks})
    table = table_of(tmp_path, "overhead").split("per task, vs")[1]
    assert row_of(table, "mp", "fork")[-1] == "reference"
    row = row_of(table, "futures", "fork")
    assert float(row[3]) == pytest.approx(105, rel=0.01)
    assert row[5] == "10000"
    assert row[-1].endswith("slower")
    assert drawn(tmp_path) == ["overhead.png", "overhead.svg", "overhead_by_tasks.png", "overhead_by_tasks.svg"]
    shown = [point.value for _, point in sorted_points(group_in(tmp_path), PER_TASK)]
    assert shown == pytest.approx([100, 105], rel=0.01)  # µs, the cheaper one first


def test_one_task_at_a_time_is_compared_with_one_at_a_time(tmp_path):
    """100 times the cost of the reference in batches, 10 % more than the reference one at a time."""
    batched = Traits(start="fork", batched=True)
    for library, costs in (("mp", (1e-6, 1e-4)), ("futures", (2e-6, 1.1e-4))):
        pools = {
            name: [of_tasks(1e-3, cost, 10_000, noise=0.005, seed=seed) for seed in range(8)]
            for name, cost in zip(("in batches", "singly"), costs, strict=True)
        }
        save_pools(tmp_path, "overhead", library, pools, traits={"in batches": batched})
    table = table_of(tmp_path, "overhead").split("per task, vs")[1]
    assert [row_of(table, "mp", name)[-1] for name in ("in batches", "singly")] == ["reference"] * 2
    ratios = [float(row_of(table, "futures", name)[-1].split(" ")[0]) for name in ("in batches", "singly")]
    assert ratios == pytest.approx([2, 1.1], rel=0.05)
    assert "tasks in batches mp (in batches), one at a time mp (singly)." in table


def test_too_few_rounds_are_said(tmp_path):
    save_pools(tmp_path, "overhead", "mp", {"fork": [of_tasks(1e-3, 1e-4, 3)]})
    assert "too few rounds" in row_of(table_of(tmp_path, "overhead").split("per task, vs")[1], "mp", "fork")


def test_cost_per_edge(tmp_path):
    """300 tasks of 50 µs and 2 µs for each edge."""
    graphs = [
        Round(
            phase=GRAPH,
            tasks=300,
            seconds=300 * 5e-5 + edges * 2e-6,
            label={"shape": "layered", "edges": edges},
        )
        for edges in (0, 600, 6000)
    ]
    start = Round(phase=COLD, tasks=1, seconds=0.5, label={"shape": "layered", "edges": 0})
    save_pools(tmp_path, "overhead", "dask", {"threads": [[Pool(rounds=[start, *graphs], stop_s=0.01)]]})
    graphs_table = table_of(tmp_path, "overhead").split("trivial graph")[1]
    row = row_of(graphs_table, "dask", "threads")
    assert [float(row[place]) for place in (2, 3, 5, 6)] == pytest.approx([0.5, 50, 90, 2])


def test_shortest_tasks_and_what_was_not_reached(tmp_path):
    pools = {
        "middle": [of_lengths(3e-4)],
        "free": [of_lengths(0.0)],
        "hopeless": [of_lengths(10.0)],
    }
    save_pools(tmp_path, "granularity", "mp", pools)
    table = table_of(tmp_path, "granularity")
    assert [float(cell) for cell in row_of(table, "mp", "middle")[3:5]] == pytest.approx([600, 3000], rel=0.1)
    assert all(cell.startswith("<") for cell in row_of(table, "mp", "free")[3:5])
    assert all(cell.startswith(">") for cell in row_of(table, "mp", "hopeless")[3:5])
    free, middle, hopeless = granularity.reaches_of(group_in(tmp_path), graphs=False)
    assert [reach.cell.idiom for reach in (free, middle, hopeless)] == ["free", "middle", "hopeless"]
    assert [each.bound for each in (*free.shortest, *hopeless.shortest)] == ["<", "<", ">", ">"]
    assert [each.seconds for each in middle.shortest] == pytest.approx([6e-4, 3e-3], rel=0.1)
    assert drawn(tmp_path) == [
        "granularity.png",
        "granularity.svg",
        "granularity_efficiency.png",
        "granularity_efficiency.svg",
    ]


@pytest.mark.parametrize("one_cell", [False, True])
def test_grid(tmp_path, one_cell):
    levels = (
        {"payloads": (1024,), "computes": (0.001,)}
        if one_cell
        else {"refused": (2**30,), "payloads": (1024, MIB, 2**30)}
    )
    save_pools(
        tmp_path, "grid", "serial", {"loop": [a_grid(0.0001, lambda p, c: 4 * c + 5e-6, tasks=4, **levels)]}, n_jobs=1
    )
    save_pools(tmp_path, "grid", "mp", {"fork": [a_grid(0.02, lambda p, c: 4 * c + 1e-3 + p * 1e-9, **levels)]})
    save_pools(tmp_path, "grid", "ray", {"Pool": [a_grid(2.0, lambda p, c: 4 * c + 5e-4 + p * 1e-8, **levels)]})
    table = table_of(tmp_path, "grid")
    row = row_of(table, "ray", "Pool")
    assert row[3].startswith("2.100")  # with the pool's end
    assert row[4] == ("" if one_cell else "too large for this machine")
    assert sorted(drawn(tmp_path)) == sorted(
        f"grid{name}{suffix}"
        for name in ("", "_rebuilt", "_relative", "_speedup", "_fastest")
        for suffix in (".png", ".svg")
    )
    if not one_cell:
        grids = grid.to_choose(group_in(tmp_path))
        fastest = {key: grid.fastest_at(grids, KEPT, key) for key in grids["mp", "fork"][KEPT]}
        assert fastest[1024, 0.0] == "serial"
        assert fastest[1024, 0.001] == "ray"
        assert fastest[MIB, 0.001] == "mp"
        assert fastest[1024, 0.01] == grid.TIED  # 41.0 and 40.5 ms: a tie


def test_grid_says_from_which_compute_time_an_idiom_is_faster(tmp_path):
    """Rounds of 16 tasks take 4 times the compute time and 0.48 ms, a loop of 4 tasks 4 times: they tie at 40 us."""
    computes = (0.0, 1e-5, 3e-5, 5e-5, 1e-4)
    for library, idiom, of_round, n_jobs in (
        ("serial", "loop", a_grid(0.0, lambda p, c: 4 * c + 1e-9, tasks=4, payloads=(1024,), computes=computes), 1),
        ("mp", "fork", a_grid(0.0, lambda p, c: 4 * c + 4.8e-4, tasks=16, payloads=(1024,), computes=computes), 4),
        ("ray", "slow", a_grid(0.0, lambda p, c: 4 * c + 1.0, tasks=16, payloads=(1024,), computes=computes), 4),
        ("dask", "fast", a_grid(0.0, lambda p, c: 2 * c + 1e-9, tasks=16, payloads=(1024,), computes=computes), 4),
    ):
        save_pools(tmp_path, "grid", library, {idiom: [of_round]}, n_jobs=n_jobs)
    grids = grid.grids_of(group_in(tmp_path))
    serial = grid.first_of(grids, "serial", KEPT)
    line = {
        library: grid.faster_from(grids[library, idiom][KEPT], serial)[1024]
        for library, idiom in (("mp", "fork"), ("ray", "slow"), ("dask", "fast"))
    }
    assert line["mp"] == pytest.approx(4e-5, rel=0.05)
    assert line["ray"] == inf
    assert line["dask"] == 0


def test_the_line_of_the_grid_lies_between_cells_on_logarithmic_axes():
    """The ratio falls with the square root of the compute time, and is 1 at 2 ms: cells far apart find it."""
    computes = (0.0, 1e-4, 1e-2, 1.0)
    others = dict.fromkeys([(1024, compute) for compute in computes], 1.0)
    times = {(1024, compute): (2e-3 / compute) ** 0.5 if compute else 9.0 for compute in computes}
    assert grid.faster_from(times, others)[1024] == pytest.approx(2e-3)
    only_0 = others | {(1024, 0.0): 2.0, (1024, 1e-4): 0.5, (1024, 1e-2): 0.5, (1024, 1.0): 0.5}
    assert 0 < grid.faster_from(only_0, others)[1024] < 1e-4


@pytest.mark.parametrize("traits", [Traits(naive=True), Traits(connects=True)])
def test_the_fastest_of_the_grid_is_a_tuned_row(tmp_path, traits):
    pools = {"Pool": [a_grid(2.0, lambda p, c: 4 * c + 5e-4)], "other": [a_grid(0.0, lambda p, c: 1e-6)]}
    save_pools(tmp_path, "grid", "ray", pools, traits={"other": traits})
    group = group_in(tmp_path)
    assert len(grid.grids_of(group)) == 2
    assert list(grid.to_choose(group)) == [("ray", "Pool")]


@pytest.mark.parametrize("workload", ["overhead", "grid", "granularity"])
def test_failures_are_rows(tmp_path, workload):
    failed = {"outcome": "wrong", "reason": "of 9 tasks, 3 were never run"}
    save_pools(tmp_path, workload, "mp", {"fork": [[]]}, **failed)
    save_pools(tmp_path, workload, "dask", {"graph": [[]]}, outcome="skipped", reason="no graphs here")
    table = table_of(tmp_path, workload)
    assert "3 were never run" in row_of(table, "mp", "fork")[-1]
    assert "no graphs here" in row_of(table, "dask", "graph")[-1]
    assert drawn(tmp_path) == []


@pytest.mark.parametrize(
    "pool",
    [
        {"label": {"a": []}},
        {"label": 5},
        {"stop_s": -1.0},
        {"rounds": [{"phase": "cold", "tasks": 1, "seconds": 0}]},
        {"rounds": [{"phase": "cold", "seconds": 1.0}]},
        {"rounds": [{"tasks": 1, "seconds": 1.0}]},
        {"rounds": [{"phase": "cold", "tasks": 1, "seconds": 1.0, "bare": 0}]},
        {"rounds": [None]},
        {"unknown": 1},
        None,
    ],
)
def test_damaged_pools_are_refused(tmp_path, pool):
    content = as_plain(Content(workload="overhead", library="mp", runs=[a_run()]))
    content["runs"][0]["trials"][0]["pools"] = [pool]
    path = results.path_of(tmp_path, "overhead", "mp")
    path.write_bytes(pickle.dumps(content, protocol=results.PROTOCOL))
    with pytest.raises(results.ResultsError, match=r"refused, not a results file: runs\.0\.trials\.0\.pools"):
        results.load(path)


def test_latencies_are_of_all_trials(tmp_path):
    save_pools(tmp_path, "overhead", "mp", {"fork": [of_tasks(1e-3, 1e-4, 100, seed=seed) for seed in (1, 2)]})
    cell = group_in(tmp_path).files[0].cells["fork", 2]
    assert len(overhead.latencies_s(cell)) == 2


def test_a_start_is_cold_and_then_warm(tmp_path):
    pools = [*of_tasks(1e-3, 1e-4, 100), Pool(rounds=[Round(phase=COLD, tasks=1, seconds=0.125)], stop_s=0.01)]
    save_pools(tmp_path, "overhead", "mp", {"fork": [pools], "spawn": [pools[:1]]})
    starting = table_of(tmp_path, "overhead").split("cost per task")[0]
    cold, warm, stop = row_of(starting, "mp", "fork")[2:5]
    assert float(cold) == pytest.approx(pools[0].rounds[0].seconds, abs=0.001)
    assert (warm, stop) == ("0.125", "0.010")
    assert row_of(starting, "mp", "spawn")[3] == ""  # not measured is not zero


def test_the_line_finds_known_costs():
    for fixed_s, per_task_s in ((1e-4, 5e-6), (2e-3, 1e-4), (1e-5, 1e-3)):
        for seed in range(5):
            line = overhead.line_of(a_trial(pools=of_tasks(fixed_s, per_task_s, 100_000, seed=seed)))
            assert line.per_task_s == pytest.approx(per_task_s, rel=0.05)
            assert line.deviation < 0.1
    assert overhead.line_of(a_trial(pools=of_tasks(1e-4, 5e-6, 3))) is None  # the budget allowed one round: no line


def test_a_cost_that_grows_with_the_number_of_tasks_is_no_line():
    trial = a_trial(pools=of_tasks(1e-4, 1e-5, 100_000, noise=0))
    for each in trial.pools[0].rounds:
        each.seconds *= 1 + each.tasks / 20_000
    assert overhead.line_of(trial).deviation > 0.5


@pytest.mark.parametrize("overhead_s", [2e-5, 3e-4, 4e-3])
def test_a_known_granularity_is_found(overhead_s):
    """A task of the overhead's length is 50 % efficient, one nine times as long 90 %; the overhead is in the mean."""
    for seed in range(5):
        trial = a_trial(n_jobs=2, pools=of_lengths(overhead_s, noise=0.01, seed=seed))
        curve = granularity.efficiencies(trial, "independent")
        assert granularity.shortest_task_s(curve, 0.5) == pytest.approx(2 * overhead_s, rel=0.1)
        assert granularity.shortest_task_s(curve, 0.9) == pytest.approx(10 * overhead_s, rel=0.3)  # flat there


def test_what_is_never_crossed_is_not_made_up():
    free, hopeless = (
        granularity.efficiencies(a_trial(n_jobs=2, pools=of_lengths(cost)), "independent") for cost in (0.0, 10.0)
    )
    assert min(free.values()) > 0.5
    assert granularity.shortest_task_s(free, 0.5) == 0
    assert max(hopeless.values()) < 0.5
    assert granularity.shortest_task_s(hopeless, 0.5) == inf


def test_a_disturbed_round_of_long_tasks_does_not_hide_what_short_ones_reach():
    curve = {1e-4: 0.3, 5e-4: 0.7, 2e-3: 0.93, 8e-3: 0.96, 3e-2: 0.89, 1e-1: 0.97}
    assert 5e-4 < granularity.length_at(curve, 0.9) < 2e-3


def test_rounds_that_only_settle_are_no_points():
    """Their labels are those of points, and so are a pool's first and its small equal ones."""
    pools = of_lengths(3e-4)
    label: dict[str, Any] = {"pattern": "independent", "iterations": 20_000, "task_s": 0.02}
    more = [Round(phase=phase, tasks=2, seconds=9.0, label=label) for phase in (COLD, SETTLING, KEPT)]
    curves = [
        granularity.efficiencies(a_trial(n_jobs=2, pools=[Pool(rounds=rounds, stop_s=0.0)]), "independent")
        for rounds in (pools[0].rounds, [*more, *pools[0].rounds])
    ]
    assert curves[0] == curves[1]


def test_an_idiom_in_the_calling_process_stands_beside_those_on_most_workers(tmp_path):
    """Whatever its name and its library: that it runs there is one of its traits."""
    save_pools(
        tmp_path, "overhead", "toy", {"alone": [of_tasks(1e-3, 1e-4, 1000)]}, 1, {"alone": Traits(workers=CALLER)}
    )
    save_pools(tmp_path, "overhead", "mp", {"fork": [of_tasks(1e-3, 1e-4, 1000)]}, 4)
    assert [cell.name for cell in group_in(tmp_path).on_most_workers] == [("mp", "fork"), ("toy", "alone")]


def test_every_medium_knows_the_same_studies():
    for known in (tables.OF_STUDIES, figures.OF_STUDIES, charts.OF_STUDIES):
        assert set(known) == set(OF_ROUNDS) <= set(STUDIES)
