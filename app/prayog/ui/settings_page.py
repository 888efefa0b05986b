"""All settings on one page; each applies at once and can be undone by choosing again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QLabel, QPushButton, QSlider, QWidget

from prayog.settings import CHOICES, Settings
from prayog.ui.desk import Desk
from prayog.ui.page import Page
from prayog.ui.pieces import button, column, flow, heading, row, text
from prayog.ui.place import Place
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface

__all__ = ["Segments", "SettingsPage"]

Row = tuple[str, QLabel | None, QWidget]
"""Name, what it means, control."""

_SMALLEST, _LARGEST, _STEP = 100, 200, 10


class Segments(QWidget):
    """One of a few words, all of them visible."""

    def __init__(self, name: str, choices: Sequence[tuple[str, str]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.group = QButtonGroup(self)
        self.buttons: dict[str, QPushButton] = {}
        layout = flow(gap=6)
        for value, label in choices:
            made = button(label)
            made.setCheckable(True)
            made.setAccessibleName(f"{name}: {label}")
            self.group.addButton(made)
            self.buttons[value] = made
            layout.addWidget(made)
        self.setLayout(layout)

    def choose(self, value: str) -> None:
        """Mark `value` without telling anybody."""
        with QSignalBlocker(self.group):
            self.buttons[value].setChecked(True)


class SettingsPage(Page):
    """See the module."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "", parent=parent)
        self.title.setText(self.tr("Settings"))
        self.setAccessibleName(self.tr("Settings"))
        self.segments: dict[str, Segments] = {}
        self._section(self.tr("Look"), self._look())
        self._section(self.tr("Language and speech"), self._language())
        self._section(self.tr("Keys, files and services"), self._files())
        reset = button(self.tr("Reset to defaults"))
        reset.clicked.connect(self._ask)
        self._reset = column()
        self._reset_button = reset
        self._reset.addLayout(flow(reset))
        self.body.addLayout(self._reset)
        desk.settings_changed.connect(self.refresh)

    def fill(self) -> None:
        """Show the settings as they are."""
        settings = self.desk.settings
        for name, segments in self.segments.items():
            segments.choose(getattr(settings, name))
        with QSignalBlocker(self.text_size):
            self.text_size.setValue(settings.text_percent)
        self._percent.setText(f"{settings.text_percent} %")
        self._folder.setText(str(self.desk.data_folder))

    def _look(self) -> list[Row]:
        themes = {"system": self.tr("As the system"), "light": self.tr("Light"), "dark": self.tr("Dark")}
        motions = {"system": self.tr("As the system"), "full": self.tr("Full"), "reduced": self.tr("Reduced")}
        self.text_size = QSlider(Qt.Orientation.Horizontal)
        self.text_size.setRange(_SMALLEST, _LARGEST)
        self.text_size.setSingleStep(_STEP)
        self.text_size.setPageStep(2 * _STEP)
        self.text_size.setTickInterval(25)
        self.text_size.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.text_size.setTracking(False)
        self.text_size.setMinimumSize(theme.scaled(160), 28)
        self.text_size.setAccessibleName(self.tr("Text size in per cent"))
        self.text_size.valueChanged.connect(lambda value: self.desk.change(text_percent=round(value / _STEP) * _STEP))
        self._percent = QLabel()
        self._percent.setMinimumWidth(self._percent.fontMetrics().horizontalAdvance("200 %") + 4)
        size = _line(self.text_size, self._percent)
        motion = text(self.tr("Reduced shows changes without flights of messages."), "muted")
        return [
            (self.tr("Theme"), None, self._choice("theme", self.tr("Theme"), themes)),
            (self.tr("Text size"), text(self.tr("Ctrl++ and Ctrl+− change it anywhere."), "muted"), size),
            (self.tr("Motion"), motion, self._choice("motion", self.tr("Motion"), motions)),
        ]

    def _language(self) -> list[Row]:
        languages = {"en": "English", "hi-Latn": "Hinglish"}
        levels = {"off": self.tr("Off"), "important": self.tr("Important"), "all": self.tr("All")}
        where = text(self.tr("Of lessons and of the lab; what is not translated is shown in English."), "muted")
        spoken = text(self.tr("What a screen reader is told of what happens on the bench."), "muted")
        return [
            (self.tr("Language"), where, self._choice("language", self.tr("Language"), languages)),
            (self.tr("Announcements"), spoken, self._choice("announcements", self.tr("Announcements"), levels)),
        ]

    def _files(self) -> list[Row]:
        keys = button(self.tr("Show all keys"))
        keys.clicked.connect(self.desk.keys_wanted)
        services = button(self.tr("Open Services"))
        services.clicked.connect(lambda: self.wanted.emit(Place("services")))
        choose = button(self.tr("Choose…"))
        choose.clicked.connect(self._choose)
        default = button(self.tr("Use the profile"), "link")
        default.clicked.connect(lambda: self.desk.change(data_folder=""))
        self._folder = text("", "muted")
        return [
            (self.tr("Keys"), text(self.tr("Everything can be done by keyboard; ? shows how."), "muted"), _line(keys)),
            (self.tr("Folder for saved runs"), self._folder, _line(choose, default)),
            (self.tr("Services"), text(self.tr("Databases and other real components."), "muted"), _line(services)),
        ]

    def _choice(self, name: str, title: str, labels: dict[str, str]) -> Segments:
        segments = Segments(title, [(value, labels[value]) for value in CHOICES[name]])
        for value, made in segments.buttons.items():
            made.clicked.connect(lambda _checked=False, value=value: self.desk.change(**{name: value}))
        self.segments[name] = segments
        return segments

    def _section(self, title: str, rows: list[Row]) -> None:
        surface = Surface(margin=3 * theme.UNIT)
        surface.body.setSpacing(3 * theme.UNIT)
        for name, about, control in rows:
            words = column(text(name), gap=2)
            if about is not None:
                words.addWidget(about)
            line = row(gap=3 * theme.UNIT)
            line.addLayout(words, 1)
            line.addWidget(control, 1)
            surface.body.addLayout(line)
        self.body.addLayout(column(heading(title, 2), surface, gap=12))

    def _choose(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Folder for saved runs"), str(self.desk.data_folder))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.desk.change(data_folder=str(Path(name))))
        dialog.open()

    def _ask(self) -> None:
        self._reset_button.hide()
        asked = QWidget()
        yes = button(self.tr("Reset"), "primary")
        no = button(self.tr("Keep my settings"))
        question = text(self.tr("Set everything on this page to its default? Progress and saved runs stay."))
        asked.setLayout(column(question, flow(yes, no)))
        self._reset.addWidget(asked)

        def done() -> None:
            asked.hide()
            asked.deleteLater()
            self._reset_button.show()
            self._reset_button.setFocus()

        no.clicked.connect(done)
        yes.clicked.connect(done)
        yes.clicked.connect(self._defaults)
        no.setFocus()

    def _defaults(self) -> None:
        fresh = Settings()
        kept = ("services", "disabled", "other")
        self.desk.change(**{f.name: getattr(fresh, f.name) for f in fields(Settings) if f.name not in kept})
        self.desk.say(self.tr("Settings are at their defaults."), important=True)


def _line(*controls: QWidget) -> QWidget:
    holder = QWidget()
    holder.setLayout(flow(*controls, gap=16))
    return holder
