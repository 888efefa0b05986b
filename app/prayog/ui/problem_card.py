"""A `Problem` of a topic as a card: the stock card, with the words of the shell."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QPushButton

from prayog_sdk.manifest import Problem
from prayog_sdk.qt.state import ProblemCard

__all__ = ["problem_card"]


def problem_card(problem: Problem, title: str, *, quiet: bool = False) -> ProblemCard:
    """The card for `problem` of the topic called `title`; a `quiet` one, among others, calls for no action."""
    heads = {
        "load": QCoreApplication.translate("ProblemCard", "{0} could not be opened"),
        "open": QCoreApplication.translate("ProblemCard", "{0} could not be opened"),
        "manifest": QCoreApplication.translate("ProblemCard", "{0} cannot be used"),
        "discovery": QCoreApplication.translate("ProblemCard", "{0} cannot be used"),
    }
    head = heads.get(problem.stage, QCoreApplication.translate("ProblemCard", "A part of {0} failed")).format(title)
    details = "\n\n".join(part for part in (problem.where, problem.traceback) if part)
    card = ProblemCard(head, problem.sentence, details)
    for button in card.findChildren(QPushButton) if quiet else ():
        button.setProperty("kind", "")
    return card
