"""The topic Consensus and replication."""
