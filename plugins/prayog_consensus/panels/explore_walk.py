"""One state of an exploration after the other, chosen by hand: the path, what can come next, and why some cannot.

The widgets only show a `Moment` and tell what was chosen; the walk itself is the panel's.  Nothing is disabled while
the next moment is computed: a disabled list would lose the keyboard.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from prayog_consensus.walking import Moment
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import guarded
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.explorer import Choice, Offer

__all__ = ["WalkView", "at_least"]

_ROLE = Qt.ItemDataRole.UserRole
_LOW = 84  # px at 100 % text: a head and two rows
_NARROW = 560  # px at 100 % text: below, path and choices stand one above the other


@guarded
class WalkView(QWidget):
    """Signals say what the learner wants; `show_moment` shows what came of it."""

    began = Signal()
    """From the start, within the bounds of the form."""
    chosen = Signal(object)
    """A `Choice`."""
    gone = Signal(int)
    """To the place after so many choices of the path."""
    wanted = Signal()
    """The way up to here, on the bench."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._moment: Moment | None = None
        self._begin = QPushButton(self.tr("Begin"))
        self._begin.setToolTip(self.tr("From the start, within the bounds above."))
        self._begin.clicked.connect(self.began)
        self._back = QPushButton(self.tr("← Back"))
        self._back.clicked.connect(lambda: self._go(-1))
        self._on = QPushButton(self.tr("On →"))
        self._on.setToolTip(self.tr("Along the path that was taken before."))
        self._on.clicked.connect(lambda: self._go(1))
        self._bench = QPushButton(self.tr("Show on the bench"))
        self._bench.clicked.connect(self.wanted)
        head = QWidget()
        row = FlowLayout(head)
        for button in (self._begin, self._back, self._on, self._bench):
            row.addWidget(button)
        self._where: QLabel = paragraph("", "muted")
        self._wrong: QLabel = paragraph("", "bad")
        self._path = _tree(self.tr("Path"), (self.tr("Path"),))
        self._path.setRootIsDecorated(False)
        self._path.itemActivated.connect(self._back_to)
        self._next = _tree(self.tr("Next choices"), (self.tr("Next"), self.tr("Why not, or what of it")))
        self._next.itemActivated.connect(self._choose)
        self._nodes = TextTable(self.tr("Nodes"), (self.tr("Node"), self.tr("State")))
        at_least(self._nodes, _LOW)
        left = QVBoxLayout()
        left.addWidget(self._path, 1)
        left.addWidget(self._nodes, 1)
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._sides.addLayout(left, 1)
        self._sides.addWidget(self._next, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.UNIT, 0, 0)
        column.addWidget(head)
        column.addWidget(self._where)
        column.addWidget(self._wrong)
        column.addLayout(self._sides, 1)
        self.show_moment(None)

    def show_moment(self, moment: Moment | None) -> None:
        """Show it, or that there is no walk."""
        self._moment = moment
        for widget in (self._path, self._next, self._nodes, self._back, self._on, self._bench):
            widget.setVisible(moment is not None)
        self._wrong.setVisible(moment is not None and bool(moment.violated))
        self._begin.setText(self.tr("Begin again") if moment is not None else self.tr("Begin"))
        if moment is None:
            self._where.setText(
                self.tr("Choose one event after the other, and see what could come next, and what could not, and why.")
            )
            return
        self._back.setEnabled(moment.place > 0)
        self._on.setEnabled(moment.place < len(moment.path))
        self._where.setText(self._words(moment))
        self._wrong.setText(
            "\n".join(f"✗ {name}: {said}" if said else f"✗ {name}" for name, said in moment.violated.items())
        )
        self._fill_path(moment)
        self._fill_next(moment)
        marked = [number for number, name in enumerate(moment.view.nodes) if name in moment.changed and moment.place]
        rows = [
            (("● " if line in marked else "") + name, f"{node.status}: {node.look.sentence}")
            for line, (name, node) in enumerate(moment.view.nodes.items())
        ]
        self._nodes.show_rows(rows, marked)

    def words(self) -> str:
        """Where the walk is, for the outline."""
        return " ".join(
            label.text() for label in (self._where, self._wrong) if self._moment is not None and label.text()
        )

    # -- filling ---------------------------------------------------------------------------------------------------

    def _words(self, moment: Moment) -> str:
        said = self.tr("After {n} of {m} choices. {a} can come next, {b} cannot.")
        numbers = {"{n}": moment.place, "{m}": len(moment.path), "{a}": len(moment.open), "{b}": len(moment.barred)}
        for word, number in numbers.items():
            said = said.replace(word, str(number))
        return said

    def _fill_path(self, moment: Moment) -> None:
        self._path.clear()
        for place in range(len(moment.path) + 1):
            text = self.tr("start") if not place else f"{place}. {moment.path[place - 1]}"
            item = QTreeWidgetItem([text])
            item.setToolTip(0, text)
            item.setData(0, _ROLE, place)
            if place > moment.place:
                item.setForeground(0, self.palette().placeholderText())
                item.setToolTip(0, self.tr("Ahead: {text}").replace("{text}", text))
            self._path.addTopLevelItem(item)
            if place == moment.place:
                font = item.font(0)
                font.setBold(True)
                item.setFont(0, font)
                self._path.setCurrentItem(item)

    def _fill_next(self, moment: Moment) -> None:
        self._next.clear()
        first = None
        for title, group in (
            (self.tr("Can come next"), moment.open),
            (self.tr("Cannot"), moment.barred),
        ):
            head = QTreeWidgetItem([f"{title} ({len(group)})"])
            head.setFirstColumnSpanned(True)
            self._next.addTopLevelItem(head)
            for offer in group:
                item = self._item(offer)
                head.addChild(item)
                first = first or (item if offer.enabled else None)
            head.setExpanded(True)
        if first is not None:
            self._next.setCurrentItem(first)

    def _item(self, offer: Offer) -> QTreeWidgetItem:
        note = offer.reason or (self.tr("changes nothing") if offer.same else "")
        item = QTreeWidgetItem([str(offer.choice), note])
        item.setToolTip(0, str(offer.choice))
        item.setToolTip(1, note)
        item.setData(0, _ROLE, offer.choice if offer.enabled else None)
        if not offer.enabled or offer.same:
            for column in (0, 1):
                item.setForeground(column, self.palette().placeholderText())
        return item

    # -- choosing --------------------------------------------------------------------------------------------------

    def _choose(self, item: QTreeWidgetItem) -> None:
        choice = item.data(0, _ROLE)
        if isinstance(choice, Choice):
            self.chosen.emit(choice)

    def _back_to(self, item: QTreeWidgetItem) -> None:
        self.gone.emit(int(item.data(0, _ROLE)))

    def _go(self, by: int) -> None:
        if self._moment is not None:
            self.gone.emit(self._moment.place + by)

    def resizeEvent(self, event: QResizeEvent) -> None:
        narrow = self.width() < theme.scaled(_NARROW)
        down, across = QBoxLayout.Direction.TopToBottom, QBoxLayout.Direction.LeftToRight
        self._sides.setDirection(down if narrow else across)
        super().resizeEvent(event)


def at_least(view: QWidget, height: float) -> None:
    """Give `view` all the height there is, and at least `height` px at 100 % text, whatever it would like to have."""
    view.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
    view.setMinimumHeight(theme.scaled(height))


def _tree(name: str, heads: tuple[str, ...]) -> QTreeWidget:
    tree = QTreeWidget()
    tree.setAccessibleName(name)
    tree.setHeaderLabels(list(heads))
    tree.setUniformRowHeights(True)
    at_least(tree, _LOW)
    tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    return tree
