"""OUTSIDE the trials: the command line, cells in blocks, a fresh interpreter for each trial, and what became of it.

Imports no library under test, and is imported by nothing but `benchmark_all.py`, programs in `tools/` and tests.
"""
