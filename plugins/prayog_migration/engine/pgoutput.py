"""The messages of PostgreSQL's `pgoutput` plugin, protocol version 1, decoded.

A logical replication stream is a series of byte strings.  Each is one message of the manual's section "Logical
Replication Message Formats" (PostgreSQL 18, 54.9): a transaction begins, rows change, it commits.  Nothing here
talks to a server, so every branch is tested on hand-made bytes.

Rules
1. A cell is text as the server writes it (``bytes`` where it was sent in binary), ``None`` for NULL, or `UNCHANGED`:
   an UPDATE that did not touch a value stored out of line (TOAST) does not send it.  Never take it for NULL.
2. Rows name their table by a number.  The server sends a `Relation` before the first row that uses it and again after
   every change of its columns: that is how a stream tells of DDL.
3. Only transactions that committed are sent, whole, in the order of their commits.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

__all__ = [
    "UNCHANGED", "Begin", "Cell", "Commit", "Decoder", "Delete", "Insert", "Message", "Note", "Origin", "Relation",
    "RelationColumn", "Truncate", "TypeName", "Unchanged", "Undecodable", "Update", "lsn_number", "lsn_text",
]  # fmt: skip


class Unchanged(Enum):
    """The type of `UNCHANGED`."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED
"""A value that the change did not touch and the server did not send."""

Cell = str | bytes | None | Unchanged


class Undecodable(ValueError):
    """The bytes are no message of pgoutput version 1; the sentence says what was found where."""


# Named tuples, not dataclasses: a stream makes a hundred thousand a second, and these are built three times as fast.


class Begin(NamedTuple):
    """A transaction that will commit at ``final_lsn``; ``committed_us``: µs since 2000-01-01 UTC."""

    final_lsn: int
    committed_us: int
    xid: int


class Commit(NamedTuple):
    """The end of the transaction.  A stream that is asked for again from ``end_lsn`` does not repeat it."""

    commit_lsn: int
    end_lsn: int
    committed_us: int


class RelationColumn(NamedTuple):
    """``key``: the column is part of the replica identity.  ``type_oid`` and ``modifier`` as in pg_attribute."""

    name: str
    type_oid: int
    modifier: int
    key: bool


class Relation(NamedTuple):
    """A table.  ``identity`` is pg_class.relreplident: d (key), n (nothing), f (all columns), i (an index)."""

    oid: int
    schema: str
    name: str
    identity: str
    columns: tuple[RelationColumn, ...]


class Insert(NamedTuple):
    """A new row."""

    relation: Relation
    new: list[Cell]


class Update(NamedTuple):
    """``old`` is None unless the key changed (``kind`` K: only key columns are set) or all columns identify (O)."""

    relation: Relation
    kind: str
    old: list[Cell] | None
    new: list[Cell]


class Delete(NamedTuple):
    """``kind`` K: ``old`` has the key columns only; O: the whole row."""

    relation: Relation
    kind: str
    old: list[Cell]


class Truncate(NamedTuple):
    """All rows of ``relations`` went at once."""

    relations: tuple[Relation, ...]
    cascade: bool
    restart_identity: bool


class Note(NamedTuple):
    """What somebody wrote into the log by ``pg_logical_emit_message``; ``transactional``: inside a transaction."""

    transactional: bool
    lsn: int
    prefix: str
    content: bytes


class TypeName(NamedTuple):
    """A type that is not built in."""

    oid: int
    schema: str
    name: str


class Origin(NamedTuple):
    """The transaction came to this server from another one."""

    lsn: int
    name: str


Message = Begin | Commit | Relation | Insert | Update | Delete | Truncate | Note | TypeName | Origin

_u16 = struct.Struct(">H").unpack_from
_u32 = struct.Struct(">I").unpack_from
_u64 = struct.Struct(">Q").unpack_from
_begin = struct.Struct(">QqI").unpack_from
_commit = struct.Struct(">QQq").unpack_from
_type = struct.Struct(">Ii").unpack_from


class Decoder:
    """Turns byte strings into messages; it remembers the relations of one connection, so each needs a new one."""

    def __init__(self) -> None:
        self.relations: dict[int, Relation] = {}

    def feed(self, data: bytes) -> Message:
        """The message in `data`.  Raises `Undecodable`."""
        try:
            return self._message(data)
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise Undecodable(
                f"A {chr(data[0]) if data else 'n empty'} message of {len(data)} bytes does not follow version 1 of "
                f"pgoutput ({error}). Expected a stream that was started with proto_version '1'."
            ) from error

    def _message(self, data: bytes) -> Message:
        kind = data[0]
        match kind:
            case 0x49:  # I
                return Insert(self._relation(data, 1), _cells(data, 6)[0])
            case 0x55:  # U
                return self._update(data)
            case 0x44:  # D
                return Delete(self._relation(data, 1), chr(data[5]), _cells(data, 6)[0])
            case 0x42:  # B
                return Begin(*_begin(data, 1))
            case 0x43:  # C, after a byte of flags that is not used yet
                return Commit(*_commit(data, 2))
            case 0x52:  # R
                return self._describe(data)
            case 0x54:  # T
                count, options = _u32(data, 1)[0], data[5]
                relations = tuple(self._relation(data, 6 + 4 * n) for n in range(count))
                return Truncate(relations, bool(options & 1), bool(options & 2))
            case 0x4D:  # M
                prefix, at = _text(data, 10)
                size = _u32(data, at)[0]
                return Note(bool(data[1] & 1), _u64(data, 2)[0], prefix, data[at + 4 : at + 4 + size])
            case 0x59:  # Y
                schema, at = _text(data, 5)
                return TypeName(_u32(data, 1)[0], schema, _text(data, at)[0])
            case 0x4F:  # O
                return Origin(_u64(data, 1)[0], _text(data, 9)[0])
        raise Undecodable(f"Byte {kind:#04x} begins no message of pgoutput version 1.")

    def _relation(self, data: bytes, at: int) -> Relation:
        oid = _u32(data, at)[0]
        try:
            return self.relations[oid]
        except KeyError:
            raise Undecodable(f"A row of table number {oid} came before the description of that table.") from None

    def _update(self, data: bytes) -> Update:
        relation, kind, at, old = self._relation(data, 1), chr(data[5]), 6, None
        if kind in "KO":
            old, at = _cells(data, at)
            if data[at] != 0x4E:
                raise Undecodable(f"An update has {chr(data[at])!r} where N, the new row, must begin.")
            at += 1
        elif kind != "N":
            raise Undecodable(f"An update has {kind!r} where K, O or N must stand.")
        return Update(relation, "" if kind == "N" else kind, old, _cells(data, at)[0])

    def _describe(self, data: bytes) -> Relation:
        oid = _u32(data, 1)[0]
        schema, at = _text(data, 5)
        name, at = _text(data, at)
        identity, count = chr(data[at]), _u16(data, at + 1)[0]
        at += 3
        columns = []
        for _ in range(count):
            key = bool(data[at] & 1)
            column, at = _text(data, at + 1)
            kind, modifier = _type(data, at)
            columns.append(RelationColumn(column, kind, modifier, key))
            at += 8
        # Of a table in pg_catalog the server sends an empty schema.
        relation = Relation(oid, schema or "pg_catalog", name, identity, tuple(columns))
        self.relations[oid] = relation
        return relation


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(0, at)
    if end < 0:
        raise IndexError("a name has no end")
    return data[at:end].decode(), end + 1


def _cells(data: bytes, at: int) -> tuple[list[Cell], int]:
    """The row at `at`, and where it ends."""
    cells: list[Cell] = []
    count = _u16(data, at)[0]
    at += 2
    for _ in range(count):
        kind = data[at]
        at += 1
        if kind == 0x6E:  # n
            cells.append(None)
        elif kind == 0x75:  # u
            cells.append(UNCHANGED)
        elif kind in (0x74, 0x62):  # t, b
            end = at + 4 + _u32(data, at)[0]
            if end > len(data):
                raise IndexError("a value is longer than the message")
            value = data[at + 4 : end]
            cells.append(value.decode() if kind == 0x74 else value)
            at = end
        else:
            raise Undecodable(f"A cell has {chr(kind)!r} where n, u, t or b must stand.")
    return cells, at


def lsn_text(lsn: int) -> str:
    """A position in the log as PostgreSQL writes it: ``16/B374D848``."""
    return f"{lsn >> 32:X}/{lsn & 0xFFFFFFFF:X}"


def lsn_number(text: str) -> int:
    """The position that `lsn_text` wrote."""
    high, low = text.split("/")
    return int(high, 16) << 32 | int(low, 16)
