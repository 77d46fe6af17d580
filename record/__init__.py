"""What a trial's record is, and its files. The lowest folder: it imports nothing of the suite."""
