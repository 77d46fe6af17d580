"""What can become of a trial."""

OK = "ok"
WRONG = "wrong"  # it returned, but the result, the tasks that ran or the conditions are not what was asked for
ERROR = "error"  # it raised
CRASH = "crash"  # its interpreter died
TIMEOUT = "timeout"
OUT_OF_MEMORY = "out of memory"
SKIPPED = "skipped"  # it was not tried, for a reason

FAILURES = (WRONG, ERROR, CRASH, TIMEOUT, OUT_OF_MEMORY)
