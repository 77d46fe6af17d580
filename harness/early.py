"""Imported first, so that neither a signal nor a small address space ends the later imports in a traceback.

A signal during the imports ends the program with exit status 130, as later ones do: there is nothing to clean up yet.
Too small an address space ends it with one line and exit status 2.
"""

import resource
import signal
import sys

LEAST_ADDRESSES = 2 * 2**30  # bytes; libraries reserve far more than they use


def _end(*_: object) -> None:
    sys.exit(130)


for _number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(_number) in (signal.SIG_DFL, signal.default_int_handler):  # nohup ignores SIGHUP
        signal.signal(_number, _end)

_addresses = resource.getrlimit(resource.RLIMIT_AS)[0]
if 0 <= _addresses < LEAST_ADDRESSES:
    sys.stderr.write(
        f"{sys.argv[0]}: the address space is limited to {_addresses / 2**20:.0f} MiB, and the suite needs at least "
        f"{LEAST_ADDRESSES / 2**20:.0f} MiB: ulimit -v unlimited\n"
    )
    sys.exit(2)
