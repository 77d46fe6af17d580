"""Files that a trial writes for the process outside it: whole or not there, as a trial may be ended at any time."""

import json
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: dict[str, Any]) -> None:
    """Write plain data as JSON, under another name until the file is whole."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content))
    unfinished.rename(path)
