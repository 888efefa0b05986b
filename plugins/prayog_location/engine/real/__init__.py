"""What is real in this topic: the wall clock, and three databases on this machine."""
