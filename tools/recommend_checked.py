"""Check what `recommend` predicts for eight times the tasks of a job, by measuring them.

    python tools/recommend_checked.py [JOB [TRIALS]]     # examples/denoising.py, 2

The job, and then one that does its tasks eight times, are measured, one run after the other.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from report.numbers.group import groups_of  # noqa: E402
from report.numbers.longer_job import longer_job  # noqa: E402
from report.numbers.words import called  # noqa: E402

TIMES = 8
MORE_TASKS = f"""

_once = tasks


def tasks():
    return {TIMES} * list(_once())
"""


def main() -> None:
    """Measure, and print each row's prediction beside what was measured."""
    job = Path(sys.argv[1]) if sys.argv[1:] else ROOT / "examples" / "denoising.py"
    trials = sys.argv[2] if sys.argv[2:] else "2"
    with tempfile.TemporaryDirectory() as name:
        once, more = Path(name) / "once.py", Path(name) / "more.py"
        once.write_text(job.read_text("utf-8"), "utf-8")
        more.write_text(job.read_text("utf-8") + MORE_TASKS, "utf-8")
        for path in (once, more):
            command = [sys.executable, ROOT / "benchmark_all.py", path, "--trials", trials, "--memory-trials", "0"]
            subprocess.run([*command, "--timeout", "300", "--results", name], check=False)
        _compare(Path(name))


def _compare(folder: Path) -> None:
    groups, refused = groups_of(sorted(folder.glob("*.p3")))
    by_name = {group.workload: group for group in groups}
    measured = by_name["once"].newest.run.inputs["tasks"]
    predicted = longer_job(by_name, "once", TIMES * measured, None)
    actual = by_name["more"].cells(predicted.n_jobs) | by_name["more"].cells(1)
    print("\n".join(refused), f"{'':60}{'predicted':>12}{'measured':>12}{'off by':>9}")
    worst: dict[str, float] = {}
    for row in predicted.rows:
        found = actual.get(row.cell.name)
        if found and found.one_shot:
            off = row.one_shot_s / found.one_shot.median - 1
            worst.setdefault(row.cell.library, off)  # of the row that is predicted to be the library's fastest
            print(f"{called(row.cell.name):60}{row.one_shot_s:10.2f} s{found.one_shot.median:10.2f} s{off:+9.1%}")
    print("Each library's fastest:", ", ".join(f"{library} {off:+.1%}" for library, off in worst.items()))


if __name__ == "__main__":
    main()
