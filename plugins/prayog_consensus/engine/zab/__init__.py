"""ZAB, the atomic broadcast of ZooKeeper: elect, discover, synchronise, then broadcast in one order.

Junqueira, Reed and Serafini, "Zab: High-performance broadcast for primary-backup systems", DSN 2011 (Zab11 below).
Start reading at `election`, then `phases` (discovery and synchronisation), then `broadcast`.
"""
