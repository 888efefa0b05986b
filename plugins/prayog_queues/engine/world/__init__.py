"""Producers, a broker, consumers and a bank as nodes of a simulated world.

Read `wire` (what they say to each other), `producer`, `broker`, `consumer`, `bank`, `table` (a database in the broker's
place), `attacker`, then `build`.
"""
