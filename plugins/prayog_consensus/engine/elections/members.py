"""Who takes part in an election: unique ids, and the graph along which nodes may talk.

Ids decide everything here, so learners set them: in order of the names, against it, shuffled by the run's seed, or
one by one.  Two equal ids are let through: what then happens is worth seeing.
"""

from __future__ import annotations

from collections.abc import Mapping

from prayog_consensus.engine.setup import Setup, names
from prayog_sdk.params import ParamError
from prayog_sim.rng import Rng

__all__ = ["Graph", "diameter", "directed", "graph", "idents", "ring"]

Graph = Mapping[str, tuple[str, ...]]
"""Node → its neighbours."""


def idents(setup: Setup, seed: int = 0) -> tuple[int, ...]:
    """The id of each node, in the order of their names.  Raises `ParamError` with a sentence.

    ``highest-first`` is the highest, and then all others from the lowest up: 5, 1, 2, 3, 4.
    """
    count, word = setup.nodes, setup.ids.strip()
    if word in ("ascending", "descending", "shuffled", "highest-first"):
        found = list(range(1, count + 1))
        if word == "highest-first":
            found.insert(0, found.pop())
        if word == "descending":
            found.reverse()
        elif word == "shuffled":
            Rng.derive(seed, "ids").shuffle(found)
        return tuple(found)
    parts = word.replace(",", " ").split()
    if not all(part.isdecimal() for part in parts) or len(parts) != count:
        raise ParamError(
            f"ids is ascending, descending, shuffled, highest-first, or {count} whole numbers such as "
            f"{','.join(str(number) for number in range(count, 0, -1))}; found {setup.ids!r}"
        )
    return tuple(int(part) for part in parts)


def ring(count: int) -> Graph:
    """Each node and the one that follows it clockwise: n1 → n2 → … → n1."""
    nodes = names(count)
    return {node: (nodes[(place + 1) % count],) for place, node in enumerate(nodes)}


def graph(setup: Setup, seed: int = 0) -> Graph:
    """The undirected graph that the set-up names; ``random`` is a tree with about half as many edges more."""
    nodes = names(setup.nodes)
    edges: set[tuple[int, int]] = set()
    last = len(nodes) - 1
    match setup.topology:
        case "line":
            edges = {(place, place + 1) for place in range(last)}
        case "ring":
            edges = {(place, (place + 1) % len(nodes)) for place in range(len(nodes))}
        case "star":
            edges = {(0, place) for place in range(1, len(nodes))}
        case "complete":
            edges = {(a, b) for a in range(len(nodes)) for b in range(a)}
        case _:
            rng = Rng.derive(seed, "graph")
            edges = {(place, rng.randint(0, place - 1)) for place in range(1, len(nodes))}
            for _ in range(len(nodes) // 2):
                edges.add((rng.randint(0, last), rng.randint(0, last)))
    links = {(a, b) for edge in edges for a, b in (edge, edge[::-1]) if a != b}
    return {node: tuple(nodes[b] for a, b in sorted(links) if a == place) for place, node in enumerate(nodes)}


def distances(graph: Graph, start: str) -> dict[str, int]:
    """Hops from `start` to every node that can be reached."""
    found, ahead = {start: 0}, [start]
    for node in ahead:
        for other in graph[node]:
            if other not in found:
                found[other] = found[node] + 1
                ahead.append(other)
    return found


def diameter(graph: Graph) -> int:
    """The longest of all shortest ways."""
    return max(max(distances(graph, node).values()) for node in graph)


def directed(graph: Graph) -> int:
    """How many directed edges the graph has: twice the undirected ones."""
    return sum(len(others) for others in graph.values())
