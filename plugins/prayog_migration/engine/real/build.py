"""Makes the plan's objects on the target, before and after the rows; a kill between two statements does no harm.

Rules
1. What was made is noted in the target.  PostgreSQL and SQLite make and note in one transaction; MySQL commits DDL by
   itself, so there the intention is noted first and a statement that was cut off is found by it and made again.
2. A target that has tables of the plan's names, not made by this run, is refused: rows are never mixed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

from prayog_migration.engine.ddl import Phase, Statement, statements
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.constraints import Constraints
from prayog_migration.engine.real.state import State
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["Builder", "PlanBlocked", "TargetNotEmpty"]

_THERE_ALREADY = {"1050", "1061", "1826", "1022", "121", "42P07", "42710"}
"""Error codes of objects that exist."""


class PlanBlocked(RuntimeError):
    """Something of the plan cannot be made, and somebody has to decide first; the message says what."""


class TargetNotEmpty(RuntimeError):
    """The target has tables that the plan wants to make; the message names them."""


class Builder:
    """Makes objects of one plan on one target."""

    def __init__(self, target: Store, plan: Plan, progress: Callable[[str], None] = lambda what: None) -> None:
        self._target, self._plan, self._progress = target, plan, progress
        self._state = State(target)

    def clashes(self) -> list[str]:
        """Names of the plan's tables that are on the target already."""
        there = {(table.schema, table.name.lower()) for table in self._target.catalogue().tables}
        return [
            move.target.title for move in self._plan.tables if (move.target.schema, move.target.name.lower()) in there
        ]

    def before_rows(self, writer: Writer) -> None:
        """Types, routines and tables.  Raises `TargetNotEmpty`, `PlanBlocked`, or the driver's error."""
        blocked = [f"{one.kind} {one.name}: {one.reason}" for one in self._plan.findings if one.verdict == "blocked"]
        if blocked:
            raise PlanBlocked("; ".join(blocked))
        self._state.create(writer)
        if self._state.get(writer, "made") is None:
            if clashes := self.clashes():
                raise TargetNotEmpty(
                    f"The target has {', '.join(clashes[:5])}{' …' if len(clashes) > 5 else ''} already, not made by "
                    "this run. Choose an empty database, or drop them."
                )
            with writer.transaction():
                self._state.put(writer, "made", [])
        if self._plan.target == "postgresql":
            writer.execute("SET check_function_bodies = off")
        self._make(writer, ("types", "routines", "tables"), self._plain)

    def after_rows(self, writer: Writer, phases: Sequence[Phase] = ("unique", "index", "foreign")) -> None:
        """UNIQUE, indexes and foreign keys; rows that stand in their way go into quarantine."""
        constraints = Constraints(self._target, self._plan, self._state)
        self._make(writer, phases, constraints.add)

    def last(self, writer: Writer) -> None:
        """Views and triggers: nothing that rows on their way could set off."""
        self._make(writer, ("views", "last"), self._plain)

    def _plain(self, writer: Writer, one: Statement) -> None:
        writer.execute(one.sql)

    def _make(self, writer: Writer, phases: Sequence[Phase], make: Callable[[Writer, Statement], Any]) -> None:
        made: list[str] = self._state.get(writer, "made") or []
        done = set(made)
        waiting = [one for one in statements(self._plan, self._target.name) if one.phase in phases]
        waiting = [one for one in waiting if _label(one) not in done]
        while waiting:
            left = []
            for one in waiting:
                self._progress(f"{one.kind} {one.name}")
                try:
                    self._one(writer, one, made, make)
                except Exception as error:
                    may_wait = one.phase in ("types", "routines", "views") and len(waiting) > 1
                    if not may_wait or self._target.fault(error).kind == "connection":
                        raise
                    left.append((one, error))
            if len(left) == len(waiting):
                raise left[0][1]
            waiting = [one for one, _ in left]

    def _one(self, writer: Writer, one: Statement, made: list[str], make: Callable[[Writer, Statement], Any]) -> None:
        label = _label(one)
        if self._plan.target != "mysql":
            with writer.transaction():
                make(writer, one)
                self._state.put(writer, "made", [*made, label])
            made.append(label)
            return
        cut_off = self._state.get(writer, "making") == label
        with writer.transaction():
            self._state.put(writer, "making", label)
        if cut_off and one.kind == "table":
            writer.execute(f"DROP TABLE IF EXISTS {self._target.name(one.table)}")
        try:
            make(writer, one)
        except Exception as error:
            if not (cut_off and self._target.fault(error).code in _THERE_ALREADY):
                raise
        with writer.transaction():
            self._state.put(writer, "made", [*made, label])
        made.append(label)


def _label(one: Statement) -> str:
    return f"{one.phase}:{one.kind}:{one.table}:{one.name}:{_hash_of(one.sql)}"


def _hash_of(text: str) -> str:
    """A short, stable name for a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
