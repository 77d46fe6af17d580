"""What a trial's record is: the one list of its fields. Writing, checking, CSV columns and test data come from here.

Records are plain dataclasses; pydantic turns plain data into them, and refuses what is of another type or range.
Times are in seconds unless a name says otherwise. What a trial cannot know is None.
"""

import re
from dataclasses import dataclass, field, fields
from statistics import median
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, StrictBool, TypeAdapter

from record.terms import COLD, KEPT, OK, TIME, Traits

SCHEMA = 7

LARGEST = 1e15  # of any number: 30 million years in seconds, a million GiB in bytes
LARGEST_WHOLE = 2**62  # of nanoseconds and ids
LONGEST_NAME, LONGEST_TEXT = 200, 1_000_000  # characters
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # a terminal would obey some of these
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def printable(text: str) -> str:
    """Return ``text`` without colours, and with a question mark for each other control and lone surrogate."""
    return _UNPRINTABLE.sub("?", _COLOUR.sub("", text))


def _checked(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise ValueError("a text holds characters that cannot be printed")
    return text


CONFIG = ConfigDict(extra="forbid")
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-LARGEST, le=LARGEST)]
Seconds = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=LARGEST)]
Positive = Annotated[float, Field(strict=True, allow_inf_nan=False, gt=0, le=LARGEST)]
Whole = Annotated[int, Field(strict=True, ge=-LARGEST_WHOLE, le=LARGEST_WHOLE)]
Count = Annotated[int, Field(strict=True, ge=0, le=LARGEST_WHOLE)]
Text = Annotated[str, Field(strict=True, max_length=LONGEST_TEXT), AfterValidator(_checked)]
Name = Annotated[str, Field(strict=True, max_length=LONGEST_NAME), AfterValidator(_checked)]
Plain = Text | Whole | Number


@dataclass(kw_only=True)
class Round:
    """One round of tasks. ``start_s``: after the trial's call. ``bare``: without the library, for comparison."""

    __pydantic_config__ = CONFIG
    phase: Name
    tasks: Count
    seconds: Positive
    start_s: Number = 0.0
    bare: StrictBool = False
    label: dict[Name, Plain] = field(default_factory=dict)


@dataclass(kw_only=True)
class Pool:
    """The rounds on one live pool of workers. ``refused``: why it was not tried; then there is no ``stop_s``."""

    __pydantic_config__ = CONFIG
    label: dict[Name, Plain] = field(default_factory=dict)
    refused: Text = ""
    rounds: list[Round] = field(default_factory=list)
    stop_s: Seconds | None = None

    def __post_init__(self) -> None:
        if bool(self.refused) != (self.stop_s is None):
            raise ValueError("a pool is refused, or has been closed")

    @property
    def cold_s(self) -> float | None:
        """From the call to the results of the first round, or None."""
        return next((each.seconds for each in self.rounds if each.phase == COLD), None)

    @property
    def kept_s(self) -> float | None:
        """The median of the same round on the pool that is up, or None."""
        kept = [each.seconds for each in self.rounds if each.phase == KEPT]
        return median(kept) if kept else None

    @property
    def one_shot_s(self) -> float | None:
        """A pool for one round: ``cold_s + stop_s``, or None."""
        return None if self.cold_s is None or self.stop_s is None else self.cold_s + self.stop_s


@dataclass(kw_only=True)
class Parts:
    """Where a round's time went; ``start_s`` + ``work_s`` + ``wait_s`` + ``gather_s`` is all of it.

    ``start_s``: until the first task starts. ``gather_s``: from the last task's end until the results are there. The
    time between them, as means over the workers: ``work_s`` inside tasks, ``wait_s`` outside. ``tail_s`` is the part of
    ``wait_s`` after a worker's last task. ``straggler_s``: how much later the last worker ended than the median one.
    """

    __pydantic_config__ = CONFIG
    start_s: Seconds
    work_s: Seconds
    wait_s: Seconds
    tail_s: Seconds
    straggler_s: Seconds
    gather_s: Seconds


@dataclass(kw_only=True)
class Tasks:
    """A column per fact, a row per task, in the order of their starts; times in ns after the trial's call."""

    __pydantic_config__ = CONFIG
    index: list[Count] = field(default_factory=list)
    pid: list[Count] = field(default_factory=list)
    start_ns: list[Whole] = field(default_factory=list)
    end_ns: list[Whole] = field(default_factory=list)

    def __post_init__(self) -> None:
        if len({len(getattr(self, column.name)) for column in fields(self)}) != 1:
            raise ValueError("the columns of tasks differ in length")


@dataclass(kw_only=True)
class Bytes:
    """The memory of a trial's whole process tree at one moment; from ``shm_bytes`` on, of the whole system."""

    __pydantic_config__ = CONFIG
    pss_bytes: Whole
    uss_bytes: Whole
    rss_bytes: Whole
    shm_bytes: Whole
    used_bytes: Whole
    shmem_bytes: Whole
    cached_bytes: Whole


MEMORY_FIELDS = tuple(column.name for column in fields(Bytes))


@dataclass(kw_only=True)
class Memory:
    """Memory at start, peak, end and the moments that the idiom marks; how often it was sampled, and at what cost."""

    __pydantic_config__ = CONFIG
    start: Bytes
    peak: Bytes
    end: Bytes
    ready: Bytes | None = None
    made: Bytes | None = None
    spread: Bytes | None = None
    held: Bytes | None = None
    samples: Count = 0
    interval_s: Seconds = 0.0
    longest_interval_s: Seconds = 0.0
    sampler_cpu_share: Seconds = 0.0


@dataclass(kw_only=True)
class Left:
    """What a trial left behind, which was counted and removed."""

    __pydantic_config__ = CONFIG
    processes: Count = 0
    shm_segments: Count = 0
    shm_bytes: Count = 0
    files: Count = 0
    file_bytes: Count = 0


@dataclass(kw_only=True)
class Fault:
    """What came of a fault in one task among healthy ones.

    ``learned``, ``learned_s``: what the caller got, a word of `record.terms`, and after how many seconds. ``error``: in
    the library's words; ``names_cause``: whether these tell what has gone wrong. ``is_answered``: whether the faulty
    task has a result. ``lost``: healthy tasks without one. ``runs``: how often the faulty task was begun;
    ``repeated``: healthy tasks that were begun more than once. ``new_pool``: why a new pool did not work, empty if it
    did; ``new_pool_s``: how long its round took.
    """

    __pydantic_config__ = CONFIG
    learned: Name
    error: Text = ""
    names_cause: StrictBool = False
    learned_s: Seconds | None = None
    is_answered: StrictBool = False
    lost: Count = 0
    runs: Count = 0
    repeated: Count = 0
    new_pool: Text = ""
    new_pool_s: Seconds | None = None


@dataclass(kw_only=True)
class Host:
    """What the workers of one host of a cluster have done: its tasks, by their own records, which came with results."""

    __pydantic_config__ = CONFIG
    name: Name
    workers: Count
    tasks: Count
    work_s: Seconds
    cpus: Count = 0
    threads: Count = 0


@dataclass(kw_only=True)
class Trial:
    """One run of one cell in a fresh interpreter, whatever became of it.

    ``position``: its place in the order of the run. ``session``: how often the run had been resumed by then.
    ``yardstick_s``: what a fixed piece of work took just before it. ``trial_s``: how long its interpreter lived.
    ``import_s``: importing the library, before the clock. ``cold``, ``kept``: the parts of the cold round, and of the
    median kept round, where every task is recorded. ``setups``, ``setup_s``: how often the setup was made, and how long
    that took in all. ``cpu_user_s``, ``cpu_system_s``: of the whole tree, during all rounds. ``placed``,
    ``placed_bytes``, ``place_s``: how often data were put where workers find them, how many bytes, and how long that
    took. ``hosts``: of a cluster. ``moments_s``: moments that the idiom marks, after the call. ``kernel``: the
    calibration of the kernel that tasks compute with.
    """

    __pydantic_config__ = CONFIG
    idiom: Name
    n_jobs: Annotated[int, Field(strict=True, ge=1, le=100_000)]
    kind: Name = TIME
    outcome: Name = ""
    reason: Text = ""
    session: Count = 0
    block: Count = 0
    position: Count | None = None
    yardstick_s: Seconds | None = None
    trial_s: Seconds | None = None
    import_s: Seconds | None = None
    cold: Parts | None = None
    kept: Parts | None = None
    setups: Count = 0
    setup_s: Seconds | None = None
    cpu_user_s: Number | None = None
    cpu_system_s: Number | None = None
    placed: Count = 0
    placed_bytes: Count | None = None
    place_s: Seconds | None = None
    on_write: Text = ""
    tasks_asked: Count = 0
    tasks_run: Count = 0
    workers: Count = 0
    in_parent: StrictBool = False
    moments_s: dict[Name, Number] = field(default_factory=dict)
    tasks: Tasks = field(default_factory=Tasks)
    memory: Memory | None = None
    pools: list[Pool] = field(default_factory=list)
    fault: Fault | None = None
    hosts: list[Host] = field(default_factory=list)
    kernel: dict[Name, Number] = field(default_factory=dict)
    left_behind: Left = field(default_factory=Left)
    output: Text = ""

    def __post_init__(self) -> None:
        if self.outcome == OK and not (self.pools or self.fault):
            raise ValueError("a trial that is ok has no rounds")

    @property
    def _first(self) -> Pool:
        return next((pool for pool in self.pools if not pool.refused), Pool(refused="none was tried"))

    @property
    def cold_s(self) -> float | None:
        """Of the first pool (as the next four): from the call to the first round's results, with the pool's start."""
        return self._first.cold_s

    @property
    def kept_s(self) -> float | None:
        """The same round on the pool that is up, the median."""
        return self._first.kept_s

    @property
    def stop_s(self) -> float | None:
        """Closing the pool."""
        return self._first.stop_s

    @property
    def one_shot_s(self) -> float | None:
        """A pool for one round: ``cold_s + stop_s``."""
        return self._first.one_shot_s

    @property
    def fixed_s(self) -> float | None:
        """What a pool costs besides the work: ``one_shot_s - kept_s``."""
        return None if self.one_shot_s is None or self.kept_s is None else self.one_shot_s - self.kept_s

    @property
    def spent_s(self) -> float:
        """All rounds of all pools, and their ends: the time inside the measured functions."""
        return sum(sum(each.seconds for each in pool.rounds) + (pool.stop_s or 0.0) for pool in self.pools)


DERIVED = ("cold_s", "kept_s", "stop_s", "one_shot_s", "fixed_s")
"""The times that follow from a trial's pools."""
SCALARS = tuple(f.name for f in fields(Trial) if f.name not in (
    "cold", "kept", "moments_s", "tasks", "memory", "pools", "fault", "hosts", "kernel", "left_behind", "output",
))  # fmt: skip
"""The fields of a trial that fit into a cell of a table."""
PARTS = tuple(column.name for column in fields(Parts))


@dataclass(kw_only=True)
class Idiom:
    """What an idiom is, and the code of its script that it uses: how it is called, and its ``lines`` of code.

    ``program``: all that it needs to run without the suite, except its job. ``expression``: the idiom in the program.
    """

    __pydantic_config__ = CONFIG
    traits: Traits = field(default_factory=Traits)
    call: Text = ""
    code: Text = ""
    lines: Count = 0
    program: Text = ""
    expression: Text = ""


@dataclass(kw_only=True)
class Environment:
    """The machine and the software that a run was measured on."""

    __pydantic_config__ = CONFIG
    machine: dict[Name, Plain] = field(default_factory=dict)
    conditions: dict[Name, Plain | dict[Name, Plain]] = field(default_factory=dict)
    python: Text = "?"
    versions: dict[Name, Text] = field(default_factory=dict)
    suite: dict[Name, Text] = field(default_factory=dict)
    date: Text = ""

    @property
    def label(self) -> str:
        """The machine in a few words, for titles and for telling results of two machines apart."""
        machine, memory_bytes = self.machine, self.machine.get("memory_bytes", 0)
        gib = memory_bytes / 2**30 if isinstance(memory_bytes, int | float) else 0
        return (
            f"{machine.get('cpu', 'unknown CPU')}, {machine.get('physical_cores_usable', '?')} cores usable, "
            f"{gib:.0f} GiB, Python {(self.python.split() or ['?'])[-1]}"
        )


@dataclass(kw_only=True)
class Stopping:
    """What a run was asked to reach, what it reached, and why it ended."""

    __pydantic_config__ = CONFIG
    asked_precision: Number | None = None
    asked_budget_s: Number | None = None
    reached_precision: Number | None = None
    widest_cell: Text = ""
    blocks: Count = 0
    spent_s: Seconds = 0.0
    reason: Text = ""


@dataclass(kw_only=True)
class Run:
    """What one run has measured of one library in one workload.

    ``asked``: the idioms of all cells, by "library in workload". ``inputs``: facts about the workload's inputs;
    ``moved_bytes``: input read and result written once; ``shared_bytes``: one large input for all tasks; ``lengthens``,
    ``times``: the workload that this one lengthens, and how many times its tasks this one has.
    ``stopping``: None until the run has ended. ``idioms``: by name, in the script's order.
    """

    __pydantic_config__ = CONFIG
    started: Name
    profile: Name
    params: dict[Name, Plain | list[Plain]]
    params_hash: Name
    seed: Whole
    worker_counts: list[Count]
    asked: dict[Name, list[Name]] = field(default_factory=dict)
    environment: Environment = field(default_factory=Environment)
    inputs: dict[Name, Plain] = field(default_factory=dict)
    bandwidth_bytes_per_s: Seconds = 0.0
    disturbances: list[Text] = field(default_factory=list)
    stopping: Stopping | None = None
    idioms: dict[Name, Idiom] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)

    def __post_init__(self) -> None:
        counted = (self.inputs.get(name, 0) for name in ("moved_bytes", "shared_bytes", "times"))
        if not all(isinstance(fact, int | float) for fact in counted):
            raise ValueError("facts about the inputs that are counted with are no numbers")

    @property
    def moved_bytes(self) -> float:
        """The least that any implementation moves: the input read once, the result written once."""
        return float(self.inputs.get("moved_bytes", 0))

    @property
    def shared_bytes(self) -> int:
        """The size of the one large input of all tasks; 0 where there is none."""
        return int(self.inputs.get("shared_bytes", 0))

    @property
    def lengthens(self) -> str:
        """The workload that this one lengthens with more of the same tasks; empty for most."""
        return str(self.inputs.get("lengthens", ""))

    @property
    def times(self) -> float:
        """Its number of tasks, as a multiple of those of ``lengthens``; 0 where it does not say."""
        return float(self.inputs.get("times", 0))


def _is_file_name(name: str) -> bool:
    """Return whether ``name`` may stand in a path that is written to: figures are named for their workload."""
    return bool(name) and not name.startswith(".") and not {"/", "\\", "\0"} & set(name)


@dataclass(kw_only=True)
class Content:
    """A results file: the runs of one library in one workload, the newest last."""

    __pydantic_config__ = CONFIG
    workload: Name
    library: Name
    runs: list[Run]
    schema: Whole = SCHEMA

    def __post_init__(self) -> None:
        if not (_is_file_name(self.workload) and _is_file_name(self.library)):
            raise ValueError("workload or library is no name that a file may have")


_CONTENT = TypeAdapter(Content)


def as_plain(content: Content) -> dict[str, Any]:
    """Return plain data: dict, list, str, int, float, bool and None."""
    return _CONTENT.dump_python(content)


def from_plain(data: Any) -> Content:
    """Return what `as_plain` was given. Raises ValueError for data of another shape."""
    return _CONTENT.validate_python(data)
