"""In the terminal."""
