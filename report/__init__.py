"""How results are shown: numbers, and the tables, figures and page made of them. Uses only `record`."""
