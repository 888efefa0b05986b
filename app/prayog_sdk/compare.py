"""Prediction, simulation and reality side by side: what the reality check shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Comparison", "Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One quantity in three columns; None where there is no value.

    ``same`` says whether simulation and reality agree (within what the topic calls agreement); ``why`` explains
    the difference, and must be there when they do not agree.
    """

    name: str
    predicted: Any
    simulated: Any
    real: Any
    same: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All rows, and the whole in a sentence or two."""

    rows: tuple[Row, ...]
    summary: str = ""

    @property
    def same(self) -> bool:
        """Simulation and reality agree in every row."""
        return all(row.same for row in self.rows)

    @property
    def unexplained(self) -> tuple[Row, ...]:
        """Rows that differ without a reason: a topic must not leave any."""
        return tuple(row for row in self.rows if not row.same and not row.why)
