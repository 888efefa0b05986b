"""The algorithms of consensus, election, commitment and replication, one package each.

Start reading at `family` (what every algorithm offers to the topic), then `raft`.
"""
