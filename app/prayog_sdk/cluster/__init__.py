"""The same node classes as real processes on this machine: `Cluster`, and programs by others in `maelstrom`.

Start reading at `session` (what a cluster is), then `node` (one process), `proxy` (the network between them) and
`journal` (how the trace comes about).
"""

from __future__ import annotations

from prayog_sdk.cluster.programs import Program
from prayog_sdk.cluster.session import Cluster

__all__ = ["Cluster", "Program"]
