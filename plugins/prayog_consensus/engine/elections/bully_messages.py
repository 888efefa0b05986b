"""What the nodes of a Bully election say to each other."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Ack", "Beat", "Claim", "Coordinator", "Election", "Ok", "Support"]


@dataclass(frozen=True, slots=True)
class Election:
    """To every higher id: are you there?"""

    id: int

    def __str__(self) -> str:
        return f"election {self.id}?"


@dataclass(frozen=True, slots=True)
class Ok:
    """From a higher id: I am; leave it to me."""

    id: int

    def __str__(self) -> str:
        return f"ok {self.id} ✓"


@dataclass(frozen=True, slots=True)
class Coordinator:
    """To every lower id: I lead."""

    id: int

    def __str__(self) -> str:
        return f"coordinator {self.id}"


@dataclass(frozen=True, slots=True)
class Beat:
    """The coordinator is alive; `number` counts its beats."""

    id: int
    number: int

    def __str__(self) -> str:
        return f"beat {self.id}"


@dataclass(frozen=True, slots=True)
class Claim:
    """With ``majority`` only: may I lead?  `turn` counts the claims of its sender."""

    id: int
    turn: int

    def __str__(self) -> str:
        return f"claim {self.id}?"


@dataclass(frozen=True, slots=True)
class Support:
    """With ``majority`` only: you may, and from now on I acknowledge nobody else."""

    turn: int

    def __str__(self) -> str:
        return "support ✓"


@dataclass(frozen=True, slots=True)
class Ack:
    """With ``majority`` only: I still follow you."""

    number: int

    def __str__(self) -> str:
        return "ack ✓"
