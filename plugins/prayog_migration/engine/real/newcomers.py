"""Tables that somebody made on the source after the plan: nobody follows them, so nobody may overlook them.

A stream says nothing about a table that it was not asked for (a publication and a trigger know theirs only), so the
names are looked at now and then, and before the sides change.
"""

from __future__ import annotations

from prayog_migration.engine.model import PREFIX, title
from prayog_migration.engine.real.capture import Drift
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.store import Store

__all__ = ["look"]

_KNOWN = "newcomers"
_NAMES = {
    "sqlite": "SELECT '', name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",
    "postgresql": (
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)' AND NOT EXISTS (SELECT FROM"
        " pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')"
    ),
    "mysql": "SELECT '', table_name FROM information_schema.tables WHERE table_schema = database()"
    " AND table_type <> 'VIEW' AND table_type <> 'SEQUENCE'",
}


def look(job: Job) -> None:
    """Raises `Drift` when there are tables that were not told of yet; told once, they are left where they are."""
    store, schema = job.source, getattr(job.source, "schema", "")
    known = {(table.schema, table.name) for table in job.the_plan.source.tables}
    with job.target.writer() as writer:
        told = {tuple(one) for one in job.ledger.state.get(writer, _KNOWN) or []}
        found = {("" if s == schema else s, name) for s, name in _names(store)}
        new = sorted(one for one in found - known - told if not one[1].startswith(PREFIX))
        if not new:
            return
        with writer.transaction():
            job.ledger.touch(writer)
            job.ledger.state.put(writer, _KNOWN, sorted([*told, *new]))
    names = ", ".join(title(*one) for one in new)
    raise Drift(
        f"New on the source and in no plan: {names}. Nothing of that is moved. Plan again to take it along, or go on "
        "with the live sync without it."
    )


def _names(store: Store) -> list[tuple[str, str]]:
    with store.reader() as reader:
        return [(str(schema), str(name)) for schema, name in reader.query(_NAMES[store.dialect])]
