"""What coordinator and participants of a transaction say to each other."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Ack", "Ask", "Decision", "Prepare", "Vote"]


@dataclass(frozen=True, slots=True)
class Prepare:
    """Can you commit transaction `tx`?"""

    tx: int

    def __str__(self) -> str:
        return f"prepare {self.tx}"


@dataclass(frozen=True, slots=True)
class Vote:
    """Yes is a promise to commit or abort as told, whatever happens; no is an abort."""

    tx: int
    yes: bool

    def __str__(self) -> str:
        return f"vote {self.tx} {'✓' if self.yes else '✗'}"


@dataclass(frozen=True, slots=True)
class Decision:
    """``commit`` or ``abort``, for good."""

    tx: int
    outcome: str

    def __str__(self) -> str:
        return f"{self.outcome} {self.tx}"


@dataclass(frozen=True, slots=True)
class Ack:
    """The decision is in my log: you may forget the transaction."""

    tx: int

    def __str__(self) -> str:
        return f"ack {self.tx}"


@dataclass(frozen=True, slots=True)
class Ask:
    """I voted yes and was told nothing: what became of it?"""

    tx: int

    def __str__(self) -> str:
        return f"ask {self.tx}?"
