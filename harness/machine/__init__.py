"""What is known of this machine: its processes, its memory, how busy it is, how fast."""
