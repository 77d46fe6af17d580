"""What is derived from the records: statistics, and what is compared with what. No medium."""
