"""The actions of a run as menus, keys and a small dialog: one list, wherever they are asked for.

An action whose arguments are all known (the selected node, or a default) is done at once; for the others a small
form asks.  Targets are names as in `Bench.selection`: a node, ``#ident`` of a message, or ``""`` for the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QVBoxLayout,
    QWidget,
)

from prayog_sdk.qt import icons, theme
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.state import paragraph
from prayog_sdk.specs import ActionSpec, Arg
from prayog_sim.run import Action

__all__ = ["ActionDialog", "applicable", "by_key", "fill", "menu", "perform"]


def applicable(specs: Iterable[ActionSpec], target: str) -> list[ActionSpec]:
    """The actions for `target`: those of a node (its links too), of a message, or of the run."""
    kinds = ("message",) if target.startswith("#") else ("node", "link") if target else ("run",)
    return [spec for spec in specs if spec.target in kinds]


def by_key(specs: Iterable[ActionSpec], letter: str, target: str) -> ActionSpec | None:
    """The action of a single-letter key: one for `target` if there is one, else one for the run."""
    found = [spec for spec in specs if spec.key and spec.key.upper() == letter.upper()]
    mine = applicable(found, target) or applicable(found, "")
    return mine[0] if mine else None


def fill(spec: ActionSpec, target: str) -> tuple[dict[str, Any], list[Arg]]:
    """What `target` and the defaults say about the arguments, and those to be asked for.

    Numbers and words are asked for even when they have a default, which is then filled in.
    """
    known: dict[str, Any] = {}
    asked = []
    taken = False
    for arg in spec.args:
        if target.startswith("#") and arg.name == "ident":
            known[arg.name] = int(target[1:])
        elif target and not target.startswith("#") and arg.kind == "node" and not taken:
            known[arg.name], taken = target, True
        else:
            if arg.default not in (None, ""):
                known[arg.name] = arg.default
            if arg.name not in known or arg.kind in ("int", "float", "text"):
                asked.append(arg)
    return known, asked


def perform(bench: Bench, spec: ActionSpec, target: str, parent: QWidget) -> None:
    """Do `spec` on `target`; ask for what is missing."""
    known, asked = fill(spec, target)
    if not asked:
        bench.do(Action(spec.name, known))
        return
    dialog = ActionDialog(spec, known, tuple(bench.view().nodes), parent)
    dialog.accepted.connect(lambda: bench.do(Action(spec.name, dialog.values())))
    dialog.open()


def menu(bench: Bench, target: str, parent: QWidget) -> QMenu:
    """The actions for `target`; the caller pops it up."""
    result = QMenu(parent)
    result.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    result.setToolTipsVisible(True)
    for spec in applicable(bench.actions, target):
        dots = "…" if fill(spec, target)[1] else ""
        entry = result.addAction(f"{spec.title}{dots}\t{spec.key.upper()}".rstrip("\t"))
        if spec.icon:
            entry.setIcon(icons.icon(spec.icon, size=16))
        entry.setToolTip(spec.help)
        entry.triggered.connect(lambda _checked=False, spec=spec: perform(bench, spec, target, parent))
    if result.isEmpty():
        result.addAction("Nothing can be done here").setEnabled(False)
    return result


class ActionDialog(QDialog):
    """A form for the arguments of one action; `known` values are shown and can be changed."""

    def __init__(
        self, spec: ActionSpec, known: dict[str, Any], nodes: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(spec.title)
        self._spec = spec
        self._known = known
        self._fields: dict[str, QWidget] = {}
        layout = QVBoxLayout(self)
        margin = 2 * theme.UNIT
        layout.setContentsMargins(margin, margin, margin, margin)
        layout.setSpacing(margin)
        if spec.help:
            layout.addWidget(paragraph(spec.help, "muted"))
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setSpacing(theme.UNIT)
        for arg in spec.args:
            taken = set(known.values()) if arg.kind == "node" and arg.name not in known else set()
            field = _field(arg, known.get(arg.name), [node for node in nodes if node not in taken])
            title = arg.title or arg.name.replace("_", " ").capitalize()
            field.setAccessibleName(title)
            label = QLabel(f"{title} ({arg.unit})" if arg.unit else title)
            label.setBuddy(field)
            form.addRow(label, field)
            self._fields[arg.name] = field
        layout.addLayout(form)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        go = buttons.addButton(spec.title, QDialogButtonBox.ButtonRole.AcceptRole)
        go.setProperty("kind", "primary")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)

    def values(self) -> dict[str, Any]:
        """The arguments as entered; what was left empty is left out, and the run says what is wrong with the rest."""
        found: dict[str, Any] = {}
        for arg in self._spec.args:
            value = _entered(arg, self._fields[arg.name])
            if value is not None:
                found[arg.name] = value
        return found


def _field(arg: Arg, value: Any, nodes: Sequence[str]) -> QWidget:
    if arg.kind == "bool":
        check = QCheckBox()
        check.setChecked(bool(value))
        return check
    if arg.kind in ("node", "choice"):
        combo = QComboBox()
        combo.addItems(list(nodes if arg.kind == "node" else arg.choices))
        if value is not None:
            combo.setCurrentText(str(value))
        return combo
    edit = QLineEdit("" if value is None else str(value))
    hints = {"point": "latitude, longitude", "nodes": ", ".join(nodes[:3])}
    edit.setPlaceholderText(hints.get(arg.kind, ""))
    return edit


def _entered(arg: Arg, field: QWidget) -> Any:
    if isinstance(field, QCheckBox):
        return field.isChecked()
    text = field.currentText() if isinstance(field, QComboBox) else str(field.property("text")).strip()
    if not text:
        return None
    try:
        if arg.kind == "int":
            return int(text.replace(",", ""))
        if arg.kind == "float":
            return float(text.replace(",", ""))
        if arg.kind == "point":
            return [float(part) for part in text.split(",")]
    except ValueError:
        return text  # the run refuses it with a sentence that names the argument
    return text
