"""The controls of a form: one per marker of `prayog_sdk.params`, all with the same small face.

A control tells what the learner tries (`tried`, any text or number); whether it is allowed is not its business.
"""

from __future__ import annotations

import math
from typing import Any

from PySide6.QtCore import QLocale, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent, QValidator
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QSlider,
    QWidget,
)  # fmt: skip

from prayog_sdk.params import Choice, Code, Field, FilePath, Slider, Text, Toggle
from prayog_sdk.qt import theme

__all__ = ["Control", "make", "words"]

_GRAIN = 10_000  # positions of a slider at most
_LOG_GRAIN = 240
_DECIMALS = 6
_ROOM = 80  # px at 100 % that the wider of two parts needs beside the other


class Control(QWidget):
    """What a form row knows of its control."""

    tried = Signal(object)
    names_itself = False
    """The control shows its own name (a check box)."""

    def show_value(self, value: Any) -> None:
        """Show `value` without telling anyone."""
        raise NotImplementedError

    def show_error(self, wrong: bool) -> None:
        """Mark the control as wrong; the sentence stands below it."""
        edit = self.focus_widget()
        edit.setStyleSheet(f"border: 2px solid {theme.current().bad};" if wrong else "")

    def focus_widget(self) -> QWidget:
        """The part that takes the focus and the label's mnemonic."""
        raise NotImplementedError

    def describe(self, name: str, about: str) -> None:
        """Accessible name and description."""
        self.focus_widget().setAccessibleName(name)
        self.focus_widget().setAccessibleDescription(about)

    def allowed(self) -> str:
        """What may be entered, in words."""
        return ""


def make(field: Field, parent: QWidget) -> Control:
    """The control for `field`."""
    marker = field.marker
    if isinstance(marker, Slider):
        return _Number(marker, field.type is int, parent)
    if isinstance(marker, Choice):
        return _Choice(marker, parent)
    if isinstance(marker, Toggle):
        return _Toggle(field, parent)
    if isinstance(marker, FilePath):
        return _File(marker, parent)
    if isinstance(marker, Code):
        return _Code(parent)
    return _Line(marker, parent)


def words(value: Any) -> str:
    """`value` as a form shows it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.{_DECIMALS}f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value) or "nothing"


class _Code(Control):
    """Says what is there; it is written in a panel of its own (`codepanel`), not in a form."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._words = QLabel("", self)
        self._words.setWordWrap(True)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._words)
        self.show_value("")

    def show_value(self, value: Any) -> None:
        lines = len(str(value).splitlines())
        self._words.setText(f"{lines} lines, in the panel Your code" if lines else "none of your own")

    def focus_widget(self) -> QWidget:
        return self._words


class _Box(QDoubleSpinBox):
    """A spin box that lets a learner type a number out of range, so that the form can say what is wrong with it."""

    def __init__(self, marker: Slider, whole: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self.setLocale(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))
        self.setGroupSeparatorShown(True)
        self.setDecimals(0 if whole else _DECIMALS)
        self.setRange(marker.low, marker.high)
        self.setSingleStep(marker.step)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setKeyboardTracking(False)

    def textFromValue(self, value: float) -> str:
        return words(int(value) if self.decimals() == 0 else value)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        state, text, position = super().validate(text, position)
        return (QValidator.State.Intermediate if state == QValidator.State.Invalid else state), text, position


class _Pair(Control):
    """Two parts side by side where there is room for both, else one above the other."""

    def pair(self, wide: QWidget, narrow: QWidget) -> None:
        """Set out the parts; `wide` takes what is left of the line."""
        self._wide, self._narrow = wide, narrow
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.UNIT)
        self._row.addWidget(wide, 1)
        self._row.addWidget(narrow)

    def minimumSizeHint(self) -> QSize:
        parts = (self._wide.minimumSizeHint(), self._narrow.minimumSizeHint())
        return QSize(max(part.width() for part in parts), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wanted = theme.scaled(_ROOM) + theme.UNIT + self._narrow.sizeHint().width()
        fits = QBoxLayout.Direction.LeftToRight if self.width() >= wanted else QBoxLayout.Direction.TopToBottom
        if fits != self._row.direction():
            self._row.setDirection(fits)


class _Number(_Pair):
    """A slider for feeling one's way, a box for exact values."""

    def __init__(self, marker: Slider, whole: bool, parent: QWidget) -> None:
        super().__init__(parent)
        self._marker, self._whole = marker, whole
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._slider.setMinimumHeight(24)
        self._slider.setMinimumWidth(48)
        if marker.log:
            self._last = _LOG_GRAIN
        else:
            self._last = max(1, min(_GRAIN, round((marker.high - marker.low) / marker.step)))
        self._slider.setRange(0, self._last)
        self._slider.setPageStep(max(1, self._last // 10))
        self._box = _Box(marker, whole, self)
        self._box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._box.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.pair(self._slider, self._box)
        self._slider.valueChanged.connect(self._on_slide)
        self._box.valueChanged.connect(self._on_box)
        self._box.lineEdit().textEdited.connect(self._on_type)
        self._box.editingFinished.connect(lambda: self._on_box(self._box.value()))

    def show_value(self, value: Any) -> None:
        for part, shown in ((self._box, float(value)), (self._slider, self._position(float(value)))):
            blocked = part.blockSignals(True)
            part.setValue(shown)  # type: ignore[arg-type]
            part.blockSignals(blocked)

    def focus_widget(self) -> QWidget:
        return self._box

    def describe(self, name: str, about: str) -> None:
        super().describe(name, about)
        self._slider.setAccessibleName(f"{name}, slider")
        self._slider.setAccessibleDescription(about)

    def allowed(self) -> str:
        return f"From {words(self._marker.low)} to {words(self._marker.high)}."

    def _on_slide(self, position: int) -> None:
        value = self._value(position)
        blocked = self._box.blockSignals(True)
        self._box.setValue(value)
        self._box.blockSignals(blocked)
        self.tried.emit(value)

    def _on_box(self, value: float) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setValue(self._position(value))
        self._slider.blockSignals(blocked)
        self.tried.emit(int(value) if self._whole else value)

    def _on_type(self, text: str) -> None:
        self.tried.emit(text.replace(",", "").strip())

    def _value(self, position: int) -> float | int:
        """The number at a slider position: whole steps, or two digits on a logarithmic one."""
        low, high = self._marker.low, self._marker.high
        share = position / self._last
        if position in (0, self._last):
            value = float(high if position else low)
        elif self._marker.log:
            base = 1 - low if low <= 0 else 0.0  # a range from zero is moved off it
            value = (low + base) * ((high + base) / (low + base)) ** share - base
            digits = 1 - math.floor(math.log10(abs(value))) if value else 0
            value = min(high, max(low, round(value, digits)))
        else:
            value = low + share * (high - low)
            value = round(low + round((value - low) / self._marker.step) * self._marker.step, 9)
            value = min(high, value)
        return round(value) if self._whole else value

    def _position(self, value: float) -> int:
        low, high = self._marker.low, self._marker.high
        if high <= low:
            return 0
        if self._marker.log:
            base = 1 - low if low <= 0 else 0.0
            return round(self._last * math.log((value + base) / (low + base)) / math.log((high + base) / (low + base)))
        return round(self._last * (value - low) / (high - low))


class _Choice(Control):
    def __init__(self, marker: Choice, parent: QWidget) -> None:
        super().__init__(parent)
        self._combo = QComboBox(self)
        self._combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(6)
        self._combo.addItems(list(marker.choices))
        _fill(self, self._combo)
        self._combo.currentTextChanged.connect(self.tried.emit)

    def show_value(self, value: Any) -> None:
        blocked = self._combo.blockSignals(True)
        self._combo.setCurrentText(str(value))
        self._combo.blockSignals(blocked)

    def focus_widget(self) -> QWidget:
        return self._combo


class _Toggle(Control):
    """A check box whose words wrap, which those of Qt's own do not."""

    names_itself = True

    def __init__(self, field: Field, parent: QWidget) -> None:
        super().__init__(parent)
        self._check = QCheckBox(self)
        self._check.setMinimumHeight(24)
        self._words = QLabel(field.title, self)
        self._words.setWordWrap(True)
        self._words.setBuddy(self._check)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)  # the box keeps a gap for words of its own
        row.addWidget(self._check, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self._words, 1)
        self._check.toggled.connect(self.tried.emit)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A click on the words is a click on the box."""
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._check.toggle()

    def show_value(self, value: Any) -> None:
        blocked = self._check.blockSignals(True)
        self._check.setChecked(bool(value))
        self._check.blockSignals(blocked)

    def focus_widget(self) -> QWidget:
        return self._check


class _Line(Control):
    def __init__(self, marker: Text, parent: QWidget) -> None:
        super().__init__(parent)
        self._longest = marker.longest
        self._edit = QLineEdit(self)
        _fill(self, self._edit)
        self._edit.textEdited.connect(self.tried.emit)

    def show_value(self, value: Any) -> None:
        if self._edit.text() != str(value):
            self._edit.setText(str(value))

    def focus_widget(self) -> QWidget:
        return self._edit

    def allowed(self) -> str:
        return f"At most {self._longest} characters."


class _File(_Pair):
    def __init__(self, marker: FilePath, parent: QWidget) -> None:
        super().__init__(parent)
        self._kinds = marker.kinds
        self._title = "Choose a file"
        self._edit = QLineEdit(self)
        self._edit.setPlaceholderText("No file")
        self._edit.setClearButtonEnabled(True)
        self._choose = QPushButton("Choose…", self)
        self._choose.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.pair(self._edit, self._choose)
        self._edit.textChanged.connect(self.tried.emit)
        self._choose.clicked.connect(self._on_choose)

    def show_value(self, value: Any) -> None:
        blocked = self._edit.blockSignals(True)
        self._edit.setText(str(value))
        self._edit.blockSignals(blocked)

    def focus_widget(self) -> QWidget:
        return self._edit

    def describe(self, name: str, about: str) -> None:
        super().describe(name, about)
        self._title = name
        self._choose.setAccessibleName(f"Choose a file for {name}")

    def allowed(self) -> str:
        return f"A file ending in {' or '.join(self._kinds)}." if self._kinds else ""

    def _on_choose(self) -> None:
        endings = " ".join(f"*.{kind}" for kind in self._kinds) or "*"
        dialog = QFileDialog(self.window(), self._title, self._edit.text(), f"Files ({endings})")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self._edit.setText)
        dialog.open()


def _fill(control: QWidget, part: QWidget) -> None:
    row = QHBoxLayout(control)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(part)
