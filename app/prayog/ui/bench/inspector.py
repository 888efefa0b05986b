"""What just happened and what is selected: the shown event with its causes, and the state with its changes."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLabel, QPushButton, QScrollArea, QSizePolicy, QSplitter, QVBoxLayout, QWidget

from prayog.ui.bench.causes import causes, consequences
from prayog.ui.bench.host import Host
from prayog.ui.bench.slot import Slot
from prayog.ui.bench.why_section import WhySection
from prayog.ui.pieces import drop, heading
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph
from prayog_sdk.specs import PanelSpec
from prayog_sim.clock import format_us
from prayog_sim.lines import line, short
from prayog_sim.trace import Step
from prayog_sim.world import World

__all__ = ["Inspector"]

_PAUSE_MS = 120  # between two updates while the run plays
_DECIDED = frozenset({"start", "deliver", "timer", "action", "restart"})  # steps in which a node's code ran
_SAID = frozenset({"label", "text", "sentence", "src", "name", "msg"})  # what `line` says already


class Inspector(QWidget):
    """Follows the shown moment and the selection, while it can be seen."""

    open_there = Signal(int)

    def __init__(self, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._shown: tuple[int, int] = (0, -2)
        self._why = False
        """The conditions of every shown event are asked for, while the run stands."""
        self._event = QWidget()
        self._column = QVBoxLayout(self._event)
        self._column.setContentsMargins(2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        self._column.setSpacing(theme.UNIT // 2)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._event)
        self.state = Slot(PanelSpec("state", self.tr("State"), "prayog_sdk.qt.tree:StatePanel", icon="tree"), host)
        split = QSplitter(Qt.Orientation.Vertical)
        split.addWidget(area)
        split.addWidget(self.state)
        split.setChildrenCollapsible(False)
        split.setHandleWidth(1)
        split.setSizes([theme.scaled(320), theme.scaled(240)])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(split)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_PAUSE_MS)
        self._later.timeout.connect(self.refresh)
        host.moved.connect(self._soon)

    def refresh(self) -> None:
        """Show the event at the shown moment, when it is another one."""
        host = self._host
        if host.driver.branch is None or not self.isVisible():
            return
        now = (id(host.run), host.at)
        if now != self._shown:
            self._shown = now
            self._show(host.trace[host.at] if host.at >= 0 else None)

    def let_go(self) -> None:
        """Stop what runs, release the state panel."""
        self._later.stop()
        self.state.let_go()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    def _soon(self) -> None:
        if self.isVisible() and not self._later.isActive():
            self._later.start()

    def _show(self, step: Step | None) -> None:
        column = self._column
        drop(column)
        if step is None:
            column.addWidget(heading(self.tr("Before the first event"), 1))
            column.addWidget(paragraph(self.tr("Nothing has happened yet."), "muted"))
            column.addStretch(1)
            return
        title = self.tr("Event {n}").format(n=f"{step.seq:,}")
        if self._host.timed:
            title += f" · {format_us(step.at)}"
        column.addWidget(heading(title, 1))
        column.addWidget(paragraph(line(step)))
        facts = {key: value for key, value in step.data.items() if key not in _SAID}
        if facts and len(facts) <= 12:
            words = "\n".join(f"{key}: {short(value, 120)}" for key, value in facts.items())
            column.addWidget(paragraph(words, "muted"))
        if isinstance(self._host.run, World) and step.kind in _DECIDED:
            why = WhySection(self._host, self._host.run, step.seq, shown=self._why and not self._host.driver.playing)
            why.opened.connect(self._set_why)
            column.addWidget(why)
        self._links(self.tr("Because of"), causes(self._host.trace, step.seq))
        effects = [effect for effect in step.effects if effect.kind != "gauge"]
        if effects:
            column.addWidget(_caption(self.tr("It did")))
            told = [
                f"{effect.kind} {short({k: v for k, v in effect.data.items() if k != 'label'}, 100)}"
                for effect in effects[:8]
            ]
            if len(effects) > 8:
                told.append(self.tr("and {n} more").format(n=len(effects) - 8))
            column.addWidget(paragraph("\n".join(told)))
        self._links(self.tr("It led to"), consequences(self._host.trace, step.seq))
        column.addStretch(1)

    def _set_why(self, on: bool) -> None:
        self._why = on

    def _links(self, title: str, steps: list[Step]) -> None:
        if not steps:
            return
        self._column.addWidget(_caption(title))
        for step in steps:
            link = _Link(f"{step.seq:,}   {line(step)}")
            link.clicked.connect(lambda _=False, seq=step.seq: self.open_there.emit(seq))
            self._column.addWidget(link)


class _Link(QPushButton):
    """One event to go to, in one line that is cut rather than wide."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.setProperty("kind", "quiet")
        self.setToolTip(words)
        self.setAccessibleName(words)
        self.setStyleSheet("text-align: left; padding: 2px 4px;")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(max(24, theme.scaled(24)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setText(self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, self.width() - 10))


def _caption(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("kind", "muted")
    label.setContentsMargins(0, theme.UNIT, 0, 0)
    return label
