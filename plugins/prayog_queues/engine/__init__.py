"""Brokers, those who use them, and the judge.

Read `envelope` (what travels), `port` (what every broker can be asked), `setup` (all that can be chosen), then `model`
(the broker itself as a pure state machine), `world` (producers, broker and consumers in virtual time), `judging` (lost,
doubled, out of order) and `real` (the same job on SQLite, PostgreSQL, NATS and others).
"""
