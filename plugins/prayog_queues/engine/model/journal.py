"""What a queue has written to its disk and the disk has not synced: the part that a loss of power decides about."""

from __future__ import annotations

from prayog_queues.engine.envelope import Message
from prayog_sim.rng import Rng

__all__ = ["Item", "Journal"]


class Item:
    """A message that stands in a queue."""

    __slots__ = ("attempts", "expires_us", "message", "receipt", "seq", "spilled", "stored_us", "synced")

    def __init__(
        self, seq: int, message: Message, stored_us: int, expires_us: int | None, synced: bool, spilled: bool
    ) -> None:
        self.seq = seq
        self.message = message
        self.stored_us = stored_us
        self.expires_us = expires_us
        self.synced = synced
        self.spilled = spilled
        self.attempts = 0
        self.receipt = ""
        """Of the hand-out that counts now; empty while it waits."""


class Journal:
    """The records since the last sync, in their order."""

    __slots__ = ("fresh", "moved")

    def __init__(self) -> None:
        self.fresh: list[tuple[Item, bool]] = []
        """(whose, True: it came; False: it is gone)."""
        self.moved: list[Item] = []
        """What was put aside: its copy may not be safe yet, so a loss of power brings it back."""

    def sync(self) -> None:
        """All of it is on the disk now."""
        for item, came in self.fresh:
            if came:
                item.synced = True
        self.fresh.clear()
        self.moved.clear()

    def recover(self, torn: Rng | None) -> tuple[list[Item], Item | None, int]:
        """The power went: what was gone and is back, whose record is torn, and how many before it were whole.

        With `torn` the disk got some records whole and then the front of one more, where recovery cuts the log.
        """
        fresh = self.fresh
        whole = torn.randint(0, len(fresh) - 1) if torn is not None and fresh else 0
        for item, came in fresh[:whole]:
            item.synced = item.synced or came
        back = [*(item for item, came in fresh[whole:] if not came), *self.moved]
        cut = fresh[whole][0] if torn is not None and fresh else None
        self.fresh, self.moved = [], []
        return [item for item in back if item.synced], cut, whole
