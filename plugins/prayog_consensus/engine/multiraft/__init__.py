"""Multi-Raft: the key space cut into ranges, each with a Raft group of its own, all on the same few stores.

The groups are `prayog_consensus.engine.raft` as it is; here is only what many groups need besides: who serves which key
(ranges and their epochs), splits and merges, and heartbeats that travel together.  Sources: the CockroachDB and TiKV
design documents; pingcap/tla-plus, RaftMerge.

*“RAFT++” is not an algorithm.*  Many groups spread load; they do not make one group better, and a write across ranges
needs an atomic commitment on top.
"""
