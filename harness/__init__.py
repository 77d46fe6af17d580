"""How it is measured: trials, clocks, outcomes, storage. Knows no workload and no library by name.

Modules here that worker processes import (`script`, `trial`, `tasklog`) stay light: under spawn their imports are
billed to the library under test.
"""
