"""What on this machine would disturb a measurement: for each, what is off, by how much, and what to do about it."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from harness.machine import room
from harness.machine.environment import physical_cores

LOAD_SECONDS = 1.0  # for which other processes are watched
MOST_LOAD = 0.1  # cores that others may keep busy
MOST_MEMORY = 0.8  # of what is available
CPU = Path("/sys/devices/system/cpu")


def disturbances(n_jobs: int, needed_bytes: int, shared_bytes: int) -> list[str]:
    """Return one line per thing that is off for trials of up to ``n_jobs`` workers; none on a quiet, fit machine.

    ``needed_bytes``: the memory that one trial may take; ``shared_bytes``: how much of it may lie in /dev/shm.
    """
    checks = (_load, _frequency, _siblings, _quota, _swap)
    return [line for check in checks for line in check(n_jobs)] + list(_room(needed_bytes, shared_bytes))


def _load(_n_jobs: int) -> Iterator[str]:
    busy = psutil.cpu_percent(interval=LOAD_SECONDS) / 100 * (psutil.cpu_count() or 1)
    if busy > MOST_LOAD:
        yield f"other processes keep {busy:.1f} cores busy (at most {MOST_LOAD} would be quiet): end them, or wait"


def _frequency(_n_jobs: int) -> Iterator[str]:
    governors = {room.read(path) for path in CPU.glob("cpu*/cpufreq/scaling_governor")} - {"", "performance"}
    if governors:
        yield (
            f"the CPU governor is {', '.join(sorted(governors))}, so that speed follows load: "
            "sudo cpupower frequency-set --governor performance"
        )
    if room.read(CPU / "intel_pstate/no_turbo") == "0":
        yield "turbo is on, so that speed follows heat: echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo"
    if room.read(CPU / "cpufreq/boost") == "1":
        yield "boost is on, so that speed follows heat: echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"


def _siblings(n_jobs: int) -> Iterator[str]:
    logical, physical = psutil.cpu_count() or 1, psutil.cpu_count(logical=False) or 1
    if room.read(CPU / "smt/active") == "1" and n_jobs > 1:
        yield (
            f"SMT is on, {logical} CPUs share {physical} cores: two workers can land on one core while another idles; "
            "echo off | sudo tee /sys/devices/system/cpu/smt/control"
        )


def _quota(n_jobs: int) -> Iterator[str]:
    quota, _, period = room.read(room.CGROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit() and int(quota) / int(period) < n_jobs + 1:
        yield (
            f"the cgroup's quota is {int(quota) / int(period):g} CPUs for {n_jobs} workers and their parent, which are "
            "stopped when it is spent: raise it (docker run --cpus), or ask for fewer with --n-jobs"
        )
    if (allowed := physical_cores()) < n_jobs:
        yield f"{allowed} cores may be used, {n_jobs} workers are asked for: ask for fewer with --n-jobs"


def _swap(_n_jobs: int) -> Iterator[str]:
    if used := psutil.swap_memory().used:
        yield f"{_mib(used)} lie in swap, and reading them back would be timed: sudo swapoff -a && sudo swapon -a"


def _room(needed_bytes: int, shared_bytes: int) -> Iterator[str]:
    if needed_bytes > MOST_MEMORY * (available := room.available_bytes()):
        yield (
            f"a trial may take {_mib(needed_bytes)} of memory, {_mib(available)} are available: "
            "choose smaller sizes in params.py, or fewer workers"
        )
    if (free := room.shared_free_bytes()) is not None and shared_bytes > free:
        yield (
            f"a trial may put {_mib(shared_bytes)} into /dev/shm, {_mib(free)} are free: "
            "sudo mount -o remount,size=50% /dev/shm (docker run --shm-size)"
        )


def _mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"
