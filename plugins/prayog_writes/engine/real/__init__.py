"""What is real in this topic: threads, the clock, the disk of this machine, and other people's engines."""
