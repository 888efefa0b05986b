"""After a crash: which of the acknowledged writes are there, and is it a state that ever was?

`Memory` is what an honest witness would remember: every write in the order in which it was acknowledged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from prayog_writes.engine.batch import Operation

__all__ = ["Memory"]

State = dict[bytes, bytes]


@dataclass(slots=True)
class Memory:
    """All acknowledged operations since `base`, which was write number `begun`; `now` is what they add up to.

    ``live``: bytes of all keys and values that count.
    """

    base: State = field(default_factory=dict)
    begun: int = 0
    done: list[Operation] = field(default_factory=list)
    now: State = field(default_factory=dict)
    live: int = 0

    def add(self, operations: list[Operation]) -> None:
        """These were acknowledged."""
        self.done += operations
        now, live = self.now, self.live
        for key, value in operations:
            old = now.pop(key, None) if value is None else now.get(key)
            if old is not None:
                live -= len(key) + len(old)
            if value is not None:
                now[key] = value
                live += len(key) + len(value)
        self.live = live

    def after(self, count: int) -> State:
        """The contents after the first `count` operations."""
        state = dict(self.base)
        for key, value in self.done[:count]:
            if value is None:
                state.pop(key, None)
            else:
                state[key] = value
        return state

    def compared(self, found: State, last: int) -> dict[str, Any]:
        """How `found`, whose last write has number `last`, relates to what was acknowledged.

        ``prefix``: it is the state after the first `survived` operations, so that only the newest are missing.
        Otherwise ``wrong`` counts keys that are not as the last of the survivors left them.
        """
        asked = len(self.done)
        count = min(max(last - self.begun, 0), asked)
        expected = self.after(count)
        prefix = found == expected
        wrong = 0
        if not prefix:
            # Holes: of the writes that should be there, those whose key holds something else.
            wrong = sum(found.get(key) != value for key, value in expected.items()) + len(
                found.keys() - expected.keys()
            )
        lost = asked - count + wrong
        return {
            "acknowledged": asked, "survived": max(asked - lost, 0), "lost": lost, "prefix": prefix,
            "wrong_keys": wrong, "keys": len(found),
        }  # fmt: skip

    def accept(self, found: State, last: int, survived: int, prefix: bool) -> None:
        """From here on `found` is the truth."""
        if prefix:
            self.done = self.done[:survived]
            self.now = found
        else:
            self.base, self.begun, self.done, self.now = dict(found), last, [], found
        self.live = sum(map(len, found)) + sum(map(len, found.values()))
