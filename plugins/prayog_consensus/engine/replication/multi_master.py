"""Many masters as a family: conflicts found or not, and what becomes of concurrent writes.

Words of the options: ``vv`` (the default) keeps siblings by version vectors, ``lww`` lets the last writer win by the
masters' clocks.  Client c1 asks m1, c2 asks m2, and so on; `write … at=m2` sends it elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.replication.client import ACTIONS, Client
from prayog_consensus.engine.replication.master import Master
from prayog_consensus.engine.replication.measures import LINEARIZABLE, WRITES
from prayog_consensus.engine.replication.versions import Dot, Version, covers
from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import Factories, Setup, names
from prayog_sdk.checks import Check, Verdict, count, never
from prayog_sdk.specs import Variant
from prayog_sim.node import Node
from prayog_sim.trace import Trace
from prayog_sim.world import Invariant

__all__ = ["FAMILY"]


def _nodes(setup: Setup) -> Factories:
    period = round(1_000_000 / setup.writes) if setup.writes else 0
    policy = "lww" if "lww" in setup.words else "vv"
    masters = names(setup.nodes, "m")
    made: dict[str, Callable[[], Node]] = {}
    for name in masters:
        others = tuple(other for other in masters if other != name)
        made[name] = partial(Master, others, policy, setup.timeout_us, setup.variant)
    for place, name in enumerate(names(setup.nodes, "c")):
        order = (masters[place], *(other for other in masters if other != masters[place]))
        made[name] = partial(Client, order, 4 * setup.timeout_us, period, 1_000 * place, False)
    return made


# -- what must hold ----------------------------------------------------------------------------------------------


def _masters(nodes: Mapping[str, Node]) -> list[tuple[str, Master]]:
    return [(name, node) for name, node in nodes.items() if isinstance(node, Master)]


def _clock_condition(nodes: Mapping[str, Node]) -> str | None:
    """For all versions of a key anywhere: a was seen by b's writer exactly if b's context covers a."""
    found: dict[str, dict[Dot, Version]] = {}
    for _, node in _masters(nodes):
        for key, versions in node.store.items():
            found.setdefault(key, {}).update({version.dot: version for version in versions})
    for key, versions_of in found.items():
        for b in versions_of.values():
            for dot in versions_of:
                truly = dot in b.past and dot != b.dot
                if truly != covers(b.context, dot):
                    word = "had seen" if truly else "had not seen"
                    return f"the writer of {key}={b} {word} {dot[0]}.{dot[1]}, but its context says otherwise"
    return None


def _siblings(nodes: Mapping[str, Node]) -> str | None:
    """What a master holds side by side is truly concurrent."""
    for name, node in _masters(nodes):
        for key, found in node.store.items():
            for a in found:
                newer = next((b for b in found if b is not a and a.dot in b.past), None)
                if newer:
                    return f"{name} still holds {key}={a} beside {newer}, whose writer had seen it"
    return None


def _nothing_forgotten(nodes: Mapping[str, Node]) -> str | None:
    """Every write that a master ever had is there, or a later one whose writer had seen it."""
    for name, node in _masters(nodes):
        for key, dots in node.known.items():
            held = {dot for version in node.store[key] for dot in version.past}
            lost = next((dot for dot in dots if dot not in held), None)
            if lost:
                return f"{name} had {key}'s write {lost[0]}.{lost[1]}, and nothing that it holds now knows of it"
    return None


def _invariants(setup: Setup) -> tuple[Invariant, ...]:
    if "lww" in setup.words:
        return ()  # it promises convergence, and nothing about single writes
    return (
        Invariant("context_is_causality", _clock_condition),
        Invariant("siblings_are_concurrent", _siblings),
        Invariant("nothing_forgotten", _nothing_forgotten),
    )


def _converged(trace: Trace) -> Verdict:
    held: dict[str, dict[str, object]] = {}
    masters: dict[str, None] = {}
    for step in trace:
        if step.kind == "start" and step.node.startswith("m"):
            masters.setdefault(step.node)
        for effect in step.effects:
            if effect.kind == "stored":
                held.setdefault(effect.data["key"], {})[step.node] = effect.data["values"]
    for key, values in held.items():
        said = {name: values.get(name) for name in masters}
        if len({str(value) for value in said.values()}) > 1:
            told = ", ".join(f"{name} holds {value}" for name, value in said.items())
            return Verdict(False, f"{key}: {told}", trace[-1].seq)
    return Verdict(True, "all masters hold the same")


FAMILY = Family(
    name="multi-master",
    title="Many masters",
    source="Parker et al., IEEE TSE 9(3), 1983; Preguiça et al. 2010",
    summary="Every master takes writes and tells the others later; concurrent writes are a conflict.",
    nodes=_nodes,
    invariants=_invariants,
    actions=ACTIONS,
    checks=(
        LINEARIZABLE,
        Check("converged", "In the end all masters hold the same", _converged),
        Check("nothing_lost", "No acknowledged write vanishes unless its overwriter had seen it", never("dropped")),
        Check("no_old_value_back", "No older value takes the place of a newer one", never("dropped", how="newer")),
    ),
    measures={
        **WRITES,
        "updates": sent("Update"),
        "conflicts": count("conflict"),
        "dropped": count("dropped"),
        "dropped_newer": count("dropped", how="newer"),
        "dropped_concurrent": count("dropped", how="concurrent"),
    },
    variants=(
        Variant(
            "lww-wrong-clock",
            "The last writer wins, by clocks that are wrong",
            {"algorithm": "multi-master", "options": "lww"},
            caught_by="no_old_value_back",
            scenario="multi_master_wrong_clock",
            seeds=3,
            story="The second write has the earlier time stamp, and is dropped.",
        ),
        Variant(
            "compares-lexicographically",
            "Compares vectors like words in a dictionary",
            {"algorithm": "multi-master", "variant": "compares-lexicographically"},
            caught_by="safe",
            scenario="multi_master_conflict",
            seeds=3,
            story="Any two lists can be ordered so; concurrent writes then look like one after the other.",
        ),
        Variant(
            "forgets-context",
            "Ticks without merging what the client had seen",
            {"algorithm": "multi-master", "variant": "forgets-context"},
            caught_by="safe",
            scenario="multi_master_wrong_clock",
            seeds=3,
            story="A write that overwrites another looks concurrent to it.",
        ),
    ),
    formulas=(
        Formula("one write", "updates", lambda n: n - 1, "n − 1", "multi_master_one_write"),
        Formula("in all", "messages", lambda n: 2 * (n - 1) + 2, "2(n − 1) + 2", "multi_master_one_write"),
    ),
)
