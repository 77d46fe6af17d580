"""A script whose trial hangs, with a child process that a test can wait for."""

import subprocess
import time

from trial.script import idiom, run


def waits(job, rounds, n_jobs):
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    time.sleep(1000)
    yield


if __name__ == "__main__":
    run(state={"waits": idiom(waits)})
