"""The cluster canvas: nodes, messages in flight, timers, partitions and losses of any run that has nodes.

One painted widget: the still part is a pixmap that is redrawn when a step changed it, the moving part is drawn
each frame at ``bench.clock_us``.  It has no timer of its own, so a hidden canvas costs nothing.

Keys: Tab and arrows walk the entities, Enter inspects, the menu key lists the actions, letters do them;
Alt and arrows move a node.  The pointer moves nodes too, and pulls messages along their links (`grip`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, QSizeF, Qt, Slot
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
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QToolTip, QWidget

from prayog_sdk.qt import actions, picture, theme
from prayog_sdk.qt.accessible import expose, tell_focus
from prayog_sdk.qt.entities import Entities
from prayog_sdk.qt.flightpaint import FlightPainter
from prayog_sdk.qt.grip import Grip
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.scene import Scene
from prayog_sdk.qt.scenepaint import ScenePainter
from prayog_sdk.qt.words import summary
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["CanvasPanel"]

_LOOK_BACK = 200  # steps looked at for losses after a jump
_FAR_BACK = 4_000  # steps looked at for the cut that is still there
_NUDGE = 0.03  # of the picture, per arrow key
_WAYS = {
    Qt.Key.Key_Left: (-1.0, 0.0),
    Qt.Key.Key_Right: (1.0, 0.0),
    Qt.Key.Key_Up: (0.0, -1.0),
    Qt.Key.Key_Down: (0.0, 1.0),
}


class CanvasPanel(Panel):
    """The picture of the run that is on the bench."""

    title = "Canvas"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene = Scene()
        self._painter = ScenePainter(self._scene)
        self._flights = FlightPainter(self._scene)
        self._entities = Entities(self._scene, lambda: self.bench.clock_us if self.bench is not None else 0.0)
        expose(self, self._entities)
        self._still: QPixmap | None = None
        self._grip: Grip | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 180)
        self.setAccessibleName("Cluster")

    def sizeHint(self) -> QSize:
        return QSize(640, 420)

    # -- the panel -----------------------------------------------------------------------------------------------

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.selection_changed.connect(self._on_selection)
        self._scene.selection = bench.selection
        self.on_seek(bench.view())

    def on_step(self, step: Step) -> None:
        self._scene.gather(step)

    def on_frame(self) -> None:
        if self.bench is None:
            return
        view = self.bench.view()
        if view is not self._scene.view:
            self._set_view(view)
        self.update()

    def on_seek(self, view: View) -> None:
        if self.bench is None:
            return
        self._scene.losses.clear()
        self._scene.in_flight = ""
        far = _FAR_BACK if view.cuts else _LOOK_BACK
        for step in self.bench.trace[max(0, view.seq + 1 - far) : view.seq + 1]:
            self._scene.gather(step)
        self._set_view(view)
        self.update()

    def on_theme(self) -> None:
        self._refresh()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"svg": self._save_svg, "png": self._save_png} if self._scene.view.nodes else {}

    def outline(self) -> str:
        return summary(self._scene.view)

    def unbind(self) -> None:
        if self.bench is not None:
            self.bench.signals.selection_changed.disconnect(self._on_selection)
        super().unbind()

    def _set_view(self, view: View) -> None:
        before, self._scene.view = self._scene.view, view
        self._scene.set_view(view)
        if list(before.nodes) != list(view.nodes):
            self._scene.lay_out(QSizeF(self.size()))
        if self._scene.focus and self._scene.focus not in self._scene.entities():
            self._scene.focus = ""
        if (
            self._grip is not None
            and self._scene.flight(self._grip.name) is None
            and not self._scene.place(self._grip.name)
        ):
            self._grip, self._scene.pulled = None, None  # it arrived meanwhile
        self._still = None

    def _refresh(self) -> None:
        """Lay out and draw everything again."""
        self._scene.lay_out(QSizeF(self.size()))
        self._still = None
        self.update()

    @Slot(str)
    def _on_selection(self, name: str) -> None:
        self._scene.selection = name
        self._still = None
        self.update()

    def on_run(self, bench: Bench) -> None:
        self._scene.focus = ""

    # -- painting ------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self.bench is None or not self._scene.view.nodes:
            painter.fillRect(self.rect(), QColor(theme.current().surface))
            painter.setPen(QColor(theme.current().muted))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, "This run has no nodes to draw.")
            return
        scale = self.devicePixelRatioF()
        if self._still is None or self._still.devicePixelRatio() != scale:
            self._still = self._draw_still(scale)
        painter.drawPixmap(0, 0, self._still)
        self._scene.still = self.bench.reduced_motion
        self._flights.paint(painter, self.bench.clock_us, self._painter.labels)

    def _draw_still(self, scale: float) -> QPixmap:
        still = QPixmap(round(self.width() * scale), round(self.height() * scale))
        still.setDevicePixelRatio(scale)
        still.fill(QColor(theme.current().surface))
        painter = QPainter(still)
        self._scene.focus_shown = self.hasFocus()
        self._painter.paint(painter, QSizeF(self.size()))
        painter.end()
        return still

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._refresh()

    def _paint_for_file(self, painter: QPainter) -> None:
        """The whole picture with its label in the corner."""
        if self.bench is None:
            return
        painter.fillRect(QRectF(QPointF(), QSizeF(self.size())), QColor(theme.current().surface))
        self._scene.focus_shown = False
        self._painter.paint(painter, QSizeF(self.size()))
        self._flights.paint(painter, self.bench.clock_us, self._painter.labels)
        picture.sign(painter, self.size(), str(self.bench.label()))

    def _save_svg(self, to: Path) -> None:
        self._scene.vector = True
        picture.save_svg(to, self.size(), self._paint_for_file, "Cluster", self.outline())
        self._scene.vector = False

    def _save_png(self, to: Path) -> None:
        picture.save_png(to, self.size(), self._paint_for_file)

    # -- the pointer ---------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self.bench is None:
            return
        name = self._scene.hit(event.position(), self.bench.clock_us)
        self._scene.focus = name
        self._still = None
        self.update()
        if event.button() != Qt.MouseButton.LeftButton:
            return
        can_delay = any(spec.name == "delay" and spec.target == "message" for spec in self.bench.actions)
        if name:
            self._grip = Grip(self._scene, name, event.position(), self.bench.clock_us, can_delay)
        self.bench.select(name)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.bench is None:
            return
        if self._grip is None:
            over = self._scene.hit(event.position(), self.bench.clock_us)
            self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)
        elif self._grip.pull(event.position()):
            self._refresh()
        elif self._grip.moved:
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        grip, self._grip = self._grip, None
        action = grip.release() if grip is not None else None
        self.update()
        if action is not None and self.bench is not None:
            self.bench.do(action)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if self.bench is None:
            return
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self._menu(self._scene.focus, None)
        else:
            name = self._scene.hit(QPointF(event.pos()), self.bench.clock_us)
            self.bench.select(name)
            self._menu(name, event.pos())

    def _menu(self, name: str, at: QPoint | None) -> None:
        if self.bench is None:
            return
        menu = actions.menu(self.bench, name, self)
        if not name and self._scene.moved:
            menu.addSeparator()
            menu.addAction("Put the nodes back in place", self._put_back)
        if at is None:
            centre = self._entities.centre(name)
            at = centre.toPoint() if centre is not None else self.rect().center()
        menu.popup(self.mapToGlobal(at))

    def _put_back(self) -> None:
        self._scene.moved.clear()
        self._refresh()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.bench is not None:
            name = self._scene.hit(QPointF(event.pos()), self.bench.clock_us)
            QToolTip.showText(event.globalPos(), self._entities.sentence(name), self)
            return True
        return super().event(event)

    # -- the keyboard --------------------------------------------------------------------------------------------

    def focusNextPrevChild(self, next: bool) -> bool:
        """Tab walks the entities, then leaves."""
        names = self._scene.entities()
        if self.bench is None or not names:
            return super().focusNextPrevChild(next)
        here = names.index(self._scene.focus) if self._scene.focus in names else (-1 if next else len(names))
        there = here + (1 if next else -1)
        if not 0 <= there < len(names):
            return super().focusNextPrevChild(next)
        self._focus(names[there])
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.bench is None:
            return
        way = _WAYS.get(Qt.Key(event.key()))
        if way is not None and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self._nudge(way)
        elif way is not None:
            self._walk(way)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.bench.select(self._scene.focus)
        elif event.key() == Qt.Key.Key_F10 and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._menu(self._scene.focus, None)
        elif not self._act(event):
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.setAccessibleDescription(self.outline())
        self._still = None
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._still = None
        self.update()

    def _act(self, event: QKeyEvent) -> bool:
        """A single letter does an action on the entity in focus; True when there is such an action."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        letter = event.text()
        if self.bench is None or not plain or len(letter) != 1 or not letter.isalpha():
            return False
        target = self._scene.focus or self._scene.selection
        spec = actions.by_key(self.bench.actions, letter, target)
        if spec is None:
            return False
        actions.perform(self.bench, spec, "" if spec.target == "run" else target, self)
        return True

    def _walk(self, way: tuple[float, float]) -> None:
        found = self._entities.next_to(self._scene.focus, way)
        if found:
            self._focus(found)

    def _nudge(self, way: tuple[float, float]) -> None:
        centre = self._scene.place(self._scene.focus)
        if centre is not None:
            x, y = self._scene.to_place(centre)
            x, y = min(1.0, max(0.0, x + way[0] * _NUDGE)), min(1.0, max(0.0, y + way[1] * _NUDGE))
            self._scene.moved[self._scene.focus] = (x, y)
            self._refresh()

    def _focus(self, name: str) -> None:
        """Put the keyboard's focus on an entity, and say what it is."""
        self._scene.focus = name
        self._still = None
        self.update()
        sentence = self._entities.sentence(name)
        self.setAccessibleDescription(sentence)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
        tell_focus(self, self._entities.in_focus())
        if self.bench is not None and sentence:
            self.bench.say(sentence)
