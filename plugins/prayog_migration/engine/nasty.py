"""*Nasty*: a SQLite database in which everything is legal and nothing is ordinary.

Every table is one lesson about moving: what SQLite lets in and a stricter database does not.  It is the demo source of
the assessment and of the quarantine, and it is made the same every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["SCHEMA", "rows"]

SCHEMA = (
    # Columns whose values are not what they say.
    "CREATE TABLE affinity (id INTEGER PRIMARY KEY, quantity INTEGER, price NUMERIC(10,2), ratio REAL,"
    " name VARCHAR(10), photo BLOB, paid BOOLEAN, anything, odd WEIRDTYPE(3))",
    "CREATE TABLE dates (id INTEGER PRIMARY KEY, day DATE, at DATETIME, clock TIME, zoned TIMESTAMPTZ, epoch DATETIME)",
    "CREATE TABLE texts (id INTEGER PRIMARY KEY, body TEXT, code TEXT COLLATE NOCASE UNIQUE)",
    "CREATE TABLE big (id INTEGER PRIMARY KEY, number INTEGER NOT NULL, huge BLOB, wide TEXT)",
    # Keys of all sorts, and none.
    'CREATE TABLE keyless (a INTEGER, "b c" TEXT)',
    "CREATE TABLE null_key (code TEXT PRIMARY KEY, v INTEGER)",
    "CREATE TABLE pairs (a TEXT, b INTEGER, v TEXT, PRIMARY KEY (a, b DESC)) WITHOUT ROWID",
    "CREATE TABLE int_key (id INT PRIMARY KEY, v TEXT)",
    "CREATE TABLE empty_numbers (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
    "CREATE TABLE used_numbers (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT)",
    "CREATE TABLE strict_one (id INTEGER PRIMARY KEY, n INT, r REAL, t TEXT, b BLOB, a ANY) STRICT",
    # Tables that refer to each other, and to nothing.
    "CREATE TABLE chicken (id INTEGER PRIMARY KEY, egg_id INTEGER REFERENCES egg (id) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE egg (id INTEGER PRIMARY KEY, chicken_id INTEGER REFERENCES chicken (id) ON DELETE SET NULL)",
    "CREATE TABLE employee (id INTEGER PRIMARY KEY, boss INTEGER REFERENCES employee ON DELETE CASCADE, name TEXT)",
    "CREATE TABLE orphan (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES employee (id), v TEXT)",
    "CREATE TABLE dangling (id INTEGER PRIMARY KEY, gone INTEGER REFERENCES not_there (id))",
    # What reflection loses.
    'CREATE TABLE "Select" ("from" INTEGER PRIMARY KEY, "Group" TEXT DEFAULT \'it\'\'s\','
    ' "naïve name" REAL DEFAULT 1.5e3, "quo""te" TEXT, `back` TEXT DEFAULT (lower(\'ABC\')),'
    " [bracket] INTEGER NOT NULL DEFAULT -1)",
    "CREATE TABLE computed (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER,"
    " twice INTEGER GENERATED ALWAYS AS (a * 2) STORED, total AS (a + b), CHECK (a > 0 AND (b < 100 OR b IS NULL)))",
    "CREATE TABLE ruled (id INTEGER PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('upi', 'card', 'cash')),"
    " amount NUMERIC(12,2) CONSTRAINT not_negative CHECK (amount >= 0), active BOOLEAN CHECK (active IN (0, 1)),"
    " made DATETIME DEFAULT (datetime('now')), stamp INTEGER DEFAULT (strftime('%s','now')),"
    " UNIQUE (kind, amount) ON CONFLICT REPLACE)",
    "CREATE UNIQUE INDEX ruled_active ON ruled (kind) WHERE active = 1 AND amount > 1000",
    "CREATE UNIQUE INDEX texts_lower ON texts (lower(body)) WHERE body IS NOT NULL AND length(body) < 20",
    "CREATE INDEX pairs_v ON pairs (v COLLATE NOCASE, a DESC)",
    # Names that fold together elsewhere, or are too long.
    "CREATE TABLE case_clash (id INTEGER PRIMARY KEY, v TEXT)",
    f"CREATE TABLE {'long_' * 15}name (id INTEGER PRIMARY KEY, {'column_' * 12}name TEXT)",
    "CREATE VIEW cheap AS SELECT id, name, price FROM affinity WHERE price < 100",
    "CREATE VIEW odd_view AS SELECT group_concat(name, ';') AS names FROM affinity",
    "CREATE VIEW lost_view AS SELECT * FROM not_there",
    "CREATE TRIGGER ruled_guard BEFORE UPDATE OF amount ON ruled WHEN new.amount < old.amount BEGIN"
    " SELECT RAISE(ABORT, 'amounts only grow'); END",
)
"""The tables, indexes, views and the trigger, in an order in which they can be made."""


def rows() -> Iterator[tuple[str, tuple[Any, ...]]]:
    """(INSERT statement, values), in order; text that is no UTF-8 is given as bytes and CAST."""
    for table, values in _plain():
        yield f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(values))})', values
    yield "INSERT INTO texts VALUES (7, CAST(? AS TEXT), 'bad utf-8')", (b"caf\xe9 \xff",)
    yield "INSERT INTO affinity (id, name) VALUES (9, CAST(? AS TEXT))", (b"\xc3\x28",)
    yield "INSERT INTO used_numbers VALUES (500, 'then deleted')", ()
    yield "DELETE FROM used_numbers WHERE id = 500", ()
    for a, b in ((1, 2), (50, 99), (7, None)):
        yield "INSERT INTO computed (a, b) VALUES (?, ?)", (a, b)


def _plain() -> Iterator[tuple[str, tuple[Any, ...]]]:
    yield "affinity", (1, 5, "10.50", 1.5, "Asha", b"\x00\xff", 1, "text", 3)
    yield "affinity", (2, "five", 99.999, "abc", "longer than ten", "text in a blob", "yes", 42, "x")
    yield "affinity", (3, 3.5, 1e300, float("inf"), b"blob in text", None, 2, b"\x01", None)
    yield "affinity", (4, 2**63 - 1, "12345678901.5", -0.0, "", b"", "true", 1.25, 7.5)
    yield "affinity", (5, -(2**63), 0.1 + 0.2, 5e-324, "नमस्ते", None, 0, None, "y")
    yield "affinity", (6, None, None, None, None, None, None, None, None)
    yield from (
        ("affinity", (100 + n, n, f"{n}.25", n / 3, f"name {n}", bytes([n]), n % 2, f"t{n}", n)) for n in range(90)
    )
    yield "dates", (1, "2024-02-29", "2024-02-29 10:00:00", "10:00", "2024-02-29 10:00:00+05:30", 1709200800)
    yield "dates", (2, "2023-02-29", "2024-13-01 10:00:00", "25:00", "2024-02-29 10:00:00", 1709200801)
    yield "dates", (3, "29/02/2024", "now", "noon", "yesterday", 1709200802)
    yield "dates", (4, "0000-00-00", "2024-02-29T10:00:00.123456", "10:00:00.5", "2024-02-29T10:00:00Z", 1709200803)
    yield "dates", (5, 20240229, 2460370.5, None, "2024-02-29 23:59:59.999999-11:00", None)
    yield from (
        ("dates", (100 + n, f"2024-01-{1 + n % 28:02}", f"2024-01-{1 + n % 28:02} 0{n % 10}:00:00", "09:30",
                   f"2024-01-01 0{n % 10}:00:00+05:30", 1709200900 + n))
        for n in range(300)
    )  # fmt: skip
    bodies = ("plain", "tab\there", "line\nbreak\r\n", "back\\slash \\N \\.", 'say "hi"', "nul\0inside")
    for n, body in enumerate(bodies):
        yield "texts", (n + 1, body, f"Code{n}")
    yield "texts", (8, "emoji 🪔 and नमस्ते", None)
    yield "texts", (9, None, None)
    yield from (("texts", (100 + n, f"text number {n}, longer than twenty characters", f"c{n}")) for n in range(300))
    yield "big", (1, 2**63 - 1, bytes(range(256)) * 20_000, "क" * 100_000)
    yield "big", (2, -(2**63), b"\xff" * 5_000_000, None)
    yield from (("keyless", (n % 3, ("x", None, "x")[n % 3])) for n in range(9))
    yield from (("null_key", pair) for pair in ((None, 1), (None, 2), ("a", 3), ("A", 4), ("", 5)))
    yield from (("pairs", (a, b, f"{a}{b}")) for a in ("", "a", "A", "ä", "z\t") for b in (3, 1, 2))
    yield from (("int_key", pair) for pair in ((None, "no id"), (1, "one"), (2, "two")))
    yield "used_numbers", (1, "first")
    yield "strict_one", (1, 2**62, 0.5, "t", b"b", "any text")
    yield "strict_one", (2, None, None, None, None, 17)
    yield from (("chicken", (n, n % 3 + 1)) for n in (1, 2, 3))
    yield from (("egg", (n, (n + 1) % 3 + 1)) for n in (1, 2, 3))
    yield from (("employee", (n, n // 2 or None, f"employee {n}")) for n in range(1, 400))
    yield "orphan", (1, 1, "has a parent")
    yield "orphan", (2, 9999, "has none")
    yield "dangling", (1, 5)
    yield "Select", (1, "g", 1.5, 'q"q', "b", 7)
    yield "Select", (2, None, None, None, None, -1)
    for n, kind in enumerate(("upi", "card", "cash"), 1):
        yield "ruled", (n, kind, 10.5 * n, n % 2, "2024-01-01 00:00:00", 1_700_000_000)
    yield "case_clash", (1, "v")
    yield f"{'long_' * 15}name", (1, "v")
