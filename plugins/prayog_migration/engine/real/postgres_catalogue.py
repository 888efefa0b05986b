"""What is in a PostgreSQL database: tables, their columns, constraints and indexes, from the system catalogs.

Everything but what belongs to the system, to an extension or to the wizard.  Expressions come from ``pg_get_expr``,
``pg_get_indexdef`` and ``pg_get_constraintdef``, so they are SQL that PostgreSQL takes back.  `postgres_objects` reads
the rest.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import psycopg

from prayog_migration.engine.model import (
    PREFIX,
    Catalogue,
    Check,
    Column,
    Exclusion,
    ForeignKey,
    Index,
    Key,
    Part,
    Partitioning,
    Table,
    Unique,
)
from prayog_migration.engine.real import postgres_objects as objects

__all__ = ["read"]

_ACTIONS = {"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_KINDS = {"r": "table", "p": "table", "f": "foreign"}


def read(connection: psycopg.Connection[Any], schema: str = "public") -> Catalogue:
    """The catalogue of the connected database; objects of `schema` get the schema ""."""
    ask = objects.Questions(connection, schema, _WHERE)
    return Catalogue(
        "postgresql",
        ask("SHOW server_version")[0]["server_version"],
        _tables(ask),
        objects.views(ask, _indexes(ask, ("m",))),
        objects.triggers(ask),
        objects.sequences(ask),
        objects.routines(ask),
        objects.types(ask),
        objects.grants(ask),
        objects.others(ask),
        **ask(
            "SELECT pg_encoding_to_char(encoding) AS encoding, datcollate AS collation FROM pg_database"
            " WHERE datname = current_database()"
        )[0],
    )


_WHERE = rf"""
    n.nspname !~ '^(pg_|information_schema$)' AND c.relname NOT LIKE '{PREFIX.replace("_", chr(92) + "_")}%'
    AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid
                    AND e.deptype = 'e')"""
"""For classes `c` in namespaces `n`: what the users of the database made."""

_TABLES = f"""
    SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relpersistence AS persistence,
           c.relrowsecurity AS row_security, obj_description(c.oid, 'pg_class') AS comment,
           CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END AS by,
           CASE WHEN c.relispartition THEN pg_get_expr(c.relpartbound, c.oid) END AS bound,
           (SELECT array_agg(p.relname::text ORDER BY i.inhseqno) FROM pg_inherits i
            JOIN pg_class p ON p.oid = i.inhparent WHERE i.inhrelid = c.oid) AS parents
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND {_WHERE} ORDER BY n.nspname, c.oid"""

_COLUMNS = f"""
    SELECT a.attrelid AS oid, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull AS not_null,
           a.attidentity AS identity, a.attgenerated AS generated, pg_get_expr(d.adbin, d.adrelid) AS expression,
           CASE WHEN a.attcollation <> t.typcollation THEN l.collname END AS collation,
           col_description(a.attrelid, a.attnum) AS comment,
           (SELECT s.relname FROM pg_depend p JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
            WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid LIMIT 1) AS sequence
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND {_WHERE}
    ORDER BY a.attrelid, a.attnum"""

_CONSTRAINTS = f"""
    SELECT k.conrelid AS oid, k.conname AS name, k.contype AS kind, k.condeferrable AS deferrable,
           k.condeferred AS deferred, k.convalidated AS validated, to_jsonb(k)->>'conenforced' AS enforced,
           to_jsonb(k)->>'conperiod' AS period, pg_get_constraintdef(k.oid) AS definition,
           CASE WHEN k.contype = 'c' THEN pg_get_expr(k.conbin, k.conrelid) END AS expression,
           k.confdeltype AS on_delete, k.confupdtype AS on_update, k.confmatchtype AS match,
           pc.relname AS parent, pn.nspname AS parent_schema, to_jsonb(x)->>'indnullsnotdistinct' AS not_distinct,
           (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(k.conkey) WITH ORDINALITY u(num, o)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num) AS columns,
           (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(k.confkey) WITH ORDINALITY u(num, o)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num) AS parent_columns,
           (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(x.indkey::int2[]) WITH ORDINALITY u(num, o)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num
            WHERE o > x.indnkeyatts) AS include
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_class pc ON pc.oid = k.confrelid LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
    LEFT JOIN pg_index x ON x.indexrelid = k.conindid AND k.contype IN ('p', 'u', 'x')
    WHERE k.contype IN ('p', 'u', 'f', 'c', 'x') AND k.conparentid = 0 AND {_WHERE}
      AND NOT (k.contype = 'c' AND NOT k.conislocal)
    ORDER BY k.conrelid, k.oid"""

_INDEXES = f"""
    SELECT x.indrelid AS oid, i.relname AS name, x.indisunique AS "unique", m.amname AS method, x.indisvalid AS valid,
           pg_get_expr(x.indpred, x.indrelid) AS "where", to_jsonb(x)->>'indnullsnotdistinct' AS not_distinct,
           obj_description(i.oid, 'pg_class') AS comment, pg_get_indexdef(i.oid) AS sql, x.indnkeyatts AS keys,
           (SELECT array_agg(pg_get_indexdef(i.oid, n::int, true) ORDER BY n)
            FROM generate_series(1, x.indnatts) n) AS parts,
           (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(x.indkey::int2[]) WITH ORDINALITY u(num, o)
            LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.num AND u.num > 0) AS columns,
           x.indoption::int2[]::int[] AS options,
           (SELECT array_agg(CASE WHEN q.opcdefault THEN '' ELSE q.opcname::text END ORDER BY o)
            FROM unnest(x.indclass::oid[]) WITH ORDINALITY u(num, o) JOIN pg_opclass q ON q.oid = u.num) AS opclasses,
           (SELECT array_agg(CASE WHEN l.oid IS NULL OR l.collname = 'default' OR l.oid = a.attcollation THEN ''
                             ELSE l.collname::text END ORDER BY o)
            FROM unnest(x.indcollation::oid[]) WITH ORDINALITY u(num, o)
            LEFT JOIN pg_collation l ON l.oid = u.num
            LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = (x.indkey::int2[])[o - 1]
                                     AND a.attnum > 0) AS collations
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_am m ON m.oid = i.relam
    WHERE c.relkind = ANY(%s) AND NOT i.relispartition AND i.relname NOT LIKE '{PREFIX.replace("_", chr(92) + "_")}%%'
      AND {_WHERE.replace("%'", "%%'")}
      AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype IN ('p', 'u', 'x'))
    ORDER BY x.indrelid, i.oid"""


def _tables(ask: objects.Questions) -> tuple[Table, ...]:
    columns: dict[int, list[Column]] = defaultdict(list)
    for row in ask(_COLUMNS):
        columns[row["oid"]].append(_column(row))
    constraints: dict[int, list[Any]] = defaultdict(list)
    for row in ask(_CONSTRAINTS):
        constraints[row["oid"]].append(row)
    indexes = _indexes(ask, ("r", "p", "f"))
    return tuple(
        _table(ask, row, tuple(columns[row["oid"]]), constraints[row["oid"]], indexes.get(row["oid"], ()))
        for row in ask(_TABLES)
    )


def _column(row: dict[str, Any]) -> Column:
    generated = row["expression"] if row["generated"] else None
    return Column(
        row["name"],
        row["type"],
        not row["not_null"],
        None if row["generated"] else row["expression"],
        generated,
        row["generated"] == "s",
        {"a": "always", "d": "by default"}.get(row["identity"], ""),
        row["collation"] or "",
        comment=row["comment"] or "",
        sequence=row["sequence"] or "",
    )


def _table(
    ask: objects.Questions,
    row: dict[str, Any],
    columns: tuple[Column, ...],
    constraints: Sequence[dict[str, Any]],
    indexes: tuple[Index, ...],
) -> Table:
    parents: list[str] = row["parents"] or []
    part = Partitioning(row["by"] or "", parents[0] if row["bound"] else "", row["bound"] or "")
    of_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in constraints:
        temporal = one["period"] == "true" and one["kind"] in ("p", "u")  # WITHOUT OVERLAPS of PostgreSQL 18
        of_kind["x" if temporal else one["kind"]].append(one)
    keys = [
        Key(tuple(k["columns"]), k["name"], "", (), k["deferrable"], k["deferred"], tuple(k["include"] or ()))
        for k in of_kind["p"]
    ]
    return Table(
        row["name"],
        columns,
        ask.schema_of(row["schema"]),
        keys[0] if keys else None,
        tuple(_unique(one) for one in of_kind["u"]),
        tuple(_foreign_key(ask, one) for one in of_kind["f"]),
        indexes,
        tuple(
            Check(one["expression"], one["name"], "", one["validated"], one["enforced"] != "false")
            for one in of_kind["c"]
        ),
        tuple(Exclusion(one["name"], one["definition"]) for one in of_kind["x"]),
        part if part != Partitioning() else None,
        _KINDS[row["kind"]],
        unlogged=row["persistence"] == "u",
        row_security=row["row_security"],
        inherits=tuple(parents) if not row["bound"] else (),
        comment=row["comment"] or "",
    )


def _unique(row: dict[str, Any]) -> Unique:
    return Unique(
        tuple(row["columns"]),
        row["name"],
        "",
        (),
        row["deferrable"],
        row["deferred"],
        row["not_distinct"] != "true",
        tuple(row["include"] or ()),
    )


def _foreign_key(ask: objects.Questions, row: dict[str, Any]) -> ForeignKey:
    return ForeignKey(
        tuple(row["columns"]),
        row["parent"],
        tuple(row["parent_columns"]),
        ask.schema_of(row["parent_schema"]),
        row["name"],
        _ACTIONS[row["on_delete"]],
        _ACTIONS[row["on_update"]],
        "FULL" if row["match"] == "f" else "",
        row["deferrable"],
        row["deferred"],
        row["validated"],
    )


def _indexes(ask: objects.Questions, kinds: tuple[str, ...]) -> dict[int, tuple[Index, ...]]:
    """The indexes that no constraint made, by the oid of their table or materialised view."""
    found: dict[int, list[Index]] = defaultdict(list)
    for row in ask(_INDEXES, (list(kinds),)):
        parts = []
        for n in range(row["keys"]):
            column, option = row["columns"][n], row["options"][n]
            # Bit 0: descending, bit 1: nulls first (pg_index.indoption); the default goes with the direction.
            descending, first = bool(option & 1), bool(option & 2)
            nulls = "" if descending == first else "first" if first else "last"
            text = column or row["parts"][n]
            parts.append(Part(text, column is None, row["collations"][n], descending, nulls, row["opclasses"][n]))
        found[row["oid"]].append(
            Index(
                row["name"],
                tuple(parts),
                row["unique"],
                row["where"] or "",
                row["method"],
                tuple(row["columns"][row["keys"] :]),
                row["not_distinct"] != "true",
                row["comment"] or "",
                row["sql"],
            )
        )
    return {oid: tuple(indexes) for oid, indexes in found.items()}
