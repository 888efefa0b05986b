"""How a learner arranged the bench of a topic: docks, the share of the sidebar, whether it is there; kept in a file."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtWidgets import QSplitter, QWidget

from prayog.ui.bench.docks import Docks
from prayog_sdk.qt import theme

__all__ = ["Arrangement"]


class Arrangement:
    """Shares the room out once, and again for another text size; afterwards it is as the learner makes it."""

    def __init__(self, split: QSplitter, sidebar: QWidget, docks: Docks, folder: Path) -> None:
        self._split, self._sidebar, self._docks, self._folder = split, sidebar, docks, folder
        self._shared = False
        self._letter = theme.scaled(100)

    def share(self) -> None:
        """Give the sidebar its share, once."""
        wide = self._split.width()
        if not self._shared and wide > 200:
            self._shared = True
            side = min(theme.scaled(344), wide * 45 // 100)
            self._split.setSizes([wide - side, side])
            self._docks.refit()

    def other_letters(self) -> None:
        """The text may have another size: what was wide enough is not any more."""
        if self._letter != theme.scaled(100):
            self._letter = theme.scaled(100)
            self._shared = False
            QTimer.singleShot(0, self._split, self.share)

    def save(self) -> str:
        """Keep it for the next time; a sentence when that cannot be."""
        values = {
            **self._docks.state(), "split": self._split.sizes(), "sidebar": not self._sidebar.isHidden(),
            "letter": self._letter,
        }  # fmt: skip
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / "layout.json").write_text(json.dumps(values), encoding="utf-8")
        except OSError as error:
            words = QCoreApplication.translate("Arrangement", "The layout could not be kept: {what}")
            return words.format(what=error.strerror or str(error))
        return ""

    def restore(self) -> None:
        """As it was the last time, when that was kept and can be read."""
        try:
            values = json.loads((self._folder / "layout.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return
        if isinstance(values, dict) and self._docks.restore(values):
            sizes = values.get("split")
            fits = values.get("letter", self._letter) == self._letter  # else what was wide enough is not any more
            if fits and isinstance(sizes, list) and all(isinstance(size, int) for size in sizes):
                self._split.setSizes(sizes)
                self._shared = True
            self._sidebar.setVisible(bool(values.get("sidebar", True)))
