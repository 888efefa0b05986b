"""Two texts of SQL side by side; words that stand on one side only are marked, and so are lines that are new."""

from __future__ import annotations

import re
from collections import Counter

from PySide6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_sdk.qt.state import paragraph

__all__ = ["DdlView", "differing"]

_WORD = re.compile(r"[A-Za-z_]\w*|\d+|'[^']*'")
_NARROW = 620


def differing(one: str, other: str) -> set[str]:
    """Words of `one`, in lower case, that `other` does not have so often."""
    mine, theirs = (Counter(word.lower() for word in _WORD.findall(text)) for text in (one, other))
    return {word for word, count in mine.items() if count > theirs[word]}


class _Marks(QSyntaxHighlighter):
    """Underlined and coloured: words that differ."""

    def __init__(self, document: QTextDocument, soft: str) -> None:
        super().__init__(document)
        self._soft = soft
        self.words: set[str] = set()

    def highlightBlock(self, text: str) -> None:
        look = QTextCharFormat()
        look.setBackground(QColor(getattr(theme.current(), self._soft)))
        look.setFontUnderline(True)
        look.setFontWeight(QFont.Weight.DemiBold)
        for found in _WORD.finditer(text):
            if found[0].lower() in self.words:
                self.setFormat(found.start(), len(found[0]), look)


@guarded
class DdlView(QWidget):
    """``source`` at the left, ``target`` at the right; one above the other where there is no room."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._edits: list[QPlainTextEdit] = []
        self._marks: list[_Marks] = []
        for title, soft in (("Source", "warn_soft"), ("Target", "good_soft")):
            edit = QPlainTextEdit()
            edit.setReadOnly(True)
            edit.setAccessibleName(f"{title}, SQL")
            edit.setMinimumHeight(theme.scaled(180))
            edit.setTabChangesFocus(True)
            part = QWidget()
            column = QVBoxLayout(part)
            column.setContentsMargins(0, 0, 0, 0)
            column.addWidget(paragraph(title, "muted"))
            column.addWidget(edit, 1)
            self._row.addWidget(part, 1)
            self._edits.append(edit)
            self._marks.append(_Marks(edit.document(), soft))
        self.restyle()

    def show_texts(self, source: str, target: str) -> None:
        """Show these two."""
        for edit, marks, text, other in zip(self._edits, self._marks, (source, target), (target, source), strict=True):
            if edit.toPlainText() != text:
                marks.words = differing(text, other)
                edit.setPlainText(text)
            else:
                marks.words = differing(text, other)
                marks.rehighlight()

    def restyle(self) -> None:
        """Text size or theme changed."""
        for edit, marks in zip(self._edits, self._marks, strict=True):
            edit.setFont(theme.mono())
            marks.rehighlight()

    def resizeEvent(self, event: object) -> None:
        wide = self.width() >= theme.scaled(_NARROW)
        self._row.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)
