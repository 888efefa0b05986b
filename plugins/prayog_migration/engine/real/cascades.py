"""What InnoDB does without telling: ON DELETE and ON UPDATE actions of foreign keys are not in the binlog.

A replica carries them out itself.  The wizard's target does not (its foreign keys rest while changes are applied), so
the rows that such an action reached are looked up here: they are the rows of the target that refer to a parent which
is gone or has another key now, and their children in turn.  What became of them is then read from the source.
(MySQL manual, “InnoDB and FOREIGN KEY constraints”: cascaded changes are not written to the binary log.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from prayog_migration.engine.changes import Key
from prayog_migration.engine.identity import Unfollowable, identity
from prayog_migration.engine.plan import ColumnMove, Plan, TableMove
from prayog_migration.engine.real.store import Store, Writer
from prayog_migration.engine.values import Converter

__all__ = ["Cascades", "Edge", "Moves", "edges"]

Moves = Mapping[int, Sequence[tuple[Key, Key | None]]]
"""By table: keys of rows before and after each change that the log tells of (None: gone)."""

_QUIET = {"NO ACTION", "RESTRICT", ""}
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Edge:
    """Table ``child`` refers to table ``parent`` (numbers in the plan), and the reference has an action.

    ``columns`` of the child hold ``parent_columns``; ``by_key``: those are what names a row of the parent.
    """

    parent: int
    child: int
    columns: tuple[str, ...]
    parent_columns: tuple[str, ...]
    by_key: bool


def edges(plan: Plan) -> list[Edge]:
    """All references of a MySQL source that change rows silently.  Raises `Unfollowable`."""
    if plan.source.dialect != "mysql":
        return []
    numbers = {(move.source.schema, move.source.name): n for n, move in enumerate(plan.tables)}
    found = []
    for n, move in enumerate(plan.tables):
        for key in move.source.foreign_keys:
            parent = numbers.get((key.parent_schema, key.parent))
            if parent is None or _QUIET.issuperset((key.on_delete, key.on_update)):
                continue
            above = plan.tables[parent].source
            columns = key.parent_columns or (above.key.columns if above.key else ())
            by_key = set(columns) == set(identity(above, "mysql").columns)
            named = identity(move.source, "mysql").columns
            if not by_key and key.on_update not in _QUIET and set(named) & set(key.columns):
                raise Unfollowable(
                    f"The key of table {move.source.title} is changed by ON UPDATE {key.on_update} through columns of "
                    f"{above.title} that are not its key, and the binlog does not tell of that. Leave one of them out, "
                    "or choose the big bang, which copies while nobody writes."
                )
            found.append(Edge(parent, n, key.columns, columns, by_key))
    return found


class Cascades:
    """Finds the rows that foreign keys of a MySQL source have changed silently."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan = plan
        self._store = store
        self._edges = edges(plan)
        self._named = [identity(move.source, "mysql").columns for move in plan.tables] if self._edges else []

    def find(self, writer: Writer, moves: Moves) -> dict[int, list[Key]]:
        """Keys, in the source's form, of rows that may have changed because of `moves`.

        `writer` sees the target as it was before them.
        """
        touched: dict[int, dict[Key, None]] = {}
        todo: dict[int, list[tuple[Key, Key | None]]] = {n: list(pairs) for n, pairs in moves.items()}
        seen: set[tuple[int, Key, Key | None]] = set()
        while todo:
            following: dict[int, list[tuple[Key, Key | None]]] = {}
            for edge in self._edges:
                pairs = [pair for pair in todo.get(edge.parent, ()) if pair[0] != pair[1] or not edge.by_key]
                for old, new in self._children(writer, edge, pairs, touched.get(edge.child, {})) if pairs else ():
                    touched.setdefault(edge.child, {})[old] = None
                    if new is not None:
                        touched[edge.child][new] = None
                    if (edge.child, old, new) not in seen:
                        seen.add((edge.child, old, new))
                        following.setdefault(edge.child, []).append((old, new))
            todo = following
        return {number: list(keys) for number, keys in touched.items()}

    def _children(
        self, writer: Writer, edge: Edge, pairs: Sequence[tuple[Key, Key | None]], known: Mapping[Key, None]
    ) -> Iterator[tuple[Key, Key | None]]:
        """(key, key that it may have now) of rows that refer to one of the parents that moved or went."""
        named = self._named[edge.child]
        shared = [(n, edge.columns.index(name)) for n, name in enumerate(named) if name in edge.columns]
        order = [edge.parent_columns.index(name) for name in self._named[edge.parent]] if edge.by_key else []
        rows = list(self._on_target(writer, edge, [old for old, _ in pairs]))
        if len(shared) == len(edge.columns):  # the reference is part of the key: what moved before may move again
            back = {place: n for n, place in shared}
            rows += [(key, tuple(key[back[place]] for place in range(len(edge.columns)))) for key in known]
        became: dict[Key, list[Key | None]] = {}
        for old, new in pairs:
            became.setdefault(old, []).append(new)
        for key, reference in rows:
            if not edge.by_key:
                yield key, None
                continue
            for new in became.get(tuple(reference[place] for place in order), ()):
                if new is None or not shared:
                    yield key, None
                    continue
                values: list[Any] = [None] * len(order)
                for place, value in zip(order, new, strict=True):
                    values[place] = value
                moved = list(key)
                for n, place in shared:
                    moved[n] = values[place]
                yield key, tuple(moved)

    def _on_target(self, writer: Writer, edge: Edge, parents: Sequence[Key]) -> Iterator[tuple[Key, Key]]:
        """(key, reference) of the target's rows that refer to one of `parents`, in the source's form."""
        child, parent = self._plan.tables[edge.child], self._plan.tables[edge.parent]
        quote, named = self._store.quote, self._named[edge.child]
        wanted = tuple(dict.fromkeys((*named, *edge.columns)))
        home = Converter(self._plan.target, replace(child, columns=_backwards(child, wanted)), "mysql")
        there = Converter(
            "mysql", replace(parent, columns=_columns(parent, self._named[edge.parent])), self._plan.target
        )
        shown = ", ".join(self._exchange(f"c.{quote(name)}") for name in child.target_of(wanted))
        table = self._name(edge.child)
        pairs = list(zip(child.target_of(edge.columns), parent.target_of(edge.parent_columns), strict=True))
        if edge.by_key:  # then the parent itself need not be there
            mine = dict(zip(edge.parent_columns, edge.columns, strict=True))
            refers = [f"c.{quote(child.target_of((mine[name],))[0])}" for name in self._named[edge.parent]]
            source = f"{table} c"
        else:
            refers = [f"p.{quote(name)}" for name in parent.target_of(self._named[edge.parent])]
            joined = " AND ".join(f"c.{quote(a)} = p.{quote(b)}" for a, b in pairs)
            source = f"{table} c JOIN {self._name(edge.parent)} p ON {joined}"
        values, _ = there.rows(parents)
        for low in range(0, len(values), _AT_ONCE):
            some = values[low : low + _AT_ONCE]
            one = "(" + " AND ".join(f"{name} = ?" for name in refers) + ")"
            rows = writer.query(
                f"SELECT DISTINCT {shown} FROM {source} WHERE {' OR '.join([one] * len(some))}",
                [value for key in some for value in key],
            )
            for row in home.rows(rows)[0]:
                # MySQL's exchange form has numbers as text, and what an insert takes may be a number.
                cells = {name: str(v) if isinstance(v, int | float) else v for name, v in zip(wanted, row, strict=True)}
                yield tuple(cells[name] for name in named), tuple(cells[name] for name in edge.columns)

    def _exchange(self, name: str) -> str:
        """The column in exchange form, which a writer's query does not give by itself."""
        return {"postgresql": f"{name}::text", "mysql": f"CONCAT({name})"}.get(self._store.dialect, name)

    def _name(self, number: int) -> str:
        target = self._plan.tables[number].target
        return self._store.name(target.name, target.schema)


def _columns(move: TableMove, names: Sequence[str]) -> tuple[ColumnMove, ...]:
    return tuple(column for name in names for column in move.columns if column.source == name)


def _backwards(move: TableMove, names: Sequence[str]) -> tuple[ColumnMove, ...]:
    return tuple(
        replace(
            column,
            source=column.target,
            target=column.source,
            kind=column.target_kind,
            target_kind=column.kind,
            source_type=column.target_type,
            target_type=column.source_type,
        )
        for column in _columns(move, names)
    )
