"""The same five values give the same bytes in another process under another hash seed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[1])
from functools import partial
from prayog_smallest.engine import Gossiper
from prayog_sim.faults import fault
from prayog_sim.network import LogNormal, Link, Network
from prayog_sim.run import Action
from prayog_sim.world import World

nodes = {f"n{i}": partial(Gossiper, knows=i == 1, rounds=30) for i in range(1, 9)}
schedule = [
    fault(40_000, "partition", groups="n1,n2|n3"),
    fault(90_000, "heal"),
    fault(95_000, "skew", node="n4", rate=0.1),
]
world = World(nodes, 7, Network(Link(LogNormal(3_000), loss=0.1, duplicate=0.1, reorder=0.2)), schedule, strict=True)
world.run(until_us=60_000)
world.do(Action("crash", {"node": "n2", "in_flight": "drop"}))
world.run(until_us=80_000)
world.do(Action("restart", {"node": "n2"}))
world.run()
print(len(world.trace), world.trace.hash(), world.fork(200).trace.hash())
"""


def test_two_processes_with_different_hash_seeds_write_the_same_trace() -> None:
    folder = Path(__file__).parent.parent / "plugins" / "smallest"
    outputs = []
    for hash_seed in ("0", "1", "random"):
        environ = {**os.environ, "PYTHONHASHSEED": hash_seed}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(folder)], env=environ, capture_output=True, text=True, check=True
        )
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1] == outputs[2]
    assert int(outputs[0].split()[0]) > 300
