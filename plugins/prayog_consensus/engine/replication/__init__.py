"""Copies of data: a primary and its backups, many masters, a quorum register, and what stops a stale leader.

Start reading at `client` (who asks, and what is recorded), then `server`.
"""
