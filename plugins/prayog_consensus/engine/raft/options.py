"""The knobs of Raft: times, and the words that the option line may hold.

``prevote``       ask before the term is raised (thesis 9.6)
``checkquorum``   a leader without a majority steps down; who hears a leader refuses votes (thesis 4.2.3, 6.2)
``nonoop``        a new leader does not begin its term with an empty entry (as in §5; then reads wait for a write)
``decrement``     repair a log one index at a time, without hints (§5.3)
``leasereads``    answer reads without asking anybody while the lease holds (thesis 6.4.1; needs true clocks)
``logreads``      reads go through the log; the default is read-index (thesis 6.4)
``disk``          keep durable state on the simulated disk, with fsync
``sync=1``        how long an fsync takes, in ms
``compact=20``    take a snapshot when so many entries were applied since the last (§7)
``batch=16``      entries per message at most
``clients=1``     so many clients (one, when the set-up writes)
``mixed``         every second operation of the clients is a read
``spare=1``       so many servers more, which are not members yet
``figure7``       start with the seven logs of Figure 7
``storm``         faults that the seed draws, for three seconds (see `storm`)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prayog_consensus.engine.raft.yours import VOTE
from prayog_consensus.engine.setup import CORRECT, YOURS, Setup
from prayog_sdk.code.function import Function
from prayog_sim.rng import Rng

__all__ = ["Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How one Raft server behaves; times in µs of its own clock."""

    timeout: int = 150_000
    spread: float = 1.0
    prevote: bool = False
    checkquorum: bool = False
    noop: bool = True
    hints: bool = True
    reads: Literal["index", "lease", "log"] = "index"
    disk: bool = False
    sync: int = 1_000
    compact: int = 0
    batch: int = 16
    variant: str = CORRECT
    vote: Function | None = None
    """The learner's answer to requests for a vote, in the place of ours."""

    @classmethod
    def of(cls, setup: Setup) -> Options:
        """The options that `setup` asks for; words that mean nothing to Raft are left to other algorithms."""
        words = setup.words
        return cls(
            timeout=setup.timeout_us,
            spread=setup.spread,
            prevote="prevote" in words,
            checkquorum="checkquorum" in words or "leasereads" in words,  # a lease rests on refused votes
            noop="nonoop" not in words,
            hints="decrement" not in words,
            reads="lease" if "leasereads" in words else "log" if "logreads" in words else "index",
            disk="disk" in words,
            sync=1_000 * number(setup, "sync", 1),
            compact=number(setup, "compact", 0),
            batch=max(1, number(setup, "batch", 16)),
            variant=setup.variant,
            vote=VOTE.function(setup.code) if setup.variant == YOURS else None,
        )

    @property
    def heartbeat(self) -> int:
        """How often a leader speaks: three times in the shortest timeout, so that one lost heartbeat is no election."""
        return max(1, self.timeout // 3)

    @property
    def sticky(self) -> bool:
        """Whoever has just heard from a leader takes no part in elections."""
        return self.prevote or self.checkquorum

    def draw(self, rng: Rng) -> int:
        """An election timeout: random, so that the votes are rarely split (§5.2)."""
        if self.variant == "equal_timeouts":
            return self.timeout
        return self.timeout + int(self.timeout * self.spread * rng.random())


def number(setup: Setup, word: str, default: int) -> int:
    """The number behind ``word=`` in the options."""
    found = (text.removeprefix(f"{word}=") for text in setup.words if text.startswith(f"{word}="))
    return next((int(text) for text in found if text.isdecimal()), default)
