"""The picture of the flow as a widget: it paints, is walked by keyboard, and lets exchanges be wired to queues."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, QSizeF, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QColor,
    QContextMenuEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QSizePolicy, QToolTip, QWidget

from prayog_queues.engine.flow import Flow
from prayog_queues.panels.flights import Moving
from prayog_queues.panels.flow_paint import FlowPainter
from prayog_queues.panels.flow_places import Places
from prayog_queues.panels.flow_plan import Plan, Wire, sentence
from prayog_sdk.qt import theme
from prayog_sdk.qt.accessible import expose, tell_focus
from prayog_sdk.qt.arrange import nearest
from prayog_sdk.qt.panel import guarded

__all__ = ["FlowView"]

_WAYS = {
    Qt.Key.Key_Left: (-1.0, 0.0), Qt.Key.Key_Right: (1.0, 0.0), Qt.Key.Key_Up: (0.0, -1.0), Qt.Key.Key_Down: (0.0, 1.0),
}  # fmt: skip


class _Boxes:
    """The boxes as things for screen readers."""

    def __init__(self, view: FlowView) -> None:
        self._view = view

    def count(self) -> int:
        return len(self._view.plan.boxes)

    def name_at(self, index: int) -> str:
        return self._place(index)[2:]

    def sentence_at(self, index: int) -> str:
        place = self._place(index)
        return sentence(self._view.flow, place, self._view.clock) if place else ""

    def box_at(self, index: int) -> QRect:
        place = self._place(index)
        return self._view.plan.boxes[place].toRect() if place else QRect()

    def in_focus(self) -> int:
        places = list(self._view.plan.boxes)
        return places.index(self._view.focus) if self._view.focus in places else -1

    def _place(self, index: int) -> str:
        places = list(self._view.plan.boxes)
        return places[index] if 0 <= index < len(places) else ""


@guarded
class FlowView(QWidget):
    """Boxes, wires, tokens."""

    chosen = Signal(str)
    """A place was chosen (by click or Enter)."""
    wired = Signal(str, str)
    """The learner pulled a wire from an exchange to a queue."""
    asked = Signal(str, object, object)
    """A menu is wanted for a place or a `Wire`, at a point of the widget."""
    picked = Signal(str)
    """A token was clicked: the message that it stands for."""
    typed = Signal(str)
    """A letter was pressed while a place had the focus."""
    told = Signal(str)
    moved = Signal()
    """The learner put a box somewhere else, or all of them back."""

    def __init__(self, flow: Flow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.flow = flow
        self.places = Places()
        self.plan = Plan(flow, (), QSizeF(10, 10), self.places)
        self.clock = 0.0
        self.focus = self.selected = ""
        self.wire: Wire | None = None
        self.still = True
        self.message = ""
        """The message that is followed: its token is marked."""
        self._spots: list[tuple[QPointF, str]] = []
        self._names: tuple[str, ...] = ()
        self._flights: list[Moving] | None = None
        self._pull: tuple[str, QPointF] | None = None
        """An exchange from which a wire is pulled, and where the pointer is."""
        self._grip: tuple[str, QPointF] | None = None
        """A box that was pressed, and how far from its middle."""
        self._taken = QPointF()
        self._dragging = False
        expose(self, _Boxes(self))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Flow of messages"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(theme.scaled(240), theme.scaled(150))

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(640), theme.scaled(360))

    def show_flow(
        self, flow: Flow, names: tuple[str, ...], clock: float, *, still: bool, flights: list[Moving] | None = None
    ) -> None:
        """Draw `flow` at `clock` µs; `names` are nodes that stand there even if nothing was told of them.

        `flights` is what is on its way in a simulated run; None: a real run, whose last moves glide.
        """
        self.flow, self._names, self.clock, self.still, self._flights = flow, names, clock, still, flights
        self._lay_out()
        self.update()

    def _lay_out(self) -> None:
        self.plan = Plan(self.flow, self._names, QSizeF(self.size()), self.places)
        need = self.plan.need.toSize().expandedTo(QSize(theme.scaled(240), theme.scaled(150)))
        if need != self.minimumSize():
            self.setMinimumSize(need)  # the panel scrolls where there is less room
        if self.focus not in self.plan.boxes:
            self.focus = ""

    def picture(self, painter: QPainter) -> None:
        """Everything, for the screen and for files."""
        painter.fillRect(self.rect(), QColor(theme.current().surface))
        focus = self.focus if self.hasFocus() else ""
        painting = FlowPainter(painter, self.flow, self.plan, self.clock, still=self.still, flights=self._flights)
        painting.marked = self.message
        painting.paint(focus, self.selected, self.wire)
        self._spots = painting.spots

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        self.picture(painter)
        if self._pull is not None:
            painter.setPen(QPen(QColor(theme.current().accent), 2, Qt.PenStyle.DashLine))
            box = self.plan.boxes.get(self._pull[0])
            if box is not None:
                painter.drawLine(QPointF(box.right(), box.center().y()), self._pull[1])
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay_out()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place, message = self.plan.at(QPointF(event.pos())), self.token_at(QPointF(event.pos()))
            words = message or (sentence(self.flow, place, self.clock) if place else "")
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)

    def token_at(self, point: QPointF) -> str:
        """The message whose token is under a point, as it was painted last."""
        reach = theme.scaled(8) ** 2
        near = [(QPointF.dotProduct(at - point, at - point), message) for at, message in self._spots]
        return min((one for one in near if one[0] <= reach), default=(0.0, ""))[1]

    # -- the pointer -------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        message = self.token_at(event.position())
        if message and event.button() == Qt.MouseButton.LeftButton:
            self.picked.emit(message)
            return
        place = self.plan.at(event.position())
        self.wire = self.plan.wire_at(event.position()) if not place else None
        self.focus = place
        if event.button() == Qt.MouseButton.LeftButton:
            if place:
                self._grip = (place, event.position() - self.plan.boxes[place].center())
                self._taken = event.position()
            self.chosen.emit(place)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._grip is not None:
            far = (event.position() - self._taken).manhattanLength() >= QApplication.startDragDistance()
            self._dragging = self._dragging or far
            if self._dragging and self._grip[0][:1] == "x":
                self._pull = (self._grip[0], event.position())
            elif self._dragging:
                self._put(self._grip[0], event.position() - self._grip[1])
            self.update()
            return
        place = self.plan.at(event.position())
        shape = Qt.CursorShape.CrossCursor if place[:1] == "x" else Qt.CursorShape.PointingHandCursor
        self.setCursor(shape if place or self.plan.wire_at(event.position()) else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        pull, grip, dragged = self._pull, self._grip, self._dragging
        self._pull, self._grip, self._dragging = None, None, False
        place = self.plan.at(event.position())
        self.update()
        if pull is not None and place[:1] == "q":
            self.wired.emit(pull[0][2:], place[2:])
        elif pull is not None and grip is not None and place in ("", pull[0]):
            self._put(pull[0], event.position() - grip[1])
        if dragged and not (pull is not None and place[:1] == "q"):
            self.moved.emit()

    def _put(self, place: str, centre: QPointF) -> None:
        self.places.put(place, centre, QSizeF(self.size()))
        self._lay_out()

    def in_order(self) -> None:
        """All boxes stand where the lab puts them."""
        self.places.clear()
        self._lay_out()
        self.update()
        self.moved.emit()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._menu_by_key()
            return
        at = QPointF(event.pos())
        self.asked.emit(self.plan.at(at), self.plan.wire_at(at), event.pos())

    # -- the keyboard ------------------------------------------------------------------------------------------

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab walks the boxes, then leaves."""
        places = list(self.plan.boxes)
        here = places.index(self.focus) if self.focus in places else (-1 if next else len(places))
        there = here + (1 if next else -1)
        if not places or not 0 <= there < len(places):
            return super().focusNextPrevChild(next)
        self._go(places[there])
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        way = _WAYS.get(Qt.Key(event.key()))
        if way is not None and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            box = self.plan.boxes.get(self.focus)
            if box is not None:
                self._put(self.focus, box.center() + QPointF(*way) * theme.scaled(12))
                self.update()
                self.moved.emit()
        elif way is not None:
            here = self.plan.boxes.get(self.focus)
            others = [(p, b.center().toTuple()) for p, b in self.plan.boxes.items() if p != self.focus]
            first = next(iter(self.plan.boxes), "")
            found = nearest(here.center().toTuple(), others, way) if here is not None else first
            if found:
                self._go(found)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.focus)
        elif event.key() == Qt.Key.Key_F10 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._menu_by_key()
        elif len(event.text()) == 1 and event.text().isalpha() and not event.modifiers() & (
            Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
        ):
            self.typed.emit(event.text())
        else:
            super().keyPressEvent(event)

    def _menu_by_key(self) -> None:
        box = self.plan.boxes.get(self.focus)
        centre = box.center() if box is not None else QPointF(self.rect().center())
        self.asked.emit(self.focus, None, centre.toPoint())

    def _go(self, place: str) -> None:
        self.focus, self.wire = place, None
        words = sentence(self.flow, place, self.clock)
        self.setAccessibleDescription(words)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        tell_focus(self, list(self.plan.boxes).index(place))
        self.told.emit(words)
        self.update()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()
