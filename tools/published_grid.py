"""Ask the published grids and ours the same questions: ``python tools/published_grid.py RESULTS``.

What does rebuilding Ray's pool cost, and does that depend on the work? In which share of the cells does Ray's kept pool
beat `multiprocessing.Pool`, and where does the line between them run? The published matrices are in
docs/published_grid.json (seconds; 10 x 14, axes not labelled); ours are the results of `grid` in the folder RESULTS.
"""

import json
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from record.terms import KEPT  # noqa: E402
from report.numbers.grid import REBUILT, Times, grids_of, rebuilding_s  # noqa: E402
from report.numbers.group import group_of  # noqa: E402
from report.numbers.measured import read  # noqa: E402
from report.numbers.rounds import rounds_of  # noqa: E402

RAY, RAY_REBUILT = ("ray", "ray.util.multiprocessing.Pool"), ("ray", "naive: Pool for every round")


def say_wins(name: str, ray: Times, others: Times) -> None:
    """Print the share of cells that Ray wins, and in which."""
    won = {key for key in ray if ray[key] < others[key]}
    print(f"{name}: Ray's kept pool wins {len(won)} of {len(ray)} cells, {len(won) / len(ray):.0%}")
    rows, columns = (sorted({key[axis] for key in ray}) for axis in (0, 1))
    for row in rows:
        print(f"  {row:>9} " + "".join("R" if (row, column) in won else "." for column in columns))


def say_extra(name: str, extra_s: list[float]) -> None:
    """Print what is paid for rebuilding."""
    print(f"{name}: {median(extra_s):.2f} s a round ({min(extra_s):.2f} to {max(extra_s):.2f})")


def main() -> None:
    matrices = json.loads((ROOT / "docs" / "published_grid.json").read_text())["matrices"]
    pool, rebuilt, kept = (
        {(i, j): seconds for i, row in enumerate(matrices[name]) for j, seconds in enumerate(row)}
        for name in ("multiprocessing.Pool", "ray pool, rebuilt each time", "ray pool, kept")
    )
    say_extra("published, Ray's pool rebuilt", [rebuilt[key] - kept[key] for key in kept])
    say_wins("published", kept, pool)
    files, refused = read(sorted(Path(sys.argv[1]).glob("grid_*.p3")))
    if refused or not files:
        sys.exit("; ".join(refused) or f"no results of grid in {sys.argv[1]}")
    group = group_of(files)
    ours, pool_name = grids_of(group), group.reference
    if RAY not in ours or pool_name not in ours:
        sys.exit(f"{sys.argv[1]} has no results of grid for ray and mp: python benchmark_all.py grid")
    cells = {cell.name: cell for file in files for cell in file.cells.values()}
    tasks = max(each.tasks for trial in cells[RAY].timed for each in rounds_of(trial, KEPT))
    if RAY_REBUILT in ours:
        new_pools = [tasks * (ours[RAY_REBUILT][KEPT][key] - seconds) for key, seconds in ours[RAY][KEPT].items()]
        say_extra("ours, a new Pool on a Ray that runs", new_pools)
    say_extra("ours, Ray started and ended with it", rebuilding_s(cells[RAY]))
    say_wins("ours, against multiprocessing.Pool rebuilt", ours[RAY][KEPT], ours[pool_name][REBUILT])
    say_wins("ours, against multiprocessing.Pool kept", ours[RAY][KEPT], ours[pool_name][KEPT])


if __name__ == "__main__":
    main()
