"""Two hosts on one machine: network namespaces with addresses of their own, joined by a bridge. Needs root.

    python tools/hosts.py [WORKERS]      # of each host; 1 without it

It starts a Dask and a Ray cluster and prints the command to measure with. At Ctrl-C it prints what each host has sent
and received, and ends them.

Each host has its own loopback device, /dev/shm, temporary folder and processes. This process is a third one on the
bridge, from which the suite measures. All is ended and removed by the ids that were made here.
"""

import json
import os
import re
import secrets
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a tool is run as a file of its own

from harness.cli import Settings, UserError, parse
from harness.clusters import with_facts
from harness.folders import remove_abandoned, temporary_folder

DASK, RAY = (str(Path(sys.executable).with_name(name)) for name in ("dask", "ray"))
RAY_PORT = 6379
HOSTS = 2
START_S, END_S = 90.0, 5.0  # of a cluster, at most
# All below it dies when this process dies, even by SIGKILL: a PID namespace ends with its first process.
OWN_PROCESSES = (
    "setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc",
)  # fmt: skip
OWN_MEMORY = "mount -t tmpfs tmpfs /dev/shm && exec {command}"  # a host has a shared memory of its own
PREFIX = "hosts"  # of the names of all that is made, with the process id; a network device's name has 15 characters


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Network:
    """``addresses``: of the hosts. ``own``: of this process on their bridge. ``token``: which Ray asks for."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(32)
        self.mark = f"{PREFIX}{os.getpid()}"
        third = 1 + os.getpid() % 250
        self.own = f"10.231.{third}.254"
        self.addresses = [f"10.231.{third}.{number}" for number in range(1, HOSTS + 1)]
        self.silent = f"10.231.{third}.253"  # packets to it are dropped, as by a firewall

    def name(self, number: int) -> str:
        """Return the name of a host's namespace."""
        return f"{self.mark}-{number}"

    def device(self, number: int) -> str:
        """Return the name of the device by which the bridge reaches a host."""
        return f"{self.mark}v{number}"

    def carried_bytes(self, number: int) -> dict[str, int]:
        """Return how many bytes a host has sent and received so far."""
        statistics = Path("/sys/class/net", self.device(number), "statistics")
        counters = {"sent": "rx_bytes", "received": "tx_bytes"}  # the device is the other end of the host's cable
        return {what: int((statistics / name).read_text()) for what, name in counters.items()}

    def cut_off(self, number: int) -> None:
        """Pull a host's cable."""
        _run("ip", "link", "set", self.device(number), "down")


@dataclass(frozen=True)
class Cluster:
    """``scheduler``: the process with it, or with Ray's head. ``nodes``: the process with the workers of each host."""

    address: str
    scheduler: subprocess.Popen[bytes]
    nodes: list[subprocess.Popen[bytes]]


@contextmanager
def network() -> Iterator[Network]:
    """Make the namespaces, and remove them; first, those of processes of this program that were killed."""
    _remove_abandoned()
    made = Network()
    bridge = f"{made.mark}br"
    with ExitStack() as undo:
        _run("ip", "link", "add", bridge, "type", "bridge")
        undo.callback(subprocess.run, ["ip", "link", "del", bridge], check=False)
        _run("ip", "address", "add", f"{made.own}/24", "dev", bridge)
        _run("ip", "link", "set", bridge, "up")
        _run("ip", "neigh", "add", made.silent, "lladdr", "02:00:00:00:00:01", "dev", bridge, "nud", "permanent")
        for number, address in enumerate(made.addresses):
            name, outside = made.name(number), made.device(number)
            _run("ip", "netns", "add", name)
            undo.callback(subprocess.run, ["ip", "netns", "del", name], check=False)
            _run("ip", "link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
            undo.callback(subprocess.run, ["ip", "link", "del", outside], check=False, stderr=subprocess.DEVNULL)
            _run("ip", "link", "set", outside, "master", bridge, "up")
            _run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "eth0")
            _run("ip", "-n", name, "link", "set", "eth0", "up")
            _run("ip", "-n", name, "link", "set", "lo", "up")
        yield made


def _remove_abandoned() -> None:
    """Remove the namespaces and devices of processes that are dead."""
    devices = [device["ifname"] for device in json.loads(_run("ip", "-json", "link"))]
    namespaces = [namespace["name"] for namespace in json.loads(_run("ip", "-json", "netns") or "[]")]
    for kind, names in (("netns", namespaces), ("link", devices)):
        for name in names:
            made_by = re.fullmatch(rf"{PREFIX}(\d+)(br|v\d+|-\d+)", name)
            if made_by and not psutil.pid_exists(int(made_by[1])):
                subprocess.run(["ip", kind, "del", name], check=False, stderr=subprocess.DEVNULL)


@contextmanager
def started(*command: str, host: str, output: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command, in a host if one is named, until the block has ended; then end all that descends from it."""
    if host:
        inside = ("sh", "-c", OWN_MEMORY.format(command=shlex.join(command)))
        command = ("ip", "netns", "exec", host, *OWN_PROCESSES, *inside)
    else:
        command = (*OWN_PROCESSES, *command)
    with output.open("ab") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", **variables}, cwd="/",
        )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()  # all below it die with it
        process.wait(END_S)


@contextmanager
def dask_cluster(made: Network, folder: Path, workers: int = 1, certificate: Path | None = None) -> Iterator[Cluster]:
    """Run a scheduler on the first host and workers on all. ``certificate``: a file with its key, for TLS."""
    protocol = "tls" if certificate else "tcp"
    address = f"{protocol}://{made.addresses[0]}:8786"
    secure = [f"--tls-{what}={certificate}" for what in ("ca-file", "cert", "key")] if certificate else []
    with ExitStack() as stack:
        scheduler = (DASK, "scheduler", "--port", "8786", "--no-dashboard", "--protocol", protocol, *secure)
        on = [_place(made, folder, number) for number in range(HOSTS)]
        first = stack.enter_context(started(*scheduler, "--host", made.addresses[0], **on[0]))
        many = ("--nworkers", str(workers), "--nthreads", "1", "--no-dashboard", *secure)
        nodes = [
            stack.enter_context(started(DASK, "worker", address, "--host", own, *many, **at))
            for own, at in zip(made.addresses, on, strict=True)
        ]
        yield Cluster(address, first, nodes)


@contextmanager
def ray_cluster(made: Network, folder: Path, workers: int = 1) -> Iterator[Cluster]:
    """Run Ray's head on the first host, nodes on the others, and one without CPUs here.

    A program that uses a Ray must run on one of its nodes.
    """
    address = f"{made.addresses[0]}:{RAY_PORT}"
    head = ("--head", f"--port={RAY_PORT}", "--include-dashboard=false")
    nodes = []
    with ExitStack() as stack:
        for number, own in enumerate([*made.addresses, made.own]):
            role = (f"--address={address}",) if number else head
            cpus = f"--num-cpus={workers if number < HOSTS else 0}"
            command = (RAY, "start", "--block", "--disable-usage-stats", cpus, f"--node-ip-address={own}", *role)
            at = _place(made, folder, number)
            nodes.append(stack.enter_context(started(*command, RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=made.token, **at)))
            _wait_until_started(at["output"])  # nodes that start at once may exceed the time that Ray gives them
        yield Cluster(address, nodes[0], nodes[:HOSTS])


def _wait_until_started(output: Path) -> None:
    """Wait until a node says that it is up, for a minute at most."""
    for _ in range(120):
        if "Ray runtime started" in output.read_text():
            return
        time.sleep(0.5)
    raise RuntimeError(f"a node has not started within a minute: {output.read_text()[-1000:]}")


def _place(made: Network, folder: Path, number: int) -> dict[str, Any]:
    """Return where a process of a host, or of this one, runs: arguments of `started`."""
    own = folder / str(number)
    own.mkdir(exist_ok=True)
    return {
        "host": made.name(number) if number < HOSTS else "",
        "output": folder / f"{number}.txt",
        "TMPDIR": str(own),
    }


def when_all_are_there(library: str, address: str, workloads: Sequence[str], workers: int = HOSTS) -> Settings:
    """Return the settings of a run on a cluster, once it has all its workers. Raises RuntimeError if they do not come.

    In a process of its own: the suite ends all that descends from it, and the hosts descend from the process that made
    them.
    """
    settings = parse([*workloads, "--libraries", library, f"--{library}", address, "--profile", "quick"])
    refused, deadline = None, time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            known = with_facts(settings)
        except UserError as error:
            refused = error
        else:
            if known.clusters[library]["workers"] == workers:
                return known
        time.sleep(1.0)
    raise RuntimeError(f"the cluster has not come up: {refused}")


def main() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    workers = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    remove_abandoned()
    with (
        temporary_folder() as folder,
        network() as made,
        dask_cluster(made, folder, workers) as dask,
        ray_cluster(made, folder, workers) as ray,
    ):
        clusters = f"--dask {dask.address} --ray {ray.address}"
        print(f"RAY_AUTH_TOKEN={made.token} python benchmark_all.py numerical {clusters}", flush=True)
        try:
            while True:
                time.sleep(1.0)
        except KeyboardInterrupt:
            for number, address in enumerate(made.addresses):
                print(address, made.carried_bytes(number))


if __name__ == "__main__":
    main()
