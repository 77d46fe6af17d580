"""What was measured, on disk: plain-data pickles, one file per library and workload, checked against the schema."""

import hashlib
import io
import json
import os
import pickle
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pydantic import ValidationError

from record.schema import LONGEST_NAME, SCHEMA, Content, Run, as_plain, from_plain, printable

SUFFIX = ".p3"
PROTOCOL = 3  # as the suffix says
SPARE_BYTES = 256 * 2**20  # that reading a file may need besides its content


class ResultsError(Exception):
    """A file that cannot be used, in one line that names it and can be printed, whatever is in it."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message.replace("\n", " ")))


class _PlainUnpickler(pickle.Unpickler):
    """Reads dict, list, str, int, float, bool and None; refuses every class and function, so that nothing can run."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"it refers to {module}.{name}, and only plain data is read")

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to an object outside the file")


@contextmanager
def _memory_bounded(more_bytes: int) -> Iterator[None]:
    """Let this process' memory grow by ``more_bytes`` at most: five bytes of a pickle can ask for a table of 64 GiB."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    bound = psutil.Process().memory_info().vms + more_bytes
    if before[1] != resource.RLIM_INFINITY:
        bound = min(bound, before[1])
    resource.setrlimit(resource.RLIMIT_AS, (bound, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def path_of(folder: Path, workload: str, library: str) -> Path:
    """Return the path of the results of ``library`` in ``workload``."""
    return folder / f"{workload}_{library}{SUFFIX}"


def write_atomically(path: Path, data: bytes) -> None:
    """Write to a temporary file and rename it, so that a reader sees the old file or the new one, never half of one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def save(folder: Path, workload: str, library: str, runs: list[Run]) -> None:
    """Write the file of ``library`` in ``workload``. Raises ValueError for what is not of the schema."""
    content = as_plain(Content(workload=workload, library=library, runs=runs))
    from_plain(content)  # what would be refused is not written
    write_atomically(path_of(folder, workload, library), pickle.dumps(content, protocol=PROTOCOL))


def load(path: Path) -> Content:
    """Read one file. Raises ResultsError if it cannot be read, is damaged, hostile, or of another schema."""
    try:
        data = path.read_bytes()
        with _memory_bounded(SPARE_BYTES + 100 * len(data)):
            content = _PlainUnpickler(io.BytesIO(data)).load()
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from error
    except Exception as error:  # a damaged pickle raises whatever its bytes lead to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ResultsError(f"{path}: refused, not a results file: {reason}; move it away") from error
    if not isinstance(content, dict) or not isinstance(content.get("schema"), int):
        raise ResultsError(f"{path}: refused, not a results file: it has no schema version; move it away")
    if content["schema"] != SCHEMA:
        raise ResultsError(
            f"{path}: refused: schema {content['schema']}, this suite reads {SCHEMA}; measure again, or use the suite "
            "version that wrote it"
        )
    try:
        return from_plain(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(each)[:LONGEST_NAME] for each in first["loc"]) or "its content"
        raise ResultsError(f"{path}: refused, not a results file: {where}: {first['msg']}; move it away") from error
    except (ValueError, OverflowError, RecursionError) as error:  # what is too large, or too deep, to be checked
        raise ResultsError(f"{path}: refused, not a results file: {error}; move it away") from error


def hash_of(data: Any) -> str:
    """Return a short hash of plain data: the same for the same content."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]
