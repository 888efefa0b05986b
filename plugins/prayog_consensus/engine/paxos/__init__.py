"""Paxos: `single` decides one value, `multi` a whole log with a stable leader.

Leslie Lamport, "Paxos Made Simple", ACM SIGACT News 32(4), 2001 (PMS below).  Start reading at `acceptor`: it is
short, and all of Paxos' safety lies in its two ``if``\\ s.
"""
