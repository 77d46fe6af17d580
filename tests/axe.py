"""The checker of web pages, one file of an npm package. As a program, ``python -m tests.axe``, this fetches it."""

import hashlib
import io
import sys
import tarfile
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

VERSION = "4.10.3"
SHA256 = "0f2b4d7dcdf7d1219df8d1959ad68e565f51d14c3f0d88bb71cd59abeb956292"
AXE = Path(sys.prefix) / f"axe-core-{VERSION}.js"


def fetch() -> None:
    """Write the file to its place in the virtual environment. Raises OSError where it cannot be fetched."""
    with urlopen(f"https://registry.npmjs.org/axe-core/-/axe-core-{VERSION}.tgz", timeout=60) as answer:
        packed = answer.read()
    if hashlib.sha256(packed).hexdigest() != SHA256:
        raise OSError("what was fetched is not what it should be")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        AXE.write_bytes(archive.extractfile("package/axe.min.js").read())


if __name__ == "__main__":
    try:
        fetch()
    except (OSError, HTTPException) as error:
        print(f"axe, which checks web pages, cannot be fetched ({error}): two tests will be skipped.")
