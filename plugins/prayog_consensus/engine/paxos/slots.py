"""What the servers of Multi-Paxos say to each other: Paxos once per slot, but phase 1 for all slots together."""

from __future__ import annotations

from dataclasses import dataclass

from prayog_consensus.engine.clients import Command
from prayog_consensus.engine.paxos.messages import Ballot, told

__all__ = ["AcceptSlot", "AcceptedSlot", "Commit", "Entries", "Fetch", "Lower", "PrepareAll", "PromiseAll", "SlotVote"]

SlotVote = tuple[int, Ballot, Command]
"""(slot, ballot, command)"""


@dataclass(frozen=True, slots=True)
class PrepareAll:
    """Phase 1a for every slot from `first` on."""

    ballot: Ballot
    first: int

    def __str__(self) -> str:
        return f"prep {told(self.ballot)} s{self.first}…"


@dataclass(frozen=True, slots=True)
class PromiseAll:
    """Phase 1b: my votes from there on, and what I know to be chosen."""

    ballot: Ballot
    votes: tuple[SlotVote, ...]
    chosen: tuple[tuple[int, Command], ...]

    def __str__(self) -> str:
        return f"prom {told(self.ballot)} ✓ {len(self.votes)} votes"


@dataclass(frozen=True, slots=True)
class AcceptSlot:
    """Phase 2a for one slot.  All slots up to `commit` are chosen: news that travels for nothing (piggyback)."""

    ballot: Ballot
    slot: int
    command: Command
    commit: int

    def __str__(self) -> str:
        return f"acc {told(self.ballot)} s{self.slot} {self.command}"


@dataclass(frozen=True, slots=True)
class AcceptedSlot:
    """Phase 2b."""

    ballot: Ballot
    slot: int

    def __str__(self) -> str:
        return f"acc'd {told(self.ballot)} s{self.slot} ✓"


@dataclass(frozen=True, slots=True)
class Lower:
    """No: I promised a higher ballot."""

    ballot: Ballot
    promised: Ballot

    def __str__(self) -> str:
        return f"no {told(self.ballot)} ✗ {told(self.promised)}"


@dataclass(frozen=True, slots=True)
class Commit:
    """All slots up to `upto` are chosen.  It is the leader's heartbeat too."""

    ballot: Ballot
    upto: int

    def __str__(self) -> str:
        return f"commit {told(self.ballot)} s{self.upto}"


@dataclass(frozen=True, slots=True)
class Fetch:
    """I miss the chosen commands from `first` on."""

    first: int

    def __str__(self) -> str:
        return f"fetch s{self.first}…"


@dataclass(frozen=True, slots=True)
class Entries:
    """Chosen commands, for somebody who missed them."""

    chosen: tuple[tuple[int, Command], ...]

    def __str__(self) -> str:
        return f"{len(self.chosen)} chosen"
