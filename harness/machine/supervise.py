"""The process between the suite and what it runs: it runs one command, and ends all that the command has started.

As a program: ``python -m harness.machine.supervise SPEC``, started by `harness.machine.process`. Where the kernel
allows it, this process has a PID namespace, whose first process waits for it and does nothing else: when the first one
ends, the kernel ends everything in the namespace. The stdin is a pipe, and only the suite holds the other end. When the
suite dies, however it dies, the pipe is closed: this process then ends the tree and removes its folder. The
parent-death signal would not do: it tells of a thread's death, it does not get through `unshare`, which makes the
namespaces, and it comes only once.
"""

import ctypes
import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from harness.machine.room import SHARED_MEMORY, size_of

GRACE_S = 3.0  # for daemons and resource trackers to end by themselves after their parent has
BUSY_GRACE_S = 15.0  # this much more while one of them computes or waits for a core: a busy machine takes longer
IDLE_S = 0.5  # without one that does, they are waiting for something else
_PR_SET_CHILD_SUBREAPER = 36
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 0x1
_STARTED_S = time.time()  # by the clock of files
_last_act = threading.Lock()  # taken once, never released: to write how it ended, or to end with the suite


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the command of ``spec`` to its end, and return how that was: the fields of `process.Ended`."""
    start = time.monotonic()
    with _sampled(spec["samples"]) as sampler:
        child = subprocess.Popen(
            spec["command"],
            env=spec["environment"],
            cwd=spec["cwd"],
            stdin=subprocess.DEVNULL,  # its output goes where this process' own goes
            start_new_session=True,  # nothing that it does to its group reaches this process
        )
        timed_out = _has_hung(child, spec["timeout_s"], spec["answer"])
        seconds = time.monotonic() - start
        left, adopted = _end_tree(spec["isolated"], grace_s=0.0 if timed_out else GRACE_S)
        returncode = child.wait()
    # By now every descendant has been waited for: an orphan by this process, the others by their own parents. The sum
    # lacks those whose parent ignores SIGCHLD (see `tasklog`).
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "returncode": returncode,
        "timed_out": timed_out,
        "seconds": seconds,
        "cpu_s": (cpu.ru_utime, cpu.ru_stime),
        "adopted": list(adopted),
        "left": left,
        "sampler_cpu_s": sampler.cpu_s if sampler else 0.0,
        "sampler_error": sampler.error if sampler else "",
    }


def _has_hung(child: subprocess.Popen[bytes], timeout_s: float, answer: str | None) -> bool:
    """Wait for the child; return whether its time was up. One that has written ``answer`` by then gets it again."""
    for more_time_for in (answer, None):
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout_s)
            return False
        if more_time_for is None or not Path(more_time_for).exists():
            break
    return True


@contextmanager
def _sampled(path: str | None) -> Iterator[Any]:
    """Sample the memory of all descendants into ``path``, if there is one, until the block has ended."""
    if path is None:
        yield None
        return
    from harness.machine.sampler import Sampler  # here: time trials need not wait for its imports

    Path(path).touch()
    sampler = Sampler(Path(path))
    sampler.start()
    try:
        yield sampler
    finally:
        sampler.stop()


def become_subreaper() -> None:
    """Make the kernel hand orphaned descendants (daemons, workers of a dead parent) to this process. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(grace_s: float) -> tuple[int, set[int]]:
    """Kill every descendant that does not end by itself within its grace; return how many were killed.

    That is ``grace_s``, and BUSY_GRACE_S more as long as one of them wants a core; no grace at all if that is 0.
    Also return the ids of all that this process has waited for, with orphans: their CPU time is in RUSAGE_CHILDREN.
    """
    gone, alive = psutil.wait_procs(_descendants(), timeout=grace_s)
    begin_s = wanted_s = time.monotonic()
    while grace_s and alive and wanted_s - begin_s < BUSY_GRACE_S and time.monotonic() - wanted_s < IDLE_S:
        ended, alive = psutil.wait_procs(alive, timeout=0.05)
        gone += ended
        if any(map(_wants_a_core, alive)):
            wanted_s = time.monotonic()
    killed = 0
    while alive := [process for process in {*alive, *_descendants()} if process.is_running()]:
        for process in alive:
            killed += not _has_ended(process)
            with suppress(psutil.NoSuchProcess):
                process.kill()
        gone += psutil.wait_procs(alive, timeout=5)[0]
    return killed, {process.pid for process in gone if process.returncode is not None}  # only a parent learns it


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _wants_a_core(process: psutil.Process) -> bool:
    """Return whether one of the process' threads computes, waits for a core, or for a disk."""
    with suppress(OSError):  # it has ended
        stats = [path.read_text() for path in Path(f"/proc/{process.pid}/task").glob("*/stat")]
        return any(stat.rpartition(")")[2].split()[0] in ("R", "D") for stat in stats)
    return False


def _has_ended(process: psutil.Process) -> bool:
    """Return whether the process has ended, waited for or not."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def _end_tree(isolated: bool, grace_s: float) -> tuple[dict[str, int], set[int]]:
    """End all descendants; return what they left that nobody uses, and the ids of those waited for.

    A shared memory of the tree's own ends with the tree. In the machine's shared memory, files that the tree had mapped
    or open are removed, if they are newer than the run: an older one is a user's data. Nobody can tell whose the other
    files are: they are neither counted nor removed. There, a tree without grace gets SIGTERM first. Resource trackers
    ignore it, outlive their parents, and remove what those have left: only they know of folders and closed files.
    """
    hurried = [] if isolated or grace_s else [each for each in _descendants() if not _has_ended(each)]
    for process in hurried:  # held still, so that they make nothing new after their files are listed
        with suppress(psutil.Error):
            process.suspend()
    seen = set() if isolated else _files_in_shared_memory(_descendants())
    for process in hurried:
        with suppress(psutil.Error):
            process.terminate()
            process.resume()
    killed, adopted = end_descendants(GRACE_S if hurried else grace_s)
    if isolated:
        left = list(SHARED_MEMORY.iterdir()) if SHARED_MEMORY.is_dir() else []
    else:
        unused = seen - _files_in_shared_memory(psutil.process_iter()) if seen else seen
        left = [path for path in unused if _is_new(path) and path.lstat().st_uid == os.getuid()]
    counted = {"processes": len(hurried) or killed, "shm_segments": len(left), "shm_bytes": sum(map(size_of, left))}
    for path in [] if isolated else left:
        path.unlink(missing_ok=True)
    return counted, adopted


def _is_new(path: Path) -> bool:
    """Return whether the file is there and has changed since this process started."""
    return path.exists() and path.lstat().st_ctime >= _STARTED_S


def _files_in_shared_memory(processes: Iterable[psutil.Process]) -> set[Path]:
    """Return the files there that one of the processes has mapped or open right now."""
    mapped: set[Path] = set()
    for process in processes:
        with suppress(psutil.Error):
            paths = [*(each.path for each in process.memory_maps()), *(each.path for each in process.open_files())]
            mapped |= {Path(path) for path in paths if Path(path).is_relative_to(SHARED_MEMORY)}
    return mapped


def isolate(shared_bytes: int) -> None:
    """In new namespaces: give this one a shared memory of its own, as large as the machine's, and a loopback device."""
    options = f"size={shared_bytes},mode=1777"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(SHARED_MEMORY)], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def _go_on_as_second_process() -> None:
    """Go on in a child, so that the command is no child of process 1.

    Ray reads process 1 as "my parent has died, and that was the raylet": when it then loses the raylet's socket, as may
    happen while it shuts down, it ends the driver with status 1 (ray 2.60, raylet_ipc_client.cc,
    ShutdownIfLocalRayletDisconnected). A driver that is started from a shell is no child of process 1 either.
    """
    if child := os.fork():
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        os._exit(status if status >= 0 else 128 - status)  # as a shell says that a signal ended it


def _end_with_the_suite(folder: Path, isolated: bool) -> None:
    """Wait until the suite has closed its end of the pipe: end the tree, and leave nothing."""
    os.read(0, 1)
    _last_act.acquire()
    _end_tree(isolated, grace_s=0.0)
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def main(spec: dict[str, Any]) -> None:
    """Run what ``spec`` says and write down how it ended, in its folder."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # The suite ends this process, by closing the pipe. This is a handler, not SIG_IGN: the command would inherit
        # SIG_IGN, and the workers of a multiprocessing.Pool end by SIGTERM.
        signal.signal(number, lambda *_: None)
    if spec["isolated"]:
        _go_on_as_second_process()
        isolate(spec["shared_bytes"])
    become_subreaper()
    folder = Path(spec["folder"])
    threading.Thread(target=_end_with_the_suite, args=(folder, spec["isolated"]), daemon=True).start()
    ended = run(spec)
    _last_act.acquire()  # not while the folder is being removed
    (folder / "ended.json").write_text(json.dumps(ended))


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
