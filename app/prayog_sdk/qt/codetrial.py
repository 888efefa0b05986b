"""How code did on the seeds of a challenge: a square for each, the sentence, and the way to one that failed.

A full square held, one with a cross failed, an empty one was not tried; arrow keys walk over them and Enter opens.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from prayog_sdk.grading import ChallengeResult, SeedResult
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.panel import guarded
from prayog_sdk.qt.state import paragraph

__all__ = ["CodeTrial"]

_SIDE = 12
_GAP = 3


class CodeTrial(QWidget):
    """Empty until a trial begins."""

    seed_asked = Signal(object)
    """Show this `SeedResult` on the bench."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: ChallengeResult | None = None
        self._job: Job | None = None
        self._words = paragraph("")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Seeds tried"))
        self._cancel = QPushButton(self.tr("Stop"))
        self._cancel.clicked.connect(self._stop)
        self._squares = _Squares()
        self._squares.chosen.connect(self.seed_asked)
        self._open = QPushButton("")
        self._open.clicked.connect(self._open_first)
        line = QHBoxLayout()
        line.setSpacing(theme.UNIT)
        line.addWidget(self._words, 1)
        line.addWidget(self._bar, 1)
        line.addWidget(self._cancel)
        line.addWidget(self._open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.UNIT)
        layout.addLayout(line)
        layout.addWidget(self._squares)
        self.hide()

    @property
    def result(self) -> ChallengeResult | None:
        """What is shown; None while seeds are tried, or before."""
        return self._result

    def follow(self, job: Job) -> None:
        """A trial began."""
        self._job, self._result = job, None
        job.progressed.connect(self._progress)
        job.finished.connect(self._over)
        job.failed.connect(lambda sentence, _details: self._say(sentence, "bad"))
        job.cancelled.connect(lambda: self._say(self.tr("Stopped before all seeds were tried."), "muted"))
        self._say(self.tr("Trying the seeds…"), "muted")
        self._bar.setRange(0, 0)
        self._bar.show()
        self._cancel.show()
        self._open.hide()
        self._squares.hide()
        self.show()

    def show_result(self, result: ChallengeResult, total: Sequence[int]) -> None:
        """The trial is over; `total` are all seeds of the challenge."""
        self._result = result
        self._say(("✓ " if result.ok else "✗ ") + result.reason, "good" if result.ok else "bad")
        self._squares.show_seeds(result.seeds, total)
        self._squares.setVisible(bool(result.seeds))
        failed = self._failed()
        if failed is not None:
            self._open.setText(self.tr("Show seed {seed}").format(seed=failed.seed))
        self._open.setVisible(failed is not None)
        self.show()

    def clear(self) -> None:
        """Nothing to show: another run, another text."""
        self._job = self._result = None
        self.hide()

    def outline(self) -> str:
        """In words."""
        return "" if self.isHidden() else self._words.text()

    def _failed(self) -> SeedResult | None:
        seeds = self._result.seeds if self._result is not None else ()
        return next((seed for seed in seeds if not seed.ok), None)

    def _open_first(self) -> None:
        failed = self._failed()
        if failed is not None:
            self.seed_asked.emit(failed)

    def _progress(self, done: int, total: int, text: str) -> None:
        self._bar.setRange(0, max(total, 1))
        self._bar.setValue(done)
        words = self.tr("{done} of {total} seeds").format(done=done, total=total)
        self._say(f"{words}, {text}" if text else words, "muted")

    def _over(self) -> None:
        self._job = None
        self._bar.hide()
        self._cancel.hide()

    def _stop(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _say(self, words: str, kind: str) -> None:
        self._words.setText(words)
        self._words.setProperty("kind", kind)
        self._words.style().polish(self._words)


@guarded
class _Squares(QWidget):
    """One square a seed."""

    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._seeds: dict[int, SeedResult] = {}
        self._all: list[int] = []
        self._at = 0
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_seeds(self, seeds: Sequence[SeedResult], total: Sequence[int]) -> None:
        self._seeds = {result.seed: result for result in seeds}
        self._all = list(total)
        self._at = next((i for i, seed in enumerate(self._all) if not self._fine(seed)), 0)
        self.setAccessibleName(self.tr("Seeds"))
        self._tell()
        self.updateGeometry()
        self.update()

    def _fine(self, seed: int) -> bool:
        return seed not in self._seeds or self._seeds[seed].ok

    def _words(self, seed: int) -> str:
        result = self._seeds.get(seed)
        if result is None:
            return self.tr("seed {seed} was not tried").format(seed=seed)
        if result.ok:
            return self.tr("seed {seed} holds").format(seed=seed)
        return self.tr("seed {seed}: {why}").format(seed=seed, why=result.why)

    def _tell(self) -> None:
        if self._all:
            self.setAccessibleDescription(self._words(self._all[self._at]))

    def _step(self) -> int:
        return theme.scaled(_SIDE) + _GAP

    def _columns(self, width: int) -> int:
        return max(1, (width + _GAP) // self._step())

    def heightForWidth(self, width: int) -> int:
        rows = -(-len(self._all) // self._columns(width)) if self._all else 0
        return max(0, rows * self._step() - _GAP) + 2

    def hasHeightForWidth(self) -> bool:
        return True

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(200), self.heightForWidth(max(self.width(), theme.scaled(200))))

    def _place(self, index: int) -> QRect:
        columns, side = self._columns(self.width()), theme.scaled(_SIDE)
        return QRect(index % columns * self._step(), 1 + index // columns * self._step(), side, side)

    def _index(self, at: QPoint) -> int:
        return next((i for i in range(len(self._all)) if self._place(i).contains(at)), -1)

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index, seed in enumerate(self._all):
            place = self._place(index)
            result = self._seeds.get(seed)
            role = colours.faint if result is None else colours.good if result.ok else colours.bad
            inner = place.adjusted(1, 1, -1, -1)
            painter.setPen(QPen(QColor(role), 1.2))
            painter.setBrush(QColor(colours.good) if result is not None and result.ok else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(inner, 2, 2)
            if result is not None and not result.ok:
                painter.setPen(QPen(QColor(colours.bad), 2))
                cross = inner.adjusted(3, 3, -2, -2)
                painter.drawLine(cross.topLeft(), cross.bottomRight())
                painter.drawLine(cross.topRight(), cross.bottomLeft())
            if self.hasFocus() and index == self._at:
                painter.setPen(QPen(QColor(colours.accent), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(place)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            index = self._index(event.pos())
            QToolTip.showText(event.globalPos(), self._words(self._all[index]) if index >= 0 else "", self)
            return True
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._index(event.position().toPoint())
        if index >= 0:
            self._at = index
            self._choose()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        columns = self._columns(self.width())
        ways = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -columns, Qt.Key.Key_Down: columns}
        if event.key() in ways and self._all:
            self._at = max(0, min(len(self._all) - 1, self._at + ways[Qt.Key(event.key())]))
            self._tell()
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._all:
            self._choose()
        else:
            super().keyPressEvent(event)

    def _choose(self) -> None:
        self._tell()
        self.update()
        self.chosen.emit(self._seeds.get(self._all[self._at], SeedResult(self._all[self._at])))
