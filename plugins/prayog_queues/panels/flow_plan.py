"""Where the boxes of the flow stand: producers, exchanges, queues, consumers and the world, from left to right."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSizeF

from prayog_queues.engine.flow import Flow
from prayog_queues.engine.port import Binding
from prayog_queues.panels.flow_places import Places
from prayog_sdk.qt import theme

__all__ = ["Plan", "Wire", "sentence"]


@dataclass(frozen=True, slots=True)
class Wire:
    """A line between two places; `binding` where the learner can cut it."""

    a: str
    b: str
    binding: Binding | None = None


class Plan:
    """Boxes and wires for one state of the flow in a picture of `size`; `places` are the learner's."""

    def __init__(self, flow: Flow, names: tuple[str, ...], size: QSizeF, places: Places) -> None:
        self.boxes: dict[str, QRectF] = {}
        self.graves = flow.dead_letters()
        columns = self._columns(flow, names)
        filled = [column for column in columns if column]
        margin = theme.scaled(12)
        gap = theme.scaled(24)
        line = theme.scaled(22)
        self.need = QSizeF(
            2 * margin + len(filled) * theme.scaled(72) + (len(filled) - 1) * gap,
            2 * margin + max(map(len, filled), default=1) * line,
        )
        """Below this size names cannot be read."""
        wide = max(1.0, size.width() - 2 * margin)
        most = (wide - gap * (len(filled) - 1)) / max(1, len(filled))
        width = min(theme.scaled(132), most)
        step = (wide - width) / max(1, len(filled) - 1)
        high = size.height() - 2 * margin
        for i, column in enumerate(filled):
            row = high / len(column)
            tall = theme.scaled(64 if column[0][0] == "q" else 52)
            height = max(10.0, min(tall, row - 4))
            for j, place in enumerate(column):
                top = margin + row * (j + 0.5) - height / 2
                self.boxes[place] = QRectF(margin + step * i, top, width, height)
        places.arrange(self.boxes, size)
        self.wires = self._wires(flow)

    def _columns(self, flow: Flow, names: tuple[str, ...]) -> list[list[str]]:
        """`names` are the nodes of a simulated run: they stand there before anything happened."""
        producers = dict.fromkeys([*(n for n in names if n[:1] == "p" and n[1:].isdigit()), *flow.producers])
        consumers = dict.fromkeys([*(n for n in names if n[:1] == "w" and n[1:].isdigit()), *flow.consumers])
        queues: list[str] = []
        of = {home: grave for grave, home in self.graves.items()}
        for queue in flow.queues():
            if queue not in self.graves:
                queues += [queue, of[queue]] if queue in of else [queue]
        outside = list(flow.outside) or ["charge"]
        return [
            [f"p:{n}" for n in producers] or ["p:?"], [f"x:{e.name}" for e in flow.topology.exchanges],
            [f"q:{n}" for n in queues], [f"c:{n}" for n in consumers], [f"e:{n}" for n in outside],
        ]  # fmt: skip

    def _wires(self, flow: Flow) -> list[Wire]:
        wires = {(b.exchange, b.queue, b.pattern): Wire(f"x:{b.exchange}", f"q:{b.queue}", b)
                 for b in flow.topology.bindings}  # fmt: skip
        bound = {(wire.a, wire.b) for wire in wires.values()}
        found = list(wires.values())
        for consumer, place in flow.consumers.items():
            found.append(Wire(place, f"c:{consumer}"))
        for grave, home in self.graves.items():
            found.append(Wire(f"q:{home}", f"q:{grave}"))
        known = bound | {(wire.a, wire.b) for wire in found}
        found += [Wire(a, b) for a, b in flow.edges if (a, b) not in known]
        found += self._to_come(flow, {end for wire in found for end in ((wire.a, "out"), (wire.b, "in"))})
        return [wire for wire in found if wire.a in self.boxes and wire.b in self.boxes]

    def _to_come(self, flow: Flow, ends: set[tuple[str, str]]) -> list[Wire]:
        """Wires that nothing ran along yet: who sends, takes and acts is known before it happens."""
        first = next((p for p in self.boxes if p[:1] == "x"), next((p for p in self.boxes if p[:1] == "q"), ""))
        queues = [p for p in self.boxes if p[:1] == "q" and p[2:] not in self.graves]
        consumers = [p for p in self.boxes if p[:1] == "c"]
        outside = [p for p in self.boxes if p[:1] == "e"]
        found = [Wire(p, first) for p in self.boxes if p[:1] == "p" and (p, "out") not in ends and first]
        for i, place in enumerate(consumers):
            if (place, "in") not in ends and queues:
                found.append(Wire(queues[i % len(queues)], place))
            if (place, "out") not in ends and outside:
                found.append(Wire(place, outside[i % len(outside)]))
        return found

    def end(self, wire: Wire) -> tuple[QPointF, QPointF]:
        """Where a wire leaves and arrives: to the right, else to the left, and up or down where boxes overlap."""
        a, b = self.boxes[wire.a], self.boxes[wire.b]
        if a.right() <= b.left():
            return QPointF(a.right(), a.center().y()), QPointF(b.left(), b.center().y())
        if b.right() <= a.left():
            return QPointF(a.left(), a.center().y()), QPointF(b.right(), b.center().y())
        if a.center().y() <= b.center().y():
            return QPointF(a.center().x(), a.bottom()), QPointF(b.center().x(), b.top())
        return QPointF(a.center().x(), a.top()), QPointF(b.center().x(), b.bottom())

    def at(self, point: QPointF) -> str:
        """The place under a point."""
        return next((place for place, box in self.boxes.items() if box.adjusted(-4, -4, 4, 4).contains(point)), "")

    def wire_at(self, point: QPointF) -> Wire | None:
        """The wire of a binding near a point."""
        for wire in self.wires:
            a, b = self.end(wire)
            way, off = b - a, point - a
            length2 = QPointF.dotProduct(way, way) or 1.0
            share = QPointF.dotProduct(off, way) / length2
            near = point - (a + way * min(1.0, max(0.0, share)))
            if wire.binding is not None and QPointF.dotProduct(near, near) < 64 and 0 < share < 1:
                return wire
        return None


def sentence(flow: Flow, place: str, now: float) -> str:
    """A place in words."""
    sort, name = place[:1], place[2:]
    rates = [edge.rate(now) for (a, b), edge in flow.edges.items() if (b if sort in "xqe" else a) == place]
    pace = f", {sum(rates):.0f} a second" if sum(rates) >= 0.5 else ""
    match sort:
        case "p":
            sent = sum(edge.count for (a, _), edge in flow.edges.items() if a == place)
            return f"Producer {name}: {sent:,} sent{pace}."
        case "x":
            kind = next((e.kind for e in flow.topology.exchanges if e.name == name), "")
            bound = [f"{b.queue} ({b.pattern or 'all'})" for b in flow.topology.bindings if b.exchange == name]
            idle = [b.queue for b in flow.topology.bindings if b.exchange == name and flow.idle(b)]
            more = f" Nothing has matched for {', '.join(idle)}." if idle else ""
            return f"Exchange {name}, {kind}, bound to {', '.join(bound) or 'nothing'}.{more}"
        case "q":
            home = flow.dead_letters().get(name)
            what = f"Dead letters of {home}" if home else "Queue"
            parts = flow.parts.get(name, {})
            owners = flow.owners.get(name, {})
            log = "".join(
                f" Partition {p}: {parts.get(p, 0):,} stored, read by {owners.get(p, 'nobody')}."
                for p in sorted(parts | owners)
            )
            off = " The broker is down." if "broker" in flow.down else ""
            return f"{what} {name}: {flow.depth(name):,} wait{pace}.{log}{off}"
        case "c":
            held = flow.hands.get(name, {})
            state = "down, " if name in flow.down else ""
            late = sum(token.expired for token in held.values())
            over = f", {late} with a lease that is over" if late else ""
            works = ", ".join(token.message for token in list(held.values())[:3]) or "nothing"
            return f"Consumer {name}: {state}{len(held)} in hand ({works}){over}{pace}."
    done = flow.outside.get(name, 0)
    again = flow.doubled.get(name, 0)
    twice = f", {again} more than once" if again else ""
    return f"The world: {name} happened {done:,} times{twice}."
