"""What came of faults: what the caller learned, how soon, what was lost, and whether the library worked afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from record.schema import Fault, Trial
from record.terms import CALLER_DIED, ERROR_CAUGHT, FAULTS, NOTHING, RESULTS, SETUP_FAILS
from report.numbers.cell import Cell
from report.numbers.group import Group
from report.numbers.words import duration

# From the best that can be hoped for to the worst.
RECOVERS, TELLS, UNCLEAR, LOSES, HANGS = "recovers", "tells", "unclear", "loses", "hangs"
ORPHANS, ENDS = "orphans", "ends"
MEANINGS = {
    RECOVERS: "all results came, after a retry where the task was lost",
    TELLS: "an error that names the cause",
    UNCLEAR: "an error that does not name it",
    LOSES: "no error, and results are missing",
    HANGS: "nothing came within the time limit",
    ENDS: "the caller is dead, and so are its workers",
    ORPHANS: "the caller is dead, and its workers live on",
}
LEGEND = [f"{word}: {meaning}" for word, meaning in MEANINGS.items()]
GRADES = {RECOVERS: 0, ENDS: 0, TELLS: 1, UNCLEAR: 2, LOSES: 3, ORPHANS: 3, HANGS: 4}  # 0 is best


@dataclass(frozen=True)
class Survival:
    """What came of one fault in one idiom: the trials that were there for it."""

    cell: Cell
    trials: Sequence[Trial]

    @property
    def words(self) -> list[str]:
        """What came of it, the most frequent first: one word of MEANINGS for each way in which trials ended."""
        words = [word_of(trial) for trial in self.trials]
        return sorted(set(words), key=lambda word: (-words.count(word), -GRADES[word]))

    @property
    def grade(self) -> int:
        """How bad the worst of the trials was, from 0 to 4."""
        return max(GRADES[word] for word in self.words)

    @property
    def returned(self) -> list[Fault]:
        """The records of the trials in which the library returned to its caller."""
        return [trial.fault for trial in self.trials if trial.fault and trial.fault.learned in (RESULTS, ERROR_CAUGHT)]

    @property
    def learned_s(self) -> float | None:
        """After how many seconds the caller knew, the median of these trials; None where it never did."""
        known = [fault.learned_s for fault in self.returned if fault.learned_s is not None]
        return median(known) if known else None

    @property
    def processes_left(self) -> list[int]:
        """How many processes outlived the caller, in each trial in which it came to an end."""
        return [t.left_behind.processes for t in self.trials if t.fault and t.fault.learned != NOTHING]

    @property
    def said(self) -> str:
        """What came of it, and after how long."""
        after = f", {duration(self.learned_s)}" if self.learned_s is not None else ""
        return f"{' or '.join(self.words)}{after}"


def word_of(trial: Trial) -> str:
    """Return what came of a trial's fault: a word of MEANINGS."""
    fault = trial.fault
    assert fault
    if fault.learned == NOTHING:
        return HANGS
    if fault.learned == CALLER_DIED:
        return ORPHANS if trial.left_behind.processes else ENDS
    if fault.learned == RESULTS:
        return RECOVERS if fault.is_answered and not fault.lost else LOSES
    return TELLS if fault.names_cause else UNCLEAR


def survivals(group: Group) -> dict[str, list[Survival]]:
    """Return by fault, in the order of FAULTS, what came of it in each idiom."""
    by_fault = {
        fault: [
            Survival(cell, trials)
            for cell in group.on_most_workers
            if (trials := [trial for trial in cell.trials if trial.kind == fault and trial.fault])
        ]
        for fault in (*FAULTS, SETUP_FAILS)
    }
    return {fault: rows for fault, rows in by_fault.items() if rows}
