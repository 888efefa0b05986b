"""The topic's checks, live: what holds, what does not and why, and the way to the step that broke it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from prayog.ui.bench.verdicts import Judged
from prayog.ui.pieces import drop
from prayog_sdk.checks import Check, Verdict
from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.state import EmptyState, paragraph

__all__ = ["CheckRow", "ChecksPane", "State"]

State = Literal["holds", "broken", "open", "error"]
_ICONS: dict[State, tuple[str, str]] = {
    "holds": ("ok", "good"), "broken": ("failed", "bad"), "open": ("clock", "muted"), "error": ("warning", "warn"),
}  # fmt: skip


def state_of(verdict: Verdict | None, *, more: bool) -> State:
    """What to show for `verdict`: while more may happen, only a final failure is broken."""
    if verdict is None:
        return "open"
    if verdict.ok:
        return "holds"
    return "open" if more and not verdict.final else "broken"


class CheckRow(QWidget):
    """One check: sign and word, title, reason, *Open there*."""

    open_there = Signal(int)

    def __init__(self, title: str, help: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.state: State = "open"
        self._title = title
        self.at: int | None = None
        self._icon = IconLabel("clock", role="muted", size=18)
        self._name = paragraph(title)
        self._reason = paragraph("", "muted")
        self._reason.hide()
        self._open = QPushButton(self.tr("Open there"))
        self._open.setProperty("kind", "quiet")
        self._open.clicked.connect(lambda: self.open_there.emit(self.at))
        self._open.hide()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._name)
        if help:
            words.addWidget(paragraph(help, "muted"))
        words.addWidget(self._reason)
        words.addWidget(self._open, 0, Qt.AlignmentFlag.AlignLeft)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.UNIT * 3 // 2)
        layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        self.show_state("open", "", None)

    def set_title(self, title: str) -> None:
        self._title = title
        self._name.setText(title)

    def show_verdict(self, verdict: Verdict | None, *, more: bool, error: str = "") -> None:
        """Show `verdict`; `more` says that more may still happen."""
        if error:
            self.show_state("error", self.tr("This check stopped with an error: {what}").format(what=error), None)
        elif verdict is None:
            self.show_state("open", "", None)
        else:
            state = state_of(verdict, more=more)
            self.show_state(state, verdict.reason, verdict.at if state == "broken" else None)

    def show_state(self, state: State, reason: str, at: int | None) -> None:
        names = (self.tr("Holds"), self.tr("Broken"), self.tr("Not yet"), self.tr("Error"))
        words = dict(zip(("holds", "broken", "open", "error"), names, strict=True))[state]
        self.state, self.at = state, at
        name, role = _ICONS[state]
        self._icon.set_icon(name, role)
        self._icon.setToolTip(words)
        self._icon.setAccessibleName(words)
        told = f"{words}: {reason}" if reason else words
        if self._reason.text() != told:
            self._reason.setText(told)
        self._reason.setVisible(True)
        self._open.setVisible(at is not None)
        self._open.setAccessibleName(self.tr("Open the step that broke “{title}”").format(title=self._title))


class ChecksPane(QScrollArea):
    """All checks of the topic."""

    open_there = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, CheckRow] = {}
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._inside = QWidget()
        self._layout = QVBoxLayout(self._inside)
        self._layout.setContentsMargins(2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        self._layout.setSpacing(2 * theme.UNIT)
        self.setWidget(self._inside)
        self.set_checks({})

    def set_checks(self, checks: Mapping[str, Check]) -> None:
        if list(checks) == list(self._rows) and checks:
            return
        drop(self._layout)
        self._rows = {}
        if not checks:
            self._layout.addWidget(
                EmptyState(
                    self.tr("No checks"),
                    self.tr("This topic judges nothing by itself. Watch, and judge yourself."),
                    icon="check",
                )
            )
            return
        intro = QLabel(self.tr("Judged on the run up to the shown event."))
        intro.setProperty("kind", "muted")
        intro.setWordWrap(True)
        self._layout.addWidget(intro)
        for name, check in checks.items():
            row = CheckRow(check.title or name, check.help)
            row.open_there.connect(self.open_there)
            self._rows[name] = row
            self._layout.addWidget(row)
        self._layout.addStretch()

    def show_judged(self, judged: Judged, *, more: bool) -> None:
        for name, row in self._rows.items():
            row.show_verdict(judged.verdicts.get(name), more=more, error=judged.errors.get(name, ""))

    def places(self) -> list[int | None]:
        """The steps that broke checks."""
        return [row.at for row in self._rows.values() if row.state == "broken"]

    def broken(self) -> int:
        """How many checks are broken now."""
        return sum(row.state == "broken" for row in self._rows.values())
