"""Messages of pgoutput, made by hand after the manual (54.9) and decoded."""

from __future__ import annotations

import struct

import pytest

from prayog_migration.engine.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Decoder,
    Delete,
    Insert,
    Note,
    Origin,
    Relation,
    Truncate,
    TypeName,
    Undecodable,
    Update,
    lsn_number,
    lsn_text,
)


def cells(*values: object) -> bytes:
    made = struct.pack(">H", len(values))
    for value in values:
        if value is None:
            made += b"n"
        elif value is UNCHANGED:
            made += b"u"
        elif isinstance(value, bytes):
            made += b"b" + struct.pack(">I", len(value)) + value
        else:
            text = str(value).encode()
            made += b"t" + struct.pack(">I", len(text)) + text
    return made


RELATION = (
    b"R" + struct.pack(">I", 7) + b"public\0" + "खाते".encode() + b"\0d" + struct.pack(">H", 2)
    + b"\1id\0" + struct.pack(">Ii", 20, -1) + b"\0note\0" + struct.pack(">Ii", 25, 9)
)  # fmt: skip
SEVEN = struct.pack(">I", 7)


@pytest.fixture
def decoder() -> Decoder:
    made = Decoder()
    made.feed(RELATION)
    return made


def test_a_relation_describes_its_columns() -> None:
    relation = Decoder().feed(RELATION)
    assert isinstance(relation, Relation)
    assert (relation.schema, relation.name, relation.identity) == ("public", "खाते", "d")
    assert relation.columns == (("id", 20, -1, True), ("note", 25, 9, False))


def test_rows(decoder: Decoder) -> None:
    table = decoder.relations[7]
    assert decoder.feed(b"I" + SEVEN + b"N" + cells(1, None)) == Insert(table, ["1", None])
    assert decoder.feed(b"I" + SEVEN + b"N" + cells(1, b"\0\xff")) == Insert(table, ["1", b"\0\xff"])
    assert decoder.feed(b"U" + SEVEN + b"N" + cells(1, UNCHANGED)) == Update(table, "", None, ["1", UNCHANGED])
    moved = decoder.feed(b"U" + SEVEN + b"K" + cells(1, None) + b"N" + cells(2, "a\tb\n"))
    assert moved == Update(table, "K", ["1", None], ["2", "a\tb\n"])
    whole = decoder.feed(b"U" + SEVEN + b"O" + cells(1, "old") + b"N" + cells(1, UNCHANGED))
    assert whole == Update(table, "O", ["1", "old"], ["1", UNCHANGED])
    assert decoder.feed(b"D" + SEVEN + b"K" + cells(1, None)) == Delete(table, "K", ["1", None])
    assert decoder.feed(b"T" + struct.pack(">IB", 1, 3) + SEVEN) == Truncate(
        (table,), cascade=True, restart_identity=True
    )


def test_everything_else(decoder: Decoder) -> None:
    assert decoder.feed(b"B" + struct.pack(">QqI", 99, -5, 700)) == Begin(99, -5, 700)
    assert decoder.feed(b"C" + struct.pack(">BQQq", 0, 98, 99, 5)) == Commit(98, 99, 5)
    assert decoder.feed(b"M" + struct.pack(">BQ", 1, 5) + b"_wiz\0" + struct.pack(">I", 4) + b"mark") == Note(
        True, 5, "_wiz", b"mark"
    )
    assert decoder.feed(b"Y" + SEVEN + b"public\0mood\0") == TypeName(7, "public", "mood")
    assert decoder.feed(b"O" + struct.pack(">Q", 3) + b"upstream\0") == Origin(3, "upstream")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty message"),
        (b"Z123", "begins no message"),
        (b"I" + struct.pack(">I", 8) + b"N" + cells(1), "before the description"),
        (b"I" + SEVEN + b"N" + cells("a long value")[:-3], "longer than the message"),
        (b"I" + SEVEN + b"N" + struct.pack(">H", 3) + b"n", "does not follow version 1"),
        (b"U" + SEVEN + b"X" + cells(1), "K, O or N"),
        (b"I" + SEVEN + b"N" + struct.pack(">H", 1) + b"x", "n, u, t or b"),
        (b"I" + SEVEN + b"N" + struct.pack(">HcI", 1, b"t", 1) + b"\xff", "does not follow version 1"),
    ],
)
def test_what_is_no_message_is_said_in_a_sentence(decoder: Decoder, data: bytes, said: str) -> None:
    with pytest.raises(Undecodable, match=said):
        decoder.feed(data)


def test_positions_are_written_as_postgresql_does() -> None:
    assert lsn_text(0x16_B374D848) == "16/B374D848"
    assert lsn_number("16/B374D848") == 0x16_B374D848
    assert lsn_text(5) == "0/5"
