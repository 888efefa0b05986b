"""Asks for the arguments of an action: one control per `Arg`, and values that are checked before they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from prayog.ui.bench.host import Host
from prayog_sdk.qt import theme
from prayog_sdk.specs import ActionSpec, Arg

__all__ = ["Asker", "ask"]


class Asker(QWidget):
    """The controls; `values` reads them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._read: dict[str, Callable[[], Any]] = {}
        self._first: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)

    def add(self, arg: Arg, control: QWidget, read: Callable[[], Any]) -> None:
        title = arg.title or arg.name.replace("_", " ").capitalize()
        if not isinstance(control, QCheckBox):
            label = QLabel(f"{title} ({arg.unit})" if arg.unit else title)
            label.setBuddy(control)
            self._column.addSpacing(theme.UNIT // 2)
            self._column.addWidget(label)
        control.setAccessibleName(title)
        self._column.addWidget(control)
        self._read[arg.name] = read
        self._first = self._first or control

    def first(self) -> QWidget:
        """Where typing begins."""
        return self._first or self

    def values(self) -> dict[str, Any]:
        """All arguments; raises `ValueError` with a sentence."""
        return {name: value for name, read in self._read.items() if (value := read()) is not None}


def ask(spec: ActionSpec, known: Mapping[str, Any], host: Host) -> Asker:
    """Controls for the arguments of `spec`; what is `known` is filled in."""
    asker = Asker()
    nodes = list(host.view().nodes) if host.driver.branch is not None else []
    for arg in spec.args:
        start = known.get(arg.name, arg.default)
        title = arg.title or arg.name
        if (arg.kind == "node" and nodes) or arg.kind == "choice":
            box = QComboBox()
            box.addItems(nodes if arg.kind == "node" else list(arg.choices))
            if start is not None:
                box.setCurrentText(str(start))
            elif arg.kind == "node" and host.selection in nodes:
                box.setCurrentText(host.selection)
            asker.add(arg, box, box.currentText)
        elif arg.kind == "bool":
            tick = QCheckBox(title)
            tick.setChecked(bool(start))
            asker.add(arg, tick, tick.isChecked)
        else:
            edit = QLineEdit(_words(start))
            edit.setMinimumWidth(theme.scaled(180))
            if arg.kind == "point":
                edit.setPlaceholderText(QCoreApplication.translate("Arguments", "latitude, longitude"))
            elif arg.kind == "nodes":
                edit.setPlaceholderText("n1,n2|n3" if not nodes else f"{nodes[0]}|{','.join(nodes[1:])}")
            asker.add(arg, edit, partial(_read_edit, arg, edit))
    return asker


def _read_edit(arg: Arg, edit: QLineEdit) -> Any:
    return read_text(arg, edit.text())


def read_text(arg: Arg, text: str) -> Any:
    """The value of `arg` that was typed as `text`; None when it was left empty and has no default.

    Raises `ValueError` with a sentence that names the argument, what was found and what is expected.
    """
    title, text = arg.title or arg.name, text.strip()
    if not text:
        return arg.default
    try:
        if arg.kind == "int":
            return int(text.replace(",", ""))
        if arg.kind == "float":
            return float(text.replace(",", ""))
        if arg.kind == "point":
            latitude, longitude = (float(part) for part in text.replace(";", ",").split(","))
            if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
                raise ValueError
            return [latitude, longitude]
    except ValueError:
        wanted = {"int": "a whole number", "float": "a number", "point": "latitude, longitude such as 22.72, 75.86"}
        raise ValueError(f"{title}: expected {wanted[arg.kind]}, found “{text}”.") from None
    return text


def _words(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
