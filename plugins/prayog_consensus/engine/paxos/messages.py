"""What proposers, acceptors and learners say to each other while they decide one value."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NO_BALLOT", "Accept", "Accepted", "Ballot", "Chosen", "Prepare", "Promise", "Refuse", "Vote", "told"]

Ballot = tuple[int, str]
"""(round, proposer): totally ordered, and no two proposers ever use the same one."""
Vote = tuple[Ballot, str]
"""An acceptor's vote: the value it accepted, and in which ballot."""
NO_BALLOT: Ballot = (0, "")
"""Lower than every ballot."""


def told(ballot: Ballot) -> str:
    """``2.p1``, or ``none``"""
    return f"{ballot[0]}.{ballot[1]}" if ballot != NO_BALLOT else "none"


@dataclass(frozen=True, slots=True)
class Prepare:
    """Phase 1a: promise me to ignore every ballot below mine."""

    ballot: Ballot

    def __str__(self) -> str:
        return f"prep {told(self.ballot)}"


@dataclass(frozen=True, slots=True)
class Promise:
    """Phase 1b: promised; and this is the last vote I cast, if any."""

    ballot: Ballot
    vote: Vote | None

    def __str__(self) -> str:
        return f"prom {told(self.ballot)} ✓" + (f" {self.vote[1]}@{told(self.vote[0])}" if self.vote else "")


@dataclass(frozen=True, slots=True)
class Accept:
    """Phase 2a: vote for this value in my ballot."""

    ballot: Ballot
    value: str

    def __str__(self) -> str:
        return f"acc {told(self.ballot)} {self.value}"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Phase 2b: I voted for it."""

    ballot: Ballot
    value: str

    def __str__(self) -> str:
        return f"acc'd {told(self.ballot)} {self.value} ✓"


@dataclass(frozen=True, slots=True)
class Refuse:
    """No: I promised a higher ballot.  Paxos is safe without it, only slower (PMS §2.2, last paragraph)."""

    ballot: Ballot
    promised: Ballot

    def __str__(self) -> str:
        return f"no {told(self.ballot)} ✗ {told(self.promised)}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A majority voted for this value in one ballot: it is decided for ever (PMS §2.3)."""

    ballot: Ballot
    value: str

    def __str__(self) -> str:
        return f"chosen {self.value}"
