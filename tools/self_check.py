"""How often the self-check tells the truth: ``python tools/self_check.py REPETITIONS [FLAGS OF benchmark_all.py ...]``.

Each repetition is ``python benchmark_all.py --self-check FLAGS``. Prints what each said. Then, per workload, prints the
median false difference, how often the 5 % were found, how often a difference was found that is not there, and the noise
floor (half the interquartile range of the ratio of two trials of one block). By drawing from all measured pairs, it
also tells how many blocks would find the 5 % in 19 of 20 cases.
"""

import random
import subprocess
import sys
import tempfile
from math import exp, log
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from record.terms import SELF_AGAIN, SELF_SLOWED  # noqa: E402
from report.numbers.measured import read  # noqa: E402
from report.numbers.selfcheck import self_check  # noqa: E402
from report.numbers.statistics import FASTER, SLOWER, paired  # noqa: E402

DRAWS = 300
BLOCKS = (6, 8, 10, 12, 16, 20, 30, 40, 60, 80, 120)


def main() -> None:
    repetitions, flags = int(sys.argv[1]), sys.argv[2:]
    found: dict[str, list] = {}
    pairs: dict[tuple[str, str], list[float]] = {}
    for repetition in range(repetitions):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(ROOT / "benchmark_all.py"), "--self-check", "--results", folder, *flags]
            if (status := subprocess.run(command, stdout=subprocess.DEVNULL).returncode) not in (0, 1):
                sys.exit(f"{' '.join(command)}: exit status {status}")
            files, _ = read(sorted(Path(folder).glob("self-check/*.p3")))
        for workload in sorted({file.workload for file in files}):
            ratios = self_check(files, workload)
            found.setdefault(workload, []).append(ratios)
            times = {f.library: next(iter(f.cells.values())).times for f in files if f.workload == workload}
            name = next(name for name in times if name + SELF_AGAIN in times)
            for suffix in (SELF_AGAIN, SELF_SLOWED):
                itself, other = times[name], times[name + suffix]
                logs = [log(other[block] / itself[block]) for block in itself if block in other]
                pairs.setdefault((workload, suffix), []).extend(logs)
            said = [f"{ratios[suffix].ratio - 1:+.1%} {ratios[suffix].verdict}" for suffix in (SELF_AGAIN, SELF_SLOWED)]
            print(f"{workload} {repetition + 1:2}: again {said[0]:22} slowed {said[1]}", flush=True)
    for workload, all_ratios in found.items():
        _print_summary(workload, all_ratios, pairs[workload, SELF_AGAIN], pairs[workload, SELF_SLOWED])


def _print_summary(workload: str, all_ratios: list, again: list[float], slowed: list[float]) -> None:
    false = [ratios[SELF_AGAIN].ratio - 1 for ratios in all_ratios]
    low, _, high = quantiles(again)
    print(f"{workload}, {len(all_ratios)} repetitions of {len(again) // len(all_ratios)} blocks:")
    print(f"  false difference: median {median(false):+.2%}; absolute: median {median(map(abs, false)):.2%}, ", end="")
    print(f"largest {max(map(abs, false)):.2%}; called a difference: ", end="")
    print(sum(ratios[SELF_AGAIN].verdict in (FASTER, SLOWER) for ratios in all_ratios))
    print(f"  slowed down by 5 %: median {median(r[SELF_SLOWED].ratio for r in all_ratios) - 1:+.2%}; found: ", end="")
    print(sum(ratios[SELF_SLOWED].verdict == SLOWER for ratios in all_ratios))
    print(f"  noise floor of one pair: ± {exp((high - low) / 2) - 1:.1%}")
    print("  found, drawing from all pairs: " + ", ".join(f"{n} blocks {_power(slowed, n):.0%}" for n in BLOCKS))


def _power(slowed: list[float], blocks: int) -> float:
    """Return how often the slowdown is found with so many blocks, drawn with replacement from those measured."""
    rng = random.Random(blocks)
    reference = dict.fromkeys(range(blocks), 1.0)
    found = 0
    for _ in range(DRAWS):
        drawn = [exp(rng.choice(slowed)) for _ in range(blocks)]
        found += paired({"b": (dict(enumerate(drawn)), reference)})["b"].verdict == SLOWER
    return found / DRAWS


if __name__ == "__main__":
    main()
