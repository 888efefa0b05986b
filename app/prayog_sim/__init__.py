"""The deterministic core of Prayog: virtual time, nodes, network, disk, faults, trace.

Standard library only; no clock, no ambient randomness, no threads, no sockets.  Start reading at `trace`
(what a run leaves behind), then `run` (what a run is), `node` (what a protocol is written against) and `world` (how
one is simulated).  Below `world`: `loop` takes the steps, `state` is the present, `network` and `disk` are where
things go wrong, `faults` makes them go wrong.  Beside it: `script` (scenarios as text), `table` (state machines).
"""
