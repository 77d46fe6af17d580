"""A library that is added with one file: measured, and then shown wherever the others are."""

import pytest

import utils
from tests.conftest import ROOT, TINY, run_suite, run_utils, without

TOY = '''"""A toy library: multiprocessing.Pool under another name."""

from multiprocessing import get_context

from trial.script import idiom, run


def map_toy(job, rounds, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, tasks, 1)


def shared_toy(job, rounds, n_jobs):
    with get_context("fork").Pool(n_jobs) as pool:
        for tasks in rounds:
            yield pool.starmap(job.task, [(*arguments, job.shared) for arguments in tasks], 1)


if __name__ == "__main__":
    run(
        map={"toy pool": idiom(map_toy, start="fork")},
        shared={"toy pool": idiom(shared_toy, start="fork", shares="sent with every task")},
    )
'''


MEASURED = ("numerical", "overhead", "--n-jobs", "2", "--memory-trials", "0")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What a run of the new script and the plain loop leaves, measured as a user would, with tiny sizes."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "benchmark_toy.py").write_text(TOY)
    short = without(TINY, overhead_budget_s=0.2)
    for script in (folder / "benchmark_toy.py", ROOT / "benchmark_serial.py"):
        ended = run_suite(*MEASURED, "--results", folder / "results", script=script, sizes=short)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder / "results"


def test_it_is_in_the_table(results):
    ended = run_utils("table", "--results", results)
    rows = [line for line in ended.stdout.splitlines() if "toy pool" in line]
    assert len([row for row in rows if row.startswith("│toy ")]) >= 4  # numerical's times and parts, overhead's costs


def test_it_is_in_the_figure(results):
    paths = utils.visualize_results_for_benchmark(results.glob("numerical_*.p3"))
    svg = next(path for path in paths if path.suffix == ".svg").read_text()
    assert ">toy: toy pool<" in svg


def test_it_is_in_the_page_and_its_questions(results):
    ended = run_utils("report", "--results", results)
    assert (ended.returncode, ended.stderr) == (0, "")
    page = (results / "report.html").read_text()
    matrix, questions = page[page.index('<table id="rows"') :], page[page.index('<section id="questions"') :]
    assert ">toy</th><td>toy pool</td><td>fork</td>" in matrix
    assert "toy (toy pool)" in questions
    assert "def shared_toy(" in page.replace('<span class="nf">', "").replace("</span>", "").replace(
        '<span class="k">', ""
    ).replace('<span class="w">', "").replace('<span class="p">', "")
