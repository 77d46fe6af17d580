"""How it is shown: statistics, tables, figures. Reads results; imports no library under test."""
