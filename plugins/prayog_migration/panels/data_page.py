"""Step 4, the run page: rows on their way, the buttons of a running load, and those that break something."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QPushButton, QSlider

from prayog_migration.panels.course import Course
from prayog_migration.panels.load_bars import LoadBars, SpeedBar, Speeds
from prayog_migration.panels.page import Asks, Page, row_of
from prayog_migration.panels.words import count_in_words, seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["FAULTS", "DataPage"]

FAULTS = (
    ("kill", "Kill the worker", "As a power cut would; a successor goes on at the last checkpoint"),
    ("zombie", "Make a zombie", "Freeze the worker, start a successor, and let the first one wake up again"),
    ("cut", "Cut the network", "Every connection breaks, until Heal"),
    ("stall", "Let it stall", "Connections stay up and nothing comes through, until Heal"),
    ("lose_commit", "Lose one answer", "A COMMIT is done, and its answer is lost"),
    ("fill_disk", "Fill the disk", "The target has no room, until Heal"),
    ("stop_target", "Stop the target", "The server ends at once and starts again"),
    ("poison", "Poison a row", "The application writes a row that does not fit"),
    ("add_column", "Add a column now", "The source’s table changes in the middle"),
    ("lose_log", "Lose the log", "What was captured is gone"),
)
_BAND = 0.25
_STEPS = 60


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
        self._faults: dict[str, QPushButton] = {}
        for what, title, about in FAULTS:
            button = QPushButton(title)
            button.setToolTip(about)
            button.setAccessibleDescription(about)
            button.clicked.connect(lambda _checked=False, what=what: asks.act("fault", what=what))
            self._faults[what] = button
        self._heal = QPushButton("Heal")
        self._heal.setToolTip("Everything that was broken works again")
        self._heal.clicked.connect(lambda: asks.act("heal"))
        self.body.addWidget(row_of(*self._faults.values(), self._heal))
        self._log = QPlainTextEdit()
        self._log.setReadOnly(True)
        self._log.setTabChangesFocus(True)
        self._log.setAccessibleName("What happened")
        self._log.setMinimumHeight(theme.scaled(120))
        self._lines = 0
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
        self._sum.setText(
            f"{state}{count_in_words(done)} of {count_in_words(of)} rows are there{ratio}{left}."
            if course.loads else "Nothing was copied yet. Changes are captured before the first row."
        )  # fmt: skip
        self._legend.setText(
            f"R raw limit {count_in_words(raw)} rows/s (measured by the probe) · P predicted, ±{_BAND:.0%}"
            if raw else "Probe on the page Plan: then the raw limit and the predicted speed are drawn here."
        )  # fmt: skip
        self._bars.show_loads(list(course.loads.items()))
        self._heal.setEnabled(bool(course.broken))
        for what, button in self._faults.items():
            button.setProperty("kind", "primary" if what in course.broken else "")
        text = "\n".join(words for _, _, words in course.log)
        if self._log.toPlainText() != text:
            self._log.setPlainText(text)
            bar = self._log.verticalScrollBar()
            bar.setValue(bar.maximum())

    def restyle(self) -> None:
        """Text size or theme changed."""
        self._bars.updateGeometry()
        self._speed.updateGeometry()

    def words(self) -> str:
        return f"{self._sum.text()} {self._bars.accessibleDescription()}"
