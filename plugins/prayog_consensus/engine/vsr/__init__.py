"""Viewstamped Replication Revisited: a log without a disk.

Barbara Liskov and James Cowling, "Viewstamped Replication Revisited", MIT-CSAIL-TR-2012-021, 2012 (VRR below).
Start reading at `normal`, then `change`, then `recovery`.
"""
