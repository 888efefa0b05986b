"""A view in words: what the canvas shows, for the outline, screen readers, tool tips and the status line.

No Qt here: pictures and words are made from the same `View`, so neither can know more than the other.
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_sim.clock import format_us
from prayog_sim.run import Flight, Look, NodeView, View

__all__ = ["cut_sentence", "flight_sentence", "groups", "node_sentence", "summary"]

_STATUS = {"up": "", "down": "down", "paused": "paused"}


def node_sentence(node: NodeView) -> str:
    """``n3: down. follower in term 2. no majority``."""
    look = node.look
    said = [word for word in (_STATUS[node.status], look.sentence or look.role, look.badge, _tally(look)) if word]
    return f"{node.name}: {'. '.join(said) or 'up'}"


def _tally(look: Look) -> str:
    yes, no = look.tally.count(True), look.tally.count(False)
    return f"answers: {yes} yes, {no} no, {len(look.tally) - yes - no} to come" if look.tally else ""


def flight_sentence(flight: Flight, clock_us: float) -> str:
    """``n1 → n2 rumour, arrives in 12 ms``; a message that is due and not delivered waits for a paused node."""
    left = round(flight.arrives_at - clock_us)
    when = f"arrives in {format_us(left)}" if left > 0 else f"waits for {flight.dst}"
    return f"{flight.src} → {flight.dst} {flight.label}, {when}"


def groups(view: View) -> list[tuple[str, ...]]:
    """The sides of a partition: nodes that can still reach each other both ways; one group when nothing is cut off."""
    cuts = set(view.cuts)
    left, found = list(view.nodes), []
    while left:
        side, edge = [left[0]], [left.pop(0)]
        while edge:
            here = edge.pop()
            reached = [name for name in left if (here, name) not in cuts and (name, here) not in cuts]
            left = [name for name in left if name not in reached]
            side += reached
            edge += reached
        found.append(tuple(name for name in view.nodes if name in side))
    return found


def cut_sentence(view: View) -> Iterator[str]:
    """The cuts in words: the sides of a partition when there are any, and single links otherwise."""
    sides = groups(view)
    if len(sides) > 1:
        yield "partition: " + " | ".join(" ".join(side) for side in sides)
    of = {name: index for index, side in enumerate(sides) for name in side}
    cuts = set(view.cuts)
    for src, dst in view.cuts:
        both = (dst, src) in cuts
        if of.get(src) != of.get(dst) and both:
            continue  # part of the partition
        if not both:
            yield f"nothing from {src} reaches {dst} (one-way)"
        elif src < dst:
            yield f"{src} and {dst} cannot reach each other"


def summary(view: View) -> str:
    """The whole picture in a few sentences."""
    if not view.nodes:
        return f"At {format_us(view.at)}: no nodes."
    said = [f"At {format_us(view.at)}: {len(view.nodes)} nodes, {len(view.flights)} messages in flight."]
    said += [f"{node_sentence(node)}." for node in view.nodes.values()]
    said += [f"{sentence[:1].upper()}{sentence[1:]}." for sentence in cut_sentence(view)]
    return " ".join(said)
