"""What replicas say to each other (VRR §4).  Numbers are counted from 1; the log is a tuple of commands."""

from __future__ import annotations

from dataclasses import dataclass

from prayog_consensus.engine.clients import Command

__all__ = [
    "Commit", "DoViewChange", "GetState", "Log", "NewState", "Prepare", "PrepareOk", "Recovery", "RecoveryResponse",
    "StartView", "StartViewChange",
]  # fmt: skip

Log = tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Prepare:
    """§4.1: append `command` as number `number`; everything up to `commit` is committed."""

    view: int
    number: int
    command: Command
    commit: int

    def __str__(self) -> str:
        return f"prep v{self.view} i{self.number} {self.command}"


@dataclass(frozen=True, slots=True)
class PrepareOk:
    """§4.1: I have everything up to `number`."""

    view: int
    number: int

    def __str__(self) -> str:
        return f"ok v{self.view} i{self.number} ✓"


@dataclass(frozen=True, slots=True)
class Commit:
    """§4.1: everything up to `commit` is committed; and the primary lives."""

    view: int
    commit: int

    def __str__(self) -> str:
        return f"commit v{self.view} i{self.commit}"


@dataclass(frozen=True, slots=True)
class StartViewChange:
    """§4.2: let us go to `view`."""

    view: int

    def __str__(self) -> str:
        return f"view v{self.view}?"


@dataclass(frozen=True, slots=True)
class DoViewChange:
    """§4.2, to the primary of `view`: this is my log; I was in normal operation last in view `last_normal`."""

    view: int
    log: Log
    last_normal: int
    commit: int

    def __str__(self) -> str:
        return f"log v{self.view} {len(self.log)} of v{self.last_normal}"


@dataclass(frozen=True, slots=True)
class StartView:
    """§4.2: `view` begins, with this log."""

    view: int
    log: Log
    commit: int

    def __str__(self) -> str:
        return f"start v{self.view} i{len(self.log)}"


@dataclass(frozen=True, slots=True)
class Recovery:
    """§4.3: I lost everything.  `nonce` tells this recovery from earlier ones; `view` is the one thing I kept."""

    nonce: int
    view: int

    def __str__(self) -> str:
        return f"recover #{self.nonce}"


@dataclass(frozen=True, slots=True)
class RecoveryResponse:
    """§4.3: where we are; only the primary sends its log."""

    view: int
    nonce: int
    log: Log | None
    commit: int

    def __str__(self) -> str:
        return f"we are in v{self.view}" + (f" i{len(self.log)}" if self.log is not None else "")


@dataclass(frozen=True, slots=True)
class GetState:
    """§5.2: give me the log of `view` behind `number`."""

    view: int
    number: int

    def __str__(self) -> str:
        return f"get v{self.view} i{self.number}…"


@dataclass(frozen=True, slots=True)
class NewState:
    """§5.2: the log of `view` behind `after`."""

    view: int
    after: int
    entries: Log
    commit: int

    def __str__(self) -> str:
        return f"state v{self.view} +{len(self.entries)}"
