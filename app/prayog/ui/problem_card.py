"""A `Problem` of a topic as a card: the stock card, with the words of the shell."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from prayog_sdk.manifest import Problem
from prayog_sdk.qt.state import ProblemCard

__all__ = ["centred", "problem_card"]


def problem_card(problem: Problem, title: str, *, quiet: bool = False) -> ProblemCard:
    """The card for `problem` of the topic called `title`; a `quiet` one, among others, calls for no action."""
    heads = {
        "load": QCoreApplication.translate("ProblemCard", "{0} could not be opened"),
        "open": QCoreApplication.translate("ProblemCard", "{0} could not be opened"),
        "build": QCoreApplication.translate("ProblemCard", "{0} could not be set up"),
        "services": QCoreApplication.translate("ProblemCard", "{0} needs something that is not here"),
        "manifest": QCoreApplication.translate("ProblemCard", "{0} cannot be used"),
        "discovery": QCoreApplication.translate("ProblemCard", "{0} cannot be used"),
    }
    head = heads.get(problem.stage, QCoreApplication.translate("ProblemCard", "A part of {0} failed")).format(title)
    details = "\n\n".join(part for part in (problem.where, problem.traceback) if part)
    card = ProblemCard(head, problem.sentence, details)
    for button in card.findChildren(QPushButton) if quiet else ():
        button.setProperty("kind", "")
    return card


def centred(card: ProblemCard) -> QWidget:
    """`card` alone on a page: as high as it needs, and not wider than can be read."""
    around = QWidget()
    layout = QVBoxLayout(around)
    layout.setContentsMargins(40, 40, 40, 40)
    card.setMaximumWidth(720)
    layout.addWidget(card)
    layout.addStretch(1)
    return around
