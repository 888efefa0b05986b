"""What ZAB servers say to each other.  The names in brackets are those of Zab11."""

from __future__ import annotations

from dataclasses import dataclass

from prayog_consensus.engine.clients import Command

__all__ = [
    "Ack", "AckEpoch", "AckLeader", "Commit", "FollowerInfo", "History", "NewEpoch", "NewLeader", "Ping", "Pong",
    "Propose", "Ranking", "Txn", "UpToDate", "Vote", "Zxid",
]  # fmt: skip

Zxid = tuple[int, int]
"""(epoch, counter): the order of all transactions."""
Ranking = tuple[int, Zxid, int]
"""What makes a server a better leader: (current epoch, last zxid, its own number), the larger the better."""


@dataclass(frozen=True, slots=True)
class Txn:
    """One transaction of the history."""

    zxid: Zxid
    command: Command

    def __str__(self) -> str:
        return f"{self.zxid[0]}.{self.zxid[1]} {self.command}"


History = tuple[Txn, ...]


@dataclass(frozen=True, slots=True)
class Vote:
    """Election: in this `round` I am for `leader`, whose `ranking` it is.  ``state``: looking or leading."""

    round: int
    ranking: Ranking
    leader: str
    state: str

    def __str__(self) -> str:
        return f"vote r{self.round} {self.leader}" if self.state == "looking" else f"{self.state} {self.leader}"


@dataclass(frozen=True, slots=True)
class FollowerInfo:
    """Discovery: I follow you; this is the last epoch that I accepted (CEPOCH)."""

    accepted: int

    def __str__(self) -> str:
        return f"info e{self.accepted}"


@dataclass(frozen=True, slots=True)
class NewEpoch:
    """Discovery: my epoch is higher than that of anybody in a quorum (NEWEPOCH)."""

    epoch: int

    def __str__(self) -> str:
        return f"epoch e{self.epoch}"


@dataclass(frozen=True, slots=True)
class AckEpoch:
    """Discovery: accepted; the epoch that I am in, and my history (ACK-E).

    It does not count when I have accepted the same epoch from another leader (which cannot have won it then).
    """

    epoch: int
    current: int
    history: History
    counts: bool = True

    def __str__(self) -> str:
        return f"ack e{self.epoch} ✓ {len(self.history)} of e{self.current}"


@dataclass(frozen=True, slots=True)
class NewLeader:
    """Synchronisation: epoch `epoch` begins with this history (NEWLEADER)."""

    epoch: int
    history: History

    def __str__(self) -> str:
        return f"new leader e{self.epoch} i{len(self.history)}"


@dataclass(frozen=True, slots=True)
class AckLeader:
    """Synchronisation: `length` transactions are on my disk (ACK-LD)."""

    epoch: int
    length: int

    def __str__(self) -> str:
        return f"ack leader e{self.epoch} ✓"


@dataclass(frozen=True, slots=True)
class UpToDate:
    """Synchronisation: a quorum has it; deliver the first `commit` (COMMIT-LD)."""

    epoch: int
    commit: int

    def __str__(self) -> str:
        return f"up to date e{self.epoch} i{self.commit}"


@dataclass(frozen=True, slots=True)
class Propose:
    """Broadcast: transaction number `number` of the history."""

    epoch: int
    number: int
    txn: Txn

    def __str__(self) -> str:
        return f"prop {self.txn}"


@dataclass(frozen=True, slots=True)
class Ack:
    """Broadcast: transaction `number`, and all before it, are on my disk."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"ack i{self.number} ✓"


@dataclass(frozen=True, slots=True)
class Commit:
    """Broadcast: deliver transaction `number`."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"commit i{self.number}"


@dataclass(frozen=True, slots=True)
class Ping:
    """I lead still; I have sent `length` transactions, and `commit` of them are committed."""

    epoch: int
    length: int
    commit: int

    def __str__(self) -> str:
        return f"ping e{self.epoch}"


@dataclass(frozen=True, slots=True)
class Pong:
    """I follow still; `length` transactions are on my disk."""

    epoch: int
    length: int

    def __str__(self) -> str:
        return f"pong e{self.epoch}"
