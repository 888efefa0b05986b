"""Histories of client operations: recorded, read from files, and judged.

Start with `operations` (what a history is, and how a simulated client tells of one), then `linearizable`.
`jepsen` reads and writes files; `model` says what an object promises, `registers` and `queues` do.
"""
