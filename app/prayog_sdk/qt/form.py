"""A form from a params dataclass: every knob gets the control that its marker asks for.

    form = ParamsForm(Params)
    form.edited.connect(bench.set_params)          # {"nodes": 7, …}, a moment after the last change

Rules
1. What the learner typed is judged by `prayog_sdk.params.parse`, the same judge as for flags and files; its
   sentence stands beside the field until the value is mended, and `edited` waits for that.
2. Parts of a long form (`params.Section`) fold away; one with a knob that is not at its default is open.
3. Every knob is one column (name, help, control, error), so a narrow sidebar at 200 % text needs no scrolling
   sideways.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from prayog_sdk import params
from prayog_sdk.params import Field, ParamError
from prayog_sdk.qt import controls, theme
from prayog_sdk.qt.collapse import Fold
from prayog_sdk.qt.icons import IconButton
from prayog_sdk.qt.state import paragraph

__all__ = ["ParamsForm"]

_PAUSE_MS = 300  # after the last change: dragging a slider does not build a run per pixel


class ParamsForm(QWidget):
    """The knobs of `params_type`."""

    edited = Signal(dict)
    """All values, after the learner changed some; only when every value is allowed."""

    def __init__(self, params_type: type[Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._type = params_type
        self._rows = {field.name: _Row(params_type, field, self) for field in params.fields(params_type)}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PAUSE_MS)
        self._timer.timeout.connect(self.flush)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * theme.UNIT)
        self._parts: list[tuple[str, Fold, list[_Row]]] = []
        """What folds away: its title, the fold, its knobs."""
        into = layout
        for row in self._rows.values():
            row.changed.connect(self._on_change)
            if row.field.section:
                into = self._begin_part(row.field.section, layout)
            if self._parts:
                self._parts[-1][2].append(row)
            into.addWidget(row)
        self._reset = QPushButton("Reset all")
        self._reset.setProperty("kind", "quiet")
        self._reset.setAccessibleName("Reset all knobs to their defaults")
        self._reset.clicked.connect(self.reset)
        layout.addWidget(self._reset)
        self._reset.setVisible(bool(self._rows))  # not before it has a parent: it would be a window
        layout.addStretch()
        self._note_defaults()

    def _begin_part(self, title: str, layout: QVBoxLayout) -> QVBoxLayout:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        fold = Fold(title, inside, parent=self)
        layout.addWidget(fold)
        self._parts.append((title, fold, []))
        return column

    def values(self) -> dict[str, Any]:
        """The values as they stand; a field in error gives its last good value."""
        return {name: row.value for name, row in self._rows.items()}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Show `values` (those that are missing stay); nothing is emitted."""
        self._timer.stop()
        for name, value in values.items():
            self._rows[name].show_value(value)
        self._note_defaults()
        for _, fold, rows in self._parts:
            if any(row.value != row.field.default for row in rows):
                fold.set_open(True)

    def errors(self) -> dict[str, str]:
        """The sentences that stand beside fields now."""
        return {name: row.error for name, row in self._rows.items() if row.error}

    def reset(self) -> None:
        """All knobs to their defaults; emits `edited`."""
        self.set_values({name: row.field.default for name, row in self._rows.items()})
        self.edited.emit(self.values())

    def flush(self) -> None:
        """Emit a pending change now."""
        self._timer.stop()
        if not self.errors():
            self.edited.emit(self.values())

    def _on_change(self) -> None:
        self._note_defaults()
        self._timer.start()

    def _note_defaults(self) -> None:
        for title, fold, rows in self._parts:
            changed = sum(row.value != row.field.default for row in rows)
            fold.set_title(f"{title} ({changed} changed)" if changed else title)
        self._reset.setEnabled(any(row.value != row.field.default or row.error for row in self._rows.values()))


class _Row(QWidget):
    """One knob: its name and unit, its help, its control, its error."""

    changed = Signal()

    def __init__(self, params_type: type[Any], field: Field, parent: QWidget) -> None:
        super().__init__(parent)
        self.field = field
        self.value = field.default
        self.error = ""
        self._type = params_type
        self._control = controls.make(field, self)
        self._control.tried.connect(self._on_try)
        unit = getattr(field.marker, "unit", "")
        head = QHBoxLayout()
        head.setSpacing(theme.UNIT)
        name = QLabel(field.title)
        name.setWordWrap(True)
        name.setBuddy(self._control.focus_widget())
        name.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        head.addWidget(name, 1)
        if unit:
            words = QLabel(unit)
            words.setProperty("kind", "muted")
            head.addWidget(words)
        self._undo = IconButton(
            "reset", f"Reset {field.title} to {controls.words(field.default)}", role="muted", size=14
        )
        keep = self._undo.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._undo.setSizePolicy(keep)
        self._undo.clicked.connect(self._on_reset)
        self._undo.hide()
        head.addWidget(self._undo)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.UNIT // 2)
        if self._control.names_itself:
            self._control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            head.replaceWidget(name, self._control)
            head.setStretchFactor(self._control, 1)
            name.hide()
        layout.addLayout(head)
        if field.marker.help:
            layout.addWidget(paragraph(field.marker.help, "muted"))
        if not self._control.names_itself:
            layout.addWidget(self._control)
        self._error = paragraph("", "bad")
        self._error.hide()
        layout.addWidget(self._error)
        about = " ".join(part for part in (field.marker.help, self._control.allowed(), unit) if part)
        self._control.describe(field.title, about)
        for wheel in (self._control, *self._control.findChildren(QWidget)):
            wheel.installEventFilter(self)
        self._control.show_value(self.value)

    def show_value(self, value: Any) -> None:
        self.value = value
        self._control.show_value(value)
        self._say("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A wheel over a control scrolls the sidebar; only a control that has the focus turns."""
        turns = isinstance(watched, QAbstractSlider | QAbstractSpinBox | QComboBox)
        if event.type() == QEvent.Type.Wheel and turns and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _on_try(self, found: object) -> None:
        try:
            value = getattr(params.parse(self._type, {self.field.name: found}), self.field.name)
        except ParamError as error:
            self._say(str(error))
            self.changed.emit()
            return
        fresh = value != self.value or bool(self.error)
        self.value = value
        self._say("")
        if fresh:
            self.changed.emit()

    def _on_reset(self) -> None:
        self.show_value(self.field.default)
        self._control.focus_widget().setFocus()
        self.changed.emit()

    def _say(self, error: str) -> None:
        self.error = error
        self._error.setText(error[:1].upper() + error[1:])
        self._error.setVisible(bool(error))
        self._control.show_error(bool(error))
        self._undo.setVisible(bool(error) or self.value != self.field.default)
