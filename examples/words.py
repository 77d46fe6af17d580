"""Text: which words the files of Python's standard library use most. Pure Python, tasks of unequal length."""

import re
import sysconfig
from collections import Counter
from pathlib import Path

LIBRARY = Path(sysconfig.get_path("stdlib"))
WORD = re.compile(r"[A-Za-z]{3,}")


def tasks():
    folders = [LIBRARY, *(folder for folder in sorted(LIBRARY.iterdir()) if folder.name != "site-packages")]
    return [(path,) for folder in folders for path in sorted(folder.glob("*.py"))]


def task(path):
    words = Counter(word.lower() for word in WORD.findall(path.read_text(errors="replace")))
    return words.most_common(10)
