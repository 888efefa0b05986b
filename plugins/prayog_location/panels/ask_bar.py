"""The controls above the map: what a click does, how far or how many, and a centre to be typed."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QToolButton, QWidget

from prayog_location.panels.sights import wrapped
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import icon

__all__ = ["SIZED", "AskBar"]

TOOLS = (
    ("pan", "Move", "drag to move the map"),
    ("radius", "Circle", "click a centre, or type it and press Ask"),
    ("nearest", "Nearest", "click a place to start from"),
    ("box", "Box", "drag a box"),
    ("polygon", "Polygon", "click corners, double-click to finish"),
    ("measure", "Two pins", "click two places"),
)
SIZED = ("radius", "nearest")
"""Tools that ask how far, or how many."""


class AskBar(QWidget):
    """What is asked for next; the panel asks it of the run."""

    used = Signal(str, str)
    """Another tool: its name, and what to do with it in words."""
    asked = Signal(str)
    """Enter in a field, or the button: ask at this point.  The way without a mouse."""
    middle_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool = "pan"
        self._sizes = {"radius": "50", "nearest": "10"}
        row = FlowLayout(self)
        row.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        self._tools = QComboBox()
        self._tools.setAccessibleName(self.tr("What a click on the map does"))
        for name, title, hint in TOOLS:
            self._tools.addItem(self.tr(title), name)
            self._tools.setItemData(self._tools.count() - 1, self.tr(hint), Qt.ItemDataRole.ToolTipRole)
        self._tools.currentIndexChanged.connect(lambda _index: self.use(self._tools.currentData()))
        self._size = QLineEdit("50")
        self._size.setFixedWidth(theme.scaled(64))
        self._size.setAlignment(Qt.AlignmentFlag.AlignRight)
        self._size.returnPressed.connect(self._ask)
        self._unit = QLabel("km")
        self._centre = QLineEdit("22.7196, 75.8577")
        self._centre.setAccessibleName(self.tr("Centre: latitude, longitude"))
        self._centre.setToolTip(self.tr("Latitude, longitude. Enter asks."))
        self._centre.setMinimumWidth(theme.scaled(140))
        self._centre.returnPressed.connect(self._ask)
        here = QToolButton()
        here.setIcon(icon("pin"))
        here.setToolTip(self.tr("Take the middle of the map as the centre"))
        here.setAccessibleName(here.toolTip())
        here.clicked.connect(self.middle_wanted)
        ask = QPushButton(self.tr("Ask"))
        ask.setProperty("kind", "primary")
        ask.clicked.connect(self._ask)
        for widget in (self._tools, self._size, self._unit, self._centre, here, ask):
            row.addWidget(widget)

    @property
    def size_text(self) -> str:
        """Kilometres, or how many places."""
        return self._size.text()

    def use(self, name: str) -> None:
        """Choose a tool."""
        self._tools.setCurrentIndex([tool for tool, _, _ in TOOLS].index(name))
        before, self.tool = self.tool, name
        self._size.setEnabled(name in SIZED)
        if name in SIZED and before != name:
            self._sizes[before] = self._size.text()
            self._size.setText(self._sizes.get(name, "10" if name == "nearest" else "50"))
        self._size.setAccessibleName(self.tr("How many") if name == "nearest" else self.tr("Radius in km"))
        self._unit.setText(self.tr("places") if name == "nearest" else "km")
        hint = self.tr(next(hint for tool, _, hint in TOOLS if tool == name))
        self.used.emit(name, f"{hint.capitalize()}.")

    def show_centre(self, lat: float, lon: float) -> None:
        self._centre.setText(f"{lat:.4f}, {wrapped(lon):.4f}")

    def _ask(self) -> None:
        point = self._centre.text().strip()
        if self.tool not in SIZED:
            self.use("radius")
        self.asked.emit(point)
