"""The one door to looking at results: ``python utils.py [--results DIR]`` lists what is there and draws it.

With a display, every figure opens with labels that can be dragged; where they end up is remembered beside the figure.
Without one (``MPLBACKEND=Agg``), the same figures are written with remembered or automatic label positions.
"""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from report.figures import draw_total, draw_workload, groups_of
from report.measured import Measured

RESULTS = Path(__file__).resolve().parent / "results"


def visualize_results_for_benchmark(files: Iterable[str | Path], align_labels: bool = False) -> list[Path]:
    """Draw one workload: wall time against number of workers, one line per library and idiom, with the ideal line.

    ``files``: the results files of one workload. ``align_labels``: turn each label to the slope of its line. Returns
    the PNG and the SVG that were written, beside the files. Raises ValueError for files of several workloads, of none,
    or that cannot be read.
    """
    groups, refused = groups_of(map(Path, files))
    if refused or len(groups) != 1:
        raise ValueError("; ".join(refused) or f"files of one workload are needed, these are of {len(groups)}")
    return draw_workload(groups[0], align_labels)


def visualize_total_benchmark_times(files: Iterable[str | Path], align_labels: bool = False) -> list[Path]:
    """Draw all workloads side by side, each in its own seconds: nothing is normalised or averaged over workloads.

    Parameters, result and errors as of `visualize_results_for_benchmark`, but for files of any number of workloads.
    """
    groups, refused = groups_of(map(Path, files))
    if refused or not groups:
        raise ValueError("; ".join(refused) or "there are no results to draw")
    return draw_total(groups, align_labels)


def main() -> int:
    """List and draw; return 0, or 1 if a file was refused, or 2 if there is nothing to show."""
    parser = argparse.ArgumentParser(description="List the results and draw them.", allow_abbrev=False)
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where results are")
    folder = parser.parse_args().results
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    for line in refused:
        print(line, file=sys.stderr)
    if not groups:
        print(f"utils.py: no results in {folder}; measure first: python benchmark_all.py", file=sys.stderr)
        return 2
    for group in groups:
        print(f"{group.workload}, {group.files[0].machine}")
        for file in group.files:
            print(f"  {_line(file)}")
        for line in group.left_out:
            print(f"  left out: {line}")
    drawn = [path for group in groups for path in draw_workload(group, align=False)]
    for path in [*drawn, *draw_total(groups, align=False)]:
        print(path)
    return 1 if refused else 0


def _line(file: Measured) -> str:
    idioms, trials = len(file.idioms), len(file.run["trials"])
    idioms_and_trials = f"{idioms} idiom{'s' * (idioms != 1)}, {trials} trial{'s' * (trials != 1)}"
    return f"{file.path.name}: {idioms_and_trials}, {file.run['profile']} profile, {file.run['started']}"


if __name__ == "__main__":
    sys.exit(main())
