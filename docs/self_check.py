"""How often the self-check tells the truth: ``python docs/self_check.py [REPETITIONS] [FLAGS OF benchmark_all.py ...]``.

Each repetition is ``python benchmark_all.py --self-check``. Prints the false difference and the slowdown that was seen,
repetition by repetition; then the median false difference, how often the 5 % were found, how often a difference was
found that is not there, and the noise floor: half the interquartile range of the log-ratio of two trials of one block.
"""

import subprocess
import sys
import tempfile
from math import exp, log
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from harness.kinds import SELF_AGAIN, SELF_SLOWED  # noqa: E402
from report.measured import read  # noqa: E402
from report.selfcheck import self_check  # noqa: E402
from report.statistics import SLOWER, TIE  # noqa: E402


def main() -> None:
    repetitions, flags = int(sys.argv[1]) if len(sys.argv) > 1 else 20, sys.argv[2:]
    found: dict[str, list] = {}
    noise: dict[str, list[float]] = {}
    for repetition in range(repetitions):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, str(ROOT / "benchmark_all.py"), "--self-check", "--results", folder, *flags]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            files, _ = read(sorted(Path(folder).glob("self-check/*.p3")))
        for workload in sorted({file.workload for file in files}):
            ratios = self_check(files, workload)
            found.setdefault(workload, []).append(ratios)
            times = {f.library: next(iter(f.cells.values())).times for f in files if f.workload == workload}
            itself, again = times["mp"], times["mp" + SELF_AGAIN]
            noise.setdefault(workload, []).extend(log(again[b] / itself[b]) for b in itself if b in again)
            values = [f"{ratios[s].ratio - 1:+.1%} {ratios[s].verdict}" for s in (SELF_AGAIN, SELF_SLOWED)]
            print(f"{workload} {repetition + 1:2}: again {values[0]:15} slowed {values[1]}", flush=True)
    for workload, all_ratios in found.items():
        falsely = [ratios[SELF_AGAIN].ratio for ratios in all_ratios]
        low, _, high = quantiles(noise[workload])
        print(
            f"{workload}: median false difference {median(falsely) - 1:+.2%} (of single repetitions, absolute: median "
            f"{median(abs(log(value)) for value in falsely):.2%}, largest {max(abs(log(v)) for v in falsely):.2%}); "
            f"5 % found {sum(r[SELF_SLOWED].verdict == SLOWER for r in all_ratios)} of {repetitions}, median "
            f"{median(r[SELF_SLOWED].ratio for r in all_ratios) - 1:+.2%}; false findings "
            f"{sum(r[SELF_AGAIN].verdict != TIE for r in all_ratios)}; noise floor of a pair ± {exp((high - low) / 2) - 1:.1%}"
        )


if __name__ == "__main__":
    main()
