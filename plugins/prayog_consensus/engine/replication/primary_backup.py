"""Primary and backups as a family: what each mode keeps, what it loses, and one master per shard.

Words of the options: ``async`` (the default), ``semi``, ``majority``, ``sync``: see `server`; ``w=6``: six servers
must have a write, the primary included; ``auto``: a monitor promotes by itself; ``clients=2``; ``shards`` with
``place`` or ``key``: see `shards`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.provoke import LEADER_ACTIONS, LeaderWorld
from prayog_consensus.engine.replication.client import ACTIONS, Client
from prayog_consensus.engine.replication.measures import LINEARIZABLE, NO_LOSS, WRITES, lost_writes, stale_reads
from prayog_consensus.engine.replication.measures import unreplicated as unreplicated_entries
from prayog_consensus.engine.replication.monitor import Monitor
from prayog_consensus.engine.replication.server import Server
from prayog_consensus.engine.replication.shards import CITIES, HOMES, Shard
from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.checks import count
from prayog_sdk.specs import ActionSpec, Arg, SeriesSpec, Variant
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["FAMILY", "number"]


def number(setup: Setup, word: str, default: int) -> int:
    """The number behind ``word=`` in the options."""
    found = (text.removeprefix(f"{word}=") for text in setup.words if text.startswith(f"{word}="))
    return next((int(text) for text in found if text.isdecimal()), default)


def needed(setup: Setup) -> int:
    """How many backups must have a write before it is acknowledged."""
    if asked := number(setup, "w", 0):
        return min(asked, setup.nodes) - 1
    modes = {"sync": setup.nodes - 1, "majority": setup.nodes // 2, "semi": min(1, setup.nodes - 1)}
    return next((modes[word] for word in setup.words if word in modes), 0)


def _nodes(setup: Setup) -> Factories:
    period = round(1_000_000 / setup.writes) if setup.writes else 0
    patience = 4 * setup.timeout_us
    made: dict[str, Callable[[], Node]] = {}
    if "shards" in setup.words:
        cities = CITIES[: max(2, min(setup.nodes, len(CITIES)))]
        made |= {city: partial(Shard, city, "place" not in setup.words) for city in cities}
        for place, (name, home) in enumerate(HOMES.items()):
            order = (home, *(city for city in cities if city != home))
            made[name] = partial(Client, order, patience, period, 100 * place, False)
        return made
    servers = names(setup.nodes, "s")
    for name in servers:
        made[name] = partial(Server, name, servers, needed(setup), setup.timeout_us, setup.variant)
    if "auto" in setup.words:
        made["m"] = partial(Monitor, servers, setup.timeout_us)
    for place, name in enumerate(names(number(setup, "clients", 1), "c")):
        made[name] = partial(Client, servers, patience, period, 1_000 * place)
    return made


def _invariants(setup: Setup) -> tuple[Invariant, ...]:
    need, everywhere = needed(setup) + 1, "sync" in setup.words

    def kept(nodes: Mapping[str, Node]) -> str | None:
        """Acknowledged means: so many logs have it.  Logs are durable, so crashed servers count."""
        servers = [node for node in nodes.values() if isinstance(node, Server)]
        newest = max(((server.epoch, server.primary) for server in servers), default=None)
        for client in nodes.values():
            for epoch, primary, place, key, value in client.acked if isinstance(client, Client) else ():
                if not servers or ((epoch, primary) != newest and not everywhere):
                    continue  # what a fail-over may lose is measured, not promised
                copies = sum(
                    len(server.log) >= place and server.log[place - 1] == (epoch, key, value) for server in servers
                )
                if copies < need:
                    return f"{key}={value} was acknowledged, but {copies} of {need} servers have it"
        return None

    return (Invariant("acknowledged_is_copied", kept),)


FAMILY = Family(
    name="primary-backup",
    title="Primary and backups",
    source="Alsberg and Day, ICSE 1976",
    summary="One server takes all writes and copies its log; when it answers decides what a fail-over loses.",
    nodes=_nodes,
    invariants=_invariants,
    build=lambda setup, seed: LeaderWorld(_nodes(setup), seed, network(setup), invariants=_invariants(setup)),
    actions=(
        *ACTIONS,
        ActionSpec("promote", "Make it primary", "The server takes over with the log that it has.", "node",
                   (Arg("node", "node", "Server"),), "p"),
        *LEADER_ACTIONS,
    ),
    checks=(LINEARIZABLE, NO_LOSS),
    measures={
        **WRITES,
        "copies": sent("Append"),
        "confirmations": sent("Copied"),
        "lost_writes": lost_writes,
        "stale_reads": stale_reads,
        "unreplicated": unreplicated_entries,
        "discarded": count("discard"),
        "forwarded": count("forward"),
    },
    series=(SeriesSpec("unreplicated", "Entries that only the primary has"),),
    variants=(
        Variant(
            "acknowledges-first",
            "Says that it is synchronous, and answers at once",
            {"algorithm": "primary-backup", "variant": "acknowledges-first"},
            caught_by="safe",
            scenario="primary_backup_sync",
            seeds=3,
            story="The client is told “done” while the copies are on their way.",
        ),
    ),
    formulas=(
        Formula("a write", "copies", lambda n: n - 1, "n − 1", "primary_backup_one_write"),
        Formula("its copies", "confirmations", lambda n: n - 1, "n − 1", "primary_backup_one_write"),
        Formula("in all", "messages", lambda n: 2 * (n - 1) + 2, "2(n − 1) + 2", "primary_backup_one_write"),
    ),
)  # fmt: skip
