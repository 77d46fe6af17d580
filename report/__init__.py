"""HOW it is shown: tables in the terminal, figures, an HTML page. Reads `record` and nothing else of the suite."""
