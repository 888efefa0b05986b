"""A list to choose from whose entries come with the trace: kept as chosen while they stay the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QComboBox

__all__ = ["Choice"]


class Choice(QComboBox):
    """`name` is for screen readers; `changed` hears of what the learner chooses, not of new entries."""

    def __init__(self, name: str, changed: Callable[[], object] = lambda: None, least: int = 14) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(least)
        self._entries: list[str] = []
        self.currentIndexChanged.connect(lambda _: changed())

    def show_entries(self, entries: Sequence[str], first: str = "") -> bool:
        """Offer these; `first` is chosen when what was chosen is not there any more.  Whether anything is new."""
        if list(entries) == self._entries:
            return False
        before = self.currentText()
        self._entries = list(entries)
        self.blockSignals(True)
        self.clear()
        self.addItems(self._entries)
        wanted = before if before in self._entries else first
        self.setCurrentIndex(max(0, self._entries.index(wanted) if wanted in self._entries else 0))
        self.blockSignals(False)
        return True
