"""The deterministic core of Prayog: virtual time, nodes, network, disk, faults, trace.

Standard library only; no clock, no ambient randomness, no threads, no sockets.  Start reading at `trace`
(what a run leaves behind), then `run` (what a run is), then `world` (how one is simulated).
"""
