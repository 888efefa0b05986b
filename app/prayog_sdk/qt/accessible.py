"""A painted picture for screen readers: one child for each thing in it, with its name, its sentence and its place.

A picture is one widget, so assistive technology would see one box.  A widget that was `expose`d has children, which are
made only when somebody asks and read the things as they are at that moment.  Seen from outside through Qt's own
interface classes; not heard through a real screen reader yet, so the outline stays the canvas's full twin.

Rules
1. No `QAccessible.installFactory`: with a factory of Python’s, PySide 6.11.3 dies of a segmentation fault at the
   first click into a web view.  The interface is put into Qt’s cache, which asks no factory for what it knows.
2. Qt's cache deletes an interface with its widget, and Python thinks that it owns it.  So it is kept in `_ALIVE` until
   Qt has deleted it: let go earlier, it would be deleted twice.
3. Qt’s cache knows a widget by its meta-object, and PySide makes a new one when a signal is connected to a method that
   is no `Slot`.  So methods of an exposed widget that signals are connected to are slots.
"""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QAccessible, QAccessibleEvent, QAccessibleInterface
from PySide6.QtWidgets import QAccessibleWidget, QWidget

__all__ = ["Things", "expose", "tell_focus"]

_Text = QAccessible.Text
_ALIVE: dict[int, QAccessibleInterface] = {}
"""By the number under which Qt's cache knows it."""


class Things(Protocol):
    """What is in a picture, by index; an index beyond the end is answered with ``""`` or an empty box."""

    def count(self) -> int: ...
    def name_at(self, index: int) -> str: ...
    def sentence_at(self, index: int) -> str: ...
    def box_at(self, index: int) -> QRect:
        """In the coordinates of the widget."""
        ...

    def in_focus(self) -> int:
        """The thing that has the keyboard; -1 is none."""
        ...


def expose(widget: QWidget, things: Things) -> None:
    """Let `widget` have a child for each of `things`.

    To be called before anything asks for the interface of the widget, as `setAccessibleName` does: Qt keeps the first.
    """
    key = _keep(_Picture(widget, things))
    widget.destroyed.connect(lambda: _ALIVE.pop(key, None))


def tell_focus(widget: QWidget, index: int) -> None:
    """Say that thing number `index` has the keyboard now."""
    if QAccessible.isActive():
        event = QAccessibleEvent(widget, QAccessible.Event.Focus)
        event.setChild(index)
        QAccessible.updateAccessibility(event)


def _keep(interface: QAccessibleInterface) -> int:
    key = QAccessible.registerAccessibleInterface(interface)
    _ALIVE[key] = interface
    return key


def _drop(keys: list[int]) -> None:
    for key in keys:
        QAccessible.deleteAccessibleInterface(key)
        _ALIVE.pop(key, None)


class _Picture(QAccessibleWidget):
    """The widget; Qt deletes it with the widget.  (``Any``: None is an answer, which the stubs do not know.)"""

    def __init__(self, widget: QWidget, things: Things) -> None:
        super().__init__(widget, QAccessible.Role.Canvas)
        self.picture, self.things = widget, things
        self._made: list[_Thing] = []
        self._ids: list[int] = []
        ids = self._ids
        widget.destroyed.connect(lambda: _drop(ids))

    def childCount(self) -> int:
        return self.things.count()

    def child(self, index: int) -> Any:
        if not 0 <= index < self.things.count():
            return None
        while len(self._made) <= index:
            made = _Thing(self, len(self._made))
            self._made.append(made)
            self._ids.append(_keep(made))
        return self._made[index]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return child.index if isinstance(child, _Thing) else -1

    def childAt(self, x: int, y: int) -> Any:
        at = self.picture.mapFromGlobal(QPoint(x, y))
        found = (index for index in range(self.things.count()) if self.things.box_at(index).contains(at))
        return self.child(next(found, -1))

    def focusChild(self) -> Any:
        return self.child(self.things.in_focus())


class _Thing(QAccessibleInterface):
    """The thing that has number `index` now; the widget's `_Picture` keeps it."""

    def __init__(self, picture: _Picture, index: int) -> None:
        super().__init__()
        self.index = index
        self._picture = picture

    def isValid(self) -> bool:
        return self.index < self._picture.things.count()

    def object(self) -> Any:
        return None

    def window(self) -> Any:
        return self._picture.window()

    def parent(self) -> Any:
        return self._picture

    def child(self, index: int) -> Any:
        return None

    def childCount(self) -> int:
        return 0

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        return -1

    def childAt(self, x: int, y: int) -> Any:
        return None

    def focusChild(self) -> Any:
        return None

    def text(self, kind: QAccessible.Text) -> str:
        things = self._picture.things
        if kind == _Text.Name:
            return things.name_at(self.index)
        return things.sentence_at(self.index) if kind == _Text.Description else ""

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """A picture is not written into."""

    def rect(self) -> QRect:
        box = self._picture.things.box_at(self.index)
        return QRect(self._picture.picture.mapToGlobal(box.topLeft()), box.size())

    def role(self) -> QAccessible.Role:
        return QAccessible.Role.Graphic

    def state(self) -> QAccessible.State:
        state = QAccessible.State()
        state.focusable = True
        state.focused = self.index == self._picture.things.in_focus() and self._picture.picture.hasFocus()
        return state
