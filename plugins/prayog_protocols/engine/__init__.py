"""Reading, dissecting and building packets.

Read `spec` first (what is said about a field), then one module of `protocols`, then `compiling` (how a spec becomes
code), `dissection` (how layers follow each other), `tree` (what comes out) and `building` (the way back).  `capture`
reads and writes files, `streams` follows conversations through them, `filter` finds packets in them.
"""
