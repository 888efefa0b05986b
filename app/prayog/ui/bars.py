"""The bars that a start may show: what became of the last one, and that safe mode is on."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtGui import QGuiApplication

from prayog.bootstrap import Crash
from prayog.ui.notice import Notice
from prayog.ui.window import Window

__all__ = ["Bars"]


class Bars:
    """Puts bars above the page of `window`."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def tr(self, words: str) -> str:
        return QCoreApplication.translate("Bars", words)

    def offer_safe_mode(self, crash: Crash) -> None:
        """Say that the lab stopped, and offer to go on without the topics that do not come with it."""
        if crash.topic:
            sentence = self.tr("The lab stopped unexpectedly last time, with the topic “{0}” open.").format(crash.topic)
        else:
            sentence = self.tr("The lab stopped unexpectedly last time.")
        told = sentence
        if self._window.desk.profile.crash_report.exists():
            kept = self.tr("What is known about it is in {0}.").format(self._window.desk.profile.crash_report)
            told = f"{sentence} {kept}"

        def copy() -> None:
            QGuiApplication.clipboard().setText(crash.report())

        actions = [(self.tr("Use safe mode"), self._window.desk.go_safe), (self.tr("Copy report"), copy)]
        self._window.notice(Notice(told, actions))

    def say_safe_mode(self) -> None:
        """Say that only some topics are here, and why."""
        sentence = self.tr("Safe mode: only the topics that come with the lab are here.")
        self._window.notice(Notice(sentence, kind=""))
