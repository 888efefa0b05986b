"""What a topic needs and whether it is here, as words for chips: name, state and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLabel

from prayog.ui.pieces import chip
from prayog.ui.shelf import CAPABILITIES, Card, capability

if TYPE_CHECKING:
    from prayog_sdk.services import ServiceState

__all__ = ["need_chips"]


def need_chips(card: Card, states: Mapping[str, ServiceState]) -> list[QLabel]:
    """One chip per need of the topic, with the state in words and a sentence as its tool tip."""
    return [_chip(name, states) for name in (card.manifest.needs if card.manifest else ())]


def _chip(name: str, states: Mapping[str, ServiceState]) -> QLabel:
    tr = QCoreApplication.translate
    there = capability(name)
    if there is not None:
        title, sentence = CAPABILITIES[name][1], ""
    elif name in states:
        state = states[name]
        title, there = state.title, state.status in ("running", "ready")
        sentence = " ".join(part for part in (state.sentence, state.way_forward) if part)
    else:
        return chip(name)
    words = tr("Needs", "✓ {0}") if there else tr("Needs", "{0} missing")
    made = chip(words.format(title), "good" if there else "warn")
    if not there and not sentence:
        sentence = tr("Needs", "The topic works without it, except for the parts that need it.")
    made.setToolTip(sentence)
    made.setAccessibleName((tr("Needs", "{0} is here") if there else tr("Needs", "{0} is missing")).format(title))
    return made
