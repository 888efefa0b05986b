"""Step 4, the run page: rows on their way, the buttons of a running load, and those that break something."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QSlider

from prayog_migration.panels.breaking import Breaking
from prayog_migration.panels.course import Course
from prayog_migration.panels.load_bars import LoadBars, SpeedBar, Speeds
from prayog_migration.panels.page import Asks, Page, row_of
from prayog_migration.panels.words import count_in_words, seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["DataPage"]

_BAND = 0.25
_STEPS = 60
_LINES = 400


class DataPage(Page):
    """Bars, speed, buttons, log."""

    name = "data"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._copy, self._pause, self._cancel = self.buttons(
            (
                (
                    "Copy",
                    lambda: asks.act("copy"),
                    "Captures changes first, then copies all rows; goes on where it stopped",
                ),
                ("Pause", self._toggle, "Holds at the next chunk"),
                ("Cancel", lambda: asks.act("cancel"), "Stops within two seconds; nothing of ours stays on the source"),
            ),
            primary=0,
        )
        self._paused = False
        self._sum = paragraph("")
        self._speed = SpeedBar()
        self._bars = LoadBars()
        self.body.addWidget(self._sum)
        self.body.addWidget(self._speed)
        self._legend = paragraph("", "muted")
        self.body.addWidget(self._legend)
        self.body.addWidget(self._bars)
        self._throttle = QSlider(Qt.Orientation.Horizontal)
        self._throttle.setRange(0, _STEPS)
        self._throttle.setValue(_STEPS)
        self._throttle.setMinimumWidth(theme.scaled(140))
        self._throttle.setAccessibleName("Throttle")
        self._rate = QLabel("as fast as it goes")
        self._throttle.valueChanged.connect(self._tell_rate)
        self._throttle.sliderReleased.connect(self._set_rate)
        self._throttle.actionTriggered.connect(
            lambda _: self._set_rate() if not self._throttle.isSliderDown() else None
        )
        self.body.addWidget(row_of(QLabel("Throttle"), self._throttle, self._rate))
        self.body.addWidget(paragraph("Break something", step=1))
        self._breaking = Breaking(asks)
        self.body.addWidget(self._breaking)
        self.body.addWidget(paragraph("What happened", step=1))
        self._log = QPlainTextEdit()
        self._log.setReadOnly(True)
        self._log.setTabChangesFocus(True)
        self._log.setAccessibleName("What happened")
        self._log.setMinimumHeight(theme.scaled(120))
        self._log.setMaximumBlockCount(_LINES)
        self._logged: tuple[Course | None, int] = (None, 0)
        self.body.addWidget(self._log, 1)

    def _toggle(self) -> None:
        self.asks.act("resume" if self._paused else "pause")

    def _value(self) -> int:
        """Rows a second at the slider's place; 0 is as fast as it goes."""
        at = self._throttle.value()
        return 0 if at == _STEPS else round(100 * 10 ** (at / _STEPS * 4))

    def _tell_rate(self) -> None:
        rate = self._value()
        self._rate.setText(f"at most {count_in_words(rate)} rows/s" if rate else "as fast as it goes")

    def _set_rate(self) -> None:
        self.asks.act("throttle", rate=self._value())

    def draw(self, course: Course) -> None:
        done, of = course.rows
        self._paused = course.paused
        self._pause.setText("Go on" if course.paused else "Pause")
        running = course.phases.get("data") == "running"
        now = sum(one.rows_s for one in course.loads.values() if not one.done)
        finished = [one.rows_s for one in course.loads.values() if one.done and one.rows_s]
        speed = now or (max(finished) if finished else 0.0)
        predicted, raw = float(course.probed.get("rows_s") or 0), float(course.probed.get("raw_rows_s") or 0)
        self._speed.show_speeds(Speeds(speed, raw, predicted * (1 - _BAND), predicted * (1 + _BAND)))
        left = f"; about {seconds_in_words((of - done) / now)} to go" if running and now and of > done else ""
        ratio = f", {speed / raw:.2f} of the raw limit" if raw and speed else ""
        state = "Paused. " if course.paused else ""
        if course.part:
            equal = "and equal" if course.part["equal"] else "and NOT EQUAL"
            state += f"Part {course.part['number']} of {course.part['of']} is copied, compared {equal}. "
        self._sum.setText(
            f"{state}{count_in_words(done)} of {count_in_words(of)} rows are there{ratio}{left}."
            if course.loads else "Nothing was copied yet. Changes are captured before the first row."
        )  # fmt: skip
        self._legend.setText(
            f"R raw limit {count_in_words(raw)} rows/s (measured by the probe) · P predicted, ±{_BAND:.0%}"
            if raw else "Probe on the page Plan: then the raw limit and the predicted speed are drawn here."
        )  # fmt: skip
        self._bars.show_loads(list(course.loads.items()))
        self._breaking.draw(course)
        self._write(course)

    def _write(self, course: Course) -> None:
        """Append what is new; writing all lines again for each one would hold the window up."""
        known, told = self._logged
        bar = self._log.verticalScrollBar()
        follows = bar.value() >= bar.maximum() - 1
        if known is not course or told > course.told:
            self._log.clear()
            told, follows = 0, True
        new = min(course.told - told, len(course.log))
        if new:
            self._log.appendPlainText("\n".join(words for _, _, words in list(course.log)[-new:]))
            if follows:  # the learner has not scrolled back
                self._log.moveCursor(QTextCursor.MoveOperation.End)
        self._logged = (course, course.told)

    def restyle(self) -> None:
        """Text size or theme changed."""
        self._bars.updateGeometry()
        self._speed.updateGeometry()

    def words(self) -> str:
        return f"{self._sum.text()} {self._bars.accessibleDescription()} {self._breaking.words()}"
