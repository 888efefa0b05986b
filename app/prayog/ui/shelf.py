"""What the pages show of a topic before it is opened: its card, read from files only.  No Qt.

`topic.md` in a topic's ``lessons/<lang>/`` is the text of its page: what stands before the first ``##`` is the big
idea, each ``##`` section (glossary, model limits, sources) is shown below under its heading.

Rules
1. Nothing here imports a topic, and nothing raises because of what its author wrote: it becomes a problem.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from prayog.catalog import Found, guard, problem_of
from prayog_sdk.lessons import Challenge, Lesson
from prayog_sdk.manifest import Manifest, Problem
from prayog_sdk.scenario import Scenario, read_good
from prayog_sdk.topic import challenges, lessons

__all__ = ["CAPABILITIES", "ORDERS", "Card", "TopicText", "arrange", "read_card", "topic_text"]

T = TypeVar("T")

CAPABILITIES = {"webengine": ("PySide6.QtWebEngineWidgets", "Web view")}
"""Needs that are modules instead of services: name -> (module, title)."""
ORDERS = ("recommended", "title", "minutes", "progress")


@dataclass(frozen=True, slots=True)
class TopicText:
    """The words of a topic's page: ``idea`` in Markdown, then (heading, Markdown) per section."""

    idea: str = ""
    sections: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A topic as the catalogue shows it.  Without a manifest it is a grey card with its problems."""

    found: Found
    scenarios: tuple[Scenario, ...] = ()
    lessons: tuple[Lesson, ...] = ()
    challenges: tuple[Challenge, ...] = ()
    text: TopicText = TopicText()
    problems: tuple[Problem, ...] = field(default=())

    @property
    def id(self) -> str:
        return self.found.id

    @property
    def manifest(self) -> Manifest | None:
        return self.found.manifest

    @property
    def title(self) -> str:
        return self.found.manifest.title if self.found.manifest else self.found.id

    @property
    def outside(self) -> bool:
        """It did not come with the lab, so its author and its source are shown."""
        return self.found.source != "built-in"

    @property
    def items(self) -> int:
        """How many lessons and challenges there are to finish."""
        return len(self.lessons) + len(self.challenges)


def read_card(found: Found, lang: str) -> Card:
    """The card of `found` in `lang`; files that cannot be read become problems of the card."""
    manifest = found.manifest
    if manifest is None:
        return Card(found, problems=found.problems)
    problems = list(found.problems)

    def read(stage: str, reader: Callable[[], Sequence[T]]) -> tuple[T, ...]:
        with guard(stage, found.where, problems.append):
            return tuple(reader())
        return ()

    good = read_good(manifest, lambda error: problems.append(problem_of(error, "scenarios", found.where)))
    return Card(
        found,
        tuple(good),
        read("lessons", lambda: lessons(manifest, lang)),
        read("challenges", lambda: challenges(manifest, lang)),
        topic_text(_page(manifest, lang)),
        tuple(problems),
    )


def topic_text(markdown: str) -> TopicText:
    """Split the text of `topic.md` into the big idea and its sections."""
    idea: list[str] = []
    sections: list[tuple[str, list[str]]] = []
    for line in markdown.splitlines():
        if line.startswith("## "):
            sections.append((line[3:].strip(), []))
        elif sections:
            sections[-1][1].append(line)
        elif not line.startswith("# "):
            idea.append(line)
    return TopicText("\n".join(idea).strip(), tuple((name, "\n".join(body).strip()) for name, body in sections))


def capability(name: str) -> bool | None:
    """Whether the capability is here; None when `name` is not one (it is a service then)."""
    if name not in CAPABILITIES:
        return None
    module = CAPABILITIES[name][0]
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def arrange(cards: Iterable[Card], query: str, order: str, share: Callable[[str], float]) -> list[Card]:
    """The cards that hold every word of `query`, in `order` (one of `ORDERS`).

    ``progress`` puts what was begun and not finished first.  Topics that cannot be opened are always last.
    """
    words = query.lower().split()
    found = [card for card in cards if all(word in _searchable(card) for word in words)]

    def key(card: Card) -> tuple[bool, float, str]:
        broken = card.manifest is None or bool(card.found.problems)
        place = 0.0
        if order == "minutes":
            place = float(card.manifest.minutes) if card.manifest else 0.0
        elif order == "progress":
            done = share(card.id)
            place = -done if done < 1 else 1.0
        elif order == "recommended":
            place = float(card.manifest.order) if card.manifest else 0.0
        return broken, place, card.title.lower()

    return sorted(found, key=key)


def _searchable(card: Card) -> str:
    manifest = card.manifest
    words = [card.id, card.title]
    if manifest is not None:
        words += [manifest.summary, *manifest.needs, *manifest.authors, *manifest.languages]
    words += [each.title for each in card.scenarios]
    words += [each.title for each in card.lessons]
    words += [each.title for each in card.challenges]
    return " ".join(words).lower()


def _page(manifest: Manifest, lang: str) -> str:
    for language in dict.fromkeys((lang, "en")):
        try:
            return (manifest.folder / "lessons" / language / "topic.md").read_text(encoding="utf-8")
        except (OSError, KeyError, UnicodeDecodeError):  # a zip raises KeyError for a file that is not inside
            continue
    return ""
