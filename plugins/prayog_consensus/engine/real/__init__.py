"""Real processes: the algorithms of this topic as five programs on this machine, and programs that others wrote."""
