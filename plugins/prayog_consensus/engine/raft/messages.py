"""What Raft servers and their clients say to each other, and what stands in the log.

All are values.  Their text (`str`) is the short label on a message in flight and in the log grid.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Answer",
    "AppendEntries",
    "Appended",
    "Ask",
    "Command",
    "Entry",
    "Get",
    "InstallSnapshot",
    "Members",
    "Noop",
    "Put",
    "RequestVote",
    "Snapshot",
    "TimeoutNow",
    "Vote",
]  # fmt: skip


# -- commands: what an entry asks the state machine to do --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Command:
    """What stands in an entry."""


@dataclass(frozen=True, slots=True)
class Put(Command):
    """Set `key` to `value`.  ``client`` and ``request`` make it recognisable when it is sent twice (§8)."""

    client: str
    request: int
    key: str
    value: Any

    def __str__(self) -> str:
        return f"{self.key}={self.value}"


@dataclass(frozen=True, slots=True)
class Get(Command):
    """A read that goes through the log like a write (option ``logreads``)."""

    client: str
    request: int
    key: str

    def __str__(self) -> str:
        return f"read {self.key}"


@dataclass(frozen=True, slots=True)
class Noop(Command):
    """Nothing: a new leader's first entry, so that it can commit what came before (§8)."""

    def __str__(self) -> str:
        return "no-op"


@dataclass(frozen=True, slots=True)
class Members(Command):
    """Who votes.  With ``old``, a joint configuration: every decision needs a majority of each (§6)."""

    voters: tuple[str, ...]
    old: tuple[str, ...] = ()

    @property
    def everyone(self) -> tuple[str, ...]:
        """All servers of both configurations."""
        return tuple(dict.fromkeys((*self.voters, *self.old)))

    def agree(self, names: Collection[str]) -> bool:
        """Whether `names` hold a majority (of both configurations, when there are two): ⌊n/2⌋ + 1 of n."""
        return all(
            sum(name in names for name in group) * 2 > len(group) for group in (self.voters, self.old) if group
        ) and bool(self.voters)

    def __str__(self) -> str:
        return f"{','.join(self.old)}→{','.join(self.voters)}" if self.old else f"members {','.join(self.voters)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One place of the log: the term in which a leader put the command there, and the command."""

    term: int
    command: Command

    def __str__(self) -> str:
        return f"{self.command} (term {self.term})"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state machine after `index`: it stands for all entries up to there (§7).

    ``items`` are the keys and values, ``sessions`` each client's last request and its answer (without them a repeated
    request would be applied twice), ``digest`` a checksum of all that was applied.
    """

    index: int
    term: int
    members: Members
    items: tuple[tuple[str, Any], ...]
    sessions: tuple[tuple[str, int, Any], ...]
    digest: int = 0


# -- between servers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequestVote:
    """Figure 2.  ``pre``: would you vote for me? (thesis 9.6).  ``forced``: the leader asked me to (thesis 3.10)."""

    term: int
    last_index: int
    last_term: int
    pre: bool = False
    forced: bool = False

    def __str__(self) -> str:
        return f"{'pre-vote' if self.pre else 'vote'}? t{self.term}"


@dataclass(frozen=True, slots=True)
class Vote:
    """The answer.  A granted pre-vote names the term it would be for."""

    term: int
    granted: bool
    pre: bool = False

    def __str__(self) -> str:
        return f"{'pre-vote' if self.pre else 'vote'} t{self.term} {'✓' if self.granted else '✗'}"


@dataclass(frozen=True, slots=True)
class AppendEntries:
    """Figure 2: `entries` go behind index `prev`; without entries it is a heartbeat.

    ``round`` numbers the leader's rounds of messages; a follower sends it back, so that the leader knows that it was
    still leader after the round began (thesis 6.4).
    """

    term: int
    prev: int
    prev_term: int
    entries: tuple[Entry, ...]
    commit: int
    round: int = 0

    def __str__(self) -> str:
        if not self.entries:
            return f"♥ t{self.term}"
        last = self.prev + len(self.entries)
        return f"AE t{self.term} i{last if len(self.entries) == 1 else f'{self.prev + 1}–{last}'}"


@dataclass(frozen=True, slots=True)
class Appended:
    """The answer: ``index`` is the last index known to agree, or the ``prev`` that did not.

    A refusal may carry the follower's last index (``last``) and a hint (end of §5.3): the term of the entry that
    stands in the way and the first index of that term.
    """

    term: int
    ok: bool
    index: int
    round: int = 0
    last: int = 0
    hint_term: int = 0
    hint_index: int = 0

    def __str__(self) -> str:
        return f"{'ok' if self.ok else 'no'} t{self.term} i{self.index} {'✓' if self.ok else '✗'}"


@dataclass(frozen=True, slots=True)
class InstallSnapshot:
    """§7, in one piece: for a follower whose next entry was compacted away.  The answer is an `Appended`."""

    term: int
    snapshot: Snapshot
    round: int = 0

    def __str__(self) -> str:
        return f"snapshot t{self.term} i{self.snapshot.index}"


@dataclass(frozen=True, slots=True)
class TimeoutNow:
    """Leadership transfer (thesis 3.10): do not wait for your timeout."""

    term: int

    def __str__(self) -> str:
        return f"your turn t{self.term}"


# -- clients -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    """A client's request: ``kind`` is ``write``, ``read``, or ``peek`` (whatever this server has, old or not)."""

    request: int
    kind: str
    key: str
    value: Any = None

    def __str__(self) -> str:
        return f"{self.key}={self.value}?" if self.kind == "write" else f"{self.kind} {self.key}?"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of it.  Not ``ok``: not done here; try ``leader``, if one is known."""

    request: int
    ok: bool
    value: Any = None
    leader: str = ""

    def __str__(self) -> str:
        if not self.ok:
            return f"ask {self.leader}" if self.leader else "no leader"
        return "done" if self.value is None else f"→ {self.value}"
