"""The words of a record: what a trial is there for, what became of it, what an idiom is. Light: workers import it."""

from dataclasses import dataclass

# The workloads that run unless others are named, and the studies, which answer one question each and run when named.
# Each is a module in `workloads`, and they are shown in this order. Those in OF_ROUNDS choose rounds of many kinds:
# there, a pool's first round and its end make no job, so that time is not compared.
WORKLOADS = ("numerical", "stateful", "initialization")
OF_ROUNDS = ("overhead", "grid", "granularity", "faults", "failing_setup", "soak", "stream")
LENGTHS = ("numerical_8", "numerical_64")  # numerical with 8 and 64 times the tasks: they check predictions
STUDIES = (
    *LENGTHS, "sharing", "sharing_frame", "client_scatter", "worker_scatter", "array", "dataframe", *OF_ROUNDS,
)  # fmt: skip

# What a trial is there for.
TIME = "time"
MEMORY = "memory"  # its memory is sampled, which slows it down: its times are not used
WRITE = "write"  # its tasks try to write into their shared input: its times are not used

# Or for a fault, of one task among healthy ones: what users ask about most comes first.
WORKER_KILLED_ONCE = "worker killed once"
FAULTS = (
    WORKER_KILLED_ONCE,
    "worker killed",
    "error",
    "result that cannot be pickled",
    "error that cannot be unpickled",
    "no return",
    "sys.exit",
    "os._exit",
    "segmentation fault",
    "memory limit",
    "worker stopped",
    "Ctrl-C",
    "caller killed",
    "result of 2.5 GiB",
    "argument of 2.5 GiB",
    "full /dev/shm",
)
SETUP_FAILS = "setup fails"  # in every worker, before its first task

# What the caller of a pool learns of it.
RESULTS = "results"  # they came back, after a retry perhaps
ERROR_CAUGHT = "error"
NOTHING = "nothing"  # the library did not return
CALLER_DIED = "the caller died"

# What can become of a trial.
OK = "ok"
WRONG = "wrong"  # it returned, but the result, the tasks that ran or the conditions are not what was asked for
ERROR = "error"  # it raised
CRASH = "crash"  # its interpreter died
TIMEOUT = "timeout"
OUT_OF_MEMORY = "out of memory"
SKIPPED = "skipped"  # it was not tried, for a reason

FAILURES = (WRONG, ERROR, CRASH, TIMEOUT, OUT_OF_MEMORY)

# What a round is there for.
COLD = "cold"  # the first on a pool, so that the pool's start is in it
KEPT = "kept"  # the same tasks again, on the pool that is up
SETTLING = "settling"  # waits until all workers are up; nothing is read from it
TASKS = "tasks"  # of overhead: more and more tasks
GRAPH = "graph"  # of overhead: a graph of tasks
POINT = "point"  # of granularity: one length of tasks
SLOW = "slow"  # of stream: a consumer that pauses after each result, and stops in the middle
STRETCH = "stretch"  # of soak: some of its many tasks

# The self-check measures one library three times: as it is, as it is under another name, and with a known slowdown.
SELF_AGAIN, SELF_SLOWED = "-again", "-slowed"  # appended to the library's name
SELF_SLOWDOWN = 0.05  # of its own time

# The moments at which memory is known: in every memory trial; and only if the idiom marks them (`tasklog.moment_is`).
MEMORY_MOMENTS = ("start", "peak", "end")
MARKED_MOMENTS = ("ready", "made", "spread", "held")

# What an idiom's traits may say: where its tasks run,
PROCESSES, THREADS, CALLER = "processes", "threads", "caller"
# how a shared input reaches the workers,
INHERITED, SENT_TO_EACH, WITH_EVERY_TASK = "inherited", "sent to each worker", "sent with every task"
SHARED_MEMORY, ARRAY_IN_FILE, OBJECT_STORE = "shared memory", "array in a mapped file", "object store"
MAPPED, SCATTERED, SAME_MEMORY = "mapped by the library", "scattered", "same memory"
# and when the setup is made.
ONCE_PER_WORKER, IN_CALLER, IN_EVERY_TASK = "once per worker", "in the caller", "in every task"
# and what closing does, which is in the time it takes.
TERMINATES, WAITS = "terminates its workers", "waits until its workers have ended"
ASKS, LEAVES = "asks its workers to end, and ends those that take too long", "leaves workers running"

_ALLOWED = {
    "workers": (PROCESSES, THREADS, CALLER),
    "shares": (
        "", INHERITED, SENT_TO_EACH, WITH_EVERY_TASK, SHARED_MEMORY, ARRAY_IN_FILE, OBJECT_STORE, MAPPED, SCATTERED,
        SAME_MEMORY,
    ),
    "sets_up": ("", ONCE_PER_WORKER, IN_CALLER, IN_EVERY_TASK),
    "closes": ("", TERMINATES, WAITS, ASKS, LEAVES),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What an idiom is. Its name is for people; the report reads its traits. Raises ValueError for an unknown word.

    ``workers``: where tasks run: in processes, in threads of the calling process, or in the caller, one by one.
    ``start``: how worker processes come into being, such as ``fork``; empty where there are none.
    ``means``: the library's own word for what runs a task, where it has several, such as ``actors``.
    ``naive``: what many write first, and no documentation recommends.
    ``batched``: several tasks travel in one message.
    ``keeps_state``: workers keep the state of a round, instead of answering with each task's part.
    ``shares``: how a shared input reaches the workers.
    ``sets_up``: when the setup is made.
    ``closes``: what closing does to the workers; empty where there are none.
    ``connects``: its workers run already: they are started, and ended, outside the clock.
    ``all_cores``: each worker computes with as many threads as there are cores, to show what that costs.
    ``cluster``: its workers are those of a cluster that runs already, perhaps on other machines.
    ``limits``: it asks the library to give up after a time, or to try again, which only faults show.
    ``renews``: it asks the library for new workers now and then, which only soak shows.
    ``keeps_pool``: all rounds run on one pool; otherwise each round starts its own.
    ``varies_start``, ``varies_batches``, ``varies_scheduler``: how it differs from the library's first idiom, or from
    another one. Only some workloads ask what this difference does.
    """

    workers: str = PROCESSES
    start: str = ""
    means: str = ""
    naive: bool = False
    batched: bool = False
    keeps_state: bool = False
    shares: str = ""
    sets_up: str = ""
    closes: str = ""
    connects: bool = False
    all_cores: bool = False
    cluster: bool = False
    limits: bool = False
    renews: bool = False
    keeps_pool: bool = True
    varies_start: bool = False
    varies_batches: bool = False
    varies_scheduler: bool = False

    def __post_init__(self) -> None:
        for trait, allowed in _ALLOWED.items():
            if (value := getattr(self, trait)) not in allowed:
                raise ValueError(f"{trait} is {value!r}: choose from {', '.join(map(repr, allowed))}")


def cluster_condition(library: str) -> str:
    """Return the name under which a run's conditions say what the cluster of a library was."""
    return f"{library} cluster"
