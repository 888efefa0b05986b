"""What PostgreSQL needs before its log tells of rows: replica identities, a publication, a slot; and their removal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from prayog_migration.engine.identity import identity
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.capture import CannotCapture, Memory
from prayog_migration.engine.real.postgres import PostgresStore

__all__ = ["Publication"]

_WANTED = 140_000  # messages of our own in the log are sent since version 14


class _Wish(NamedTuple):
    """A table (by pg_class.oid) and the identity it must have: d, f, or i with the name of the index."""

    oid: int
    wanted: str
    by: str


class Publication:
    """The publication, the slot (both called `name`) and the identities of the plan's tables.

    ``memory["identities"]`` is what the tables had before: [[schema, table, letter, index], …]; it is filled before
    anything is changed, so that whoever keeps it can always restore it.
    """

    def __init__(self, store: PostgresStore, name: str, plan: Plan, memory: Memory) -> None:
        self._store = store
        self._name = name
        self._plan = plan
        self._memory = memory

    def create(self, connection: psycopg.Connection[Any]) -> None:
        """Identities first, then the publication.  Raises `CannotCapture`."""
        self._demand(connection)
        self._memory["types"] = {str(n): dict(self._types(connection, n)) for n in range(len(self._plan.tables))}
        wishes = [wish for n in range(len(self._plan.tables)) for wish in self._wishes(connection, n)]
        self._memory["identities"] = [list(self._identity(connection, wish.oid)) for wish in wishes]
        self._memory.keep()
        try:
            with connection.transaction():
                connection.execute("SET LOCAL lock_timeout = '8s'")
                for wish in wishes:
                    schema, table, _, _ = self._identity(connection, wish.oid)
                    self._alter(connection, schema, table, wish.wanted, wish.by)
                connection.execute(
                    sql.SQL("CREATE PUBLICATION {} FOR TABLE {} WITH (publish_via_partition_root = true)").format(
                        sql.Identifier(self._name), sql.SQL(", ").join(self._published())
                    )
                )
        except psycopg.errors.LockNotAvailable:
            raise CannotCapture(
                "A table of the source was locked for more than eight seconds. Let the long transaction "
                "on it end, then retry."
            ) from None
        except psycopg.errors.InsufficientPrivilege as error:
            raise CannotCapture(
                f"{error.diag.message_primary}. To follow changes the wizard must own the tables and may CREATE "
                "PUBLICATION in the source."
            ) from None

    def remove(self, connection: psycopg.Connection[Any]) -> list[str]:
        """Publication, slot, then the identities as they were; what there was to remove."""
        gone = []
        for row in connection.execute(
            "SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", (self._name,)
        ).fetchall():
            if row[0] is not None:
                connection.execute("SELECT pg_terminate_backend(%s, 5000)", (row[0],))
            connection.execute("SELECT pg_drop_replication_slot(%s)", (self._name,))
            gone.append(f"replication slot {self._name}")
        if connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", (self._name,)).fetchone():
            connection.execute(sql.SQL("DROP PUBLICATION {}").format(sql.Identifier(self._name)))
            gone.append(f"publication {self._name}")
        for schema, table, letter, index in self._memory.pop("identities", []):
            found = connection.execute(
                "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
                " WHERE nspname = %s AND relname = %s",
                (schema, table),
            ).fetchone()
            if found:
                self._alter(connection, schema, table, letter, index)
                gone.append(f"replica identity of {schema}.{table}")
        self._memory.keep()
        return gone

    def _demand(self, connection: psycopg.Connection[Any]) -> None:
        if connection.info.server_version < _WANTED:
            raise CannotCapture("Changes can be followed from PostgreSQL 14 on; this server is older.")
        level = connection.execute("SHOW wal_level").fetchone()
        if level != ("logical",):
            raise CannotCapture(
                f"The source writes its log with wal_level = {level[0] if level else '?'}; changes can be read from it "
                "only with wal_level = logical. Set that in postgresql.conf and restart the server."
            )

    def _published(self) -> Iterator[sql.Composable]:
        for move in self._plan.tables:
            name = sql.Identifier(move.source.schema or self._store.schema, move.source.name)
            divided = move.source.partitioning and move.source.partitioning.by
            yield name if divided else sql.SQL("ONLY {}").format(name)

    def _oid(self, connection: psycopg.Connection[Any], number: int) -> int:
        table = self._plan.tables[number].source
        row = connection.execute(
            "SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
            " WHERE nspname = %s AND relname = %s",
            (table.schema or self._store.schema, table.name),
        ).fetchone()
        if row is None:
            raise CannotCapture(f"Table {table.title} is gone from the source. Plan again to go on without it.")
        return int(row[0])

    def _types(self, connection: psycopg.Connection[Any], number: int) -> Iterator[tuple[str, list[int]]]:
        for name, oid, modifier in connection.execute(
            "SELECT attname, atttypid::bigint, atttypmod FROM pg_attribute"
            " WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped",
            (self._oid(connection, number),),
        ):
            yield name, [oid, modifier]

    def _wishes(self, connection: psycopg.Connection[Any], number: int) -> Iterator[_Wish]:
        """The table and, if it is divided, its parts, as far as their identities are not right yet."""
        source = self._plan.tables[number].source
        named = identity(source, "postgresql")
        wanted = "f" if named.whole else ("i" if named.index else "d")
        oid = self._oid(connection, number)
        tree = "SELECT relid::oid::bigint FROM pg_partition_tree(%s) WHERE isleaf"
        parts = connection.execute(tree, (oid,)).fetchall()
        for part in [oid, *(int(row[0]) for row in parts if int(row[0]) != oid)]:
            _, _, letter, index = self._identity(connection, part)
            # The whole row always serves; an index has another name on each part.
            this = ("f", "") if wanted == "i" and part != oid else (wanted, named.index)
            if letter != "f" and (letter, index) != this:
                yield _Wish(part, *this)

    def _identity(self, connection: psycopg.Connection[Any], oid: int) -> tuple[str, str, str, str]:
        row = connection.execute(
            "SELECT nspname, relname, relreplident, coalesce((SELECT i.relname FROM pg_index x JOIN pg_class i ON"
            " i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisreplident), '')"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = %s",
            (oid,),
        ).fetchone()
        assert row is not None
        return str(row[0]), str(row[1]), str(row[2]), str(row[3])

    def _alter(self, connection: psycopg.Connection[Any], schema: str, table: str, letter: str, index: str) -> None:
        kinds = {"d": sql.SQL("DEFAULT"), "f": sql.SQL("FULL"), "n": sql.SQL("NOTHING")}
        kind = kinds.get(letter) or sql.SQL("USING INDEX {}").format(sql.Identifier(index))
        connection.execute(
            sql.SQL("ALTER TABLE ONLY {} REPLICA IDENTITY {}").format(sql.Identifier(schema, table), kind)
        )
