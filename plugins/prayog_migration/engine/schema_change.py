"""A column changes under a running application: expand, fill, switch, contract, each stage with its way back.

While both columns are there, triggers keep them equal, so that the old version of the application, which knows the old
column, and the new one, which knows the new, may run side by side.  Only *contract* cannot be undone without loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from prayog_migration.engine.columns import quoted
from prayog_migration.engine.model import PREFIX, Dialect

__all__ = ["STAGES", "ColumnChange", "Stage", "statements", "undo_statements"]

Stage = Literal["expand", "fill", "check", "contract"]
STAGES: tuple[Stage, ...] = ("expand", "fill", "check", "contract")
"""In order; rows are filled in batches by `real.schema_change`."""


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """``old`` becomes ``new`` of ``type``.  ``up`` computes the new value from the old (an expression over the column
    ``old``), ``down`` the old from the new; for a rename both are the column itself."""

    table: str
    old: str
    new: str
    type: str
    up: str = ""
    down: str = ""
    required: bool = False

    @property
    def object(self) -> str:
        """What our triggers and the CHECK are called."""
        return f"{PREFIX}_{self.table}_{self.new}"[:60]


def _q(name: str, dialect: Dialect) -> str:
    return quoted(name, dialect)


def _over(expression: str, column: str, row: str, dialect: Dialect) -> str:
    """The expression with the column taken from NEW or OLD."""
    name = _q(column, dialect)
    return (expression or name).replace(name, f"{row}.{name}")


def statements(change: ColumnChange, stage: Stage, dialect: Dialect, table: str) -> list[str]:
    """What the stage does, as SQL; `table` is the qualified, quoted name.  ``fill`` is done in batches instead."""
    q = partial(quoted, dialect=dialect)
    if stage == "expand":
        return [f"ALTER TABLE {table} ADD COLUMN {q(change.new)} {change.type}", *_triggers(change, dialect, table)]
    if stage == "check" and change.required and dialect == "postgresql":
        # NOT VALID takes a short lock, VALIDATE lets writers go on; with the CHECK there SET NOT NULL need not look.
        check = q(change.object)
        return [
            f"ALTER TABLE {table} ADD CONSTRAINT {check} CHECK ({q(change.new)} IS NOT NULL) NOT VALID",
            f"ALTER TABLE {table} VALIDATE CONSTRAINT {check}",
            f"ALTER TABLE {table} ALTER COLUMN {q(change.new)} SET NOT NULL",
            f"ALTER TABLE {table} DROP CONSTRAINT {check}",
        ]
    if stage == "check" and change.required and dialect == "mysql":
        return [f"ALTER TABLE {table} MODIFY COLUMN {q(change.new)} {change.type} NOT NULL"]
    if stage == "contract":
        return [*_drop_triggers(change, dialect, table), f"ALTER TABLE {table} DROP COLUMN {q(change.old)}"]
    return []


def undo_statements(change: ColumnChange, stage: Stage, dialect: Dialect, table: str) -> list[str]:
    """The way back from a stage that was done; `ValueError` for ``contract``, as its data is gone."""
    q = partial(quoted, dialect=dialect)
    if stage == "contract":
        raise ValueError(f"The column {change.old} is gone; only a backup has its values.")
    if stage == "expand":
        return [*_drop_triggers(change, dialect, table), f"ALTER TABLE {table} DROP COLUMN {q(change.new)}"]
    if stage == "check" and change.required and dialect == "postgresql":
        return [f"ALTER TABLE {table} ALTER COLUMN {q(change.new)} DROP NOT NULL"]
    if stage == "check" and change.required and dialect == "mysql":
        return [f"ALTER TABLE {table} MODIFY COLUMN {q(change.new)} {change.type} NULL"]
    return []


def _triggers(change: ColumnChange, dialect: Dialect, table: str) -> list[str]:
    """Who writes one column has written the other: whichever was changed decides, on INSERT the one that was given."""
    old, new = _q(change.old, dialect), _q(change.new, dialect)
    up = _over(change.up, change.old, "NEW", dialect)
    down = _over(change.down, change.new, "NEW", dialect)
    name = _q(change.object, dialect)
    if dialect == "postgresql":
        body = (
            f"IF TG_OP = 'INSERT' THEN\n"
            f"    IF NEW.{new} IS NULL THEN NEW.{new} := {up}; ELSE NEW.{old} := {down}; END IF;\n"
            f"  ELSIF NEW.{new} IS DISTINCT FROM OLD.{new} THEN NEW.{old} := {down};\n"
            f"  ELSIF NEW.{old} IS DISTINCT FROM OLD.{old} OR NEW.{new} IS NULL THEN NEW.{new} := {up};\n  END IF;"
        )
        return [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $wiz$ BEGIN\n  {body}\n  RETURN NEW;\n"
            "END $wiz$",
            f"CREATE TRIGGER {name} BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    if dialect == "mysql":
        on_insert = f"IF NEW.{new} IS NULL THEN SET NEW.{new} = {up}; ELSE SET NEW.{old} = {down}; END IF"
        on_update = (
            f"IF NOT (NEW.{new} <=> OLD.{new}) THEN SET NEW.{old} = {down};"
            f" ELSEIF NOT (NEW.{old} <=> OLD.{old}) OR NEW.{new} IS NULL THEN SET NEW.{new} = {up}; END IF"
        )
        return [
            f"CREATE TRIGGER {_q(change.object + event[0], dialect)} BEFORE {event} ON {table} FOR EACH ROW {body}"
            for event, body in (("INSERT", on_insert), ("UPDATE", on_update))
        ]
    # SQLite's triggers cannot change NEW: the row is changed again, and recursion is off by default.
    place = "WHERE rowid = NEW.rowid"
    bare = _q(change.table, dialect)
    made = [
        ("I", "INSERT", f"NEW.{new} IS NULL", f"{new} = {up}"),
        ("J", "INSERT", f"NEW.{new} IS NOT NULL", f"{old} = {down}"),
        ("U", f"UPDATE OF {old}", f"NEW.{old} IS NOT OLD.{old} AND NEW.{new} IS OLD.{new}", f"{new} = {up}"),
        ("V", f"UPDATE OF {new}", f"NEW.{new} IS NOT OLD.{new}", f"{old} = {down}"),
    ]
    return [
        f"CREATE TRIGGER {_q(change.object + end, dialect)} AFTER {event} ON {bare} WHEN {when}"
        f" BEGIN UPDATE {bare} SET {sets} {place}; END"
        for end, event, when, sets in made
    ]


def _drop_triggers(change: ColumnChange, dialect: Dialect, table: str) -> list[str]:
    if dialect == "postgresql":
        name = _q(change.object, dialect)
        return [f"DROP TRIGGER IF EXISTS {name} ON {table}", f"DROP FUNCTION IF EXISTS {name}()"]
    ends = ("I", "U") if dialect == "mysql" else ("I", "J", "U", "V")
    return [f"DROP TRIGGER IF EXISTS {_q(change.object + end, dialect)}" for end in ends]
