"""One index on the target: its parts and predicate, or what stands in for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from prayog_migration.engine.columns import quoted
from prayog_migration.engine.expressions import Names, Untranslatable, translate
from prayog_migration.engine.model import Column, Index, Part
from prayog_migration.engine.names import Namespace
from prayog_migration.engine.plan import Finding, Server, Verdict

__all__ = ["Indexing", "plan_index"]

_TREE = {"btree", "hash", "brin"}


@dataclass(frozen=True, slots=True)
class Indexing:
    """What an index needs to know of its table."""

    names: Names
    server: Server
    table: str
    space: Namespace


def plan_index(context: Indexing, index: Index) -> tuple[Index | None, Finding, tuple[Column, ...]]:
    """The index on the target (None: lost), what is said about it, and columns that the table needs for it."""
    label = index.name
    if index.method == "fulltext":
        return _fulltext(context, index)
    if index.method not in _TREE:
        reason = f"a {index.method} index has no equivalent"
        return None, Finding("index", label, "lost", reason, 2), ()
    try:
        notes: set[str] = set()
        parts = tuple(_part(context, part, index.unique, notes) for part in index.parts)
        where = translate(index.where, context.names, condition=True) if index.where else ""
        notes |= context.names.notes if where else set()
    except Untranslatable as error:
        return None, Finding("index", label, "draft", f"{index.sql or index.name}: {error}", 3), ()
    reasons = sorted(notes) if index.method == "btree" else [f"{index.method} becomes btree", *sorted(notes)]
    include: tuple[str, ...] = ()
    if index.include and context.server.dialect == "postgresql":
        include = tuple(context.names.columns[name][0] for name in index.include)
    elif index.include:
        reasons.append("included columns are left out")
    made = Index(_name(context, index), parts, index.unique, where, include=include)
    if context.server.dialect == "postgresql":
        made = replace(made, nulls_distinct=index.nulls_distinct)
    if context.server.dialect == "mysql" and (where or any(part.expression for part in parts)):
        return _for_mysql(context, made, index)
    if context.server.dialect == "mysql":
        made = replace(made, parts=tuple(_prefixed(context, part, index.unique) for part in parts))
    expression = any(part.expression for part in parts) or where
    verdict: Verdict = "converted" if reasons or expression else "exact"
    return made, Finding("index", label, verdict, "; ".join(reasons), int(bool(reasons)), made.name), ()


def _name(context: Indexing, index: Index) -> str:
    """Index names are one space with the tables in PostgreSQL and SQLite; MySQL repeats them from table to table."""
    if context.names.source == "mysql" and context.server.dialect != "mysql":
        return context.space.take(f"{context.table}_{index.name}")
    return context.space.take(index.name)


def _part(context: Indexing, part: Part, unique: bool, notes: set[str]) -> Part:
    target = context.server.dialect
    if part.expression:
        text = translate(part.text, context.names)
        notes |= context.names.notes
        return Part(_collated(text, part.collation, target), True, "", part.descending)
    name, _, to = context.names.columns[part.text]
    folds = part.text.lower() in context.names.nocase
    if part.prefix and target != "mysql":
        text = f"substr({quoted(name, target)}, 1, {part.prefix})"
        if folds and to.name == "text":
            return Part(text, True, "NOCASE") if target == "sqlite" else Part(f"lower({text})", True)
        return Part(text, True)
    collation = part.collation.lower()
    collated = collation in ("nocase", "rtrim") and to.name == "text" and not (folds and collation == "nocase")
    if collated and (target == "postgresql" or (target == "mysql" and unique)):
        return Part(_collated(quoted(name, target), collation, target), True, "", part.descending)
    return Part(name, False, "", part.descending, prefix=part.prefix)


def _collated(text: str, collation: str, target: str) -> str:
    """SQLite's collations as functions: NOCASE folds ASCII letters, RTRIM takes the spaces at the end away."""
    match collation.lower(), target:
        case "nocase", "postgresql":
            return f'lower(({text}) COLLATE "C")'
        case "nocase", _:
            return f"lower({text})"
        case "rtrim", _:
            return f"rtrim({text})"
    return text


def _prefixed(context: Indexing, part: Part, unique: bool) -> Part:
    """MySQL indexes only the beginning of a text without a length."""
    to = {name: kind for name, _, kind in context.names.columns.values()}[part.text]
    unlimited = to.name in ("text", "bytes") and to.size is None
    return replace(part, prefix=191) if unlimited and not unique and not part.prefix else part


def _fulltext(context: Indexing, index: Index) -> tuple[Index | None, Finding, tuple[Column, ...]]:
    columns = [context.names.columns[part.text][0] for part in index.parts]
    if context.server.dialect == "postgresql":
        text = " || ' ' || ".join(f"coalesce({quoted(name, 'postgresql')}, '')" for name in columns)
        part = Part(f"to_tsvector('simple', {text})", expression=True)
        made = Index(_name(context, index), (part,), method="gin")
        reason = "full text search: MATCH … AGAINST is written to_tsvector('simple', …) @@ to_tsquery(…) here"
        return made, Finding("index", index.name, "converted", reason, 3, made.name), ()
    return None, Finding("index", index.name, "lost", "full text search needs an FTS5 table in SQLite", 3), ()


def _for_mysql(context: Indexing, made: Index, index: Index) -> tuple[Index | None, Finding, tuple[Column, ...]]:
    """A unique index on expressions or a part of the rows: over invisible columns that compute them.

    Rows outside the predicate get NULL there, and NULLs are never equal.  Other such indexes only make it faster.
    """
    if not made.unique:
        plain = tuple(_prefixed(context, part, False) for part in made.parts if not part.expression)
        if len(plain) < len(made.parts):
            return None, Finding("index", index.name, "lost", "MariaDB does not index expressions", 2), ()
        reason = "MySQL has no partial indexes: all rows are in it"
        return replace(made, parts=plain, where=""), Finding("index", index.name, "converted", reason, 1, made.name), ()
    types = {name: kind for name, _, kind in context.names.columns.values()}
    columns, parts = [], []
    for n, part in enumerate(made.parts, 1):
        if not part.expression and not made.where:
            parts.append(part)
            continue
        text = part.text if part.expression else quoted(part.text, "mysql")
        if made.where:
            text = f"CASE WHEN {made.where} THEN {text} END"
        whole = not part.expression and types[part.text].name == "integer"
        type_ = "bigint" if whole else "varchar(255)"
        name = f"{made.name}_{n}"
        columns.append(Column(name, type_, generated=text, invisible=True))
        parts.append(Part(name))
    reason = "MySQL has no partial or expression indexes: invisible generated columns are unique instead"
    finding = Finding("index", index.name, "converted", reason, 2, made.name)
    return replace(made, parts=tuple(parts), where=""), finding, tuple(columns)
