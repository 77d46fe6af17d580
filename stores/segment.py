"""A Python object whose buffers lie in one segment of the standard library's shared memory.

https://docs.python.org/3.11/library/multiprocessing.shared_memory.html; out-of-band buffers, for whatever object:
https://docs.python.org/3.11/library/pickle.html#out-of-band-buffers
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from multiprocessing.shared_memory import SharedMemory
from typing import Any

from trial.tasklog import placing

ALIGNMENT = 64  # bytes: as NumPy's own


@contextmanager
def placed(value: Any, writable: bool = False) -> Iterator[Callable[[], Any]]:
    """Place ``value`` until the block ends; give a function that returns it, uncopied, in another process."""
    buffers: list[pickle.PickleBuffer] = []
    head = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    starts = list(accumulate((-(-view.nbytes // ALIGNMENT) * ALIGNMENT for view in views), initial=0))
    spans = [(start, start + view.nbytes) for start, view in zip(starts, views, strict=False)]
    with placing(starts[-1]):
        segment = SharedMemory(create=True, size=starts[-1])
        assert segment.buf is not None  # it is open
        for (start, end), view in zip(spans, views, strict=True):
            segment.buf[start:end] = view
    try:
        yield partial(_read, segment.name, head, spans, writable)
    finally:
        segment.close()
        segment.unlink()


_segment: SharedMemory  # it stays open as long as the worker lives: the value lies in it


def _read(name: str, head: bytes, spans: list[tuple[int, int]], writable: bool) -> Any:
    global _segment
    _segment = SharedMemory(name)
    assert _segment.buf is not None
    memory = _segment.buf if writable else _segment.buf.toreadonly()
    return pickle.loads(head, buffers=[memory[start:end] for start, end in spans])
