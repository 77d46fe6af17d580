"""All trials of one library, idiom and number of workers, and what they say together."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import median

from record.schema import MEMORY_FIELDS, Trial
from record.terms import (
    CALLER,
    COLD,
    FAILURES,
    MARKED_MOMENTS,
    MEMORY,
    MEMORY_MOMENTS,
    OK,
    SKIPPED,
    THREADS,
    TIME,
    WRITE,
    Traits,
)
from report.numbers.names import SERIAL, Name
from report.numbers.statistics import Summary, summarize

Block = tuple[int, int]  # session, number
TUNED, NAIVE, CONNECTED, CLUSTER = "tuned", "naive", "connected", "cluster"
MEMORY_COLUMNS = tuple(
    f"{name.removesuffix('_bytes')}_{moment}_bytes" for name in MEMORY_FIELDS for moment in (*MEMORY_MOMENTS, "growth")
)


@dataclass(frozen=True)
class Cell:
    """All trials of one library, idiom and number of workers."""

    library: str
    idiom: str
    n_jobs: int
    trials: tuple[Trial, ...]
    traits: Traits

    @property
    def name(self) -> Name:
        """Library and idiom."""
        return self.library, self.idiom

    @property
    def style(self) -> str:
        """Naive: many write it first. Tuned: its documentation advises it.

        Connected: tuned, on running workers. Cluster: tuned, on those of a cluster.
        """
        if self.traits.cluster:
            return CLUSTER
        return NAIVE if self.traits.naive else CONNECTED if self.traits.connects else TUNED

    @property
    def kind(self) -> tuple[str, str, str]:
        """What makes idioms of one library alike in several workloads: where tasks run, and how that comes about."""
        return self.traits.workers, self.traits.start, self.traits.means

    @property
    def start_method(self) -> str:
        """How its workers come into being; ``none`` also where a library started none, as joblib does for one."""
        if self.traits.workers == THREADS:
            return THREADS
        return "none" if self.traits.workers == CALLER or self.in_caller else self.traits.start or "not known"

    @cached_property
    def in_caller(self) -> bool:
        """Whether a library ran its tasks in the calling process, in threads or not."""
        return self.library != SERIAL and any(trial.in_parent for trial in self.timed)

    @cached_property
    def idle_workers(self) -> str:
        """In how many trials fewer workers than asked for got a task; empty if in none."""
        fewer = [trial.workers for trial in self.timed if 0 < trial.workers < self.n_jobs]
        return f"only {min(fewer)} got tasks in {len(fewer)} of {len(self.timed)} trials" if fewer else ""

    @cached_property
    def timed(self) -> list[Trial]:
        """The trials that were right and not held up by sampling memory."""
        return [trial for trial in self.trials if trial.outcome == OK and trial.kind == TIME]

    def per_block(self, value: Callable[[Trial], float | None]) -> dict[Block, float]:
        """Return a value of each timed trial, where it has one, by block.

        The part of a block that was measured after an interrupt is a block of its own: hours may lie between the two.
        """
        by_block = {(trial.session, trial.block): value(trial) for trial in self.timed}
        return {block: number for block, number in by_block.items() if number is not None}

    @cached_property
    def times(self) -> dict[Block, float]:
        """One-shot time in seconds by block."""
        return self.per_block(lambda trial: trial.one_shot_s)

    @cached_property
    def one_shot(self) -> Summary | None:
        """Seconds of a pool for one round, its start and end in them, or None if no trial was right."""
        return summarize(list(self.times.values())) if self.times else None

    @cached_property
    def kept_times(self) -> dict[Block, float]:
        """Seconds of the same round on a pool that is up, by block."""
        return self.per_block(lambda trial: trial.kept_s)

    @cached_property
    def kept(self) -> Summary | None:
        """Seconds of the same round on a pool that is up, or None where that was not measured."""
        return summarize(list(self.kept_times.values())) if self.kept_times else None

    def times_of(self, phase: str) -> dict[Block, float]:
        """Return the seconds by block: in one shot (COLD), or on a pool that is kept (KEPT)."""
        return self.times if phase == COLD else self.kept_times

    def summary_of(self, phase: str) -> Summary | None:
        """Return the summary of `times_of`, or None where there are no times."""
        return self.one_shot if phase == COLD else self.kept

    def middle(self, value: Callable[[Trial], float | None]) -> float | None:
        """Return the median of a value over the timed trials that have one."""
        by_block = self.per_block(value)
        return median(by_block.values()) if by_block else None

    def between(self, earlier: str, later: str) -> float | None:
        """Return the median of the seconds between two moments that the idiom marks; None where it does not."""
        return self.middle(
            lambda trial: (
                trial.moments_s[later] - trial.moments_s[earlier]
                if {earlier, later} <= trial.moments_s.keys()
                else None
            )
        )

    @cached_property
    def memory(self) -> dict[str, int]:
        """MEMORY_COLUMNS in bytes, and the same of moments that the idiom marks: medians of the sampled trials.

        Growth is from the start to the peak.
        """
        memories = [trial.memory for trial in self._with_memory if trial.memory]
        if not memories:
            return {}
        marked = [moment for moment in MARKED_MOMENTS if all(getattr(memory, moment) for memory in memories)]
        sizes: dict[str, int] = {}
        for name in MEMORY_FIELDS:
            short = name.removesuffix("_bytes")
            for moment in (*MEMORY_MOMENTS, *marked):
                sizes[f"{short}_{moment}_bytes"] = round(median(getattr(getattr(m, moment), name) for m in memories))
            sizes[f"{short}_growth_bytes"] = sizes[f"{short}_peak_bytes"] - sizes[f"{short}_start_bytes"]
        return sizes

    @property
    def sampled(self) -> list["Cell"]:
        """Each of the trials whose memory was sampled, alone."""
        return [replace(self, trials=(trial,)) for trial in self._with_memory]

    @property
    def _with_memory(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.outcome == OK and trial.memory]

    def copies(self, shared_bytes: int) -> float | None:
        """Return how often an input of that size lay in memory at the peak: the growth of memory over the size.

        Growth starts before the input is loaded, so that one copy is the least. What else tasks and processes need is
        in it too. PSS misses segments in /dev/shm that no process maps: the growth of /dev/shm counts if it is larger.
        """
        if not self.memory or not shared_bytes:
            return None
        return max(self.memory["pss_growth_bytes"], self.memory["shm_growth_bytes"]) / shared_bytes

    @cached_property
    def on_write(self) -> str:
        """What happened when tasks wrote to their shared input; empty if that was not tried."""
        tried = [trial for trial in self.trials if trial.kind == WRITE]
        return next((t.on_write or f"{t.outcome}: {t.reason}" for t in tried), "")

    @cached_property
    def memory_skipped(self) -> str:
        """Why its memory was not sampled; empty if it was, or was not asked for."""
        return next((t.reason for t in self.trials if t.kind == MEMORY and t.outcome == SKIPPED), "")

    @cached_property
    def failures(self) -> str:
        """What failed and how often; empty if nothing did."""
        counts = Counter(trial.outcome for trial in self.trials if trial.outcome in FAILURES)
        return ", ".join(f"{outcome} {count} of {len(self.trials)}" for outcome, count in counts.items())

    @cached_property
    def failure(self) -> str:
        """What failed and how often, with the reason of the first failure; empty if nothing did."""
        reasons = (trial.reason for trial in self.trials if trial.outcome in FAILURES)
        return f"{self.failures}: {next(reasons)}" if self.failures else ""

    @cached_property
    def skipped(self) -> str:
        """Why it was skipped; empty if it was not."""
        return next((t.reason for t in self.trials if t.kind == TIME and t.outcome == SKIPPED), "")
