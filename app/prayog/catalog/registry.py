"""The states of all topics: a table, and the one object that moves topics through it.

Rules
1. Every change of state follows `TRANSITIONS`; anything else is a fault of the lab and raises.
2. Loading is split, so that the window can do the slow half in a worker: `begin` (state), the call it returns
   (imports the topic; touches no state), `finish` or `leave` (state).  `open` does all three for the command line.
3. A topic that fails three times while it is open is closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from prayog.catalog.discovery import Found
from prayog.catalog.guard import guard
from prayog.catalog.wheels import WheelError, unpack
from prayog_sdk.manifest import Problem

if TYPE_CHECKING:  # pluggy and the rest of an open topic are loaded with the first topic, not with the window
    from prayog_sdk.topic import Topic

__all__ = ["STRIKES", "TRANSITIONS", "Entry", "Registry", "State", "TopicFailed"]

State = Literal["found", "blocked", "ready", "loading", "open", "closed", "failed"]

TRANSITIONS: Mapping[State, frozenset[State]] = {
    "found": frozenset({"blocked", "ready"}),
    "blocked": frozenset(),  # mend the files and look again: `Registry.refresh` makes a new entry
    "ready": frozenset({"loading"}),
    "loading": frozenset({"open", "failed", "closed"}),
    "open": frozenset({"closed", "failed"}),
    "closed": frozenset({"loading"}),
    "failed": frozenset({"loading"}),
}
STRIKES = 3


class TopicFailed(RuntimeError):
    """A topic could not be opened; `problem` has the sentence, the place and the traceback."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.sentence)
        self.problem = problem


@dataclass(slots=True, eq=False)
class Entry:
    """One topic in the registry: what was found, its state, and what went wrong so far."""

    found: Found
    state: State = "found"
    problems: list[Problem] = field(default_factory=list)
    topic: Topic | None = None
    strikes: int = 0

    @property
    def id(self) -> str:
        return self.found.id

    @property
    def title(self) -> str:
        return self.found.manifest.title if self.found.manifest else self.found.id

    def go(self, state: State) -> None:
        """Change the state along `TRANSITIONS`."""
        if state not in TRANSITIONS[self.state]:
            raise RuntimeError(f"topic {self.id!r} cannot go from {self.state} to {state}")
        self.state = state


class Registry:
    """All topics of this lab.  Used from one thread, except for the call that `begin` returns."""

    def __init__(self, found: Iterable[Found] = (), unpacked: Path | None = None) -> None:
        """`unpacked` is where wheels are unpacked (`Profile.unpacked`)."""
        self.entries: list[Entry] = []
        self._unpacked = unpacked
        self._watchers: list[Callable[[Entry], object]] = []
        self.refresh(found)

    def watch(self, changed: Callable[[Entry], object]) -> None:
        """Have `changed` called with every entry whose state or problems changed."""
        self._watchers.append(changed)

    def refresh(self, found: Iterable[Found]) -> None:
        """Take over a new look at the folders; topics that are open stay as they are."""
        at_work = {(e.found.id, e.found.where): e for e in self.entries if e.state in ("loading", "open")}
        self.entries = []
        for one in found:
            entry = at_work.pop((one.id, one.where), None)
            if entry is None:
                entry = Entry(one, problems=list(one.problems))
                entry.go("blocked" if one.problems or one.manifest is None else "ready")
            self.entries.append(entry)
        self.entries += at_work.values()

    def get(self, topic_id: str) -> Entry | None:
        """The topic with this id (the first, when two claim it)."""
        return next((entry for entry in self.entries if entry.id == topic_id), None)

    @property
    def tops(self) -> dict[str, str]:
        """First part of the module name -> id of every topic that is loading or open, for `guard.blame`."""
        return {e.found.top: e.id for e in self.entries if e.state in ("loading", "open")}

    def begin(self, entry: Entry) -> Callable[[], Topic | Problem]:
        """Mark `entry` as loading; the call that is returned loads it, in any thread, and never raises.

        In strict mode (see `guard`) it does raise.
        """
        entry.go("loading")
        entry.strikes = 0
        entry.problems.clear()
        self._tell(entry)
        return partial(_load, entry.found, self._unpacked)

    def finish(self, entry: Entry, outcome: Topic | Problem) -> None:
        """Take the outcome of the call that `begin` returned."""
        if isinstance(outcome, Problem):
            entry.problems.append(outcome)
            entry.go("failed")
        else:
            entry.topic = outcome
            entry.go("open")
        self._tell(entry)

    def leave(self, entry: Entry) -> None:
        """The learner cancelled the loading that `begin` announced."""
        entry.go("closed")
        self._tell(entry)

    def open(self, topic_id: str) -> Topic:
        """Load a topic here and now.  Raises `TopicFailed` when it is blocked or cannot be loaded."""
        entry = self.get(topic_id)
        if entry is None:
            raise TopicFailed(Problem("discovery", f"There is no topic {topic_id!r}.", topic_id))
        if entry.topic is not None:
            return entry.topic
        if entry.state == "blocked":
            raise TopicFailed(entry.problems[0])
        self.finish(entry, self.begin(entry)())
        if entry.topic is None:
            raise TopicFailed(entry.problems[-1])
        return entry.topic

    def close(self, topic_id: str) -> None:
        """Close an open topic; one that is not open is left as it is."""
        entry = self.get(topic_id)
        if entry is None or entry.state != "open":
            return
        self._drop(entry)
        entry.go("closed")
        self._tell(entry)

    def report(self, topic_id: str, problem: Problem) -> bool:
        """Note a failure of an open topic; True when it was the third, and the topic is now closed as failed."""
        entry = self.get(topic_id)
        if entry is None or entry.state != "open":
            return False
        entry.problems.append(problem)
        entry.strikes += 1
        closed = entry.strikes >= STRIKES
        if closed:
            self._drop(entry)
            entry.go("failed")
        self._tell(entry)
        return closed

    def _drop(self, entry: Entry) -> None:
        topic, entry.topic = entry.topic, None
        if topic is not None:
            with guard("close", entry.found.where, entry.problems.append):
                topic.close()

    def _tell(self, entry: Entry) -> None:
        for changed in self._watchers:
            changed(entry)


def _load(found: Found, unpacked: Path | None) -> Topic | Problem:
    from prayog_sdk.topic import Topic

    outcome: list[Topic | Problem] = []
    manifest = found.manifest
    assert manifest is not None  # one that was found without is blocked, and cannot go to loading
    with guard("load", found.where, outcome.append):
        if found.source == "wheel":
            if unpacked is None:
                raise WheelError(f"The wheel {found.where} cannot be opened without a profile to unpack it into.")
            manifest = replace(manifest, folder=unpack(Path(found.where), unpacked) / found.top)
        outcome.append(Topic.load(manifest))
    return outcome[0]
