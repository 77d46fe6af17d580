"""The words of a trial's record: what it is there for, what can become of it, which moments of memory it tells."""

# What a trial is there for.

TIME = "time"
MEMORY = "memory"  # sampled, which holds it up: no time is taken from it
WRITE = "write"  # tasks try to write into their shared input: no time is taken from it

# The self-check measures one library three times: as it is, as it is under another name, and with a known slowdown.
SELF_AGAIN, SELF_SLOWED = "-again", "-slowed"  # appended to the library's name
SELF_SLOWDOWN = 0.05  # of its own time

# What a memory trial says: each of the fields at each of the moments, in bytes.
MEMORY_MOMENTS = ("start", "peak", "end")
MARKED_MOMENTS = ("ready", "made", "spread", "held")  # in idioms that say so: see `tasklog.moment_is`
MEMORY_FIELDS = ("pss_bytes", "uss_bytes", "rss_bytes", "shm_bytes", "used_bytes", "shmem_bytes", "cached_bytes")

# What can become of a trial.
OK = "ok"
WRONG = "wrong"  # it returned, but the result, the tasks that ran or the conditions are not what was asked for
ERROR = "error"  # it raised
CRASH = "crash"  # its interpreter died
TIMEOUT = "timeout"
OUT_OF_MEMORY = "out of memory"
SKIPPED = "skipped"  # it was not tried, for a reason

FAILURES = (WRONG, ERROR, CRASH, TIMEOUT, OUT_OF_MEMORY)
