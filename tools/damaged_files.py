"""Show 1 000 damaged results files by every verb of utils.py: ``python tools/damaged_files.py [FILES [SEED]]``.

Each file is cut, has bytes changed or added, or has one field spoiled, at random. Twenty lie in a folder, beside a
healthy folder. A verb may raise no exception, print nothing that a terminal would obey, and not hang.
"""

import copy
import pickle
import random
import sys
import tempfile
import traceback
from collections import Counter
from itertools import product
from math import inf, nan
from pathlib import Path
from time import perf_counter

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from record.terms import WORKLOADS  # noqa: E402
from report.palette import COLORS  # noqa: E402
from tests.conftest import run_utils  # noqa: E402
from tests.record.test_hostile_files import WHOLE, places  # noqa: E402

NAMES = list(product(WORKLOADS, COLORS))[:20]  # of the files of a folder
HOSTILE = (
    10**400, -(10**400), 2**63, -1, 0, 1e308, nan, inf, None, True, "", "\ud800", "\x1b[31mred", "\x07", "a" * 300,
    "\n", "$\\frac{", "<script>alert(1)</script>", "../../etc", [], {}, [[[]]], {"a": 1},
)  # fmt: skip


def damaged(content: dict, chance: random.Random) -> bytes:
    """Return a file with one damage."""
    kind = chance.choice(("cut", "changed", "added", "spoiled", "spoiled"))
    if kind == "spoiled":
        content = copy.deepcopy(content)
        *way, last = chance.choice(list(places(content)))
        inside = content
        for key in way:
            inside = inside[key]
        inside[last] = chance.choice(HOSTILE)
        return pickle.dumps(content)
    data = bytearray(pickle.dumps(content))
    at = chance.randrange(len(data))
    if kind == "cut":
        del data[at:]
    elif kind == "changed":
        data[at] = chance.randrange(256)
    else:
        data[at:at] = chance.randbytes(chance.randrange(1, 9))
    return bytes(data)


def folder_of(path: Path, damage: random.Random | None) -> Path:
    """Fill a folder; without ``damage`` all its files are healthy."""
    path.mkdir()
    for workload, library in NAMES:
        content = {**WHOLE, "workload": workload, "library": library}
        data = damaged(content, damage) if damage else pickle.dumps(content)
        (path / f"{workload}_{library}.p3").write_bytes(data)
    return path


def verbs(folder: Path, healthy: Path) -> dict[str, list]:
    """Return the arguments of every verb; figures are one of dots and the one of all workloads."""
    here, out = ["--results", folder], folder / "out"
    return {
        "table": ["table", *here],
        "report": ["report", *here],
        "report, two folders": ["report", "--results", folder, healthy],
        "plot numerical": ["plot", "numerical", "--save", f"{out}.svg", *here],
        "plot total": ["plot", "total", "--save", f"{out}.png", *here],
        "compare": ["compare", folder, healthy, "--force"],
        "compare, the other way": ["compare", healthy, folder, "--force"],
        "recommend": ["recommend", "--task-ms", "5", "--n-jobs", "1", *here],
        "code": ["code", "numerical", "ray", "tasks", *here],
        "export csv": ["export", "--format", "csv", f"{out}.csv", *here],
        "export pyperf": ["export", "--format", "pyperf", f"{out}.json", *here],
    }


def main() -> None:
    """Show them, and print a row for each verb."""
    files = int(sys.argv[1]) if sys.argv[1:] else 1000
    chance = random.Random(int(sys.argv[2]) if sys.argv[2:] else 1)
    statuses: dict[str, Counter] = {}
    longest_s: Counter = Counter()
    refused = 0
    with tempfile.TemporaryDirectory() as name:
        healthy = folder_of(Path(name) / "healthy", None)
        for number in range(-(-files // len(NAMES))):
            folder = folder_of(Path(name) / str(number), chance)
            for verb, arguments in verbs(folder, healthy).items():
                status, seconds, stderr = _tried(arguments)
                statuses.setdefault(verb, Counter())[status] += 1
                longest_s[verb] = max(longest_s[verb], seconds)
                refused += stderr.count(".p3:") if verb == "report" else 0
    print(f"{number + 1} folders of {len(NAMES)} damaged files; refused by name: {refused} files, the others are shown")
    for verb, counts in statuses.items():
        told = ", ".join(f"{status}: {count}" for status, count in sorted(counts.items()))
        print(f"  {verb:24} {told:40} longest {longest_s[verb]:.1f} s")


def _tried(arguments: list) -> tuple[str, float, str]:
    begin = perf_counter()
    try:
        ended = run_utils(*arguments)
    except Exception:  # noqa: BLE001 - whatever it is, it is what is looked for
        traceback.print_exc()
        return "EXCEPTION", perf_counter() - begin, ""
    raw = any(ord(each) < 32 and each not in "\n\t" for each in ended.stdout + ended.stderr)
    return f"exit {ended.returncode}{', RAW' if raw else ''}", perf_counter() - begin, ended.stderr


if __name__ == "__main__":
    main()
