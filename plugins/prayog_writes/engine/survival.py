"""After a crash: which of the acknowledged writes are there, and is it a state that ever was?

`Memory` is what an honest witness would remember: every write in the order in which it was acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from prayog_writes.engine.batch import Operation
from prayog_writes.engine.progress import Progress

__all__ = ["Finding", "Memory"]

State = dict[bytes, bytes]
PORTION = 2_000
"""Rows or operations that are looked at in one step."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a recovered database is, beside what was acknowledged.

    ``prefix``: it is the state after the first ``survived`` operations, so that only the newest are missing.
    Otherwise ``wrong`` counts keys that are not as the last of the survivors left them.  ``last``: its newest write;
    ``contents``: what it holds, ``live`` bytes of it.
    """

    acknowledged: int
    survived: int
    lost: int
    prefix: bool
    wrong: int
    last: int
    contents: State
    live: int

    def told(self) -> dict[str, Any]:
        """As the trace shows it."""
        return {
            "acknowledged": self.acknowledged, "survived": self.survived, "lost": self.lost, "prefix": self.prefix,
            "wrong_keys": self.wrong, "keys": len(self.contents),
        }  # fmt: skip


@dataclass(slots=True)
class Memory:
    """All acknowledged operations since `base`, which was write number `begun`; `now` is what they add up to.

    ``live``: bytes of all keys and values that count.
    """

    base: State = field(default_factory=dict)
    begun: int = 0
    now: State = field(default_factory=dict)
    live: int = 0
    _full: list[tuple[Operation, ...]] = field(default_factory=list)
    """Operations, `PORTION` together: Python's garbage collector passes over tuples of bytes, but walks through a list
    of a million of them each time."""
    _tail: list[Operation] = field(default_factory=list)

    @property
    def acknowledged(self) -> int:
        """How many operations."""
        return PORTION * len(self._full) + len(self._tail)

    def add(self, operations: list[Operation]) -> None:
        """These were acknowledged."""
        self._tail += operations
        while len(self._tail) >= PORTION:
            self._full.append(tuple(self._tail[:PORTION]))
            del self._tail[:PORTION]
        now, live = self.now, self.live
        for key, value in operations:
            old = now.pop(key, None) if value is None else now.get(key)
            if old is not None:
                live -= len(key) + len(old)
            if value is not None:
                now[key] = value
                live += len(key) + len(value)
        self.live = live

    def compared(
        self, rows: Callable[[], Iterator[tuple[bytes, bytes]]], last: int
    ) -> Generator[Progress, None, Finding]:
        """How a database that holds `rows` relates to what was acknowledged, in steps.  ``last``: its newest write."""
        asked = self.acknowledged
        count = min(max(last - self.begun, 0), asked)
        expected = yield from self._after(count)
        seen = right = strange = live = 0
        rest = rows()
        while part := list(islice(rest, PORTION)):
            for key, value in part:
                wanted = expected.get(key)
                right += wanted == value
                strange += wanted is None
                live += len(key) + len(value)
            seen += len(part)
            if len(part) == PORTION:
                yield Progress(seen)
        wrong = len(expected) - right + strange  # holes: writes that should be there, whose key holds something else
        contents = expected
        if wrong:
            contents, rest = {}, rows()
            while part := list(islice(rest, PORTION)):
                contents.update(part)
                if len(part) == PORTION:
                    yield Progress(len(contents))
        lost = asked - count + wrong
        return Finding(asked, max(asked - lost, 0), lost, not wrong, wrong, last, contents, live)

    def accept(self, finding: Finding) -> None:
        """From here on what was found is the truth."""
        self.now, self.live = finding.contents, finding.live
        if finding.prefix:
            self._forget_behind(finding.survived)
        else:
            self.base, self.begun = dict(finding.contents), finding.last
            self._full, self._tail = [], []

    def _forget_behind(self, count: int) -> None:
        full, rest = divmod(count, PORTION)
        if full < len(self._full):
            self._tail = list(self._full[full])
            del self._full[full:]
        del self._tail[rest:]

    def _after(self, count: int) -> Generator[Progress, None, State]:
        """The contents after the first `count` operations."""
        if count == self.acknowledged:
            return self.now
        state, done = dict(self.base), 0
        for portion in (*self._full, self._tail):
            for key, value in portion[: count - done]:
                if value is None:
                    state.pop(key, None)
                else:
                    state[key] = value
            done += len(portion)
            if done >= count:
                break
            yield Progress(done)
        return state
