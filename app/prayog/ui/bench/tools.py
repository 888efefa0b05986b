"""The tools of a run: what the topic lets a learner do, and the faults that every simulated world has.

Select a tool, then a target; or select a target, then press the tool's key.  Nothing is drag-only and nothing is
modal: questions are asked in a small popup below the tool (`question`).  Where the window is low for its text, the
tools keep to one line and the last of them are in a menu, so that the panels have room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QMenu, QToolButton, QWidget, QWidgetAction

from prayog.ui.bench.arguments import ask
from prayog.ui.bench.host import Host
from prayog.ui.bench.question import Question
from prayog.ui.pieces import drop
from prayog_sdk.manifest import Problem
from prayog_sdk.qt import theme
from prayog_sdk.qt.actions import fill
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import icon
from prayog_sdk.qt.state import ProblemCard
from prayog_sdk.specs import ActionSpec
from prayog_sim.run import Action

__all__ = ["Tools"]

_SHOWN_FAULTS = ("crash", "restart", "partition", "heal", "link")
"""Faults with a button of their own; the others are in the menu."""
_LOW = 600  # px of height at 100 % text below which one line of tools must do
_REST = 80  # px of the menu with the rest, at 100 % text


class Tools(QFrame):
    """The bar above the panels."""

    acted = Signal(object)
    """An `Action` is to be done."""
    said = Signal(str)
    retried = Signal()
    """The topic's own tools are to be asked for again."""

    def __init__(self, host: Host, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._armed: ActionSpec | None = None
        self._buttons: dict[str, QToolButton] = {}
        self._popup: Question | None = None
        self._room = (False, False, 0)
        self.setAccessibleName(self.tr("Tools"))
        self._flow = FlowLayout(self, theme.UNIT // 2)
        self._flow.setContentsMargins(theme.UNIT * 3 // 2, theme.UNIT // 2, theme.UNIT * 3 // 2, theme.UNIT // 2)
        host.signals.selection_changed.connect(self._selected)

    def rebuild(self) -> None:
        """Show the tools of the run that is on the bench."""
        self.disarm()
        self._close_popup()
        drop(self._flow)
        self._buttons.clear()
        menu: list[ActionSpec] = []
        own = self._host.own
        self._room = (roomy, low, _wide) = self._measure()
        parts: list[tuple[QToolButton, str, list[ActionSpec]]] = []
        for spec in self._host.actions:
            group = [other for other in self._host.actions if other.group == spec.group] if spec.group else []
            if group:
                if spec is group[0]:
                    parts.append((self._more(spec.group, group), spec.group, group))
            elif spec.name in own or spec.name in _SHOWN_FAULTS:
                words = roomy or (spec.name in own and len(own) <= 3)
                parts.append((self._button(spec, words=words), "", [spec]))
            else:
                menu.append(spec)
        if menu:
            title = self.tr("More faults")
            parts.append((self._more(title, menu), title, menu))
        fitting = self._fitting([button.sizeHint().width() for button, _, _ in parts]) if low else len(parts)
        for button, _, _ in parts[:fitting]:
            self._flow.addWidget(button)
        if parts[fitting:]:
            for button, _, _ in parts[fitting:]:
                button.deleteLater()
            self._flow.addWidget(self._rest([(title, specs) for _, title, specs in parts[fitting:]]))
        if self._host.lame is not None:
            self._flow.addWidget(self._missing(self._host.lame))
        self.setVisible(bool(self._host.actions) or self._host.lame is not None)

    def fit(self) -> None:
        """The window has another size: show the tools as they fit now."""
        if self._buttons and self._measure() != self._room:
            QTimer.singleShot(0, self, self.rebuild)

    def _measure(self) -> tuple[bool, bool, int]:
        """Whether there is room for words beside the icons; whether one line must do, and then how long it is."""
        low = self.window().height() < theme.scaled(_LOW)
        return self.width() > theme.scaled(620), low, self.width() if low else 0

    def _fitting(self, widths: Sequence[int]) -> int:
        """How many tools fit into one line, beside the menu with the rest."""
        margins, gap = self._flow.contentsMargins(), self._flow.spacing()
        room = self.width() - margins.left() - margins.right()
        if sum(widths) + gap * (len(widths) - 1) <= room:
            return len(widths)
        room -= theme.scaled(_REST)
        count = 0
        for width in widths:
            room -= width + gap
            if room < 0:
                break
            count += 1
        return count

    def use(self, spec: ActionSpec) -> None:
        """Choose `spec`: do it when everything is known, else ask for the target or the arguments."""
        self.disarm()
        host = self._host
        target = host.selection if self._fits(spec, host.selection) else ""
        if spec.target in ("node", "message") and not target:
            self._arm(spec)
            return
        known, asked = fill(spec, target)
        if asked or (spec.target in ("run", "link") and spec.args):
            self._ask(spec, known)
        else:
            self._do(spec, known)

    def _chosen(self, spec: ActionSpec, _checked: bool = False) -> None:
        self.use(spec)

    def disarm(self) -> bool:
        """Leave the tool (Esc); False when none was chosen."""
        armed, self._armed = self._armed, None
        for button in self._buttons.values():
            button.setChecked(False)
        return armed is not None

    def let_go(self) -> None:
        self._close_popup()

    # -- targets -------------------------------------------------------------------------------------------------

    def _arm(self, spec: ActionSpec) -> None:
        self._armed = spec
        if spec.name in self._buttons:
            self._buttons[spec.name].setChecked(True)
        what = self.tr("a message") if spec.target == "message" else self.tr("a node")
        self.said.emit(self.tr("{tool}: now choose {what}. Esc leaves the tool.").format(tool=spec.title, what=what))

    def _selected(self, name: str) -> None:
        spec = self._armed
        if spec is not None and name and self._fits(spec, name):
            self.use(spec)

    def _fits(self, spec: ActionSpec, selection: str) -> bool:
        if not selection or self._host.driver.branch is None:
            return False
        if spec.target == "message":
            return selection.startswith("#")
        return selection in self._host.view().nodes

    # -- doing ---------------------------------------------------------------------------------------------------

    def _do(self, spec: ActionSpec, args: Mapping[str, Any]) -> None:
        self._close_popup()
        self.acted.emit(Action(spec.name, dict(args)))

    def _ask(self, spec: ActionSpec, known: Mapping[str, Any]) -> None:
        self._close_popup()
        asker = ask(spec, known, self._host)
        self._popup = popup = Question(spec, asker, self.window())
        popup.chosen.connect(lambda args: self._do(spec, args))
        popup.setPalette(self.palette())
        under: QWidget = self._buttons.get(spec.name, self)
        popup.show_below(under)

    def _close_popup(self) -> None:
        popup, self._popup = self._popup, None
        if popup is not None:
            popup.hide()
            popup.deleteLater()

    # -- buttons -------------------------------------------------------------------------------------------------

    def _button(self, spec: ActionSpec, *, words: bool) -> QToolButton:
        button = QToolButton()
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setProperty("prayogIcon", spec.icon)
        if spec.icon:
            button.setIcon(icon(spec.icon))
        style = Qt.ToolButtonStyle
        button.setText(spec.title)
        button.setToolButtonStyle(
            style.ToolButtonIconOnly if spec.icon and not words
            else style.ToolButtonTextBesideIcon if spec.icon else style.ToolButtonTextOnly
        )  # fmt: skip
        edge = theme.scaled(18)
        button.setIconSize(
            button.iconSize().expandedTo(button.iconSize()).scaled(edge, edge, Qt.AspectRatioMode.KeepAspectRatio)
        )
        button.setMinimumSize(28, max(28, theme.scaled(28)))
        keys = f" ({spec.key.upper()})" if spec.key else ""
        button.setToolTip(f"<b>{spec.title}</b>{keys}<br>{spec.help}" if spec.help else f"{spec.title}{keys}")
        button.setAccessibleName(spec.title)
        button.setAccessibleDescription(spec.help)
        button.clicked.connect(lambda: self.use(spec))
        self._buttons[spec.name] = button
        return button

    def _more(self, title: str, specs: Sequence[ActionSpec]) -> QToolButton:
        button = self._menu_button(title)
        self._fill(button.menu(), specs, button)
        return button

    def _rest(self, groups: Sequence[tuple[str, Sequence[ActionSpec]]]) -> QToolButton:
        """What did not fit into the line."""
        button = self._menu_button(self.tr("More"))
        for title, specs in groups:
            self._fill(button.menu().addMenu(title) if title else button.menu(), specs, button)
        return button

    def _menu_button(self, title: str) -> QToolButton:
        button = QToolButton()
        button.setAutoRaise(True)
        button.setText(title)
        button.setProperty("prayogIcon", "chevron-down")
        button.setIcon(icon("chevron-down", size=14))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        button.setMinimumHeight(max(28, theme.scaled(28)))
        button.setMenu(QMenu(button))
        return button

    def _missing(self, problem: Problem) -> QToolButton:
        """In place of the topic's own tools, when its code for them raised."""
        button = self._menu_button(self.tr("Tools are missing"))
        button.setProperty("prayogIcon", "warning")
        button.setIcon(icon("warning", "bad"))
        card = ProblemCard(self.tr("The topic’s own tools"), problem.sentence, problem.traceback)
        card.retry.connect(self.retried)
        holder = QWidgetAction(button)
        holder.setDefaultWidget(card)
        button.menu().addAction(holder)
        return button

    def _fill(self, menu: QMenu, specs: Sequence[ActionSpec], button: QToolButton) -> None:
        menu.setToolTipsVisible(True)
        for spec in specs:
            action = menu.addAction(f"{spec.title}\t{spec.key.upper()}" if spec.key else spec.title)
            if spec.icon:
                action.setIcon(icon(spec.icon))
            action.triggered.connect(partial(self._chosen, spec))
            action.setToolTip(spec.help)
            self._buttons[spec.name] = button  # where its questions are asked

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            for button in self.findChildren(QToolButton):
                name = button.property("prayogIcon")
                if name:
                    button.setIcon(icon(name))
            if event.type() == QEvent.Type.FontChange and hasattr(self, "_flow"):
                self.fit()
