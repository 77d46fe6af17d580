"""Two hosts on one machine: network namespaces with addresses of their own, joined by a bridge. Needs root.

    python tools/hosts.py      # starts a Dask and a Ray cluster, prints their addresses, and ends them at Ctrl-C

Each host has its own loopback device, /dev/shm, temporary folder and processes. This process is a third one on the
bridge, from which the suite measures. All is ended and removed by the ids that were made here.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psutil

DASK, RAY = (str(Path(sys.executable).with_name(name)) for name in ("dask", "ray"))
RAY_PORT = 6379
HOSTS = 2
END_S = 5.0
INSIDE = "mount -t tmpfs tmpfs /dev/shm && exec {command}"  # a host has a shared memory of its own


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)


class Network:
    """``addresses``: of the hosts. ``own``: of this process on their bridge. ``token``: which Ray asks for."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(32)
        self.mark = f"b{os.getpid() % 10_000:04d}"  # in the names of all that is made; a device's has 15 characters
        third = 1 + os.getpid() % 250
        self.own = f"10.231.{third}.254"
        self.addresses = [f"10.231.{third}.{number}" for number in range(1, HOSTS + 1)]

    def name(self, number: int) -> str:
        """Return the name of a host's namespace."""
        return f"{self.mark}-{number}"


@contextmanager
def network() -> Iterator[Network]:
    """Make the namespaces, and remove them."""
    made = Network()
    bridge = f"{made.mark}br"
    with ExitStack() as undo:
        _run("ip", "link", "add", bridge, "type", "bridge")
        undo.callback(subprocess.run, ["ip", "link", "del", bridge], check=False)
        _run("ip", "address", "add", f"{made.own}/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        for number, address in enumerate(made.addresses):
            name, outside = made.name(number), f"{made.mark}v{number}"
            _run("ip", "netns", "add", name)
            undo.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
            _run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
            undo.callback(subprocess.run, ["ip", "link", "del", outside], check=False, stderr=subprocess.DEVNULL)
            _run("ip", "link", "set", outside, "master", bridge, "up")
            _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            _run("ip", "-n", name, "link", "set", "eth0", "up")
            _run("ip", "-n", name, "link", "set", "lo", "up")
        yield made


@contextmanager
def started(*command: str, host: str, folder: Path, output: Path, token: str) -> Iterator[subprocess.Popen]:
    """Run a command, in a host if one is named, until the block has ended; then end all that descends from it."""
    if host:
        inside = INSIDE.format(command=" ".join(command))
        own = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", inside]
        command = ("ip", "netns", "exec", host, *own)
    with output.open("ab") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(folder),
                 "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": token},
            cwd="/",
        )  # fmt: skip
    try:
        yield process
    finally:
        tree = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
        _, alive = psutil.wait_procs(tree, END_S)  # all at once
        for each in alive:
            each.kill()


@contextmanager
def dask_cluster(made: Network, folder: Path, workers: int = 1) -> Iterator[str]:
    """Run a scheduler on the first host and workers on all; yield its address."""
    address = f"tcp://{made.addresses[0]}:8786"
    with ExitStack() as stack:
        for number, own in enumerate(made.addresses):
            at = _place(made, folder, number)
            if number == 0:
                scheduler = (DASK, "scheduler", "--host", own, "--port", "8786", "--no-dashboard")
                stack.enter_context(started(*scheduler, **at))
            many = ("--nworkers", str(workers), "--nthreads", "1", "--no-dashboard")
            stack.enter_context(started(DASK, "worker", address, "--host", own, *many, **at))
        yield address


@contextmanager
def ray_cluster(made: Network, folder: Path, workers: int = 1) -> Iterator[str]:
    """Run Ray's head on the first host, nodes on the others, and one without CPUs here; yield its address.

    A program that uses a Ray must run on one of its nodes.
    """
    address = f"{made.addresses[0]}:{RAY_PORT}"
    with ExitStack() as stack:
        for number, own in enumerate([*made.addresses, made.own]):
            role = (
                ("--head", f"--port={RAY_PORT}", "--include-dashboard=false")
                if number == 0
                else (f"--address={address}",)
            )
            cpus = f"--num-cpus={workers if number < len(made.addresses) else 0}"
            command = (RAY, "start", "--block", "--disable-usage-stats", cpus, f"--node-ip-address={own}", *role)
            at = _place(made, folder, number)
            stack.enter_context(started(*command, **at))
            _wait_until_started(at["output"])  # nodes that start at once may exceed the time that Ray gives them
        yield address


def _wait_until_started(output: Path) -> None:
    """Wait until a node says that it is up, for a minute at most."""
    for _ in range(120):
        if "Ray runtime started" in output.read_text():
            return
        time.sleep(0.5)


def _place(made: Network, folder: Path, number: int) -> dict[str, Any]:
    """Return where a process of a host, or of this one, runs: arguments of `started`."""
    own = folder / str(number)
    own.mkdir(exist_ok=True)
    is_host = number < len(made.addresses)
    return {
        "host": made.name(number) if is_host else "",
        "folder": own,
        "output": folder / f"{number}.txt",
        "token": made.token,
    }


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory() as name,
        network() as made,
        dask_cluster(made, Path(name)) as dask,
        ray_cluster(made, Path(name)) as ray,
    ):
        print(f"RAY_AUTH_TOKEN={made.token} python benchmark_all.py numerical --dask {dask} --ray {ray}", flush=True)
        try:
            while True:
                time.sleep(1.0)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
