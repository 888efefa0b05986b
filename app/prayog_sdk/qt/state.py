"""The three states every view has besides its content: nothing yet, at work, and a problem.

They are designed once, here, so that no panel is ever blank, silent or a traceback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QProgressBar, QPushButton, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.collapse import Fold
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.jobs import Job

__all__ = ["EmptyState", "LoadingState", "ProblemCard", "paragraph"]

_COLUMN = 420  # px at 100 % text: a line of about 65 letters
_PATIENCE_MS = 250  # work that ends sooner shows no progress: a flash is worse than a pause


def paragraph(text: str, kind: str = "", *, step: int = 0) -> QLabel:
    """A label that wraps and can be selected; `kind` and `step` as in the style sheet of the theme."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    if kind:
        label.setProperty("kind", kind)
    if step:
        label.setProperty("step", str(step))
    return label


class EmptyState(QWidget):
    """Nothing here yet: why, and what to do about it.  ``actions`` are (title, callable); the first is primary."""

    def __init__(
        self,
        title: str,
        sentence: str,
        *,
        icon: str = "",
        actions: Sequence[tuple[str, Callable[[], object]]] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        column = QWidget()
        column.setMaximumWidth(theme.scaled(_COLUMN))
        inside = QVBoxLayout(column)
        inside.setSpacing(theme.UNIT)
        if icon:
            inside.addWidget(IconLabel(icon, role="muted", size=32), 0, Qt.AlignmentFlag.AlignHCenter)
        head = paragraph(title, step=1)
        head.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        text = paragraph(sentence, "muted")
        text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inside.addWidget(head)
        inside.addWidget(text)
        if actions:
            row = QHBoxLayout()
            row.setContentsMargins(0, theme.UNIT, 0, 0)
            row.addStretch()
            for index, (name, act) in enumerate(actions):
                button = QPushButton(name)
                if index == 0:
                    button.setProperty("kind", "primary")
                button.clicked.connect(lambda _checked=False, act=act: act())
                row.addWidget(button)
            row.addStretch()
            inside.addLayout(row)
        layout = QVBoxLayout(self)
        layout.addStretch()
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(column, 100)
        line.addStretch(1)
        layout.addLayout(line)
        layout.addStretch()
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)


class LoadingState(QWidget):
    """Work is going on: what, how far, and a way to stop it.  Shown only when it takes longer than a moment."""

    cancelled = Signal()

    def __init__(self, title: str, *, can_cancel: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._column = QWidget()
        self._column.setMaximumWidth(theme.scaled(_COLUMN))
        inside = QVBoxLayout(self._column)
        inside.setSpacing(theme.UNIT)
        self._title = paragraph(title)
        self._title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self._bar = QProgressBar()
        self._bar.setRange(0, 0)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(title)
        self._text = paragraph("", "muted")
        self._text.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        inside.addWidget(self._title)
        inside.addWidget(self._bar)
        inside.addWidget(self._text)
        self._cancel = QPushButton("Cancel")
        if not can_cancel:  # never `setVisible(True)` before it has a parent: that would show a window of its own
            self._cancel.hide()
        self._cancel.clicked.connect(self._on_cancel)
        inside.addWidget(self._cancel, 0, Qt.AlignmentFlag.AlignHCenter)
        layout = QVBoxLayout(self)
        layout.addStretch()
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(self._column, 100)
        line.addStretch(1)
        layout.addLayout(line)
        layout.addStretch()
        self._column.hide()
        QTimer.singleShot(_PATIENCE_MS, self, self._column.show)

    def follow(self, job: Job) -> None:
        """Show the progress of `job`; Cancel cancels it."""
        job.progressed.connect(self.progress)
        self.cancelled.connect(job.cancel)

    def progress(self, done: int, total: int, text: str = "") -> None:
        """How far the work is (total 0: unknown)."""
        if total > 0:
            self._bar.setRange(0, 1000)
            self._bar.setValue(min(1000, done * 1000 // total))
        else:
            self._bar.setRange(0, 0)
        self._text.setText(text)

    def _on_cancel(self) -> None:
        self._cancel.setEnabled(False)
        self._cancel.setText("Stopping…")
        self.cancelled.emit()


class ProblemCard(Card):
    """A problem in words, with its details folded away and the ways on.

    `title` says what is affected, `sentence` what happened and what to do, `details` is the traceback or log.
    The buttons *Retry* and *Disable* are there when ``can_retry`` / ``can_disable``.
    """

    retry = Signal()
    disable = Signal()

    def __init__(
        self,
        title: str,
        sentence: str,
        details: str = "",
        *,
        can_retry: bool = True,
        can_disable: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent, margin=3 * theme.UNIT)
        self._report = "\n\n".join(part for part in (title, sentence, details) if part)
        head = QHBoxLayout()
        head.setSpacing(theme.UNIT + theme.UNIT // 2)
        head.addWidget(IconLabel("warning", role="bad", size=22), 0, Qt.AlignmentFlag.AlignTop)
        name = paragraph(title, step=1)
        head.addWidget(name, 1)
        self.body.addLayout(head)
        self.body.addWidget(paragraph(sentence))
        buttons = QWidget()
        row = FlowLayout(buttons)
        if can_retry:
            again = QPushButton("Try again")
            again.setProperty("kind", "primary")
            again.clicked.connect(self.retry)
            row.addWidget(again)
        self._copy = QPushButton("Copy report")
        self._copy.clicked.connect(self._copy_report)
        row.addWidget(self._copy)
        if can_disable:
            off = QPushButton("Disable")
            off.clicked.connect(self.disable)
            row.addWidget(off)
        self.body.addWidget(buttons)
        if details:
            text = QPlainTextEdit(details)
            text.setReadOnly(True)
            text.setFont(theme.mono())
            text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
            text.setMinimumHeight(theme.scaled(140))
            text.setAccessibleName("Details")
            text.setTabChangesFocus(True)
            self.body.addWidget(Fold("Details", text))
        self.setAccessibleName(title)
        self.setAccessibleDescription(sentence)

    def report(self) -> str:
        """What *Copy report* puts on the clipboard."""
        return self._report

    def _copy_report(self) -> None:
        QGuiApplication.clipboard().setText(self._report)
        self._copy.setText("Copied")
        QTimer.singleShot(1500, self, lambda: self._copy.setText("Copy report"))
