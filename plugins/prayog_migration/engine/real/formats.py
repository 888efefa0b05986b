"""A table as a file: CSV, JSON lines or Parquet, and what each loses, shown by reading the file again.

DuckDB writes and reads the files.  The reader is told nothing, as whoever gets the file knows nothing: so it guesses
the types of a CSV, finds text where JSON has no type, and takes Parquet's types as they are.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb

from prayog_migration.engine.kind_of import kind_of
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Catalogue, Table
from prayog_migration.engine.real.store import Reader

__all__ = ["FORMATS", "ColumnLoss", "Format", "FormatReport", "round_trip"]

Format = Literal["csv", "json", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "json", "parquet")
_NULL = "N"
_OPTIONS: dict[Format, str] = {
    "csv": "FORMAT csv, HEADER",
    "json": "FORMAT json",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}


@dataclass(frozen=True, slots=True)
class ColumnLoss:
    """What became of a column: its type before and after, how many values are not what they were, one of them, why."""

    name: str
    before: str
    after: str
    changed: int
    sample: str
    why: str

    @property
    def kept(self) -> bool:
        """Type and all values came back."""
        return self.before == self.after and not self.changed


@dataclass(frozen=True, slots=True)
class FormatReport:
    """One file: its size, the seconds of writing it, and its columns.  ``misfits`` are values that no typed column
    takes (SQLite lets them in): NULL in the file."""

    format: Format
    path: Path
    rows: int
    bytes: int
    seconds: float
    misfits: int
    columns: tuple[ColumnLoss, ...]


def round_trip(
    reader: Reader,
    catalogue: Catalogue,
    table: Table,
    format: Format,
    path: Path,
    limit: int | None = None,
    progress: Callable[[int], None] = lambda rows: None,
) -> FormatReport:
    """Write `table` (its first `limit` rows) to `path`, read the file again, and say what was lost.

    `progress` is told rows read from the source; it may raise to stop.
    """
    columns = table.plain_columns
    kinds = [kind_of(catalogue, table, column) for column in columns]
    names = [column.name for column in columns]
    with tempfile.TemporaryDirectory(prefix="prayog-") as folder, duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        stage = Path(folder) / "stage.csv"
        rows = _staged(reader, table, names, kinds, stage, limit, progress)
        misfits = _typed(duck, stage, names, kinds)
        began = time.perf_counter()
        rows_in_order = "SELECT * EXCLUDE _wiz_n FROM typed ORDER BY _wiz_n"
        duck.execute(f"COPY ({rows_in_order}) TO '{_text(path)}' ({_OPTIONS[format]})")
        seconds = time.perf_counter() - began
        _read_again(duck, format, path)
        losses = tuple(_loss(duck, format, name) for name in names)
    return FormatReport(format, path, rows, path.stat().st_size, seconds, misfits, losses)


def _text(value: object) -> str:
    return str(value).replace("'", "''")


def _name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _staged(
    reader: Reader,
    table: Table,
    names: Sequence[str],
    kinds: Sequence[Kind],
    stage: Path,
    limit: int | None,
    progress: Callable[[int], None],
) -> int:
    """The rows as hexadecimal text, which no separator, quote or line end disturbs, for DuckDB to make columns of."""
    count = 0
    with stage.open("w", encoding="ascii") as file:
        for row in reader.rows(table, names, limit=limit):
            count += 1
            file.write(",".join([str(count), *map(_staged_value, row)]) + "\n")
            if count % 1_000 == 0:
                progress(count)
    return count


def _staged_value(value: Any) -> str:
    if value is None:
        return _NULL
    if isinstance(value, bytes):
        return value.hex()
    text = value if isinstance(value, str) else repr(value)
    return text.encode("utf-8", "surrogateescape").hex()


def _typed(duck: duckdb.DuckDBPyConnection, stage: Path, names: Sequence[str], kinds: Sequence[Kind]) -> int:
    """Make the table ``typed``; how many values did not fit their type."""
    columns = ", ".join(f"'c{n}': 'VARCHAR'" for n in range(len(names)))
    duck.execute(
        f"CREATE TABLE staged AS SELECT * FROM read_csv('{_text(stage)}', header = false, quote = '', escape = '',"
        f" nullstr = '{_NULL}', auto_detect = false, delim = ',', max_line_size = 200000000,"
        f" columns = {{'_wiz_n': 'BIGINT', {columns}}})"
    )
    named = enumerate(zip(names, kinds, strict=True))
    made = ", ".join(f"{_cast(f'c{n}', kind)} AS {_name(name)}" for n, (name, kind) in named)
    duck.execute(f"CREATE TABLE typed AS SELECT _wiz_n, {made} FROM staged")
    lost = " + ".join(
        f"count(*) FILTER (WHERE s.c{n} IS NOT NULL AND t.{_name(name)} IS NULL)" for n, name in enumerate(names)
    )
    found = duck.execute(f"SELECT {lost} FROM staged s JOIN typed t USING (_wiz_n)").fetchone()
    return int(found[0]) if found else 0


def _cast(column: str, kind: Kind) -> str:
    type_ = _type(kind)
    if type_ == "BLOB":
        return f"from_hex({column})"
    text = f"TRY(decode(from_hex({column})))"
    return text if type_ == "VARCHAR" else f"TRY_CAST({text} AS {type_})"


def _type(kind: Kind) -> str:
    match kind.name:
        case "integer":
            return "UBIGINT" if kind.unsigned and kind.size == 64 else "BIGINT"
        case "decimal" if kind.size is not None and kind.size <= 38:
            return f"DECIMAL({kind.size},{kind.scale or 0})"
        case "real":
            return "DOUBLE"
        case "boolean":
            return "BOOLEAN"
        case "bytes":
            return "BLOB"
        case "date":
            return "DATE"
        case "time":
            return "TIME"
        case "timestamp":
            return "TIMESTAMP WITH TIME ZONE" if kind.zone else "TIMESTAMP"
        case "uuid":
            return "UUID"
    return "VARCHAR"


def _read_again(duck: duckdb.DuckDBPyConnection, format: Format, path: Path) -> None:
    """As somebody who has nothing but the file."""
    function = {"csv": "read_csv", "json": "read_json", "parquet": "read_parquet"}[format]
    more = {"csv": ", sample_size = -1, max_line_size = 200000000", "json": ", maximum_object_size = 200000000"}
    file = f"{function}('{_text(path)}'{more.get(format, '')})"
    duck.execute(f"CREATE TABLE again AS SELECT row_number() OVER () AS _wiz_n, * FROM {file}")


def _loss(duck: duckdb.DuckDBPyConnection, format: Format, name: str) -> ColumnLoss:
    types = {}
    for side in ("typed", "again"):
        for column, type_, *_ in duck.execute(f"DESCRIBE {side}").fetchall():
            types[side, column] = str(type_)
    before, after = types["typed", name], types.get(("again", name), "missing")
    if after == "missing":
        return ColumnLoss(name, before, after, 0, "", "the reader found no such column")
    q = _name(name)
    differs = f"t.{q}::VARCHAR IS DISTINCT FROM a.{q}::VARCHAR"
    found = duck.execute(
        f"SELECT count(*), min(t.{q}::VARCHAR || ' → ' || coalesce(a.{q}::VARCHAR, 'NULL'))"
        f" FROM typed t JOIN again a USING (_wiz_n) WHERE {differs}"
    ).fetchone()
    assert found is not None
    changed, sample = int(found[0]), str(found[1] or "")[:80]
    return ColumnLoss(name, before, after, changed, sample, _why(format, before, after, changed))


def _why(format: Format, before: str, after: str, changed: int) -> str:
    if before == after and not changed:
        return ""
    if format == "csv":
        if before == "VARCHAR" and after == "VARCHAR":
            return "an empty text and NULL look alike in CSV"
        if before == "BLOB":
            return "CSV has no binary values: they are written as text"
        return "CSV has no types: the reader guesses them from the values"
    if format == "json":
        if before == "BLOB":
            return "JSON has no binary values: they are written as text"
        if before.startswith("DECIMAL"):
            return "JSON has one kind of number: a decimal comes back as a double"
        return "JSON has no such type: it is written as text, and the reader guesses"
    return "Parquet has no such type"
