"""A store under Dask: dumps puts an object's large buffers into it, once; loads maps them read-only where they lie.

A plain family would put the same buffer again with each message. This one knows what lies in the store already: buffers
that were mapped from it, and living buffers that this process has put there. When a worker's own object is sent for the
first time, a twin backed by the store replaces it, so that it is in memory once. (A list or dict of arrays is sent
element by element, and put again each time: Dask does not say whose elements these are.)

An object goes with its last reference. Each process holds one reference per object that it has mapped or put. Each
message under way holds one per object too, and its receiver takes those over.
https://distributed.dask.org/en/stable/serialization.html
"""

import contextlib
import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pickle import PickleBuffer
from queue import SimpleQueue
from typing import Any, Protocol

import numpy as np
from distributed.protocol import pickle
from distributed.protocol.serialize import register_serialization_family
from distributed.worker import Worker

from stores.references import References
from trial.tasklog import placing

LEAST_BYTES = 100 * 2**10  # smaller buffers travel with the message; as Ray has it (max_direct_call_object_size)


class Store(Protocol):
    """Where buffers lie. Keys are short text without slashes; methods are called from any thread, one at a time."""

    def put(self, buffer: memoryview) -> str:
        """Copy ``buffer`` into the store and return its key. Raises MemoryError, naming the sizes, if it is full."""

    def get(self, key: str) -> memoryview:
        """Return a read-only view of what lies under ``key``, valid until that is deleted."""

    def delete(self, key: str) -> None:
        """Remove what lies under ``key``. Nothing refers to it any more, in any process."""


@dataclass(frozen=True)
class Known:
    """Memory of this process whose content lies in the store under ``key``, as long as ``owner`` lives."""

    key: str
    start: int
    size: int
    owner: Callable[[], Any]  # a weak reference

    def holds(self, start: int, size: int) -> bool:
        """Return whether all of that memory is in it. Once the owner is dead, the memory may be another's."""
        return self.owner() is not None and self.start <= start and start + size <= self.start + self.size


class Family:
    """The pair of functions that Dask registers, and what they know of a store's content."""

    def __init__(self, store: Store, references: References) -> None:
        self.store, self.references = store, references
        self._known: dict[int, Known] = {}  # by a number of its own
        self._mapped: weakref.WeakValueDictionary[str, np.ndarray] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        # Finalizers run wherever an object's last reference goes, under whichever locks are held there. So they only
        # leave a note, and a thread does the rest.
        self._gone: SimpleQueue[tuple[int, str]] = SimpleQueue()
        threading.Thread(target=self._forget, daemon=True, name=f"{type(store).__name__} forgets").start()

    def dumps(self, x: Any) -> tuple[dict[str, Any], list[Any]]:
        """Return header and frames; afterwards, the large buffers of ``x`` lie in the store."""
        holders = list(_holders(x))
        buffers: list[PickleBuffer] = []
        # Outside the lock: an object's own code runs in here.
        frames: list[Any] = [pickle.dumps(x, buffer_callback=buffers.append)]
        places: list[tuple[str, int, int] | None] = []
        put = 0
        with self._lock:
            try:
                for raw in (buffer.raw() for buffer in buffers):
                    if raw.nbytes < LEAST_BYTES:
                        places.append(None)
                        frames.append(raw)
                        continue
                    known = self._find(raw)
                    if known is None:
                        # What a worker holds does not change, by Dask's own rule; a client's own object may.
                        known, put = self._put(raw, immutable=bool(holders)), put + 1
                    self.references.add(known.key)  # the message's
                    places.append((known.key, _address(raw) - known.start, raw.nbytes))
            except BaseException:  # the store is full, say: there will be no message
                for place in filter(None, places):
                    self._drop(place[0])
                raise
            if put and holders:  # the message's references and one for the workers' own twin
                for place in filter(None, places):
                    self.references.add(place[0])
        header = {"places": places}
        if put and holders:
            twin = self.loads(header, frames)
            for worker, key in holders:
                worker.loop.add_callback(_replace, worker, key, x, twin)
        return header, frames

    def loads(self, header: dict[str, Any], frames: list[Any]) -> Any:
        """Return the object; its large buffers are read-only views of the store."""
        head, *small = frames
        buffers = []
        with self._lock:
            for place in header["places"]:
                if place is None:
                    buffers.append(small.pop(0))
                    continue
                key, offset, size = place
                buffers.append(self._map(key).data[offset : offset + size])
        return pickle.loads(head, buffers=buffers)

    def _find(self, raw: memoryview) -> Known | None:
        start = _address(raw)
        return next((known for known in self._known.values() if known.holds(start, raw.nbytes)), None)

    def _put(self, raw: memoryview, immutable: bool) -> Known:
        with placing(raw.nbytes):
            key = self.store.put(raw)
        owner = raw.obj
        try:
            known = Known(key, _address(raw), raw.nbytes, weakref.ref(owner))
        except TypeError:  # some owners of memory cannot be watched: their buffers are put again
            return Known(key, _address(raw), raw.nbytes, lambda: None)
        if immutable:
            # A second message may carry the same object before it is replaced by its twin.
            self._remember(owner, known)
        return known

    def _map(self, key: str) -> np.ndarray:
        """Return all of ``key``, as an array that lives as long as its views; the message's reference is used up."""
        owner = self._mapped.get(key)
        if owner is None:
            owner = self._mapped[key] = np.frombuffer(self.store.get(key), np.uint8)
            self._remember(owner, Known(key, owner.ctypes.data, owner.nbytes, weakref.ref(owner)))
        self.references.drop(key)
        return owner

    def _remember(self, owner: Any, known: Known) -> None:
        """Know ``known`` as long as ``owner`` lives, and hold one reference for it."""
        self._known[id(known)] = known
        self.references.add(known.key)
        weakref.finalize(owner, self._gone.put, (id(known), known.key))

    def _forget(self) -> None:
        """Let go of what is gone, again and again, as long as the process lives."""
        while True:
            number, key = self._gone.get()
            with self._lock:
                del self._known[number]
                self._drop(key)

    def _drop(self, key: str) -> None:
        if self.references.drop(key):
            with contextlib.suppress(Exception):  # its server has died or been stopped, and the object with it
                self.store.delete(key)


def _holders(x: Any) -> Iterator[tuple[Worker, Any]]:
    """Yield which workers of this process hold ``x`` in their memory, and under which key."""
    for worker in list(Worker._instances):
        memory = getattr(worker.data, "fast", worker.data)  # not what is spilled: looking at it would read it
        for key, value in list(getattr(memory, "d", memory).items()):
            if value is x:
                yield worker, key


def _replace(worker: Worker, key: Any, old: Any, new: Any) -> None:
    """Replace ``old`` by ``new`` if ``worker`` still holds it. Runs in its event loop, like all changes of its data."""
    memory = getattr(worker.data, "fast", worker.data)
    if key in memory and memory[key] is old:
        worker.data[key] = new


def _address(view: memoryview) -> int:
    return np.frombuffer(view, np.uint8).ctypes.data


def register(name: str, store: Store, references: References) -> Family:
    """Make ``store`` a serialization family of this process, of that name."""
    family = Family(store, references)
    register_serialization_family(name, family.dumps, family.loads)
    return family
