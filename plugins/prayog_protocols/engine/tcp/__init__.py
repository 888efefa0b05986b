"""TCP under the glass: two machines, a router with a queue, and every segment a real packet.

Read `frames` (a segment and its bytes) and `states` (the eleven states as a table), then what one end is made of:
`sending`, `recovery`, `receiving`, `timing` and `congestion`, put together in `connection`; `arriving` is what it does
with a segment that comes.  `host` and `router` are the nodes of the world that `setup` builds.  `gathered`, `verdicts`
and `pictures` say what a trace shows.
"""
