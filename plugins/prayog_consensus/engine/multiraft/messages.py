"""What stores and clients of a Multi-Raft cluster say besides Raft's own messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prayog_consensus.engine.raft.messages import Appended, AppendEntries, Ask, Command

__all__ = ["END", "Absorb", "BeatAnswers", "Beats", "Freeze", "Group", "Range", "RangeAsk", "Split", "Stale"]

END = "~"
"""Behind every key."""


@dataclass(frozen=True, slots=True)
class Range:
    """Keys from `start` up to, not including, `end`.  ``epoch`` rises with every split and merge.

    ``frozen``: it is about to become part of its left neighbour and takes no more commands.
    """

    ident: str
    start: str
    end: str
    epoch: int = 1
    frozen: bool = False

    def covers(self, key: str) -> bool:
        return self.start <= key < self.end

    def __str__(self) -> str:
        end = "end" if self.end == END else self.end
        return f"{self.ident} [{self.start or 'start'}, {end}) e{self.epoch}{' frozen' if self.frozen else ''}"


# -- commands in a group's log -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Split(Command):
    """At this place of the log, the keys from `key` on become the range `ident`."""

    key: str
    ident: str
    epoch: int

    def __str__(self) -> str:
        return f"split at {self.key}"


@dataclass(frozen=True, slots=True)
class Freeze(Command):
    """First half of a merge: the right range takes no more commands."""

    epoch: int

    def __str__(self) -> str:
        return "freeze"


@dataclass(frozen=True, slots=True)
class Absorb(Command):
    """Second half, in the left range's log: the frozen range `gone` with all that it held."""

    gone: Range
    items: tuple[tuple[str, Any], ...]
    sessions: tuple[tuple[str, int, Any], ...]

    def __str__(self) -> str:
        return f"absorb {self.gone.ident}"


# -- on the network ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """A message of one range's Raft group."""

    ident: str
    msg: Any

    def __str__(self) -> str:
        return f"r{self.ident} {self.msg}"


@dataclass(frozen=True, slots=True)
class Beats:
    """The heartbeats of all ranges that one store leads, to one other store."""

    beats: tuple[tuple[str, AppendEntries], ...]

    def __str__(self) -> str:
        return f"♥ ×{len(self.beats)}"


@dataclass(frozen=True, slots=True)
class BeatAnswers:
    """The answers to `Beats`, together."""

    answers: tuple[tuple[str, Appended], ...]

    def __str__(self) -> str:
        return f"ok ×{len(self.answers)}"


@dataclass(frozen=True, slots=True)
class RangeAsk:
    """A client's request to the range that it believes to hold the key, at the epoch that it knows."""

    ident: str
    epoch: int
    ask: Ask

    def __str__(self) -> str:
        return f"r{self.ident} e{self.epoch} {self.ask}"


@dataclass(frozen=True, slots=True)
class Stale:
    """Not served: the range has changed.  ``ranges``: what this store knows, with the leader of each."""

    request: int
    ranges: tuple[tuple[Range, str], ...]

    def __str__(self) -> str:
        return "stale epoch"
