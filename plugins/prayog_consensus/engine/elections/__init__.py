"""Leader elections: on rings (Chang–Roberts, LCR, Hirschberg–Sinclair), on any graph (FloodMax), and by rank (Bully).

All of them trust the network more than consensus does: none needs a majority, and so a partition may leave two
leaders.  Start reading at `ring`.
"""
