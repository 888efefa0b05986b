"""Text to read: Markdown in the look of the theme, with actions as links and live numbers.

view = MarkdownView()
view.set_markdown("Now [kill the leader](lab:crash?node=n1): it took {failover_ms} ms.")
view.link.connect(self.act)              # "lab:crash?node=n1"
view.set_values({"failover_ms": 212})
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QPalette, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QSizePolicy, QTextBrowser, QWidget

from prayog_sdk.lessons import live_names
from prayog_sdk.qt import markdown, theme

__all__ = ["MarkdownView"]


class MarkdownView(QTextBrowser):
    """A text as high as it needs to be at its width (``grow``), or one that scrolls by itself.

    Links to the web open in the reader's browser; all others (``lab:…``, ``glossary:…``) come as `link`.
    """

    link = Signal(str)

    def __init__(self, text: str = "", parent: QWidget | None = None, *, grow: bool = True) -> None:
        super().__init__(parent)
        self._text = ""
        self._names: frozenset[str] = frozenset()
        self._values: dict[str, Any] = {}
        self._grow = grow
        self._rendered: object = None
        self.setOpenLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.document().setDocumentMargin(0)
        self.anchorClicked.connect(self._open)
        if grow:
            self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self.set_markdown(text)

    def set_markdown(self, text: str) -> None:
        self._text = text
        self._names = frozenset(live_names(text))
        self._render()

    def measures(self) -> frozenset[str]:
        """The live numbers that the text asks for."""
        return self._names

    def set_values(self, values: Mapping[str, Any]) -> None:
        """New live numbers; the text is laid out again only when one of its own numbers changed."""
        mine = {name: values[name] for name in self._names if name in values}
        if any(markdown.say(self._values.get(name)) != markdown.say(value) for name, value in mine.items()):
            self._values.update(mine)
            self._render()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(280), round(self.document().size().height()) if self._grow else theme.scaled(200))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(80), self.sizeHint().height() if self._grow else theme.scaled(60))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._grow:
            self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and hasattr(self, "_grow"):
            self._render()

    def _render(self) -> None:
        look = (self._text, dict(self._values), theme.current().name, QApplication.font().toString())
        if look == self._rendered:  # Qt tells of one change of style several times
            return
        self._rendered = look
        bar = self.verticalScrollBar()
        place = bar.value()
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Link, theme.current().accent)
        self.setPalette(palette)
        document = self.document()
        document.setDefaultFont(QApplication.font())
        document.setDefaultStyleSheet(markdown.style())
        self.setHtml(markdown.html(self._text, self._values))
        bar.setValue(place)

    def _fit(self) -> None:
        height = round(self.document().size().height())
        if height != self.height():
            self.setFixedHeight(max(height, 1))

    def _open(self, url: QUrl) -> None:
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
        else:
            self.link.emit(url.toString())
