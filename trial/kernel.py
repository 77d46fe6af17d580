"""A computation whose length is chosen: compiled, it holds its core, lets go of the GIL, and its result can be checked.

PBKDF2 is made to take long in proportion to its iterations, and to be impossible to shorten.
https://docs.python.org/3.11/library/hashlib.html#hashlib.pbkdf2_hmac
"""

from hashlib import pbkdf2_hmac


def compute(iterations: int) -> int:
    """Compute for a time in proportion to ``iterations``; return a number that depends on all of them."""
    return int.from_bytes(pbkdf2_hmac("sha256", b"benchmark", b"salt", iterations)[:8], "little") if iterations else 0
