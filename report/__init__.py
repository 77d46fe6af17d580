"""How it is shown, by medium: numbers, and tables, figures and the page made of them. Reads `record` alone."""
