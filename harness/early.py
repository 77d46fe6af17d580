"""Imported first: a signal in the first second, while modules are imported, ends a program as later ones do.

No traceback, and exit status 130; there is nothing to clean up yet.
"""

import signal
import sys


def _end(*_: object) -> None:
    sys.exit(130)


for _number in (signal.SIGINT, signal.SIGTERM):
    if signal.getsignal(_number) in (signal.SIG_DFL, signal.default_int_handler):
        signal.signal(_number, _end)
