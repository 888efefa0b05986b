"""What the type of a source column means, read from its text, for each dialect.

SQLite's declared types are hints (sqlite.org/datatype3.html §3): an INTEGER holds 64 bits whatever was declared, a
VARCHAR(10) holds any length.  Whether the values keep to the hint is for the profile to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Catalogue, Column, Table, UserType, title

__all__ = ["kind_of"]

_TYPE = re.compile(r"^(?P<name>[^(]*)(?:\((?P<args>[^)]*)\))?(?P<rest>.*)$", re.DOTALL)


def kind_of(catalogue: Catalogue, table: Table, column: Column) -> Kind:
    """The kind of `column`."""
    if catalogue.dialect == "sqlite":
        return _sqlite(column.type, table.strict)
    if catalogue.dialect == "mysql":
        return _mysql(column)
    types = {title(one.schema, one.name): one for one in catalogue.types}
    return _postgresql(column.type, types)


def _parsed(text: str) -> tuple[str, tuple[int, ...], str]:
    found = _TYPE.match(text.strip())
    assert found is not None
    arguments = tuple(int(one) for one in re.findall(r"-?\d+", found["args"] or ""))
    return found["name"].strip().lower(), arguments, found["rest"].strip().lower()


def _pick(arguments: tuple[int, ...], n: int) -> int | None:
    return arguments[n] if n < len(arguments) else None


_SQLITE: Mapping[str, Kind] = {
    "date": Kind("date"),
    "datetime": Kind("timestamp"),
    "timestamp": Kind("timestamp"),
    "timestamptz": Kind("timestamp", zone=True),
    "timestamp with time zone": Kind("timestamp", zone=True),
    "time": Kind("time"),
    "json": Kind("json"),
    "uuid": Kind("uuid"),
    "guid": Kind("uuid"),
}


def _sqlite(text: str, strict: bool) -> Kind:
    name, arguments, _ = _parsed(text)
    if not name or (strict and name == "any"):
        return Kind("any", type=text)
    if name in _SQLITE:
        return _SQLITE[name]
    if "bool" in name:
        return Kind("boolean")
    if name in ("decimal", "numeric", "dec", "number", "money", "decimal_text"):
        scale = _pick(arguments, 1)
        return Kind("decimal", _pick(arguments, 0), scale, type="DECIMAL_TEXT" if name == "decimal_text" else "")
    # The affinity rules, in their order.
    if "int" in name:
        return Kind("integer", 64)
    if any(word in name for word in ("char", "clob", "text")):
        return Kind("text", _pick(arguments, 0))
    if "blob" in name:
        return Kind("bytes")
    if any(word in name for word in ("real", "floa", "doub")):
        return Kind("real", 64)
    return Kind("any", type=text)


_MYSQL_INTEGERS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
_GEOMETRY = {
    "geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geometrycollection",
}  # fmt: skip


def _mysql(column: Column) -> Kind:
    name, arguments, rest = _parsed(column.type)
    name, _, more = name.partition(" ")
    unsigned = "unsigned" in f"{more} {rest}"
    size = _pick(arguments, 0)
    if name == "tinyint" and arguments == (1,) and not unsigned:
        return Kind("boolean", 8)
    if name in _MYSQL_INTEGERS:
        return Kind("integer", _MYSQL_INTEGERS[name], unsigned=unsigned)
    if name in ("decimal", "numeric"):
        return Kind("decimal", size or 10, _pick(arguments, 1) or 0, unsigned)
    if name in ("float", "double"):
        return Kind("real", 32 if name == "float" else 64, _pick(arguments, 1), unsigned)
    if name in ("char", "varchar"):
        return Kind("text", size if size is not None else 1, fixed=name == "char")
    if name.endswith("text"):
        return Kind("text")
    if name in ("binary", "varbinary"):
        return Kind("bytes", size if size is not None else 1, fixed=name == "binary")
    if name.endswith("blob"):
        return Kind("bytes")
    if name in ("enum", "set"):
        return Kind("enum" if name == "enum" else "set", values=column.values)
    if name in ("date", "year", "json", "uuid"):
        return Kind(name)  # type: ignore[arg-type]
    if name == "time":
        return Kind("time", size or 0)
    if name in ("datetime", "timestamp"):
        return Kind("timestamp", size or 0, zone=name == "timestamp")
    if name == "bit":
        return Kind("bit", size or 1, fixed=True)
    if name in _GEOMETRY:
        return Kind("geometry", type=column.type)
    if name in ("inet4", "inet6"):
        return Kind("network", type=name)
    return Kind("other", type=column.type)


_POSTGRESQL: Mapping[str, Kind] = {
    "smallint": Kind("integer", 16),
    "integer": Kind("integer", 32),
    "bigint": Kind("integer", 64),
    "oid": Kind("integer", 32, unsigned=True),
    "real": Kind("real", 32),
    "double precision": Kind("real", 64),
    "boolean": Kind("boolean"),
    "text": Kind("text"),
    "citext": Kind("text", type="citext"),
    "name": Kind("text", 63),
    "bytea": Kind("bytes"),
    "date": Kind("date"),
    "json": Kind("json"),
    "jsonb": Kind("json", type="jsonb"),
    "xml": Kind("xml"),
    "uuid": Kind("uuid"),
    "money": Kind("money"),
    "tsvector": Kind("search", type="tsvector"),
    "tsquery": Kind("search", type="tsquery"),
}
_SPELLED = {
    "int": "integer", "int2": "smallint", "int4": "integer", "int8": "bigint", "bool": "boolean", "float4": "real",
    "float8": "double precision", "float": "double precision", "decimal": "numeric", "varchar": "character varying",
    "char": "character", "timestamptz": "timestamp with time zone", "timetz": "time with time zone",
    "varbit": "bit varying",
}  # fmt: skip
"""Other names of types (manual, table 8.1): the catalogue never uses them, people do."""
_NETWORK = {"inet", "cidr", "macaddr", "macaddr8"}
_SHAPES = {"point", "line", "lseg", "box", "path", "polygon", "circle"}
_RANGES = re.compile(r"^(int4|int8|num|ts|tstz|date)(multi)?range$")


def _postgresql(text: str, types: Mapping[str, UserType]) -> Kind:
    if text.endswith("[]"):
        return Kind("array", element=_postgresql(text[:-2], types), type=text)
    user = types.get(text) or types.get(text.replace('"', ""))
    if user is not None:
        if user.kind == "enum":
            return Kind("enum", values=user.labels, type=text)
        if user.kind == "domain":
            return _postgresql(user.base, types)
        return Kind("range" if user.kind == "range" else "other", type=text)
    name, arguments, rest = _parsed(text)
    name = _SPELLED.get(name, name)
    size = _pick(arguments, 0)
    if name in _POSTGRESQL:
        return _POSTGRESQL[name]
    if name == "numeric":
        return Kind("decimal", size, _pick(arguments, 1))
    if name in ("character varying", "character", "bpchar"):
        return Kind("text", size, fixed=name != "character varying")
    if name in ("bit", "bit varying"):
        return Kind("bit", size, fixed=name == "bit")
    if name.startswith(("timestamp", "time")):
        zone = "with time zone" in f"{name} {rest}" and "without" not in f"{name} {rest}"
        kind = "timestamp" if name.startswith("timestamp") else "time"
        return Kind(kind, 6 if size is None else size, zone=zone)  # type: ignore[arg-type]
    if name.startswith("interval"):
        return Kind("interval", type=text)
    if name in _NETWORK:
        return Kind("network", type=name)
    if name in _SHAPES:
        return Kind("geometry", type=name)
    if _RANGES.match(name):
        return Kind("range", type=name)
    return Kind("other", type=text)
