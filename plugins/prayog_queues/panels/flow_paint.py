"""Draws the flow: boxes, wires as thick as what runs along them, and messages as tokens.

Colour and letter are the key, each ring is one more attempt, hatching says that the lease is over.

Rules
1. A token's place follows from the clock and the moment of its last move, never from the number of frames.
2. Above `MOST_A_SECOND` only every so manieth message is drawn, and the picture says so; the wires tell the rest.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetricsF, QPainter, QPen

from prayog_queues.engine.flow import TRAVEL_US, Flow, Token
from prayog_queues.panels.flights import Moving
from prayog_queues.panels.flow_plan import Plan, Wire
from prayog_sdk.qt import theme

__all__ = ["MOST_A_SECOND", "FlowPainter"]

MOST_A_SECOND = 200
_RINGS = 3
_LETTERS = {"p": "P", "x": "X", "q": "Q", "c": "W", "e": "E"}


class FlowPainter:
    """Paints `flow` as `plan` has laid it out, at `clock_us`."""

    def __init__(
        self, painter: QPainter, flow: Flow, plan: Plan, clock_us: float, *, still: bool,
        flights: Sequence[Moving] | None = None,
    ) -> None:  # fmt: skip
        """`flights`: what is on its way in a simulated run; None: a real one, whose last moves are drawn instead."""
        self.painter, self.flow, self.plan, self.clock, self.still = painter, flow, plan, clock_us, still
        self.flights = flights
        self.away = {flight.message for flight in flights or () if flight.a[:1] == "q"}
        """Messages that left their queue and are not with their consumer yet."""
        self.radius = theme.scaled(6)
        self.marked = ""
        """The message that is followed."""
        self.spots: list[tuple[QPointF, str]] = []
        """Where the tokens were drawn, and whose they are."""
        sent = sum(edge.rate(clock_us) for (a, _), edge in flow.edges.items() if a[:1] == "p")
        self.every = max(1, math.ceil(sent / MOST_A_SECOND))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def paint(self, focus: str, selected: str, wire: Wire | None) -> None:
        for line in self.plan.wires:
            self._wire(line, strong=line == wire)
        for place, box in self.plan.boxes.items():
            self._box(place, box, focus=place == focus, selected=place == selected)
        if self.flights is not None and not self.still:
            self._flying(self.flights)
        else:
            self._moving()
        if self.every > 1:
            self.painter.setPen(QColor(theme.current().muted))
            self.painter.setFont(theme.font(0.9))
            bottom = max((box.bottom() for box in self.plan.boxes.values()), default=0.0)
            words = f"1 of {self.every} messages is drawn; the width of a line is what runs along it"
            self.painter.drawText(QPointF(theme.scaled(12), bottom + theme.scaled(14)), words)

    # -- wires -------------------------------------------------------------------------------------------------

    def _wire(self, wire: Wire, *, strong: bool) -> None:
        t = theme.current()
        a, b = self.plan.end(wire)
        edge = self.flow.edges.get((wire.a, wire.b))
        rate = edge.rate(self.clock) if edge is not None else 0.0
        idle = wire.binding is not None and self.flow.idle(wire.binding)
        width = 1.0 + min(9.0, math.log2(1 + rate))
        colour = QColor(t.bad if idle else t.accent if strong else t.faint)
        pen = QPen(colour, width + 1 if strong else width)
        if idle:
            pen.setStyle(Qt.PenStyle.DashLine)
        self.painter.setPen(pen)
        self.painter.drawLine(a, b)
        if wire.binding is None:
            return
        words = wire.binding.pattern or ("all" if not idle else "")
        if idle:
            words = f"✗ {words} matches nothing".replace("  ", " ")
        if not words:
            return
        self.painter.setFont(theme.font(0.85))
        metrics = QFontMetricsF(self.painter.font())
        middle = a + (b - a) * 0.5
        room = abs(b.x() - a.x()) + theme.scaled(40)
        words = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        size = metrics.size(0, words)
        ground = QRectF(middle.x() - size.width() / 2 - 3, middle.y() - size.height() / 2 - 1, size.width() + 6,
                        size.height() + 2)  # fmt: skip
        self.painter.setPen(Qt.PenStyle.NoPen)
        self.painter.setBrush(QColor(t.surface))
        self.painter.drawRoundedRect(ground, 3, 3)
        self.painter.setPen(QColor(t.bad if idle else t.muted))
        self.painter.drawText(ground, Qt.AlignmentFlag.AlignCenter, words)

    # -- boxes -------------------------------------------------------------------------------------------------

    def _box(self, place: str, box: QRectF, *, focus: bool, selected: bool) -> None:
        t, painter = theme.current(), self.painter
        name = place[2:]
        down = (name if place[:1] == "c" else "broker") in self.flow.down and place[:1] in ("c", "q", "x")
        grave = place[:1] == "q" and name in self.plan.graves
        doubled = place[:1] == "e" and bool(self.flow.doubled.get(name))
        edge = t.bad if down or doubled else t.accent if selected else t.edge
        pen = QPen(QColor(edge), 2 if selected or doubled else 1)
        if down or grave:
            pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.setBrush(QColor(t.accent_soft if selected else t.bad_soft if down else t.raised))
        corner = 2 if place[:1] == "q" else box.height() / 4
        painter.drawRoundedRect(box, corner, corner)
        if focus:
            painter.setPen(QPen(QColor(t.text), 1.5, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(-4, -4, 4, 4), corner + 3, corner + 3)
        self._words(place, box, down=down, grave=grave)
        if place[:1] == "q":
            self._bar(name, box)
            self._resting(list(self.flow.waiting.get(name, {}).values()), place, box)
        elif place[:1] == "c":
            self._resting(list(self.flow.hands.get(name, {}).values()), place, box)

    def _words(self, place: str, box: QRectF, *, down: bool, grave: bool) -> None:
        t, painter = theme.current(), self.painter
        line = QFontMetricsF(theme.font()).height()
        if box.height() < line * 0.9:
            return
        painter.setFont(theme.font())
        painter.setPen(QColor(t.bad if down else t.text))
        inside = box.adjusted(7, 4, -7, -3)
        letter = "†" if grave else "✗" if down else "₹" if place == "e:charge" else _LETTERS[place[:1]]
        right = self._number(place)
        metrics = QFontMetricsF(painter.font())
        room = inside.width() - metrics.horizontalAdvance(right) - 6
        title = metrics.elidedText(f"{letter} {place[2:]}", Qt.TextElideMode.ElideRight, max(room, 12.0))
        head = QRectF(inside.left(), inside.top(), inside.width(), line)
        painter.drawText(head, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)
        painter.setPen(QColor(t.bad if place[:1] == "e" and self.flow.doubled.get(place[2:]) else t.muted))
        painter.drawText(head, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, right)
        below = self._below(place, down=down)
        if below and box.height() > 2.1 * line:
            painter.setFont(theme.font(0.85))
            painter.setPen(QColor(t.bad if place[:1] == "e" and self.flow.doubled.get(place[2:]) else t.muted))
            small = QFontMetricsF(painter.font()).elidedText(below, Qt.TextElideMode.ElideRight, inside.width())
            foot = QRectF(inside.left(), inside.bottom() - line, inside.width(), line)
            painter.drawText(foot, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, small)

    def _number(self, place: str) -> str:
        sort, name = place[:1], place[2:]
        match sort:
            case "q":
                return f"{self.flow.depth(name):,}"
            case "c":
                return str(self.flow.held(name) or "")
            case "p":
                return f"{sum(edge.count for (a, _), edge in self.flow.edges.items() if a == place):,}"
            case "e":
                return f"{self.flow.outside.get(name, 0):,}"
        return ""

    def _below(self, place: str, *, down: bool) -> str:
        sort, name = place[:1], place[2:]
        if sort == "x" and not down:
            return next((e.kind for e in self.flow.topology.exchanges if e.name == name), "")
        if sort == "e" and self.flow.doubled.get(name):
            return f"{self.flow.doubled[name]} twice"
        if down:
            return "down" if sort == "c" else "the broker is down"
        return ""

    def _bar(self, name: str, box: QRectF) -> None:
        """How full it is, against the fullest that any queue was; and the partitions of a log with their readers."""
        t, painter = theme.current(), self.painter
        depth = self.flow.depth(name)
        share = depth / max(self.flow.deepest, 1)
        bar = QRectF(box.left() + 1, box.bottom() - 4, (box.width() - 2) * share, 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.accent))
        if depth:
            painter.drawRect(bar)
        parts = self.flow.parts.get(name) or self.flow.owners.get(name)
        line = QFontMetricsF(theme.font()).height()
        if not parts or box.height() < 2.6 * line:
            return
        count = max([*self.flow.parts.get(name, {}), *self.flow.owners.get(name, {})]) + 1
        wide = (box.width() - 12) / count
        painter.setFont(theme.font(0.75))
        for part in range(count):
            cell = QRectF(box.left() + 6 + wide * part, box.bottom() - 6 - line * 0.9, wide - 2, line * 0.9)
            owner = self.flow.owners.get(name, {}).get(part, "–")
            painter.setPen(QPen(QColor(t.line), 1))
            painter.setBrush(QColor(t.surface))
            painter.drawRect(cell)
            painter.setPen(QColor(t.muted))
            painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, owner)

    # -- tokens ------------------------------------------------------------------------------------------------

    def _resting(self, tokens: list[Token], place: str, box: QRectF) -> None:
        """Those that stand here, oldest to the right: it is the next to go."""
        line = QFontMetricsF(theme.font()).height()
        gap = 2 * self.radius + 3
        room = max(1, int((box.width() - 12) // gap))
        if box.height() < line + gap:
            return
        if self.flights is not None and not self.still:
            rested = [t for t in tokens[: room + 8] if place[:1] != "q" or t.message not in self.away]
        else:
            rested = [t for t in tokens[: room + 8] if self.still or t.moved_us + TRAVEL_US <= self.clock]
        y = box.top() + line + 4 + self.radius
        for i, token in enumerate(rested[:room]):
            x = box.right() - 6 - self.radius - gap * i
            self.token(QPointF(x, y), token, token.attempt, expired=token.expired)

    def _flying(self, flights: Sequence[Moving]) -> None:
        """What is on its way now, exactly where it is; answers are small."""
        t, painter = theme.current(), self.painter
        for flight in flights:
            begin, end = self._anchor(flight.a, flight.b), self._anchor(flight.b, flight.a)
            if begin is None or end is None or (flight.number and self.every > 1 and flight.number % self.every):
                continue
            at = begin + (end - begin) * flight.share(self.clock)
            if flight.answer:
                painter.setFont(theme.font(0.8))
                painter.setPen(QColor(t.bad if flight.answer == "✗" else t.good))
                r = 1.5 * self.radius
                painter.drawText(
                    QRectF(at.x() - r, at.y() + self.radius * 0.6, 2 * r, 2 * r), Qt.AlignmentFlag.AlignCenter,
                    flight.answer,
                )  # fmt: skip
                continue
            token = Token(flight.message, flight.key, flight.number, "", flight.b, flight.a, flight.sent_us)
            self.token(at, token, flight.attempt, expired=False)

    def _moving(self) -> None:
        """Those on their way.  Where nothing moves (the run stands, or motion is reduced) the last way is a trail."""
        for when, a, b, token, attempt, expired in reversed(self.flow.moves):
            share = (self.clock - when) / TRAVEL_US
            if share >= 1:
                break
            if share < 0 or (self.every > 1 and token.number % self.every) or a == b:
                continue
            begin, end = self._anchor(a, b), self._anchor(b, a)
            if begin is None or end is None:
                continue
            colour = self._colour(token)
            if self.still:
                if share > 0.05:
                    continue
                self.painter.setPen(QPen(colour, 2.5, Qt.PenStyle.DotLine))
                self.painter.drawLine(begin, end)
                self.token(begin + (end - begin) * 0.5, token, attempt, expired=expired)
                continue
            eased = share * share * (3 - 2 * share)
            self.token(begin + (end - begin) * eased, token, attempt, expired=expired)

    def _anchor(self, place: str, other: str) -> QPointF | None:
        box, there = self.plan.boxes.get(place), self.plan.boxes.get(other)
        if box is None or there is None:
            return None
        if abs(box.center().x() - there.center().x()) < 1:
            return QPointF(box.center().x(), box.bottom() if there.top() > box.top() else box.top())
        return QPointF(box.right() if there.left() > box.left() else box.left(), box.center().y())

    def _colour(self, token: Token) -> QColor:
        return QColor(theme.hue(self.flow.keys.get(token.key, 0)))

    def token(self, at: QPointF, token: Token, attempt: int, *, expired: bool) -> None:
        """One message: its key's colour and letter, a ring for each further attempt, hatched when its lease is over."""
        t, painter, r = theme.current(), self.painter, self.radius
        colour = self._colour(token)
        self.spots.append((at, token.message))
        if token.message == self.marked:
            painter.setPen(QPen(QColor(t.text), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(at.x() - r - 4, at.y() - r - 4, 2 * r + 8, 2 * r + 8))
        for ring in range(min(_RINGS, max(0, attempt - 1))):
            painter.setPen(QPen(QColor(t.warn), 1.2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(at, r + 2 + 2 * ring, r + 2 + 2 * ring)
        painter.setPen(QPen(QColor(t.surface), 1))
        painter.setBrush(QColor(t.surface) if expired else colour)
        painter.drawEllipse(at, r, r)
        if expired:
            painter.setPen(QPen(colour, 1.5))
            painter.setBrush(QBrush(colour, Qt.BrushStyle.BDiagPattern))
            painter.drawEllipse(at, r, r)
            return
        painter.setFont(theme.font(0.7))
        painter.setPen(QColor(t.on_accent))
        letter = (token.key or token.message)[:1].upper()
        painter.drawText(QRectF(at.x() - r, at.y() - r, 2 * r, 2 * r), Qt.AlignmentFlag.AlignCenter, letter)
