"""What is said of a topic's card in words: what it needs and whether that is here, how long it takes, who made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QLabel

from prayog.ui.pieces import chip
from prayog.ui.shelf import CAPABILITIES, Card, capability
from prayog_sdk.qt.map import web_view_missing

if TYPE_CHECKING:
    from prayog_sdk.services import ServiceState

__all__ = ["CardWords"]


class CardWords:
    """The words of cards, for every page that shows them."""

    def tr(self, words: str) -> str:
        return QCoreApplication.translate("CardWords", words)

    def languages(self, codes: tuple[str, ...]) -> str:
        """Languages by name: ``English, Hinglish``."""
        names = {"en": self.tr("English"), "hi-Latn": self.tr("Hinglish"), "hi": self.tr("Hindi")}
        return ", ".join(names.get(code, code) for code in codes)

    def facts(self, card: Card) -> list[str]:
        """How long the topic takes and how much is in it."""
        manifest = card.manifest
        found = [self.tr("{0} min").format(manifest.minutes)] if manifest and manifest.minutes else []
        for number, one, many in (
            (len(card.lessons), self.tr("1 lesson"), self.tr("{0} lessons")),
            (len(card.scenarios), self.tr("1 scenario"), self.tr("{0} scenarios")),
            (len(card.challenges), self.tr("1 challenge"), self.tr("{0} challenges")),
        ):
            if number:
                found.append(one if number == 1 else many.format(number))
        return found

    def done(self, done: int, total: int) -> str:
        """How far the learner is."""
        return self.tr("{0} of {1} done").format(done, total)

    def source(self, card: Card) -> str:
        """Where an outside topic was found and who made it."""
        authors = ", ".join(card.manifest.authors) if card.manifest else ""
        kinds = {
            "entry point": self.tr("From an installed package"),
            "folder": self.tr("From your folder of topics"),
            "wheel": self.tr("From a wheel in your folder of topics"),
        }
        where = kinds.get(card.found.source, card.found.source)
        return self.tr("{0} · By {1}").format(where, authors) if authors else where

    def needs(self, card: Card, states: Mapping[str, ServiceState]) -> list[QLabel]:
        """One chip per need of the topic, with its state in words and a sentence as its tool tip."""
        return [self._need(name, states) for name in (card.manifest.needs if card.manifest else ())]

    def _need(self, name: str, states: Mapping[str, ServiceState]) -> QLabel:
        there = capability(name)
        sentence = ""
        if there is not None:
            title = CAPABILITIES[name][1]
            if name == "webengine" and (reason := web_view_missing()):
                there, sentence = False, self.tr("Here {0}, so maps are drawn by the lab itself.").format(reason)
        elif name in states:
            state = states[name]
            title, there = state.title, state.status in ("running", "ready")
            sentence = " ".join(part for part in (state.sentence, state.way_forward) if part)
        else:  # not looked for yet
            return chip(name)
        made = chip((self.tr("✓ {0}") if there else self.tr("{0} missing")).format(title), "good" if there else "warn")
        if not there and not sentence:
            sentence = self.tr("The topic works without it, except for the parts that need it.")
        made.setToolTip(sentence)
        made.setAccessibleName((self.tr("{0} is here") if there else self.tr("{0} is missing")).format(title))
        return made
