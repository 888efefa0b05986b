"""Icons: the shipped SVG outlines in the colours of the theme, sharp at every scale.

The outlines are drawn with ``currentColor``; here they get a role of `Theme` (another when disabled).  Pixmaps are
kept in Qt's own pixmap cache under theme, role and scale, so a theme change needs only to ask again: `IconButton` and
`IconLabel` do that by themselves.

Rules
1. A control with an icon alone is an `IconButton`: it cannot be made without a name in words.
"""

from __future__ import annotations

import math
import warnings

from PySide6.QtCore import QByteArray, QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QLabel, QToolButton, QWidget

import prayog_resources
from prayog_sdk.qt import theme

__all__ = ["IconButton", "IconLabel", "icon", "paint", "pixmap"]

_MISSING = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
    'stroke-width="1.75"><rect x="5" y="5" width="14" height="14" rx="3"/></svg>'
)
_LOOK_CHANGED = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange, QEvent.Type.FontChange)


def icon(name: str, role: str = "text", size: float = 18) -> QIcon:
    """The icon `name` in the colour of `role` (a field of `Theme`), `size` px wide at 100 % text.

    An unknown name gives a neutral square and a `UserWarning`.
    """
    app = QApplication.instance()
    scales = {1.0, app.devicePixelRatio()} if isinstance(app, QApplication) else {1.0}
    result = QIcon()
    for scale in sorted(scales):
        for mode, colour in (
            (QIcon.Mode.Normal, role), (QIcon.Mode.Disabled, "faint"), (QIcon.Mode.Selected, role),
        ):  # fmt: skip
            result.addPixmap(pixmap(name, colour, size, scale), mode)
    return result


def pixmap(name: str, role: str = "text", size: float = 18, scale: float = 1.0) -> QPixmap:
    """The icon as a pixmap for a device pixel ratio of `scale`."""
    current = theme.current()
    edge = theme.scaled(size)
    key = f"prayog/icon/{current.name}/{name}/{role}/{edge}/{scale}"
    found = QPixmap()
    if QPixmapCache.find(key, found):
        return found
    picture = QPixmap(QSize(math.ceil(edge * scale), math.ceil(edge * scale)))
    picture.setDevicePixelRatio(scale)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint(painter, QRectF(0, 0, edge, edge), name, getattr(current, role))
    painter.end()
    QPixmapCache.insert(key, picture)
    return picture


def paint(painter: QPainter, rect: QRectF, name: str, colour: str | QColor, *, stroke: float = 1.75) -> None:
    """Draw the icon into `rect`; for canvases, and for SVG export, where it stays an outline.

    `stroke` is the width of its lines on a field of 24: a large icon looks better with thinner ones.
    """
    try:
        source = prayog_resources.read_text("icons", f"{name}.svg")
    except FileNotFoundError:
        warnings.warn(f"there is no icon {name!r}; a square is shown in its place", stacklevel=2)
        source = _MISSING
    source = source.replace("currentColor", QColor(colour).name())
    if stroke != 1.75:
        source = source.replace('stroke-width="1.75"', f'stroke-width="{stroke}"')
    QSvgRenderer(QByteArray(source.encode())).render(painter, rect)


class IconButton(QToolButton):
    """A button that shows an icon alone; `title` is its accessible name and, with the key, its tool tip."""

    def __init__(
        self, name: str, title: str, *, role: str = "text", size: float = 18, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name, self._role, self._size = name, role, size
        self._drawn: tuple[object, ...] = ()
        self.setAutoRaise(True)
        self.set_title(title)
        self._draw()

    def set_title(self, title: str, keys: str = "") -> None:
        """Name the button; `keys` is shown behind the name and works as its shortcut elsewhere."""
        self.setAccessibleName(title)
        self.setToolTip(f"{title} ({keys})" if keys else title)

    def set_icon(self, name: str, role: str | None = None) -> None:
        self._name, self._role = name, role or self._role
        self._draw()

    def sizeHint(self) -> QSize:
        return super().sizeHint().expandedTo(QSize(28, 28))

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in _LOOK_CHANGED and hasattr(self, "_drawn"):
            self._draw()

    def _draw(self) -> None:
        edge = theme.scaled(self._size)
        look = (self._name, self._role, edge, theme.current().name)
        if look == self._drawn:  # Qt tells of one change of style several times
            return
        self._drawn = look
        self.setIconSize(QSize(edge, edge))
        self.setIcon(icon(self._name, self._role, self._size))


class IconLabel(QLabel):
    """An icon that is not a control; the words beside it say the same."""

    def __init__(self, name: str, *, role: str = "text", size: float = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._role, self._size = name, role, size
        self._drawn: tuple[object, ...] = ()
        self._draw()

    def set_icon(self, name: str, role: str | None = None) -> None:
        self._name, self._role = name, role or self._role
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in _LOOK_CHANGED and hasattr(self, "_drawn"):
            self._draw()

    def _draw(self) -> None:
        look = (self._name, self._role, theme.scaled(self._size), theme.current().name, self.devicePixelRatio())
        if look != self._drawn:  # Qt tells of one change of style several times
            self._drawn = look
            self.setPixmap(pixmap(self._name, self._role, self._size, self.devicePixelRatio()))
