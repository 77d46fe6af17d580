"""Does Ray end a driver whose parent is process 1? In a container with an init, a user's program may be such a child.

    python tools/ray_below_process_1.py 30      # as root, or where user namespaces are allowed; 4 s a driver

Drivers run one after another in a PID namespace: as children of its process 1, then with a shell between. Each starts
Ray twice, and shuts it down when a call of an actor has failed and others wait. Printed: how many did not come to their
end, and the reason that Ray has logged.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a tool is run as a file of its own

from harness.machine.process import namespaces  # noqa: E402

DRIVER = """
import contextlib, sys
import ray

for _ in range(2):
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, _temp_dir=sys.argv[1])

    @ray.remote(max_restarts=3, max_task_retries=3)
    class Actor:
        def call(self, number):
            return 1 / (number - 7)

    actors = [Actor.remote() for _ in range(2)]
    with contextlib.suppress(ZeroDivisionError):
        ray.get([actors[number % 2].call.remote(number) for number in range(16)])
    ray.shutdown()
"""
DRIVER_TIMEOUT_S = 60
ENDED_BY_RAY = "the local Raylet is dead"  # raylet_ipc_client.cc of Ray 2.60


def run_driver(*before: str) -> str:
    """Return why a driver did not come to its end; an empty string if it did."""
    with tempfile.TemporaryDirectory(prefix="r", ignore_cleanup_errors=True) as folder:
        command = [*before, sys.executable, "-c", DRIVER, folder]
        ended = subprocess.run(command, capture_output=True, timeout=DRIVER_TIMEOUT_S, check=False)
        if ended.returncode == 0:
            return ""
        logs = (path.read_text(errors="replace") for path in Path(folder).glob("session_2*/logs/python-core-driver-*"))
        lines = [line for log in logs for line in log.splitlines() if ENDED_BY_RAY in line]
        return f"status {ended.returncode}: {lines[0].split('] ')[-1] if lines else 'nothing logged'}"


def as_process_1(drivers: int) -> None:
    """Run the drivers and print what came of them: this process is the first of its namespace."""
    for what, before in {"child of process 1": (), "a shell between": ("sh", "-c", '"$@"; exit $?', "sh")}.items():
        reasons = [reason for _ in range(drivers) if (reason := run_driver(*before))]
        ended = f"{what}: {len(reasons)} of {drivers} drivers were ended"
        print(ended, *sorted(set(reasons)), sep="\n    ", flush=True)


if __name__ == "__main__":
    if sys.argv[2:]:
        as_process_1(int(sys.argv[1]))
    elif namespaces():
        sys.exit(subprocess.run([*namespaces(), sys.executable, *sys.argv, "inside"], check=False).returncode)
    else:
        sys.exit("namespaces are not allowed here")
