"""Put a run into docs/published/, small enough for the repository: without task logs that no chart needs.

    python tools/publish.py RESULTS

Logs stay for two uses: the plain loop's longest task is part of the limit, and the timelines of each library's fastest
idiom are drawn from its trials' logs.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from record.files import save  # noqa: E402
from record.schema import Tasks  # noqa: E402
from record.terms import COLD, KEPT  # noqa: E402
from report.numbers.group import Group, groups_of  # noqa: E402
from report.numbers.names import SERIAL  # noqa: E402
from report.numbers.parts import median_trial  # noqa: E402

PUBLISHED = ROOT / "docs" / "published"


def publish(group: Group) -> None:
    """Write a workload's files."""
    drawn = [median_trial(cell, phase) for cell in group.fastest_of_each_library for phase in (COLD, KEPT)]
    for file in group.files:
        for trial in file.run.trials:
            if file.library != SERIAL and not any(trial is each for each in drawn):
                trial.tasks = Tasks()
        save(PUBLISHED, file.workload, file.library, [file.run])


def main() -> None:
    """Publish what the folder holds, and say how large it is."""
    groups, refused = groups_of(sorted(Path(sys.argv[1]).glob("*.p3")))
    if refused:
        sys.exit("\n".join(refused))
    PUBLISHED.mkdir(exist_ok=True)
    for group in groups:
        publish(group)
    files = list(PUBLISHED.glob("*.p3"))
    print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e6:.1f} MB: {PUBLISHED}")


if __name__ == "__main__":
    main()
