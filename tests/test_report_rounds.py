"""What tables and figures say of rounds: the numbers that were put in, what is missing said, nothing made up."""

from io import StringIO

import matplotlib.pyplot as plt
import pytest
from rich.console import Console

from record import files as results
from report import grid, rounds
from report.granularity import draw_granularity
from report.measured import comparable, read
from report.overhead import draw_overhead
from report.tables import print_tables
from tests.made_up import a_run
from tests.test_rounds import a_trial_of_tasks, rounds_of_a_library

NO_PARTS = dict.fromkeys(("startup_s", "work_s", "wait_s", "tail_s", "straggler_s", "shutdown_s"))


@pytest.fixture(autouse=True)
def without_display():
    plt.switch_backend("Agg")
    yield
    assert plt.get_fignums() == []


def save(folder, workload, library, pools_by_idiom, n_jobs=2, **changes):
    """Save results. ``pools_by_idiom``: {idiom: [pools of a trial, ...]}."""
    template = a_run()["trials"][0] | NO_PARTS | {"tasks": {}, "n_jobs": n_jobs} | changes
    trials = [
        {**template, "idiom": idiom, "block": block, "pools": [{"refused": "", "shutdown_s": 0.01} | p for p in pools]}
        for idiom, blocks in pools_by_idiom.items()
        for block, pools in enumerate(blocks)
    ]
    results.save(folder, workload, library, [{**a_run(), "idioms": list(pools_by_idiom), "trials": trials}])


def table_of(folder, workload):
    console = Console(file=StringIO(), width=500)
    print_tables(folder, [workload], console)
    return console.file.getvalue()


def group_of(folder):
    files, refused = read(sorted(folder.glob("*.p3")))
    assert not refused
    return comparable(files)


def row_of(table, library, idiom):
    """Return the cells of a row."""
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in table.splitlines()]
    return next(row for row in rows if row[:2] == [library, idiom])


def test_cost_per_task_and_its_ratio(tmp_path):
    """100 and 105 µs a task: 5 % are told apart in 8 blocks whose fits scatter by less."""
    for library, cost in (("mp", 1e-4), ("futures", 1.05e-4)):
        blocks = [a_trial_of_tasks(1e-3, cost, 10_000, noise=0.005, seed=seed)["pools"] for seed in range(8)]
        save(tmp_path, "overhead", library, {"fork": blocks})
    table = table_of(tmp_path, "overhead").split("per task, vs")[1]
    assert row_of(table, "mp", "fork")[-1] == "reference"
    row = row_of(table, "futures", "fork")
    assert float(row[3]) == pytest.approx(105, rel=0.01)
    assert row[5] == "10000"
    assert row[-1].endswith("slower")
    assert [path.name for path in draw_overhead(group_of(tmp_path))] == ["overhead.png", "overhead.svg"]


def test_too_few_rounds_are_said(tmp_path):
    save(tmp_path, "overhead", "mp", {"fork": [a_trial_of_tasks(1e-3, 1e-4, 3)["pools"]]})
    assert "too few rounds" in row_of(table_of(tmp_path, "overhead").split("per task, vs")[1], "mp", "fork")


def test_cost_per_edge(tmp_path):
    """300 tasks of 50 µs and 2 µs for each edge."""
    graphs = [
        {
            "label": {"what": "graph", "shape": "layered", "tasks": 300, "edges": edges},
            "bare": False,
            "seconds": 300 * 5e-5 + edges * 2e-6,
        }
        for edges in (0, 600, 6000)
    ]
    save(tmp_path, "overhead", "dask", {"threads": [[{"label": {}, "rounds": graphs}]]})
    tables = table_of(tmp_path, "overhead").split("trivial graph")
    row = row_of(tables[1], "dask", "threads")
    assert [float(row[place]) for place in (3, 5, 6)] == pytest.approx([50, 90, 2])


def test_metg_and_what_was_not_reached(tmp_path):
    pools = {
        "middle": [rounds_of_a_library(3e-4)["pools"]],
        "free": [rounds_of_a_library(0.0)["pools"]],
        "hopeless": [rounds_of_a_library(10.0)["pools"]],
    }
    save(tmp_path, "granularity", "mp", pools)
    table = table_of(tmp_path, "granularity")
    assert [float(cell) for cell in row_of(table, "mp", "middle")[3:5]] == pytest.approx([600, 3000], rel=0.1)
    assert all(cell.startswith("<") for cell in row_of(table, "mp", "free")[3:5])
    assert all(cell.startswith(">") for cell in row_of(table, "mp", "hopeless")[3:5])
    assert [path.suffix for path in draw_granularity(group_of(tmp_path))] == [".png", ".svg"]


def a_grid(cold_s, seconds_of, tasks=8, payloads=(1024, 2**20), computes=(0.0, 0.001, 0.01), refused=()):
    return [
        {
            "label": {"payload_bytes": payload, "compute_s": compute},
            "refused": "too large for this machine" if payload in refused else "",
            "shutdown_s": None if payload in refused else 0.1,
            "rounds": []
            if payload in refused
            else [
                {
                    "label": {"tasks": tasks, "what": what},
                    "bare": False,
                    "seconds": seconds_of(payload, compute) + extra,
                }
                for what, extra in (("cold", cold_s), ("settling", 7.0), ("warm", 0.0))
            ],
        }
        for payload in payloads
        for compute in computes
    ]


@pytest.mark.parametrize("one_cell", [False, True])
def test_grid(tmp_path, one_cell):
    levels = (
        {"payloads": (1024,), "computes": (0.001,)}
        if one_cell
        else {"refused": (2**30,), "payloads": (1024, 2**20, 2**30)}
    )
    save(tmp_path, "grid", "serial", {"loop": [a_grid(0.0001, lambda p, c: 4 * c + 5e-6, tasks=4, **levels)]}, n_jobs=1)
    save(tmp_path, "grid", "mp", {"fork": [a_grid(0.02, lambda p, c: 4 * c + 1e-3 + p * 1e-9, **levels)]})
    save(tmp_path, "grid", "ray", {"Pool": [a_grid(2.0, lambda p, c: 4 * c + 5e-4 + p * 1e-8, **levels)]})
    table = table_of(tmp_path, "grid")
    row = row_of(table, "ray", "Pool")
    assert row[3].startswith("2.100")  # with the pool's end
    # Kept, it beats serial where a task computes for long enough, and mp where payloads are small.
    assert row[4:8] == (["100%", "0%", "100%", "100%"] if one_cell else ["50%", "0%", "33%", "100%"])  # one is a tie
    assert row[8] == ("" if one_cell else "too large for this machine")
    written = grid.draw_grid(group_of(tmp_path))
    assert sorted(path.name for path in written) == sorted(
        f"grid{name}{suffix}"
        for name in ("", "_rebuilt", "_relative", "_speedup", "_fastest")
        for suffix in (".png", ".svg")
    )
    if not one_cell:
        grids = grid.grids_of(group_of(tmp_path))
        fastest = {key: grid.fastest_at(grids, grid.KEPT, key) for key in grids["mp", "fork"][grid.KEPT]}
        assert fastest[1024, 0.0] == "serial"
        assert fastest[1024, 0.001] == "ray"
        assert fastest[2**20, 0.001] == "mp"
        assert fastest[1024, 0.01] == grid.TIED  # 41.0 and 40.5 ms: a tie


@pytest.mark.parametrize("workload", ["overhead", "grid", "granularity"])
def test_failures_are_rows(tmp_path, workload):
    failed = {"outcome": "wrong", "reason": "of 9 tasks, 3 were never run", "wall_s": None}
    save(tmp_path, workload, "mp", {"fork": [[]]}, **failed)
    save(tmp_path, workload, "dask", {"graph": [[]]}, outcome="skipped", reason="no graphs here", wall_s=None)
    table = table_of(tmp_path, workload)
    assert "3 were never run" in row_of(table, "mp", "fork")[-1]
    assert "no graphs here" in row_of(table, "dask", "graph")[-1]
    group = group_of(tmp_path)
    assert grid.draw_grid(group) == draw_granularity(group) == draw_overhead(group) == []


@pytest.mark.parametrize(
    "pool",
    [
        {"label": {"a": []}, "refused": "", "rounds": [], "shutdown_s": 0.1},
        {"label": {}, "refused": "", "rounds": [], "shutdown_s": None},
        {
            "label": {},
            "refused": "",
            "rounds": [{"label": {"tasks": 1}, "bare": False, "seconds": 0}],
            "shutdown_s": 0.1,
        },
        {"label": {}, "refused": "", "rounds": [{"label": {}, "bare": False, "seconds": 1.0}], "shutdown_s": 0.1},
        {"label": {}, "refused": "", "rounds": [{"label": {"tasks": 1}, "bare": 0, "seconds": 1.0}], "shutdown_s": 0.1},
        {},
        None,
    ],
)
def test_damaged_pools_are_refused(tmp_path, pool):
    results.save(tmp_path, "overhead", "mp", [a_run(pools=[pool])])
    with pytest.raises(results.ResultsError, match="fields are missing or of another type"):
        results.load(results.path_of(tmp_path, "overhead", "mp"))


def test_latencies_are_of_all_trials(tmp_path):
    save(tmp_path, "overhead", "mp", {"fork": [a_trial_of_tasks(1e-3, 1e-4, 100, seed=s)["pools"] for s in (1, 2)]})
    cell = group_of(tmp_path).files[0].cells["fork", 2]
    assert len(rounds.latencies(cell)) == 2
