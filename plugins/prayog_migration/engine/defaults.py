"""Default values on the other side.

A default that is a value is treated as every other value of its column: converted, checked, and written as a
literal of the target.  What is no value is one of a few well-known expressions (now, a new UUID), or is translated as
any expression is.
"""

from __future__ import annotations

import re
from typing import Any

from prayog_migration.engine.expressions import Names, Untranslatable, translate
from prayog_migration.engine.fitting import Misfit
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect
from prayog_migration.engine.values import fit_of

__all__ = ["literal", "translate_default"]

_NOW = re.compile(
    r"""^\(*(?:
        current_timestamp(?:\(\d?\))? | now\(\) | localtimestamp(?:\(\d?\))? | transaction_timestamp\(\)
      | sysdate\(\d?\)
      | statement_timestamp\(\) | clock_timestamp\(\) | datetime\('now'(?:,'(?:utc|localtime)')?\)
      | strftime\('%Y-%m-%d\ %H:%M:%[SfS]','now'(?:,'localtime')?\) | timezone\('utc'(?:::text)?,now\(\)\)
      | now\(\)\ at\ time\ zone\ 'utc'(?:::text)?
    )(?:::[a-z ]+)?\)*$""",
    re.VERBOSE | re.IGNORECASE,
)
_TODAY = re.compile(r"^\(*(?:current_date(?:\(\))?|curdate\(\)|date\('now'(?:,'localtime')?\))(?:::[a-z ]+)?\)*$", re.I)
_CLOCK = re.compile(r"^\(*(?:current_time(?:\(\d?\))?|localtime(?:\(\d?\))?|curtime\(\d?\)|time\('now'\))\)*$", re.I)
_EPOCH = re.compile(
    r"^\(*(?:strftime\('%s','now'\)|unixepoch\((?:'now')?\)|unix_timestamp\(\)"
    r"|extract\(epoch from now\(\)\)(?:::[a-z]+)?)\)*$",
    re.I,
)
_UUID = re.compile(r"^\(*(?:gen_random_uuid\(\)|uuid_generate_v[14]\(\)|uuid\(\))(?:::[a-z ]+)?\)*$", re.I)
_CAST = re.compile(r"^(?P<value>'(?:[^']|'')*'|\(?-?[\d.]+\)?|NULL|true|false)(?:::[\w \"\[\](),.]+)+$", re.I)
_NUMBER = re.compile(r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$")

_MOMENTS: dict[Dialect, dict[str, str]] = {
    "postgresql": {
        "timestamp": "(now() AT TIME ZONE 'UTC')",
        "zoned": "now()",
        "date": "((now() AT TIME ZONE 'UTC')::date)",
        "time": "((now() AT TIME ZONE 'UTC')::time)",
        "text": "to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')",
        "epoch": "(extract(epoch FROM now())::bigint)",
        "uuid": "gen_random_uuid()",
    },
    "sqlite": {
        "timestamp": "CURRENT_TIMESTAMP",
        "zoned": "(strftime('%Y-%m-%d %H:%M:%f+00:00', 'now'))",
        "date": "CURRENT_DATE",
        "time": "CURRENT_TIME",
        "text": "CURRENT_TIMESTAMP",
        "epoch": "(CAST(strftime('%s', 'now') AS INTEGER))",
        "uuid": (
            "(lower(hex(randomblob(4))) || '-' || lower(hex(randomblob(2))) || '-4'"
            " || substr(lower(hex(randomblob(2))), 2) || '-' || substr('89ab', 1 + abs(random() % 4), 1)"
            " || substr(lower(hex(randomblob(2))), 2) || '-'"
            " || lower(hex(randomblob(6))))"
        ),
    },
    "mysql": {
        "timestamp": "CURRENT_TIMESTAMP({size})",
        "zoned": "CURRENT_TIMESTAMP({size})",
        "date": "(curdate())",
        "time": "(curtime({size}))",
        "text": "(date_format(utc_timestamp(), '%Y-%m-%d %H:%i:%s'))",
        "epoch": "(unix_timestamp())",
        "uuid": "(uuid())",
    },
}


def translate_default(sql: str, names: Names, kind: Kind, to: Kind) -> str:
    """The default `sql` for a column that was `kind` and becomes `to`.

    Raises `Untranslatable` with a sentence.
    """
    text = re.sub(r"\s*,\s*", ",", sql.strip())
    moments = _MOMENTS[names.target]
    size = str(to.size if to.size is not None else 0)
    if _UUID.match(text):
        return moments["uuid"]
    for pattern, name in ((_NOW, "timestamp"), (_TODAY, "date"), (_CLOCK, "time"), (_EPOCH, "epoch")):
        if pattern.match(text):
            return _moment(name, to, moments).replace("{size}", size)
    value = _value(sql, names.source)
    if value is not _NO_VALUE:
        if value is None:
            return "NULL"
        try:
            fit = fit_of(names.source, kind, names.target, to)
            return literal(fit.one(value) if fit else value, names.target, to)
        except Misfit as misfit:
            raise Untranslatable(f"The value does not fit: {misfit.reason}.") from misfit
    made = translate(sql, names)
    return made if names.target == "postgresql" else f"({made})"


def _moment(name: str, to: Kind, moments: dict[str, str]) -> str:
    if to.name == "timestamp":
        return moments["zoned" if to.zone else "timestamp"]
    if to.name in ("date", "time"):
        return moments[to.name]
    if to.name in ("integer", "decimal", "real"):
        return moments["epoch"]
    if name == "timestamp":
        return moments["text"]
    raise Untranslatable(f"A {name} as {to.name} is not known.")


_NO_VALUE = object()


def _value(sql: str, source: Dialect) -> Any:
    """The value of a literal in the source's exchange form; `_NO_VALUE` when it is an expression."""
    text = sql.strip()
    while text.startswith("(") and text.endswith(")") and text.count("(") == 1:
        text = text[1:-1].strip()
    if source == "postgresql" and (found := _CAST.match(text)):
        text = found["value"].strip("()")
    upper = text.upper()
    if upper == "NULL":
        return None
    if upper in ("TRUE", "FALSE"):
        return {"sqlite": int(upper == "TRUE"), "mysql": str(int(upper == "TRUE"))}.get(source, upper[0].lower())
    if _NUMBER.match(text):
        if source != "sqlite":
            return text.lstrip("+")
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    if source == "sqlite" and re.fullmatch(r"[+-]?0[xX][0-9a-fA-F]+", text):
        number = int(text, 16)  # 64 bits, the highest is the sign (manual, “Hexadecimal Integer Literals”)
        return number - 2**64 if number >= 2**63 else number
    if re.fullmatch(r"[xX]'[0-9a-fA-F]*'", text):
        return bytes.fromhex(text[2:-1])
    if found := re.fullmatch(r"b'([01]*)'", text):
        return int(found[1] or "0", 2).to_bytes(8, "big")
    if re.fullmatch(r"'(?:[^']|'')*'", text, re.DOTALL):
        inner = text[1:-1].replace("''", "'")
        return re.sub(r"\\(.)", r"\1", inner) if source == "mysql" else inner
    if source == "sqlite":
        if re.fullmatch(r'"(?:[^"]|"")*"', text):
            return text[1:-1].replace('""', '"')
        if re.fullmatch(r"\w+", text) and not upper.startswith("CURRENT_"):
            return text  # a bare word is a text
    return _NO_VALUE


def literal(value: Any, target: Dialect, to: Kind) -> str:
    """A converted value as SQL of the target."""
    if value is None:
        return "NULL"
    if to.name == "boolean" and target == "postgresql":
        return "true" if str(value) in ("1", "t", "true") else "false"
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'" if target == "postgresql" else f"x'{value.hex()}'"
    if to.name == "bit" and target == "postgresql":
        return f"B'{value}'"
    if to.name == "bit":
        return f"b'{value:b}'"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value) if to.name in ("integer", "decimal", "real", "boolean") else f"'{value!r}'"
    if to.name in ("integer", "decimal", "real", "boolean") and _NUMBER.match(value):
        return str(value)
    text = str(value).replace("'", "''")
    return "'" + (text.replace("\\", "\\\\") if target == "mysql" else text) + "'"
