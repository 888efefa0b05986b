"""The tables.  `migrations` makes them; a test compares the two.

``at`` is a UTC time in milliseconds since 1970.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Index, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Bookmark", "Event", "Model", "RunFile"]


class Model(DeclarativeBase):
    """What all tables share."""


class Event(Model):
    """One line of the journal: a learner saw, tried, predicted or passed something.

    ``kind``: ``seen`` (a lesson step, a scenario), ``tried`` (a challenge, a check), ``predicted`` or ``passed``.
    ``item``: which one, such as ``lesson/elect/step-2``.  ``data``: what is needed to show or replay it; a
    prediction has ``value`` and ``ok``.
    """

    __tablename__ = "event"
    __table_args__ = (Index("event_by_topic", "topic", "kind", "item"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    kind: Mapped[str] = mapped_column(String(12))
    topic: Mapped[str] = mapped_column(String(40))
    item: Mapped[str] = mapped_column(String(200))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class RunFile(Model):
    """A ``.prayog`` file that was saved or opened; the file itself is the run, this is its card."""

    __tablename__ = "run_file"

    path: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[int]
    topic: Mapped[str] = mapped_column(String(40))
    scenario: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(200))
    steps: Mapped[int]


class Bookmark(Model):
    """A moment of a run to come back to; ``data`` holds the run (params, seed, actions) and the step."""

    __tablename__ = "bookmark"
    __table_args__ = (Index("bookmark_by_topic", "topic"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    topic: Mapped[str] = mapped_column(String(40))
    title: Mapped[str] = mapped_column(String(200))
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
