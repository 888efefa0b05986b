"""The application's own triggers on the side that is not in charge: they rest while changes are applied there.

What they do was done on the side in charge, and is in the stream; here they would do it a second time.  PostgreSQL lets
them rest in a session (`bulk.rest`).  SQLite and MySQL cannot: there they are written down in the wizard's own table,
dropped, and made again before the side is in charge, and at the clean-up.
"""

from __future__ import annotations

from collections.abc import Collection

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.state import State
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["put_away", "wake"]

_KEY = "resting"


def put_away(store: Store, writer: Writer, plan: Plan, state: State) -> None:
    """Drop the triggers of the plan's tables on its target; how they are made is written down first."""
    if store.dialect == "postgresql":
        return
    found = _triggers(store, writer, {move.target.name for move in plan.tables})
    if not found:
        return
    with writer.transaction():
        state.put(writer, _KEY, {**(state.get(writer, _KEY) or {}), **found})
    _impatient(store, writer)
    for name in found:
        writer.execute(f"DROP TRIGGER IF EXISTS {store.name(name)}")


def wake(store: Store, state: State) -> bool:
    """Make the triggers again that were put away; whether there were any."""
    if store.dialect == "postgresql":
        return False
    with store.writer() as writer:
        kept = state.get(writer, _KEY) or {}
        there = _triggers(store, writer)
        _impatient(store, writer)
        for name, sql in kept.items():
            if name not in there:
                writer.execute(sql)
        if kept:
            with writer.transaction():
                state.drop(writer, _KEY)
    return bool(kept)


def _impatient(store: Store, writer: Writer) -> None:
    """A reader that keeps its transaction open keeps MySQL from changing triggers, by default for a day."""
    if store.dialect == "mysql":
        writer.execute("SET SESSION lock_wait_timeout = 5")


def _triggers(store: Store, writer: Writer, tables: Collection[str] | None = None) -> dict[str, str]:
    """Statements by the names of triggers, in the order in which they were made; all, or those of some tables."""
    if store.dialect == "sqlite":
        rows = writer.query("SELECT name, tbl_name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid")
    else:
        rows = [
            (name, table, "")
            for name, table in writer.query(
                "SELECT trigger_name, event_object_table FROM information_schema.triggers WHERE trigger_schema ="
                " database() ORDER BY event_object_table, event_manipulation, action_timing, action_order"
            )
        ]
    wanted = None if tables is None else {name.lower() for name in tables}
    own = [row for row in rows if not row[0].startswith(PREFIX) and (wanted is None or row[1].lower() in wanted)]
    if store.dialect == "sqlite" or tables is None:
        return {name: sql for name, _, sql in own}
    return {name: str(writer.query(f"SHOW CREATE TRIGGER {store.name(name)}")[0][2]) for name, _, _ in own}
