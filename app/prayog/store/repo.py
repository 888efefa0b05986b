"""The questions that pages ask about a learner's progress, and the notes they make of it.

    repo = Repo.open(profile)                      # in a worker: it loads SQLAlchemy
    repo.record("predicted", "consensus", "lesson/elect/step-2", {"value": "n1", "ok": False})
    repo.progress("consensus").passed

All methods are short (well under 5 ms) and may be called from any thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import create_engine, delete, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from prayog.paths import Profile
from prayog.store.file import Opened, connect, open_file, problem
from prayog.store.migrations import migrate
from prayog.store.models import Bookmark, Event, RunFile

__all__ = ["Accuracy", "Kind", "Mark", "Note", "Progress", "Repo", "SavedFile"]

Kind = Literal["seen", "tried", "predicted", "passed"]


@dataclass(frozen=True, slots=True)
class Note:
    """One line of the journal; `at` is a UTC time in milliseconds."""

    at: int
    kind: str
    topic: str
    item: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """The items of one topic that were ever seen, tried, predicted or passed, and the newest note."""

    topic: str
    seen: frozenset[str] = frozenset()
    tried: frozenset[str] = frozenset()
    predicted: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    last: Note | None = None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How many predictions came true, of how many that were judged."""

    right: int
    total: int


@dataclass(frozen=True, slots=True)
class SavedFile:
    """The card of a ``.prayog`` file; `there` is whether the file still exists."""

    path: Path
    at: int
    topic: str
    scenario: str
    title: str
    steps: int
    there: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A bookmark."""

    id: int
    at: int
    topic: str
    title: str
    data: Mapping[str, Any]


class Repo:
    """A learner's progress.  Close it when the window closes."""

    def __init__(self, opened: Opened, path: Path) -> None:
        self.notice = opened.notice
        """A sentence for the learner when the file had to be set aside or migrated, else ``""``."""
        self._path = path
        self._connection = opened.connection
        self._lock = threading.Lock()
        self._engine = create_engine("sqlite://", creator=lambda: opened.connection, poolclass=StaticPool)

    @classmethod
    def open(cls, profile: Profile) -> Repo:
        """The store of `profile`.  Raises `StoreProblem` with a sentence (see `file.open_file`)."""
        return cls(open_file(profile.progress), profile.progress)

    @classmethod
    def in_memory(cls) -> Repo:
        """A store that is gone with the window: for when the profile's cannot be used."""
        db = connect(Path(":memory:"))
        migrate(db, 0)
        return cls(Opened(db), Path(":memory:"))

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._engine.dispose()
            self._connection.close()

    def record(self, kind: Kind, topic: str, item: str, data: Mapping[str, Any] | None = None) -> None:
        """Add a line to the journal.  `data` holds JSON values."""
        if kind not in get_args(Kind):
            raise ValueError(f"a note is one of {', '.join(get_args(Kind))}; got {kind!r}")
        with self._session() as session:
            session.add(Event(at=_now(), kind=kind, topic=topic, item=item, data=dict(data or {})))

    def progress(self, topic: str) -> Progress:
        """What was done in one topic."""
        return self.all_progress().get(topic, Progress(topic))

    def all_progress(self) -> dict[str, Progress]:
        """What was done in every topic that was ever touched, in one question."""
        with self._session() as session:
            rows = session.execute(select(Event.topic, Event.kind, Event.item).distinct()).all()
            newest = select(func.max(Event.id)).group_by(Event.topic)
            last = {e.topic: _note(e) for e in session.scalars(select(Event).where(Event.id.in_(newest)))}
        items: dict[str, dict[str, set[str]]] = {}
        for topic, kind, item in rows:
            items.setdefault(topic, {}).setdefault(kind, set()).add(item)
        return {
            topic: Progress(topic, **{kind: frozenset(found) for kind, found in kinds.items()}, last=last[topic])
            for topic, kinds in items.items()
        }

    def journal(self, limit: int = 100, topic: str | None = None, item: str | None = None) -> list[Note]:
        """The newest notes first."""
        query = select(Event).order_by(Event.id.desc()).limit(limit)
        if topic is not None:
            query = query.where(Event.topic == topic)
        if item is not None:
            query = query.where(Event.item == item)
        with self._session() as session:
            return [_note(event) for event in session.scalars(query)]

    def prediction_accuracy(self, topic: str | None = None) -> Accuracy:
        """Over all first answers to each question: a second try at the same one teaches, but does not count."""
        first = select(func.min(Event.id)).where(Event.kind == "predicted").group_by(Event.topic, Event.item)
        query = select(Event.data).where(Event.id.in_(first))
        if topic is not None:
            query = query.where(Event.topic == topic)
        with self._session() as session:
            judged = [data["ok"] for data in session.scalars(query) if "ok" in data]
        return Accuracy(sum(map(bool, judged)), len(judged))

    def add_saved_run(self, path: Path, topic: str, scenario: str, title: str, steps: int) -> None:
        """Remember the card of a ``.prayog`` file; a second save to the same path replaces it."""
        values = {"at": _now(), "topic": topic, "scenario": scenario, "title": title, "steps": steps}
        query = insert(RunFile).values(path=str(path.absolute()), **values)
        with self._session() as session:
            session.execute(query.on_conflict_do_update(index_elements=["path"], set_=values))

    def saved_runs(self) -> list[SavedFile]:
        """The cards of all saved runs, newest first; those whose file is gone say so."""
        with self._session() as session:
            files = [
                SavedFile(Path(f.path), f.at, f.topic, f.scenario, f.title, f.steps, there=False)
                for f in session.scalars(select(RunFile).order_by(RunFile.at.desc(), RunFile.path))
            ]
        return [SavedFile(f.path, f.at, f.topic, f.scenario, f.title, f.steps, f.path.is_file()) for f in files]

    def forget_saved_run(self, path: Path) -> None:
        """Drop the card; the file stays."""
        with self._session() as session:
            session.execute(delete(RunFile).where(RunFile.path == str(path.absolute())))

    def add_bookmark(self, topic: str, title: str, data: Mapping[str, Any]) -> int:
        """Keep a moment; returns its number."""
        with self._session() as session:
            mark = Bookmark(at=_now(), topic=topic, title=title, data=dict(data))
            session.add(mark)
            session.flush()
            return mark.id

    def bookmarks(self, topic: str | None = None) -> list[Mark]:
        """Bookmarks, newest first."""
        query = select(Bookmark).order_by(Bookmark.id.desc())
        if topic is not None:
            query = query.where(Bookmark.topic == topic)
        with self._session() as session:
            return [Mark(m.id, m.at, m.topic, m.title, m.data) for m in session.scalars(query)]

    def remove_bookmark(self, number: int) -> None:
        """Drop a bookmark; one that is not there is no error."""
        with self._session() as session:
            session.execute(delete(Bookmark).where(Bookmark.id == number))

    @contextmanager
    def _session(self) -> Iterator[Session]:
        try:
            with self._lock, Session(self._engine) as session, session.begin():
                yield session
        except SQLAlchemyError as error:
            raise problem(error, self._path) from error


def _note(event: Event) -> Note:
    return Note(event.at, event.kind, event.topic, event.item, event.data)


def _now() -> int:
    return time.time_ns() // 1_000_000
