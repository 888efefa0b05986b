"""Which type a source column gets on the target: rules as data, tried from the top, the first that fits wins.

A learner puts rules of their own before these (`Rule` is plain data, written to JSON with the run), by column, by
type as the source wrote it, or by kind.  In ``type``: {size}, {scale} stand for the kind's own numbers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect

__all__ = ["RULES", "Chosen", "Rule", "choose", "for_type", "written_as"]

Verdict = Literal["exact", "converted"]


@dataclass(frozen=True, slots=True)
class Rule:
    """``kind``, ``source`` (dialect), ``written`` (regular expression on the source's type), ``column`` (a pattern like
    ``orders.*_at``) and the rest say which columns it is for; "" or None: any.  ``most``: the largest size it takes."""

    target: Dialect
    type: str
    kind: str = ""
    source: str = ""
    written: str = ""
    column: str = ""
    most: int | None = None
    sized: bool | None = None
    unsigned: bool | None = None
    fixed: bool | None = None
    zone: bool | None = None
    keyed: bool | None = None
    mariadb: bool | None = None
    verdict: Verdict = "exact"
    reason: str = ""

    def fits(self, source: Dialect, kind: Kind, written: str, column: str, keyed: bool, mariadb: bool) -> bool:
        """Whether this rule is for such a column; ``keyed``: it is part of a key or an index."""
        wanted = (
            (self.unsigned, kind.unsigned),
            (self.fixed, kind.fixed),
            (self.zone, kind.zone),
            (self.sized, kind.size is not None),
            (self.keyed, keyed),
            (self.mariadb, mariadb),
        )
        return (
            self.kind in ("", kind.name)
            and self.source in ("", source)
            and (not self.written or re.fullmatch(self.written, written, re.IGNORECASE) is not None)
            and (not self.column or fnmatchcase(column, self.column))
            and (self.most is None or (kind.size is not None and kind.size <= self.most))
            and all(mine is None or mine == its for mine, its in wanted)
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The type that a rule gives, and what it costs."""

    type: str
    verdict: Verdict
    reason: str


def choose(
    rules: Sequence[Rule],
    source: Dialect,
    target: Dialect,
    kind: Kind,
    written: str,
    column: str,
    keyed: bool = False,
    mariadb: bool = True,
) -> Chosen:
    """The type for a column; between databases of one kind it is the source's own.

    `column` is ``table.column``.  Raises `LookupError` with a sentence when no rule fits.
    """
    own = [rule for rule in rules if rule.target == target and rule.fits(source, kind, written, column, keyed, mariadb)]
    if source == target:
        own = [rule for rule in own if rule.column or rule.written]
        if not own:
            return Chosen(written, "exact", "")
    if not own:
        raise LookupError(f"No rule says what {written or 'a column without a type'} of {column} becomes in {target}.")
    rule = own[0]
    type_ = rule.type.replace("{size}", str(kind.size)).replace("{scale}", str(kind.scale or 0))
    return Chosen(type_, rule.verdict, rule.reason)


def for_type(target: Dialect, written: str, type_: str) -> Rule:
    """A learner's rule for every column of one type: `written` as the source writes it, ``*`` for any letters.

    With ``{size}`` or ``{scale}`` in `type_` it is for types that have a size.
    """
    return Rule(target, type_, written=_pattern(written), sized=True if "{" in type_ else None)


def written_as(pattern: str, written: str) -> bool:
    """Whether the type `written` is meant by the `pattern` of such a rule."""
    return re.fullmatch(_pattern(pattern), written, re.IGNORECASE) is not None


def _pattern(written: str) -> str:
    return re.escape(written).replace(r"\*", ".*")


_PG: Dialect = "postgresql"
_LITE: Dialect = "sqlite"
_MY: Dialect = "mysql"

_NO_UNSIGNED = "the range is kept by a CHECK"
_ANY = "a column without a type holds anything; here all of it is text"
_MEMBERS = "the members are kept by a CHECK"
_AS_TEXT = "stored as its text"
_UTC = "moments are stored in UTC, without a zone"
_LENGTH = "SQLite does not keep to a length; a CHECK does"

_TO_POSTGRESQL = (
    Rule(_PG, "boolean", "boolean"),
    Rule(_PG, "smallint", "integer", most=16, unsigned=False),
    Rule(_PG, "smallint", "integer", most=8, unsigned=True, verdict="converted", reason=_NO_UNSIGNED),
    Rule(_PG, "integer", "integer", most=32, unsigned=False),
    Rule(_PG, "integer", "integer", most=24, unsigned=True, verdict="converted", reason=_NO_UNSIGNED),
    Rule(_PG, "bigint", "integer", most=64, unsigned=False),
    Rule(_PG, "bigint", "integer", most=32, unsigned=True, verdict="converted", reason=_NO_UNSIGNED),
    Rule(
        _PG, "bigint", "integer", keyed=True, verdict="converted",
        reason="numbers above 2^63 − 1 would not fit; a key of bigint can hand out numbers, a numeric one cannot",
    ),
    Rule(_PG, "numeric(20,0)", "integer", unsigned=True, verdict="converted", reason=_NO_UNSIGNED),
    Rule(_PG, "numeric({size},{scale})", "decimal", sized=True),
    Rule(_PG, "numeric", "decimal"),
    Rule(_PG, "real", "real", most=32),
    Rule(_PG, "double precision", "real"),
    Rule(_PG, "text", "text", most=0, verdict="converted", reason="it holds the empty text only; a CHECK keeps that"),
    Rule(_PG, "character({size})", "text", sized=True, fixed=True),
    Rule(_PG, "character varying({size})", "text", sized=True),
    Rule(_PG, "text", "text"),
    Rule(_PG, "bytea", "bytes"),
    Rule(_PG, "bit({size})", "bit", fixed=True),
    Rule(_PG, "date", "date"),
    Rule(_PG, "time({size})", "time", sized=True),
    Rule(_PG, "time", "time"),
    Rule(_PG, "timestamp({size}) with time zone", "timestamp", sized=True, zone=True),
    Rule(_PG, "timestamp({size}) without time zone", "timestamp", sized=True),
    Rule(_PG, "timestamp with time zone", "timestamp", zone=True),
    Rule(_PG, "timestamp without time zone", "timestamp"),
    Rule(_PG, "smallint", "year", verdict="converted", reason="the years that MySQL allows are kept by a CHECK"),
    Rule(_PG, "json", "json"),
    Rule(_PG, "uuid", "uuid"),
    Rule(_PG, "enum", "enum", verdict="converted", reason="an ENUM becomes a type of its own, in the same order"),
    Rule(_PG, "text[]", "set", verdict="converted", reason="a SET becomes an array; its members are kept by a CHECK"),
    Rule(_PG, "inet", "network"),
    Rule(_PG, "bytea", "geometry", verdict="converted", reason="stored as MySQL keeps it: SRID and WKB"),
    Rule(_PG, "text", "any", verdict="converted", reason=_ANY),
    Rule(_PG, "text", "other", verdict="converted", reason=_AS_TEXT),
)  # fmt: skip

_TO_SQLITE = (
    Rule(_LITE, "BOOLEAN", "boolean"),
    Rule(_LITE, "INTEGER", "integer", most=32),
    Rule(_LITE, "INTEGER", "integer", most=64, unsigned=False),
    Rule(
        _LITE, "INTEGER", "integer", keyed=True, verdict="converted", reason="numbers above 2^63 − 1 would not fit"
    ),
    Rule(
        _LITE, "DECIMAL_TEXT(20,0)", "integer", verdict="converted",
        reason="SQLite's integers end at 2^63 − 1; kept as text, which compares as text",
    ),
    Rule(_LITE, "NUMERIC({size},{scale})", "decimal", most=15),
    Rule(
        _LITE, "DECIMAL_TEXT({size},{scale})", "decimal", sized=True, verdict="converted",
        reason="SQLite's numbers are exact to 15 digits; kept as text, which compares as text",
    ),
    Rule(
        _LITE, "DECIMAL_TEXT", "decimal", verdict="converted",
        reason="SQLite's numbers are exact to 15 digits; kept as text, which compares as text",
    ),
    Rule(_LITE, "REAL", "real"),
    Rule(_LITE, "CHAR({size})", "text", sized=True, fixed=True, verdict="converted", reason=_LENGTH),
    Rule(_LITE, "VARCHAR({size})", "text", sized=True, verdict="converted", reason=_LENGTH),
    Rule(_LITE, "TEXT", "text"),
    Rule(_LITE, "BLOB", "bytes"),
    Rule(_LITE, "INTEGER", "bit", source=_MY, most=63, verdict="converted", reason="bits become a number"),
    Rule(_LITE, "TEXT", "bit", verdict="converted", reason="bits become a text of 0 and 1"),
    Rule(_LITE, "DATE", "date", verdict="converted", reason=_AS_TEXT),
    Rule(_LITE, "TIME", "time", verdict="converted", reason=_AS_TEXT),
    Rule(_LITE, "TIMESTAMPTZ", "timestamp", zone=True, verdict="converted", reason="stored as its text in UTC"),
    Rule(_LITE, "DATETIME", "timestamp", verdict="converted", reason=_AS_TEXT),
    Rule(_LITE, "INTEGER", "year"),
    Rule(_LITE, "TEXT", "json", verdict="converted", reason="stored as its text; a CHECK keeps it valid"),
    Rule(_LITE, "TEXT", "enum", verdict="converted", reason=_MEMBERS),
    Rule(_LITE, "TEXT", "array", verdict="converted", reason="an array becomes a JSON array"),
    Rule(_LITE, "BLOB", "geometry", source=_MY, verdict="converted", reason="stored as MySQL keeps it: SRID and WKB"),
    Rule(_LITE, "TEXT", verdict="converted", reason=_AS_TEXT),
)  # fmt: skip

_KEY_TEXT = "MySQL indexes no text of unlimited length; the longest value decides"
_TO_MYSQL = (
    Rule(_MY, "tinyint(1)", "boolean"),
    Rule(_MY, "smallint", "integer", most=16, unsigned=False),
    Rule(_MY, "int", "integer", most=32, unsigned=False),
    Rule(_MY, "int unsigned", "integer", most=32, unsigned=True),
    Rule(_MY, "bigint", "integer"),
    Rule(_MY, "decimal({size},{scale})", "decimal", most=65),
    Rule(
        _MY, "decimal(65,30)", "decimal", verdict="converted",
        reason="numbers without a declared size get MySQL's largest",
    ),
    Rule(_MY, "float", "real", most=32),
    Rule(_MY, "double", "real"),
    Rule(_MY, "char({size})", "text", most=255, fixed=True),
    Rule(_MY, "varchar({size})", "text", most=768),
    Rule(_MY, "varchar(255)", "text", keyed=True, verdict="converted", reason=_KEY_TEXT),
    Rule(_MY, "varchar({size})", "text", most=4000),
    Rule(_MY, "longtext", "text", sized=True, verdict="converted", reason="the length is kept by a CHECK"),
    Rule(_MY, "longtext", "text"),
    Rule(_MY, "varbinary(255)", "bytes", keyed=True, verdict="converted", reason=_KEY_TEXT),
    Rule(_MY, "longblob", "bytes"),
    Rule(_MY, "bit({size})", "bit", most=64, fixed=True),
    Rule(_MY, "varchar(255)", "bit", keyed=True, verdict="converted", reason="bits become a text of 0 and 1"),
    Rule(_MY, "longtext", "bit", verdict="converted", reason="bits become a text of 0 and 1"),
    Rule(_MY, "date", "date"),
    Rule(_MY, "varchar(24)", "time", zone=True, verdict="converted", reason=_AS_TEXT),
    Rule(_MY, "time({size})", "time", sized=True),
    Rule(_MY, "time(6)", "time"),
    Rule(_MY, "datetime({size})", "timestamp", sized=True, zone=True, verdict="converted", reason=_UTC),
    Rule(_MY, "datetime({size})", "timestamp", sized=True),
    Rule(_MY, "datetime(6)", "timestamp", zone=True, verdict="converted", reason=_UTC),
    Rule(_MY, "datetime(6)", "timestamp"),
    Rule(_MY, "varchar(255)", "json", keyed=True, verdict="converted", reason=_AS_TEXT),
    Rule(_MY, "json", "json"),
    Rule(_MY, "varchar(255)", "array", keyed=True, verdict="converted", reason="an array becomes a JSON array"),
    Rule(_MY, "json", "array", verdict="converted", reason="an array becomes a JSON array"),
    Rule(_MY, "char(36)", "uuid", verdict="converted", reason=_AS_TEXT),
    Rule(_MY, "varchar(43)", "network", verdict="converted", reason=_AS_TEXT),
    Rule(_MY, "enum", "enum", verdict="converted", reason="a type of its own becomes an ENUM of the column"),
    Rule(_MY, "varchar(255)", "any", keyed=True, verdict="converted", reason=_ANY),
    Rule(_MY, "longtext", "any", verdict="converted", reason=_ANY),
    Rule(_MY, "varchar(255)", keyed=True, verdict="converted", reason=_AS_TEXT),
    Rule(_MY, "longtext", verdict="converted", reason=_AS_TEXT),
)  # fmt: skip

RULES: tuple[Rule, ...] = _TO_POSTGRESQL + _TO_SQLITE + _TO_MYSQL
"""The rules that the lab comes with."""
