"""What else is in a PostgreSQL database beside tables: views, triggers, sequences, routines, types, grants, …"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from prayog_migration.engine.model import (
    Check,
    Grant,
    Index,
    Other,
    Routine,
    Trigger,
    UserType,
    View,
)
from prayog_migration.engine.model import Sequence as NumberSequence

__all__ = ["Questions", "grants", "others", "routines", "sequences", "triggers", "types", "views"]


class Questions:
    """Asks the catalogs; ``schema_of`` gives the schema to show, "" for the store's own."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str, classes: str) -> None:
        self._cursor = connection.cursor(row_factory=dict_row)
        self._schema = schema
        self.classes = classes
        self.version = connection.info.server_version

    def __call__(self, sql: str, parameters: Sequence[Any] | None = None) -> list[dict[str, Any]]:
        return self._cursor.execute(sql.encode(), parameters).fetchall()

    def schema_of(self, name: str) -> str:
        """The schema as the model tells it."""
        return "" if name == self._schema else name


_OURS = r"n.nspname !~ '^(pg_|information_schema$)'"


def _not_of_extension(catalog: str, oid: str) -> str:
    return (
        f"NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = {oid}"
        " AND e.deptype = 'e')"
    )


def views(ask: Questions, indexes: Mapping[int, tuple[Index, ...]]) -> tuple[View, ...]:
    """Views and materialised views."""
    rows = ask(f"""
        SELECT c.oid, n.nspname AS schema, c.relname AS name, c.relkind = 'm' AS materialised,
               pg_get_viewdef(c.oid) AS query, obj_description(c.oid, 'pg_class') AS comment,
               (SELECT option_value FROM pg_options_to_table(c.reloptions)
                WHERE option_name = 'check_option') AS "check",
               (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('v', 'm') AND {ask.classes} ORDER BY c.oid""")
    return tuple(
        View(
            row["name"],
            row["query"].strip().rstrip(";"),
            ask.schema_of(row["schema"]),
            tuple(row["columns"] or ()),
            row["materialised"],
            (row["check"] or "").upper(),
            indexes.get(row["oid"], ()),
            row["comment"] or "",
        )
        for row in rows
    )


def triggers(ask: Questions) -> tuple[Trigger, ...]:
    """Triggers that no constraint made (pg_trigger.tgtype: row 1, before 2, insert 4, delete 8, update 16, truncate
    32, instead 64)."""
    rows = ask(f"""
        SELECT g.tgname AS name, n.nspname AS schema, c.relname AS "table", g.tgtype AS bits,
               g.tgenabled <> 'D' AS enabled, pg_get_triggerdef(g.oid) AS sql, p.proname AS routine, p.prosrc AS body,
               (SELECT array_agg(a.attname::text ORDER BY o) FROM unnest(g.tgattr::int2[]) WITH ORDINALITY u(num, o)
                JOIN pg_attribute a ON a.attrelid = g.tgrelid AND a.attnum = u.num) AS columns
        FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_proc p ON p.oid = g.tgfoid
        WHERE NOT g.tgisinternal AND (to_jsonb(g)->>'tgparentid') IN ('0') AND g.tgname NOT LIKE '\\_wiz%'
          AND {ask.classes} ORDER BY g.oid""")
    names = ((4, "INSERT"), (16, "UPDATE"), (8, "DELETE"), (32, "TRUNCATE"))
    return tuple(
        Trigger(
            row["name"],
            row["table"],
            "INSTEAD OF" if row["bits"] & 64 else "BEFORE" if row["bits"] & 2 else "AFTER",
            tuple(name for bit, name in names if row["bits"] & bit),
            row["sql"],
            ask.schema_of(row["schema"]),
            tuple(row["columns"] or ()),
            row["sql"].partition(" WHEN (")[2].rpartition(") EXECUTE ")[0],
            bool(row["bits"] & 1),
            row["routine"],
            row["enabled"],
            row["body"],
        )
        for row in rows
    )


def sequences(ask: Questions) -> tuple[NumberSequence, ...]:
    """Sequences with the last number they gave, those inside identity columns too."""
    rows = ask(f"""
        SELECT n.nspname AS schema, c.relname AS name, format_type(s.seqtypid, NULL) AS type, s.seqstart AS start,
               s.seqincrement AS step, s.seqmin AS minimum, s.seqmax AS maximum, s.seqcycle AS cycle,
               pg_sequence_last_value(c.oid) AS last, d.deptype = 'i' AS identity,
               t.relname AS "table", a.attname AS "column"
        FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
                              AND d.refclassid = 'pg_class'::regclass
        LEFT JOIN pg_class t ON t.oid = d.refobjid
        LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE {ask.classes} AND (t.relname IS NULL OR t.relname NOT LIKE '\\_wiz%') ORDER BY c.oid""")
    return tuple(
        NumberSequence(
            row["name"],
            ask.schema_of(row["schema"]),
            row["type"],
            row["start"],
            row["step"],
            row["minimum"],
            row["maximum"],
            row["cycle"],
            row["last"],
            (row["table"], row["column"]) if row["table"] else None,
            bool(row["identity"]),
        )
        for row in rows
    )


def routines(ask: Questions) -> tuple[Routine, ...]:
    """Functions, procedures, aggregates and window functions."""
    rows = ask(f"""
        SELECT n.nspname AS schema, p.proname AS name, p.prokind AS kind, l.lanname AS language,
               pg_get_function_identity_arguments(p.oid) AS arguments, pg_get_function_result(p.oid) AS returns,
               CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) ELSE
                    format('CREATE AGGREGATE %I.%I(%s) (SFUNC = %s, STYPE = %s', n.nspname, p.proname,
                           pg_get_function_identity_arguments(p.oid), g.aggtransfn, format_type(g.aggtranstype, NULL))
                    || CASE WHEN g.aggfinalfn <> 0 THEN format(', FINALFUNC = %s', g.aggfinalfn) ELSE '' END
                    || CASE WHEN g.agginitval IS NOT NULL THEN format(', INITCOND = %L', g.agginitval) ELSE '' END
                    || CASE WHEN g.aggcombinefn <> 0 THEN format(', COMBINEFUNC = %s', g.aggcombinefn) ELSE '' END
                    || ')' END AS sql
        FROM pg_proc p LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
        JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE {_OURS} AND p.proname NOT LIKE '\\_wiz%' AND {_not_of_extension("pg_proc", "p.oid")}
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
                          AND d.deptype = 'i')  -- constructors of a range type
        ORDER BY p.oid""")
    kinds = {"f": "function", "p": "procedure", "a": "aggregate", "w": "window function"}
    return tuple(
        Routine(
            row["name"],
            kinds[row["kind"]],
            row["sql"],
            ask.schema_of(row["schema"]),
            row["arguments"],
            row["returns"] or "",
            row["language"],
        )
        for row in rows
    )


def types(ask: Questions) -> tuple[UserType, ...]:
    """Enums, domains, composite and range types, in the order in which they were made."""
    rows = ask(f"""
        SELECT t.oid, n.nspname AS schema, t.typname AS name, t.typtype AS kind, t.typnotnull AS not_null,
               t.typdefault AS "default", obj_description(t.oid, 'pg_type') AS comment,
               CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
               CASE WHEN t.typcollation <> b.typcollation THEN l.collname END AS collation,
               (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum e
                WHERE e.enumtypid = t.oid) AS labels,
               (SELECT string_agg(quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), ', '
                ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0
                AND NOT a.attisdropped) AS fields,
               (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid) AS subtype
        FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
        LEFT JOIN pg_type b ON b.oid = t.typbasetype LEFT JOIN pg_collation l ON l.oid = t.typcollation
        WHERE {_OURS} AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
          AND {_not_of_extension("pg_type", "t.oid")} ORDER BY t.oid""")
    checks = ask("""
        SELECT k.contypid AS oid, k.conname AS name, pg_get_constraintdef(k.oid) AS definition,
               k.convalidated AS validated
        FROM pg_constraint k WHERE k.contypid <> 0 AND k.contype = 'c' ORDER BY k.oid""")
    kinds = {"e": "enum", "d": "domain", "c": "composite", "r": "range"}
    return tuple(
        UserType(
            row["name"],
            kinds[row["kind"]],
            ask.schema_of(row["schema"]),
            tuple(row["labels"] or ()),
            row["base"] or "",
            not row["not_null"],
            row["default"],
            tuple(
                Check(one["definition"].partition("CHECK (")[2].rpartition(")")[0], one["name"], "", one["validated"])
                for one in checks
                if one["oid"] == row["oid"]
            ),
            row["collation"] or "",
            row["comment"] or "",
            row["fields"] or row["subtype"] or "",
        )
        for row in rows
    )


def grants(ask: Questions) -> tuple[Grant, ...]:
    """What others than the owner may do with tables, views, sequences, routines and schemas."""
    rows = ask(f"""
        WITH given AS (
            SELECT n.nspname AS schema, c.relname AS object, c.relkind::text AS kind, c.relowner AS owner, x.*
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) x
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {ask.classes}
            UNION ALL
            SELECT n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', 'F', p.proowner, x.*
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) x
            WHERE {_OURS} AND {_not_of_extension("pg_proc", "p.oid")}
            UNION ALL
            SELECT n.nspname, n.nspname, 'N', n.nspowner, x.* FROM pg_namespace n, aclexplode(n.nspacl) x
            WHERE {_OURS} AND n.nspname <> 'public')
        SELECT schema, object, kind, grantee::regrole::text AS grantee, is_grantable AS grantable,
               array_agg(privilege_type ORDER BY privilege_type) AS privileges
        FROM given WHERE grantee <> owner GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 4""")
    kinds = {"S": "sequence", "F": "routine", "N": "schema", "v": "view", "m": "view"}
    return tuple(
        Grant(
            "PUBLIC" if row["grantee"] == "-" else row["grantee"],
            row["object"],
            kinds.get(row["kind"], "table"),
            tuple(row["privileges"]),
            ask.schema_of(row["schema"]),
            row["grantable"],
        )
        for row in rows
    )


def others(ask: Questions) -> tuple[Other, ...]:
    """Everything else, by name, so that the assessment can say what becomes of it."""
    rows = ask(f"""
        SELECT 'extension' AS kind, extname AS name, extversion AS sql FROM pg_extension WHERE extname <> 'plpgsql'
        UNION ALL SELECT 'schema', n.nspname, '' FROM pg_namespace n WHERE {_OURS} AND n.nspname <> 'public'
        UNION ALL SELECT 'rule', r.rulename, r.definition FROM pg_rules r WHERE r.schemaname !~ '^(pg_|information_)'
        UNION ALL SELECT 'policy', policyname || ' on ' || tablename, coalesce(qual, with_check, '') FROM pg_policies
        UNION ALL SELECT 'event trigger', evtname, evtevent FROM pg_event_trigger WHERE evtname NOT LIKE '\\_wiz%'
        UNION ALL SELECT 'publication', pubname, '' FROM pg_publication WHERE pubname NOT LIKE '\\_wiz%'
        UNION ALL SELECT 'statistics', s.stxname, pg_get_statisticsobjdef(s.oid) FROM pg_statistic_ext s
        UNION ALL SELECT 'foreign server', srvname, '' FROM pg_foreign_server
        UNION ALL SELECT 'collation', l.collname, '' FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace
                  WHERE {_OURS} AND {_not_of_extension("pg_collation", "l.oid")}
        UNION ALL SELECT 'operator', o.oid::regoperator::text, '' FROM pg_operator o
                  JOIN pg_namespace n ON n.oid = o.oprnamespace
                  WHERE {_OURS} AND {_not_of_extension("pg_operator", "o.oid")}
        UNION ALL SELECT 'text search configuration', f.cfgname, '' FROM pg_ts_config f
                  JOIN pg_namespace n ON n.oid = f.cfgnamespace
                  WHERE {_OURS} AND {_not_of_extension("pg_ts_config", "f.oid")}
        UNION ALL SELECT 'invalid index', i.indexrelid::regclass::text, '' FROM pg_index i WHERE NOT i.indisvalid
                  AND i.indexrelid::regclass::text NOT LIKE '\\_wiz%'
        UNION ALL SELECT 'large objects', count(*)::text, '' FROM pg_largeobject_metadata HAVING count(*) > 0
        ORDER BY 1, 2""")
    return tuple(Other(row["kind"], row["name"], row["sql"] or "") for row in rows)
