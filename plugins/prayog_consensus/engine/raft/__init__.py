"""Raft: a replicated log whose leader is elected by majority, and everything that makes it complete.

Diego Ongaro and John Ousterhout, *In Search of an Understandable Consensus Algorithm* (extended version, 2014), cited
here as “§5.4.2”; and Ongaro's dissertation, *Consensus: Bridging Theory and Practice* (2014), as “thesis 4.1”.

Read in this order: `messages`, `log`, `election`, `replication`, `requests`, `snapshots`, `membership`, `server`.
`invariants` says what must never happen, `variants` how each rule is left out on purpose.
"""
