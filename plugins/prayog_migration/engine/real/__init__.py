"""What is real in this topic: databases, files, clocks and processes."""
