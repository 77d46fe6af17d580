"""What a trial is there for."""

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
