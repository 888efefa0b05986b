"""What is in a MySQL or MariaDB database, from information_schema and SHOW CREATE.

Two dialects in one: MySQL tells defaults as bare values, MariaDB as SQL; JSON is a type in MySQL and LONGTEXT with a
CHECK in MariaDB; only MySQL indexes expressions and only MariaDB has sequences.  Here both look alike: defaults are
SQL, a JSON column has the type ``json``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pymysql
from pymysql.cursors import DictCursor

from prayog_migration.engine.model import (
    PREFIX,
    Catalogue,
    Check,
    Column,
    ForeignKey,
    Grant,
    Index,
    Key,
    Other,
    Part,
    Partitioning,
    Routine,
    Sequence,
    Table,
    Trigger,
    Unique,
    View,
)

__all__ = ["read"]

_JSON_CHECK = re.compile(r"json_valid\(`(?P<column>(?:[^`]|``)+)`\)", re.IGNORECASE)
_ON_UPDATE = re.compile(r"on update (\w+(?:\(\d*\))?)", re.IGNORECASE)
_NEXT = re.compile(r"nextval\((?:`(?:[^`]|``)+`\.)?`(?P<sequence>(?:[^`]|``)+)`\)", re.IGNORECASE)
_MEMBERS = re.compile(r"'((?:[^']|'')*)'")


def read(connection: pymysql.connections.Connection[Any], database: str) -> Catalogue:
    """The catalogue of `database`."""
    reading = _Reading(connection, database)
    tables, sequences = reading.tables(), reading.sequences()
    charset = reading.ask(
        "SELECT DEFAULT_CHARACTER_SET_NAME AS c, DEFAULT_COLLATION_NAME AS l FROM information_schema.SCHEMATA"
        " WHERE SCHEMA_NAME = %s"
    )
    if not charset:
        raise ValueError(f"There is no database called {database!r} on this server.")
    return Catalogue(
        "mysql",
        reading.version,
        tables,
        reading.views(),
        reading.triggers(),
        sequences,
        reading.routines(),
        grants=reading.grants(),
        others=tuple(reading.others),
        encoding=charset[0]["c"],
        collation=charset[0]["l"],
    )


class _Reading:
    """One reading of one database."""

    def __init__(self, connection: pymysql.connections.Connection[Any], database: str) -> None:
        self._connection = connection
        self._database = database
        self.others: list[Other] = []
        self.version = str(self.ask("SELECT VERSION() AS v WHERE %s IS NOT NULL")[0]["v"])
        self.mariadb = "mariadb" in self.version.lower()

    def ask(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query with one parameter, the database; names of columns in lower case."""
        with self._connection.cursor(DictCursor) as cursor:
            cursor.execute(sql, (self._database,))
            return [{k.lower(): v for k, v in row.items()} for row in cursor.fetchall()]

    def _created(self, kind: str, name: str) -> str:
        quoted = name.replace("`", "``")
        with self._connection.cursor(DictCursor) as cursor:
            cursor.execute(f"SHOW CREATE {kind} `{self._database}`.`{quoted}`")
            row = cursor.fetchone() or {}
        shown = next((v for k, v in row.items() if k.lower().startswith("create ")), None)
        return str(shown or row.get("SQL Original Statement") or "")

    def tables(self) -> tuple[Table, ...]:
        grouped: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
        for kind, sql in _PER_TABLE.items():
            for row in self.ask(sql if kind != "checks" else _CHECKS[self.mariadb]):
                grouped[row["table_name"]][kind].append(row)
        listed = self.ask("SELECT * FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME")
        return tuple(
            self._table(row, grouped[row["table_name"]])
            for row in listed
            if row["table_type"] in ("BASE TABLE", "SYSTEM VERSIONED") and not row["table_name"].startswith(PREFIX)
        )

    def _table(self, row: dict[str, Any], facts: dict[str, list[dict[str, Any]]]) -> Table:
        name = row["table_name"]
        sql = self._created("TABLE", name)
        checks, json_columns = [], set()
        for one in facts["checks"]:
            found = _JSON_CHECK.fullmatch(one["check_clause"].strip())
            if found and self.mariadb:
                json_columns.add(found["column"].replace("``", "`"))
            else:
                column = one["constraint_name"] if one.get("level") == "Column" else ""
                shown = "" if column else one["constraint_name"]
                enforced = str(one.get("enforced", "YES")).upper() == "YES"
                checks.append(Check(self._unescaped(one["check_clause"]), shown, column, True, enforced))
        columns = [self._column(one, one["column_name"] in json_columns) for one in facts["columns"]]
        numbered = [column.name for column in columns if column.identity]
        key, uniques, indexes = self._keys(facts["indexes"], numbered)
        if row["table_type"] == "SYSTEM VERSIONED":
            self.others.append(Other("system versioning", name))
        partition = sql.partition("PARTITION BY ")[2].strip().removesuffix("*/").strip()
        return Table(
            name,
            tuple(columns),
            key=key,
            uniques=uniques,
            foreign_keys=self._foreign_keys(facts["references"]),
            indexes=indexes,
            checks=tuple(checks),
            partitioning=Partitioning(partition) if partition else None,
            engine=row["engine"] or "",
            charset=(row["table_collation"] or "").partition("_")[0],
            collation=row["table_collation"] or "",
            next_number=int(row["auto_increment"]) if row["auto_increment"] else None,
            comment=row["table_comment"] or "",
            sql=sql,
        )

    def _column(self, row: dict[str, Any], json: bool) -> Column:
        extra = (row["extra"] or "").upper()
        type_ = "json" if json else row["column_type"]
        generated = row["generation_expression"] or None
        on_update = _ON_UPDATE.search(row["extra"] or "")
        members: tuple[str, ...] = ()
        if type_.lower().startswith(("enum(", "set(")):
            members = tuple(one.replace("''", "'") for one in _MEMBERS.findall(type_[type_.index("(") :]))
        default = None if generated else self._default(row, extra)
        numbers = _NEXT.fullmatch(default or "")
        return Column(
            row["column_name"],
            type_,
            row["is_nullable"] == "YES",
            default,
            self._unescaped(generated) if generated else None,
            "STORED" in extra or "PERSISTENT" in extra,
            "auto" if "AUTO_INCREMENT" in extra else "",
            "" if json else row["collation_name"] or "",
            row["character_set_name"] or "",
            on_update.group(1) if on_update else "",
            row["column_comment"] or "",
            values=members,
            sequence=numbers["sequence"].replace("``", "`") if numbers else "",
            invisible="INVISIBLE" in extra,
        )

    def _default(self, row: dict[str, Any], extra: str) -> str | None:
        value = row["column_default"]
        if value is None or (self.mariadb and value == "NULL"):
            return None
        if self.mariadb:
            return str(value)
        text = value.decode() if isinstance(value, bytes) else str(value)
        kind = row["data_type"].lower()
        if "DEFAULT_GENERATED" in extra or text.upper().startswith("CURRENT_TIMESTAMP") or kind == "bit":
            return self._unescaped(text)
        numeric = kind in ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "year")
        return text if numeric else "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"

    def _unescaped(self, text: str) -> str:
        """MySQL shows quotes inside expressions as ``\\'``."""
        return text if self.mariadb else text.replace("\\'", "'")

    def _keys(
        self, rows: list[dict[str, Any]], numbered: list[str]
    ) -> tuple[Key | None, tuple[Unique, ...], tuple[Index, ...]]:
        of_index: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            of_index[row["index_name"]].append(row)
        key, uniques, indexes = None, [], []
        for name, members in of_index.items():
            method = members[0]["index_type"].lower()
            parts = tuple(
                Part(
                    member["column_name"] or self._unescaped(member.get("expression") or ""),
                    member["column_name"] is None,
                    descending=member["collation"] == "D",
                    # A SPATIAL index shows the size of a bounding box there.
                    prefix=int(member["sub_part"]) if member["sub_part"] and method != "spatial" else None,
                )
                for member in members
            )
            columns = tuple(part.text for part in parts)
            told = parts if any(part.prefix or part.descending for part in parts) else ()
            unique, plain = not int(members[0]["non_unique"]), not any(part.expression for part in parts)
            if name == "PRIMARY":
                key = Key(columns, "", "", told, autoincrement=set(numbered) <= set(columns) and bool(numbered))
            elif unique and plain:
                uniques.append(Unique(columns, name, "", told))
            else:
                indexes.append(Index(name, parts, unique, method=method, comment=members[0]["index_comment"] or ""))
        return key, tuple(uniques), tuple(indexes)

    def _foreign_keys(self, rows: list[dict[str, Any]]) -> tuple[ForeignKey, ...]:
        of_key: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            of_key[row["constraint_name"]].append(row)
        return tuple(
            ForeignKey(
                tuple(row["column_name"] for row in members),
                members[0]["referenced_table_name"],
                tuple(row["referenced_column_name"] for row in members),
                ""
                if members[0]["referenced_table_schema"] == self._database
                else members[0]["referenced_table_schema"],
                name,
                members[0]["delete_rule"],
                members[0]["update_rule"],
            )
            for name, members in of_key.items()
        )

    def _schema_of(self, database: str) -> str:
        return "" if database == self._database else database

    def views(self) -> tuple[View, ...]:
        columns: dict[str, list[str]] = defaultdict(list)
        for row in self.ask(_PER_TABLE["columns"]):
            columns[row["table_name"]].append(row["column_name"])
        rows = self.ask("SELECT * FROM information_schema.VIEWS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME")
        quoted = self._database.replace("`", "``")
        return tuple(
            View(
                row["table_name"],
                # The server writes the database before every name; the target has another.
                row["view_definition"].replace(f"`{quoted}`.", ""),
                columns=tuple(columns[row["table_name"]]),
                check_option="" if row["check_option"] == "NONE" else row["check_option"],
                sql=self._created("VIEW", row["table_name"]),
            )
            for row in rows
        )

    def triggers(self) -> tuple[Trigger, ...]:
        rows = self.ask(
            "SELECT * FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s"
            " ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER"
        )
        return tuple(
            Trigger(
                row["trigger_name"],
                row["event_object_table"],
                row["action_timing"],
                (row["event_manipulation"],),
                self._created("TRIGGER", row["trigger_name"]),
                body=row["action_statement"],
            )
            for row in rows
            if not row["trigger_name"].startswith(PREFIX)
        )

    def sequences(self) -> tuple[Sequence, ...]:
        rows = self.ask(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_TYPE = 'SEQUENCE'"
        )
        found = []
        for name in (row["table_name"] for row in rows):
            quoted = name.replace("`", "``")
            one = self.ask(f"SELECT s.* FROM `{self._database}`.`{quoted}` s WHERE %s IS NOT NULL")[0]
            step, next_ = int(one["increment"]), int(one["next_not_cached_value"])
            fresh = next_ == int(one["start_value"])
            bounds = int(one["minimum_value"]), int(one["maximum_value"])
            last = None if fresh else next_ - step
            found.append(
                Sequence(name, "", "bigint", int(one["start_value"]), step, *bounds, bool(one["cycle_option"]), last)
            )
        return tuple(found)

    def routines(self) -> tuple[Routine, ...]:
        rows = self.ask("SELECT * FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = %s ORDER BY ROUTINE_NAME")
        found = [
            Routine(
                row["routine_name"],
                row["routine_type"].lower(),
                self._created(row["routine_type"], row["routine_name"]) or row["routine_definition"] or "",
                returns=row["dtd_identifier"] or "",
            )
            for row in rows
            if row["routine_type"] in ("FUNCTION", "PROCEDURE") and not row["routine_name"].startswith(PREFIX)
        ]
        events = self.ask("SELECT * FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s ORDER BY EVENT_NAME")
        return (
            *found,
            *(Routine(row["event_name"], "event", self._created("EVENT", row["event_name"])) for row in events),
        )

    def grants(self) -> tuple[Grant, ...]:
        rows = self.ask(
            "SELECT GRANTEE, TABLE_NAME, IS_GRANTABLE, GROUP_CONCAT(PRIVILEGE_TYPE ORDER BY PRIVILEGE_TYPE) AS p"
            " FROM information_schema.TABLE_PRIVILEGES WHERE TABLE_SCHEMA = %s GROUP BY 1, 2, 3"
        )
        whole = self.ask(
            "SELECT GRANTEE, IS_GRANTABLE, GROUP_CONCAT(PRIVILEGE_TYPE ORDER BY PRIVILEGE_TYPE) AS p"
            " FROM information_schema.SCHEMA_PRIVILEGES WHERE TABLE_SCHEMA = %s GROUP BY 1, 2"
        )
        return tuple(
            Grant(
                row["grantee"],
                row.get("table_name", self._database),
                "table" if "table_name" in row else "schema",
                tuple(row["p"].split(",")),
                grantable=row["is_grantable"] == "YES",
            )
            for row in (*rows, *whole)
        )


_PER_TABLE = {
    "columns": "SELECT * FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s ORDER BY TABLE_NAME, ORDINAL_POSITION",
    "indexes": (
        "SELECT * FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s"
        " ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
    ),
    "references": (
        "SELECT k.*, r.DELETE_RULE, r.UPDATE_RULE FROM information_schema.KEY_COLUMN_USAGE k"
        " JOIN information_schema.REFERENTIAL_CONSTRAINTS r ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA"
        " AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME AND r.TABLE_NAME = k.TABLE_NAME"
        " WHERE k.TABLE_SCHEMA = %s AND k.REFERENCED_TABLE_NAME IS NOT NULL"
        " ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION"
    ),
    "checks": "",
}
_CHECKS = {
    True: (
        "SELECT TABLE_NAME, CONSTRAINT_NAME, CHECK_CLAUSE, LEVEL FROM information_schema.CHECK_CONSTRAINTS"
        " WHERE CONSTRAINT_SCHEMA = %s ORDER BY TABLE_NAME, CONSTRAINT_NAME"
    ),
    False: (
        "SELECT t.TABLE_NAME, c.CONSTRAINT_NAME, c.CHECK_CLAUSE, t.ENFORCED FROM information_schema.CHECK_CONSTRAINTS c"
        " JOIN information_schema.TABLE_CONSTRAINTS t ON t.CONSTRAINT_SCHEMA = c.CONSTRAINT_SCHEMA"
        " AND t.CONSTRAINT_NAME = c.CONSTRAINT_NAME AND t.CONSTRAINT_TYPE = 'CHECK'"
        " WHERE c.CONSTRAINT_SCHEMA = %s ORDER BY t.TABLE_NAME, c.CONSTRAINT_NAME"
    ),
}
"""By whether the server is MariaDB."""
