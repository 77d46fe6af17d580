"""What runs inside a trial's own interpreter: the contract of scripts and workloads, the clock, the log, the checks.

Light: under spawn, every worker imports a part of it, and that time is billed to the library under test.
"""
