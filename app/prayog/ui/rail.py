"""The slim rail on the left: the lab's pages as icons with short labels, always in the same place."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QSizePolicy, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import pixmap

__all__ = ["Rail", "RailButton"]

_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class RailButton(QAbstractButton):
    """An icon above its label; the one that is shown has a ground, a bar at its left and full-strength text."""

    def __init__(self, name: str, label: str, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = name
        self._keys = keys
        self.setCheckable(True)
        self.reword(label)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.by_keyboard = False
        """It got the keyboard by a key, so it shows where the keyboard is."""
        self.compact = False
        """The icon alone, for when the window is too low for the labels."""

    def reword(self, label: str) -> None:
        """Another label."""
        self.setText(label)
        self.setAccessibleName(label)
        self.setToolTip(f"{label}  {self._keys}" if self._keys else label)
        self.updateGeometry()

    def _small(self) -> QFontMetrics:
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        return QFontMetrics(font)

    def sizeHint(self) -> QSize:
        small = self._small()
        side = theme.scaled(22)
        if self.compact:
            return QSize(side + 36, side + 10)
        return QSize(small.horizontalAdvance(self.text()) + 20, self.full_height())

    minimumSizeHint = sizeHint

    def full_height(self) -> int:
        """The height with the label."""
        return theme.scaled(22) + self._small().height() + 20

    def set_compact(self, compact: bool) -> None:
        if compact != self.compact:
            self.compact = compact
            self.updateGeometry()
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            event.ignore()  # the rail walks; a button by itself would go by the geometry
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.by_keyboard = event.reason() in _KEYBOARD
        super().focusInEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(6, 1, -6, -1)
        on = self.isChecked()
        ground = look.accent_soft if on else look.raised if self.underMouse() or self.isDown() else None
        painter.setPen(QPen(QColor(look.accent), 2) if self.hasFocus() and self.by_keyboard else Qt.PenStyle.NoPen)
        painter.setBrush(QColor(ground) if ground else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, 8, 8)
        if on:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.accent))
            painter.drawRoundedRect(QRectF(0, box.center().y() - 10, 3, 20), 1.5, 1.5)
        side = theme.scaled(22)
        place = QRect((self.width() - side) // 2, (self.height() - side) // 2 if self.compact else 8, side, side)
        painter.drawPixmap(place, pixmap(self._icon, "accent" if on else "muted", 22, self.devicePixelRatio()))
        if self.compact:
            return
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 0.85)
        if on:
            font.setWeight(font.Weight.Medium)
        painter.setFont(font)
        painter.setPen(QColor(look.text if on else look.muted))
        words = QRect(0, place.bottom() + 3, self.width(), self.height() - place.bottom() - 6)
        painter.drawText(words, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, self.text())


class Rail(QFrame):
    """The buttons; `chosen` says which page is wanted.  Up and Down walk, Enter and Space choose."""

    chosen = Signal(str)
    find_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName(self.tr("Pages"))
        self._buttons: dict[str, RailButton] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 12)
        layout.setSpacing(2)
        self._layout = layout
        for index, (page, picture, label) in enumerate(self._pages()):
            self._add(page, picture, label, f"Ctrl+{index + 1}")
        layout.addStretch(1)
        self._bench = self._add("bench", "canvas", self.tr("Bench"), "Ctrl+B")
        self._bench.hide()
        self._finder = finder = RailButton("search", self.tr("Find"), "Ctrl+K", self)
        finder.setCheckable(False)
        finder.clicked.connect(self.find_wanted)
        layout.addWidget(finder)
        self._add("settings", "settings", self.tr("Settings"), "Ctrl+,")

    def _pages(self) -> tuple[tuple[str, str, str], ...]:
        return (
            ("home", "home", self.tr("Home")),
            ("topics", "topics", self.tr("Topics")),
            ("challenges", "challenges", self.tr("Challenges")),
            ("work", "my-work", self.tr("My work")),
            ("services", "services", self.tr("Services")),
            ("plugins", "plugins", self.tr("Plugins")),
        )

    def reword(self) -> None:
        """The same buttons in the language that is on now."""
        words = {page: label for page, _, label in self._pages()}
        words |= {"bench": self.tr("Bench"), "settings": self.tr("Settings")}
        for page, label in words.items():
            self._buttons[page].reword(label)
        self._finder.reword(self.tr("Find"))
        self._fit()

    def _add(self, page: str, picture: str, label: str, keys: str) -> RailButton:
        made = RailButton(picture, label, keys, self)
        made.clicked.connect(lambda: self.chosen.emit(page))
        self._buttons[page] = made
        self._layout.addWidget(made)
        return made

    def show_page(self, page: str) -> None:
        """Mark `page` as the one that is shown; a topic's page belongs to Topics."""
        shown = self._buttons["topics" if page == "topic" else page]
        for each in self._buttons.values():  # one stop of Tab for all pages; Up and Down walk them
            each.setChecked(each is shown)
            each.setFocusPolicy(Qt.FocusPolicy.StrongFocus if each is shown else Qt.FocusPolicy.ClickFocus)

    def take_focus(self) -> None:
        """Move the keyboard from the button that had it to the one of the page that is shown."""
        focus = self.focusWidget()
        shown = next((each for each in self._buttons.values() if each.isChecked()), None)
        if shown is not None and shown is not focus:
            keyed = isinstance(focus, RailButton) and focus.by_keyboard
            shown.setFocus(_KEYBOARD[0] if keyed else Qt.FocusReason.MouseFocusReason)

    def keep(self, pages: Sequence[str]) -> None:
        """Show only these of the lab's pages; the bench, Find and Settings stay."""
        for page, *_ in self._pages():
            self._buttons[page].setVisible(page in pages)

    def show_bench(self, there: bool) -> None:
        """Offer the way back to the bench while a topic is open."""
        self._bench.setVisible(there)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        shown = [each for each in self.findChildren(RailButton) if each.isVisibleTo(self)]
        focus = self.focusWidget()
        if step is None or not isinstance(focus, RailButton):
            super().keyPressEvent(event)
            return
        shown.sort(key=lambda each: each.y())
        shown[(shown.index(focus) + step) % len(shown)].setFocus(Qt.FocusReason.TabFocusReason)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), 0)

    def _fit(self) -> None:
        """Drop the labels when there is no room for them; tool tips and names stay."""
        buttons = [each for each in self.findChildren(RailButton) if not each.isHidden()]
        full = sum(each.full_height() + 2 for each in buttons) + 24
        for each in buttons:
            each.set_compact(full > self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(look.surface))
        painter.fillRect(QRect(self.width() - 1, 0, 1, self.height()), QColor(look.line))
