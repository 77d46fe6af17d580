"""The one door to looking at results.

    python utils.py                          list what was measured, draw it
    python utils.py plot FIGURE              one figure, to drag its labels; --save FILE.svg draws it again
    python utils.py report                   one HTML file to choose by, and to link to; --example: of the published run
    python utils.py table [WORKLOAD ...]     times, where they go, memory
    python utils.py compare OLD NEW          before and after, cell by cell
    python utils.py recommend --task-ms ...   which library for such tasks
    python utils.py recommend my_job.py      which library for more tasks of a job of your own, on more workers
    python utils.py code my_job.py LIBRARY IDIOM    a program that runs it so
    python utils.py export --format csv FILE

With a display, every figure opens, and its labels can be dragged. Ctrl+Z undoes a drag, Ctrl+Y redoes it, Ctrl+0 resets
all labels; the window's title says so. Label positions are saved beside the figure. Without a display
(``MPLBACKEND=Agg``), the same figures are written with saved or automatic label positions.
"""

import argparse
import re
import signal
import sys
from collections.abc import Iterable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import matplotlib.pyplot as plt
from rich.console import Console

from record.files import path_of as results_path
from record.terms import SKIPPED
from report.code_file import code_file
from report.export import COLUMNS, rows_of, write_csv, write_pyperf
from report.figures.total import draw_total
from report.figures.workload import draw_times, figures_of
from report.numbers.compare import NotComparable, compare
from report.numbers.group import Group, groups_of
from report.numbers.longer_job import longer_job
from report.numbers.measured import Measured, NoMeasurement, read
from report.numbers.names import EVERY_WORKLOAD, in_order
from report.numbers.own_job import is_own_job
from report.numbers.recommend import Task, check_cores, nearest_workload, recommend
from report.numbers.words import counted
from report.page.cards import cards_of
from report.tables.compare import print_comparison
from report.tables.console import PLAIN_WIDTH
from report.tables.longer_job import print_longer_job
from report.tables.recommend import print_nearest_workload, print_recommended
from report.tables.workload import print_tables

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path(__file__).resolve().parent / "results"
EXAMPLE = RESULTS / "example.html"
MOST_CARDS = 3  # of the page's, in the terminal
PUBLISHED = RESULTS.with_name("docs") / "published"


def visualize_results_for_benchmark(files: Iterable[str | Path], align_labels: bool = False) -> list[Path]:
    """Draw one workload: one-shot time against number of workers, a line per library and idiom, and the ideal line.

    With fewer than three numbers of workers, it is a dot per idiom. ``files``: the results files of one workload.
    ``align_labels``: turn each label to the slope of its line. Returns the PNG and the SVG that were written, beside
    the files. Raises ValueError for no files, for files of several workloads, and for a file that cannot be read.
    """
    groups, refused = groups_of(map(Path, files))
    if refused or len(groups) != 1:
        raise ValueError("; ".join(refused) or f"files of one workload are needed, these are of {len(groups)}")
    return draw_times(groups[0], align_labels)


def visualize_total_benchmark_times(files: Iterable[str | Path], align_labels: bool = False) -> list[Path]:
    """Draw all workloads side by side, each in its own seconds: nothing is normalised or averaged over workloads.

    Parameters, result and errors are those of `visualize_results_for_benchmark`; files may be of several workloads.
    """
    groups, refused = groups_of(map(Path, files))
    if refused or not groups:
        raise ValueError("; ".join(refused) or "there are no results to draw")
    return draw_total(groups, align_labels)


def load(folder: str | Path) -> "pd.DataFrame":
    """Return a row for each trial of the newest run of every results file in ``folder``: the columns of the CSV.

    Raises ValueError for a file that cannot be read, and where there are none.
    """
    import pandas as pd  # here: commands that need no frame start sooner

    files, refused = read(sorted(Path(folder).glob("*.p3")))
    if refused or not files:
        raise ValueError("; ".join(refused) or f"there are no results in {folder}")
    return pd.DataFrame.from_records(list(rows_of(files)), columns=COLUMNS)


def main() -> int:
    """Do what the command line asks for; return 0, 1 where a result is bad news, 2 for a mistake."""
    options = _parser().parse_args()
    return options.action(options)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        sys.exit(_fail(f"{message}; see python utils.py --help"))


def _fail(message: str) -> int:
    print(f"utils.py: {message}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="utils.py", description="Look at results. Without a command: list and draw them.")
    parser.set_defaults(action=_draw)
    commands = parser.add_subparsers(metavar="COMMAND")
    plot = commands.add_parser("plot", help="one figure, to drag its labels")
    plot.add_argument(
        "figure", metavar="FIGURE", help="a workload, or total, numerical_kept, numerical_job_length, sharing_copies"
    )
    plot.add_argument("--save", type=Path, metavar="FILE", help="write it, by the file's suffix, and show nothing")
    plot.add_argument("--dark", action="store_true", help="on a dark ground")
    plot.set_defaults(action=_plot)
    table = commands.add_parser("table", help="times, where they go, memory")
    table.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=f"{', '.join(EVERY_WORKLOAD)} (all)")
    table.set_defaults(action=_table)
    page = commands.add_parser("report", help="one self-contained HTML file")
    page.add_argument("--example", action="store_true", help="of the published run: what to expect, before measuring")
    page.set_defaults(action=_report)
    choosing = commands.add_parser("recommend", help="which library for such tasks, from what was measured here")
    choosing.add_argument("job", nargs="?", metavar="JOB", help="a job of your own that was measured: my_job.py")
    choosing.add_argument("--n-tasks", type=float, metavar="N", help="of that job (all)")
    choosing.add_argument("--task-ms", type=float, metavar="MS", help="what a task computes, on one core")
    choosing.add_argument("--bytes-in", type=size_in_bytes, default=0.0, metavar="SIZE", help="that a task is sent")
    choosing.add_argument("--bytes-out", type=size_in_bytes, default=0.0, metavar="SIZE", help="that it sends back")
    choosing.add_argument("--state", choices=["none", "worker"], default="none", help="that workers keep and hand back")
    choosing.add_argument("--shared", type=size_in_bytes, default=0.0, metavar="SIZE", help="that every task reads")
    choosing.add_argument("--memory", type=size_in_bytes, default=0.0, metavar="SIZE", help="that may be used in all")
    choosing.add_argument("--n-jobs", type=int, metavar="N", help="workers")
    choosing.add_argument(
        "--must", choices=["survive-worker-death"], help="all results must come, even if a worker dies"
    )
    choosing.set_defaults(action=_recommend)
    code = commands.add_parser("code", help="a program that runs a job of your own with one library and idiom")
    code.add_argument("job", metavar="JOB", help="that was measured: my_job.py")
    code.add_argument("library", metavar="LIBRARY")
    code.add_argument("idiom", metavar="IDIOM")
    code.set_defaults(action=_code)
    comparing = commands.add_parser("compare", help="before and after: ratio, interval, verdict of every cell")
    comparing.add_argument("old", type=Path, metavar="OLD", help="a folder of results, or one file")
    comparing.add_argument("new", type=Path, metavar="NEW", help="another")
    comparing.add_argument("--force", action="store_true", help="though machines or parameters differ")
    comparing.add_argument("--fail-on", choices=["slower"], help="exit status 1 if a cell is slower, or fails now")
    comparing.set_defaults(action=_compare)
    export = commands.add_parser("export", help="for other tools")
    export.add_argument("--format", choices=["csv", "pyperf"], required=True, help="a row per trial; pyperf's JSON")
    export.add_argument("file", type=Path, metavar="FILE", help="to be written")
    export.set_defaults(action=_export)
    for each in (table, choosing, comparing):
        each.add_argument("--wide", action="store_true", help="all columns, however narrow the terminal")
    for each in (parser, plot, table, choosing, code, export):
        each.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="where results are")
    several = "where results are; several folders: one page of several machines, written into the first"
    page.add_argument("--results", type=Path, nargs="+", default=[RESULTS], metavar="DIR", help=several)
    return parser


def _console(options: argparse.Namespace) -> Console:
    return Console(width=PLAIN_WIDTH) if options.wide else Console()


def _groups(folder: Path) -> tuple[list[Group], list[str]]:
    """Return what `groups_of` does of a folder, and say what was refused."""
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    for line in refused:
        print(line, file=sys.stderr)
    return groups, refused


def _draw(options: argparse.Namespace) -> int:
    groups, refused = _groups(options.results)
    if not groups:
        return _nothing(options.results)
    for group in groups:
        print(f"{group.workload}, {group.files[0].machine}")
        for file in group.files:
            print(f"  {_line(file)}")
        for line in group.left_out:
            print(f"  left out: {line}")
    for draw in figures_of(groups).values():
        for path in draw():
            print(path)
    return 1 if refused else 0


def _plot(options: argparse.Namespace) -> int:
    options.figure = _name_of(options.figure)
    groups, refused = _groups(options.results)
    figures = figures_of(groups)
    if options.figure not in figures:
        known = f"choose from {', '.join(figures)}" if figures else "measure first: python benchmark_all.py"
        return _fail(f"there is no figure {options.figure!r} of {options.results}: {known}")
    with plt.style.context("dark_background" if options.dark else "default"):
        try:
            drawn = figures[options.figure](save=options.save)
        except (OSError, ValueError) as error:
            return _fail(f"{options.save} cannot be written: {error}")
    if not drawn:
        return _fail(f"there is nothing to draw in {options.figure}: python utils.py table says why")
    for path in drawn:
        print(path)
    return 1 if refused else 0


def _table(options: argparse.Namespace) -> int:
    files, refused = read(sorted(options.results.glob("*.p3")))
    options.workloads = [_name_of(name) for name in options.workloads]
    measured = in_order({file.workload for file in files}, EVERY_WORKLOAD)
    if unknown := [name for name in options.workloads if name not in (*EVERY_WORKLOAD, *measured)]:
        return _fail(f"there is no workload {unknown[0]!r}: choose from {', '.join(EVERY_WORKLOAD)}")
    if not files and not refused:
        return _nothing(options.results)
    if missing := [name for name in options.workloads if name not in measured]:
        for line in refused:
            print(line, file=sys.stderr)
        return _fail(
            f"no results of {missing[0]} in {options.results}; measure first: python benchmark_all.py {missing[0]}"
        )
    print_tables(options.results, options.workloads or measured, _console(options))
    return 1 if refused else 0


def _report(options: argparse.Namespace) -> int:
    folders = [PUBLISHED] if options.example else list(dict.fromkeys(options.results))
    names = _apart(folders)
    by_machine = {name: _groups(folder) for name, folder in zip(names, folders, strict=True)}
    for folder, (groups, _) in zip(folders, by_machine.values(), strict=True):
        if not groups:
            return _nothing(folder)
    from report.page.render import write_page  # what only the page needs takes a second to import

    path = EXAMPLE if options.example else folders[0] / "report.html"
    refused = [line for _, lines in by_machine.values() for line in lines]
    try:
        path.parent.mkdir(exist_ok=True)
        size = write_page({name: groups for name, (groups, _) in by_machine.items()}, refused, path)
    except OSError as error:
        return _fail(f"{path} cannot be written: {error}")
    for name, (groups, _) in by_machine.items():
        for card in cards_of({group.workload: group for group in groups})[:MOST_CARDS]:
            print(f"{f'{name}: ' if name else ''}{card.title}: {card.choice} ({card.idiom}): {card.figures}")
    print(f"{size / 1e6:.1f} MB: {path}. Your own function over all of them: python benchmark_all.py my_job.py")
    return 1 if refused else 0


def _apart(folders: list[Path]) -> list[str]:
    """Return a distinct name for each folder's machine; an empty name for a single folder."""
    if len(folders) == 1:
        return [""]
    short = [folder.resolve().name for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]


def _name_of(workload: str) -> str:
    """Return the name of a workload; for the path of a user's own job, the name of its file without ``.py``."""
    return Path(workload).stem if workload.endswith(".py") else workload


def _code(options: argparse.Namespace) -> int:
    path = results_path(options.results, _name_of(options.job), options.library)
    files, refused = read([path] if path.exists() else [])
    for line in refused:
        print(line, file=sys.stderr)
    if not files or not is_own_job(files[0].run.inputs):
        return _fail(
            f"no results of {options.job} with {options.library} in {options.results}; measure first: "
            f"python benchmark_{options.library}.py {options.job}"
        )
    try:
        print(code_file(files[0].run, options.library, options.idiom), end="")
    except ValueError as error:
        return _fail(str(error))
    return 0


def _recommend_for_job(options: argparse.Namespace) -> int:
    for name, value in (("--n-tasks", options.n_tasks), ("--n-jobs", options.n_jobs)):
        if value is not None and not 1 <= value < inf:
            return _fail(f"{name} is {value:g}: it must be at least 1")
    groups, refused = _groups(options.results)
    tasks = None if options.n_tasks is None else round(options.n_tasks)
    try:
        by_name = {group.workload: group for group in groups}
        prediction = longer_job(by_name, _name_of(options.job), tasks, options.n_jobs)
    except NoMeasurement as error:
        return _fail(str(error))
    print_longer_job(prediction, _console(options))
    return 1 if refused else 0


def _recommend(options: argparse.Namespace) -> int:
    if options.job:
        return _recommend_for_job(options)
    if options.task_ms is None or options.n_jobs is None:
        return _fail("recommend needs --task-ms and --n-jobs, or a job of your own that was measured: my_job.py")
    if not 0 <= options.task_ms < inf:
        return _fail(f"--task-ms is {options.task_ms:g}: it must be 0 or more milliseconds")
    if options.n_jobs < 1:
        return _fail(f"--n-jobs is {options.n_jobs}: it must be at least 1")
    groups, refused = _groups(options.results)
    if not groups:
        return _nothing(options.results)
    task = Task(
        task_s=options.task_ms / 1e3,
        bytes_in=options.bytes_in,
        bytes_out=options.bytes_out,
        state=options.state == "worker",
        shared_bytes=options.shared,
        memory_bytes=options.memory,
        n_jobs=options.n_jobs,
        survives=options.must == "survive-worker-death",
    )
    by_name = {group.workload: group for group in groups}
    try:
        check_cores(by_name, task.n_jobs)
        if "grid" in by_name:
            print_recommended(recommend(by_name, task), _console(options))
        else:
            print_nearest_workload(nearest_workload(by_name, task), _console(options))
    except NoMeasurement as error:
        return _fail(str(error))
    return 1 if refused else 0


def size_in_bytes(text: str) -> float:
    """Return the bytes that ``512MB``, ``4GiB`` or ``1e6`` stand for. Raises ArgumentTypeError."""
    parts = re.fullmatch(r"(\d*\.?\d+(?:e[+-]?\d+)?) ?([kmgt]?)(i?)b?", text.strip().lower())
    if not parts:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write 1e6, 512MB or 4GiB")
    number, prefix, binary = parts.groups()
    return float(number) * (1024 if binary else 1000) ** ("kmgt".index(prefix) + 1 if prefix else 0)


def _compare(options: argparse.Namespace) -> int:
    try:
        comparison = compare(options.old, options.new, options.force)
    except NotComparable as error:
        return _fail(str(error))
    print_comparison(comparison, _console(options))
    return 1 if options.fail_on and comparison.slower else 0


def _export(options: argparse.Namespace) -> int:
    files, refused = read(sorted(options.results.glob("*.p3")))
    for line in refused:
        print(line, file=sys.stderr)
    if not files:
        return _nothing(options.results)
    try:
        if options.format == "csv":
            print(f"{write_csv(files, options.file)} trials: {options.file}")
        else:
            print(f"{write_pyperf(files, options.file)} benchmarks: {options.file}")
    except (OSError, ValueError) as error:
        return _fail(f"{options.file} cannot be written: {error}")
    return 1 if refused else 0


def _nothing(folder: Path) -> int:
    return _fail(f"no results in {folder}; measure first: python benchmark_all.py")


def _line(file: Measured) -> str:
    idioms, trials = len(file.idioms), sum(trial.outcome != SKIPPED for trial in file.run.trials)
    idioms_and_trials = f"{counted(idioms, 'idiom')}, {counted(trials, 'trial')}"
    return f"{file.path.name}: {idioms_and_trials}, {file.run.profile} profile, {file.run.started}"


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `| head` ends it as it ends any command that only shows
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    sys.exit(main())
