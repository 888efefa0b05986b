"""The transport: play, step, run to, speed, seed, fork, bookmarks, and the line of the run above them.

It shows what the driver says and asks it for things; it decides nothing.  On a narrow window or with large text
its groups flow onto further lines.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QEvent, QRegularExpression, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QRegularExpressionValidator, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from prayog.ui.bench.driver import Driver
from prayog.ui.bench.markers import Markers, mark_of
from prayog.ui.bench.pace import MAX, SPEEDS
from prayog.ui.bench.scrubber import Scrubber
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import IconButton, IconLabel, icon
from prayog_sim.clock import format_us
from prayog_sim.rng import MAX_SEED
from prayog_sim.trace import Step

__all__ = ["Transport"]

_PLAIN = frozenset({"deliver", "timer", "start"})


class Transport(QFrame):
    """Everything about time and runs that a learner presses."""

    restart_asked = Signal(bool)
    """Start again: with a new seed when True."""
    compare_asked = Signal()
    """Compare this run with another one."""
    seed_asked = Signal(object)
    """Start again with this seed (a whole number)."""

    def __init__(
        self, driver: Driver, markers: Markers, describe: Callable[[int], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._driver, self._markers = driver, markers
        self._narrow = False
        self.timed = True
        """The run has a clock worth showing (a computation counts steps, not time)."""
        self.setAccessibleName(self.tr("Transport"))
        self.scrubber = Scrubber(markers, describe)
        self.scrubber.sought.connect(driver.seek)

        self._first = self._button("first", self.tr("First event"), "Home", driver.first)
        self._back = self._button("step-back", self.tr("Step back"), ",", driver.back)
        self.play = _Play()
        self.play.clicked.connect(driver.toggle)
        self._step = self._button("step", self.tr("Step"), ".", driver.step)
        self._last = self._button("last", self.tr("Last event"), "End", driver.last)
        self._run_to = self._menu_button("run-to", self.tr("Run to…"), "G", self._fill_run_to)
        self.clock = _Steady("00.000 s")
        self.events = _Steady(self.tr("event {n} of {all}").format(n="1,000", all="1,000"))
        self.events.setProperty("kind", "muted")
        self.events.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(0, len(SPEEDS) - 1)
        self.speed.setPageStep(1)
        self.speed.setFixedWidth(theme.scaled(76))
        self.speed.setAccessibleName(self.tr("Speed"))
        self.speed.setToolTip(self.tr("Speed: slower [ · faster ]"))
        self.speed.valueChanged.connect(self._speed_moved)
        self._speed_text = _Steady("1,000×")
        self._speed_text.setProperty("kind", "muted")

        self._fork = self._button("fork", self.tr("Fork here"), "F", driver.fork)
        self._bookmark = self._button("bookmark", self.tr("Bookmark this moment"), "B", driver.bookmark)
        self._bookmark.setCheckable(True)
        self._compare = self._button("swap", self.tr("Compare A and B"), "D", self.compare_asked.emit)
        self._places = self._menu_button("more", self.tr("Branches, bookmarks and playing"), "", self._fill_places)

        self.seed = QLineEdit()
        digits = QRegularExpression(rf"\d{{1,{len(str(MAX_SEED))}}}")
        self.seed.setValidator(QRegularExpressionValidator(digits, self.seed))
        self.seed.setAccessibleName(self.tr("Seed"))
        self.seed.setToolTip(self.tr("The seed: same seed, same run. Type another and press Enter."))
        self.seed.returnPressed.connect(lambda: self.seed_asked.emit(int(self.seed.text())))
        self._copy = self.seed.addAction(icon("copy", "muted", 14), QLineEdit.ActionPosition.TrailingPosition)
        self._copy.setToolTip(self.tr("Copy the seed"))
        self._copy.triggered.connect(self._copy_seed)
        self._again = self._button(
            "restart", self.tr("Start again, same seed"), "R", lambda: self.restart_asked.emit(False)
        )
        self._dice = self._button(
            "dice", self.tr("Start again, new seed"), "Shift+R", lambda: self.restart_asked.emit(True)
        )

        seed_label = QLabel(self.tr("Seed"))
        seed_label.setProperty("kind", "muted")
        seed_label.setBuddy(self.seed)
        flow = FlowLayout(spacing=2 * theme.UNIT)
        self._seed_group = _group(seed_label, self.seed, self._again, self._dice)
        for widget in (
            _group(self._first, self._back, self.play, self._step, self._last, self._run_to),
            _group(self._fork, self._bookmark, self._compare, self._places),
            _group(IconLabel("speed", role="muted"), self.speed, self._speed_text, gap=theme.UNIT),
            self._seed_group,
        ):
            flow.addWidget(widget)
        line = QHBoxLayout()
        line.setSpacing(theme.UNIT)
        line.addWidget(self.clock, 0, Qt.AlignmentFlag.AlignBottom)
        line.addWidget(self.scrubber, 1)
        line.addWidget(self.events, 0, Qt.AlignmentFlag.AlignBottom)
        for words in (self.clock, self.events):
            words.setContentsMargins(0, 0, 0, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2 * theme.UNIT, theme.UNIT // 2, 2 * theme.UNIT, theme.UNIT)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addLayout(flow)
        self._sizes()
        self.refresh()

    # -- what the driver says ------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the state of the driver; cheap enough for every frame."""
        driver = self._driver
        branch = driver.branch
        there, going = branch is not None, driver.playing or driver.hurrying
        session = branch is not None and branch.run.kind == "session"
        self.scrubber.setEnabled(there)
        self.scrubber.show_run(driver.at, driver.end, branch.forked_at if branch else -2)
        for button, on in (
            (self._first, there and driver.at >= 0), (self._back, there and driver.at >= 0),
            (self._step, driver.can_go_on or session), (self._last, there and not driver.live),
            (self._run_to, there), (self.play, going or driver.can_go_on or session),
            (self._fork, there and not session), (self._bookmark, there), (self._places, there),
            (self._again, there), (self._dice, there and not session), (self.seed, there and not session),
        ):  # fmt: skip
            if button.isEnabled() != on:
                button.setEnabled(on)
        self.play.show_going(going)
        self.clock.setVisible(self.timed)
        self.clock.setText(format_us(round(driver.clock_us)))
        self.events.setText(self._place() if there else self.tr("no run yet"))
        self._show_speed()
        self._bookmark.setChecked(branch is not None and driver.at in branch.bookmarks)
        if branch is not None and not self.seed.hasFocus():
            self.seed.setText(str(branch.seed))

    def _place(self) -> str:
        driver = self._driver
        if driver.playing and driver.steps_per_s >= 10:
            return self.tr("{n} steps/s").format(n=f"{driver.steps_per_s:,.0f}")
        if driver.end < 0:
            return self.tr("no event yet")
        if self._narrow:
            return f"{driver.at:,} / {driver.end:,}" if driver.at >= 0 else f"– / {driver.end:,}"
        if driver.at < 0:
            return self.tr("before event 0")
        return self.tr("event {n} of {all}").format(n=f"{driver.at:,}", all=f"{driver.end:,}")

    def _show_speed(self) -> None:
        driver = self._driver
        stop = min(
            range(len(SPEEDS)),
            key=lambda i: (SPEEDS[i] != driver.speed, abs(min(SPEEDS[i], 1e9) - min(driver.speed, 1e9))),
        )
        self.speed.blockSignals(True)
        self.speed.setValue(stop)
        self.speed.blockSignals(False)
        self._speed_text.setText(self.tr("max") if driver.speed == MAX else f"{driver.speed:,g}×")

    def _speed_moved(self, stop: int) -> None:
        self._driver.set_speed(SPEEDS[stop])

    # -- menus ---------------------------------------------------------------------------------------------------

    def open_run_to(self) -> None:
        self._run_to.showMenu()

    def targets(self) -> list[tuple[str, Callable[[], None]]]:
        """Where "run to" can go, in words: the noteworthy first."""
        driver, markers = self._driver, self._markers
        found: list[tuple[str, Callable[[], None]]] = []

        def kind(name: str) -> Callable[[Step], bool]:
            return lambda step: step.kind == name or any(effect.kind == name for effect in step.effects)

        def go(test: Callable[[Step], bool], name: str) -> Callable[[], None]:
            return lambda: driver.run_to(test, name)

        words = sorted(markers.kinds, key=lambda k: (k in _PLAIN, markers.kinds[k], k))
        found.append((self.tr("Next marked event"), go(lambda s: mark_of(s) is not None, self.tr("marked event"))))
        for word in words:
            shown = word.replace("_", " ")
            found.append((self.tr("Next {kind}").format(kind=shown), go(kind(word), shown)))
        return found

    def _fill_run_to(self, menu: QMenu) -> None:
        for title, go in self.targets():
            menu.addAction(title, go)
        if self._driver.branch is None:
            return
        nodes = list(self._driver.view().nodes)
        if nodes:
            menu.addSeparator()
            inner = menu.addMenu(self.tr("Next event at"))
            for node in nodes:
                inner.addAction(
                    node, partial(self._driver.run_to, partial(_at_node, node), self.tr("event at {n}").format(n=node))
                )
        menu.addSeparator()
        menu.addAction(self.tr("The end (until nothing more happens)"), self._to_rest)

    def _to_rest(self) -> None:
        self._driver.set_speed(MAX)
        self._driver.play()

    def _fill_places(self, menu: QMenu) -> None:
        driver = self._driver
        slow = menu.addAction(self.tr("Slow down at marked events"))
        slow.setCheckable(True)
        slow.setChecked(driver.auto_slow)
        slow.toggled.connect(self._set_auto_slow)
        menu.addSection(self.tr("Branches"))
        for branch in driver.branches:
            action = menu.addAction(branch.title or self.tr("The run"), partial(driver.switch, branch))
            action.setCheckable(True)
            action.setChecked(branch is driver.branch)
        menu.addSection(self.tr("Bookmarks"))
        marks: Sequence[tuple[int, str]] = sorted(driver.branch.bookmarks.items()) if driver.branch else ()
        for seq, name in marks:
            menu.addAction(name, partial(driver.seek, seq))
        if not marks:
            menu.addAction(self.tr("None yet: press B to mark the shown moment")).setEnabled(False)

    def _set_auto_slow(self, on: bool) -> None:
        self._driver.auto_slow = on

    def _copy_seed(self) -> None:
        QGuiApplication.clipboard().setText(self.seed.text())

    # -- pieces --------------------------------------------------------------------------------------------------

    def _button(self, name: str, title: str, keys: str, act: Callable[[], object]) -> IconButton:
        button = IconButton(name, title)
        button.set_title(title, keys)
        button.clicked.connect(lambda: act())  # noqa: PLW0108 - a click brings a bool along
        return button

    def _menu_button(self, name: str, title: str, keys: str, fill: Callable[[QMenu], None]) -> IconButton:
        button = IconButton(name, title)
        button.set_title(title, keys)
        button.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.aboutToShow.connect(menu.clear)
        menu.aboutToShow.connect(lambda: fill(menu))
        button.setMenu(menu)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < theme.scaled(520)
        if narrow != self._narrow:
            self._narrow = narrow
            self._sizes()
            self.refresh()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and hasattr(self, "_seed_group"):
            self._sizes()

    def _sizes(self) -> None:
        metrics = QFontMetrics(self.font())
        self.seed.setFixedWidth(metrics.horizontalAdvance("0" * (4 if self._narrow else 6)) + 52)
        wide = self.tr("event {n} of {all}").format(n="1,000", all="1,000")
        self.events.set_widest("1,000 / 1,000" if self._narrow else wide)
        self.speed.setFixedWidth(theme.scaled(76))


class _Play(QPushButton):
    """The one button of the transport that stands out: play, or pause."""

    def __init__(self) -> None:
        super().__init__()
        self._going = False
        self.setObjectName("play")
        self.setProperty("kind", "primary")
        self._draw()

    def show_going(self, going: bool) -> None:
        if going != self._going:
            self._going = going
            self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange, QEvent.Type.EnabledChange):
            self._draw()

    def _draw(self) -> None:
        words = self.tr("Pause") if self._going else self.tr("Play")
        self.setAccessibleName(words)
        self.setToolTip(self.tr("{what} (Space)").format(what=words))
        edge = theme.scaled(18)
        self.setIconSize(QSize(edge, edge))
        self.setIcon(icon("pause" if self._going else "play", "on_accent" if self.isEnabled() else "muted"))
        self.setFixedWidth(theme.scaled(52))


class _Steady(QLabel):
    """A label as wide as the widest text it shows, so that nothing beside it moves when numbers change."""

    def __init__(self, widest: str) -> None:
        super().__init__()
        self._widest = widest
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Preferred)

    def set_widest(self, widest: str) -> None:
        self._widest = widest
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(max(hint.width(), QFontMetrics(self.font()).horizontalAdvance(self._widest) + 4), hint.height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


def _at_node(node: str, step: Step) -> bool:
    return step.node == node


def _group(*widgets: QWidget, gap: int = 2) -> QWidget:
    group = QWidget()
    layout = QHBoxLayout(group)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(gap)
    for widget in widgets:
        layout.addWidget(widget)
    return group
