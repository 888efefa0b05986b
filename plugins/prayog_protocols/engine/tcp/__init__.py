"""TCP under the glass: two machines, a router with a queue, and every segment a real packet.

Read `frames` (a segment and its bytes), `states` (the eleven states as a table), then what one end is made of:
`sending`, `recovery`, `receiving`, `timing`, `congestion`, put together in `connection`.  `host` and `router` are the
nodes of the world that `setup` builds; `verdicts` says what a trace shows.
"""
