"""Keys, UNIQUE, CHECK, foreign keys and indexes of one table, for the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from prayog_migration.engine.columns import PlannedColumns, quoted
from prayog_migration.engine.expressions import KeptByType, Untranslatable, translate
from prayog_migration.engine.indexes import Indexing, plan_index
from prayog_migration.engine.model import (
    Catalogue,
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    Part,
    Table,
    Trigger,
    Unique,
)
from prayog_migration.engine.names import Namespace
from prayog_migration.engine.plan import Finding, Server

__all__ = ["PlannedTable", "keyed_columns", "plan_constraints", "plan_foreign_keys"]


@dataclass(slots=True)
class PlannedTable:
    """A table of the target while it is made; ``triggers`` do what a column's clause did."""

    table: Table
    planned: PlannedColumns
    findings: list[Finding] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)


def keyed_columns(table: Table) -> dict[str, int]:
    """Columns in a key, a UNIQUE, an index or a foreign key, with the number of columns there at most."""
    groups: list[Sequence[str]] = [table.key.columns] if table.key else []
    groups += [unique.columns for unique in table.uniques]
    groups += [key.columns for key in table.foreign_keys]
    groups += [[part.text for part in index.parts if not part.expression] for index in table.indexes if index.unique]
    found: dict[str, int] = {}
    for group in groups:
        for name in group:
            found[name] = max(found.get(name, 0), len(group))
    return found


def plan_constraints(
    catalogue: Catalogue, server: Server, source: Table, made: PlannedTable, relations: Namespace
) -> None:
    """Give the target table its key, UNIQUEs, CHECKs and indexes."""
    work = _Work(catalogue, server, source, made, relations)
    work.key()
    work.uniques()
    work.checks()
    work.indexes()
    for exclusion in source.exclusions:
        work.tell("exclusion constraint", exclusion.name, "lost", f"{exclusion.definition}: only PostgreSQL has it", 4)


class _Work:
    def __init__(
        self, catalogue: Catalogue, server: Server, source: Table, made: PlannedTable, relations: Namespace
    ) -> None:
        self.catalogue, self.server, self.source, self.made = catalogue, server, source, made
        self.relations = relations if server.dialect != "mysql" else Namespace("mysql", folds=True)
        self.own = Namespace(server.dialect, folds=server.dialect != "postgresql")
        self.names = made.planned.names
        self.pressing: list[Index] = []

    def tell(self, kind: str, name: str, verdict: str, reason: str = "", level: int = 0, becomes: str = "") -> None:
        self.made.findings.append(
            Finding(kind, f"{self.source.title}.{name}", verdict, reason, level, becomes)  # type: ignore[arg-type]
        )

    def to(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(self.names.columns[name][0] for name in columns)

    def named(self, wanted: str, columns: Sequence[str], end: str) -> str:
        """A name for an index-like constraint; SQLite's have none that matters."""
        name = wanted or f"{self.made.table.name}_{'_'.join(columns)}_{end}"
        return self.relations.take(name)

    def key(self) -> None:
        key = self.source.key
        if key is None:
            self.tell("key", "", "converted", "there is no key: changes cannot be followed and rows not told apart", 2)
            return
        nulls = self._null_columns(key.columns)
        label = f"({', '.join(key.columns)})"
        if nulls:
            unique = Unique(self.to(key.columns), self.named("", self.to(key.columns), "key"))
            self.made.table = replace(self.made.table, uniques=(unique,))
            reason = f"{', '.join(nulls)} holds NULL, which only SQLite allows in a key: it becomes UNIQUE"
            self.tell("key", label, "converted", reason, 2)
            return
        made = Key(self.to(key.columns), autoincrement=key.autoincrement)
        if self.server.dialect == "postgresql":
            made = replace(
                made,
                name=self.relations.take(key.name or f"{self.made.table.name}_pkey"),
                include=self.to(key.include),
                deferrable=key.deferrable,
                initially_deferred=key.initially_deferred,
            )
        columns = tuple(
            replace(column, nullable=False) if column.name in made.columns else column
            for column in self.made.table.columns
        )
        self.made.table = replace(self.made.table, key=made, columns=columns)
        self._clauses("key", label, key.conflict, key.deferrable)
        self._case(key.columns, key.parts, made.name or "key")
        self.tell("key", label, "exact", becomes=f"PRIMARY KEY ({', '.join(made.columns)})")

    def _null_columns(self, columns: Sequence[str]) -> list[str]:
        """Columns of a key that hold NULL, as SQLite allows."""
        return [name for name in columns if name in self.made.planned.nulls]

    def _clauses(self, kind: str, label: str, conflict: str, deferrable: bool) -> None:
        if conflict and conflict != "ABORT":
            reason = f"ON CONFLICT {conflict}: the target refuses the row instead"
            self.tell("conflict clause", label, "lost", reason, 3)
        if deferrable and self.server.dialect != "postgresql":
            self.tell(kind, label, "converted", "checked at once, not at the end of the transaction", 2)

    def _case(self, columns: Sequence[str], parts: Sequence[Part], name: str) -> None:
        """Uniqueness without regard to case needs an index of its own where the column's type has none."""
        folding = {part.text for part in parts if part.collation.lower() == "nocase"}
        told = {part.text for part in parts if part.collation}
        for column in self.source.columns:
            if column.name not in told and column.name.lower() in self.names.nocase:
                folding.add(column.name)
        texts = {n for n in columns if n in folding and self.names.columns[n][2].name == "text"}
        if not texts or self.server.dialect != "postgresql":  # elsewhere the column's own collation does it
            return
        index = Index(
            self.relations.take(f"{name}_nocase" if name != "key" else f"{self.made.table.name}_nocase"),
            tuple(self._folded(self.names.columns[n][0]) if n in texts else Part(self.to([n])[0]) for n in columns),
            unique=True,
        )
        self.pressing.append(index)
        reason = f"{', '.join(sorted(texts))} is unique without regard to case: kept by a further unique index"
        self.tell("index", f"({', '.join(columns)})", "converted", reason, 1, index.name)

    def _folded(self, name: str) -> Part:
        """SQLite's NOCASE folds ASCII only, MySQL's collations all letters."""
        column = quoted(name, self.server.dialect)
        text = f'lower({column} COLLATE "C")' if self.catalogue.dialect == "sqlite" else f"lower({column})"
        return Part(text, expression=True)

    def uniques(self) -> None:
        made = list(self.made.table.uniques)
        for one in self.source.uniques:
            label = f"({', '.join(one.columns)})"
            if any(part.prefix for part in one.parts):
                index = plan_index(self._indexing(), Index(one.name, one.parts, unique=True))
                self._add(index, "unique", one.name or label)
                continue
            columns = self.to(one.columns)
            name = self.named(one.name if self.server.dialect != "sqlite" else "", columns, "key")
            unique = Unique(columns, name)
            if self.server.dialect == "postgresql":
                unique = replace(
                    unique,
                    deferrable=one.deferrable,
                    initially_deferred=one.initially_deferred,
                    nulls_distinct=one.nulls_distinct,
                    include=self.to(one.include),
                )
            elif not one.nulls_distinct:
                self.tell("unique", label, "lost", "NULLS NOT DISTINCT: here several NULLs are allowed", 3)
            made.append(unique)
            self._clauses("unique", label, one.conflict, one.deferrable)
            self._case(one.columns, one.parts, name)
            self.tell("unique", label, "exact", becomes=name)
        self.made.table = replace(self.made.table, uniques=tuple(made))

    def checks(self) -> None:
        made: list[Check] = []
        for name in _named(self.made.table):  # in PostgreSQL all constraints of a table share one space
            self.own.take(name)
        for n, check in enumerate(self.source.checks, 1):
            label = check.name or f"check {n} ({check.expression[:40]})"
            if not check.enforced:
                self.tell("check", label, "lost", "it was not enforced at the source either", 1)
                continue
            try:
                text = translate(check.expression, self.names, condition=True)
            except KeptByType as error:
                self.tell("check", label, "converted", f"{check.expression}: {error}", 1)
                continue
            except Untranslatable as error:
                self.tell("check", label, "draft", f"{check.expression}: {error}", 3)
                continue
            made.append(Check(text, self._check_name(check.name), "", check.validated))
            self.tell("check", label, "converted", "; ".join(self.names.notes), 0, text)
        extra = []
        for check in self.made.planned.checks:
            if check.expression not in {one.expression for one in made}:
                extra.append(replace(check, name=self._check_name("", check.column), column=""))
        self.made.table = replace(self.made.table, checks=(*made, *extra))

    def _check_name(self, name: str, column: str = "") -> str:
        middle = f"_{column}" if column else ""
        return self.own.take(name or f"{self.made.table.name}{middle}_check")

    def _indexing(self) -> Indexing:
        return Indexing(self.names, self.server, self.made.table.name, self.relations)

    def indexes(self) -> None:
        for index in self.source.indexes:
            self._add(plan_index(self._indexing(), index), "index", index.name)
        self.made.table = replace(self.made.table, indexes=(*self.made.table.indexes, *self.pressing))

    def _add(self, done: tuple[Index | None, Finding, tuple[Column, ...]], kind: str, name: str) -> None:
        index, finding, columns = done
        table = self.made.table
        if index is not None:
            table = replace(table, indexes=(*table.indexes, index), columns=(*table.columns, *columns))
        self.made.table = table
        self.tell(kind, name, finding.verdict, finding.reason, finding.level, finding.becomes)


def plan_foreign_keys(
    catalogue: Catalogue,
    server: Server,
    source: Table,
    made: PlannedTable,
    all_made: Mapping[str, PlannedTable],
    shared: Namespace | None,
) -> None:
    """Give the target table its foreign keys, once all tables are planned; `all_made` by the source's title.

    `shared`: the space of their names where all tables share it (InnoDB).
    """
    names = shared or Namespace(server.dialect, folds=server.dialect != "postgresql")
    keys = []
    for name in (*_named(made.table), *(check.name for check in made.table.checks)) if not shared else ():
        names.take(name)
    for key in source.foreign_keys:
        label = f"{source.title}.{key.name or '(' + ', '.join(key.columns) + ')'}"
        parent = _parent(catalogue, key)
        target = all_made.get(parent.title) if parent else None
        if parent is None or target is None:
            reason = f"it refers to {key.parent}, which {'is not there' if parent is None else 'does not move'}"
            made.findings.append(Finding("foreign key", label, "lost", reason, 3))
            continue
        columns = key.parent_columns or (parent.key.columns if parent.key else ())
        if len(columns) != len(key.columns) or not _unique_there(target.table, _to(target, columns)):
            reason = f"{parent.title} ({', '.join(columns)}) is no key and not unique, so nothing can refer to it"
            made.findings.append(Finding("foreign key", label, "lost", reason, 3))
            continue
        new = ForeignKey(
            _to(made, key.columns),
            target.table.name,
            _to(target, columns),
            target.table.schema,
            names.take(key.name or f"{made.table.name}_{'_'.join(key.columns)}_fkey"),
            key.on_delete,
            key.on_update,
            key.match if server.dialect == "postgresql" else "",
            key.deferrable and server.dialect != "mysql",
            key.initially_deferred and server.dialect != "mysql",
        )
        finding = Finding("foreign key", label, "exact", becomes=new.name)
        if server.dialect == "mysql":
            new, finding = _for_mysql(key, _in_order(new, target.table), made.table, finding)
        if key.match == "FULL" and server.dialect != "postgresql" and len(new.columns) > 1:
            if server.dialect == "mysql" and _changes_columns(new):  # no CHECK may use them then
                reason = "MATCH FULL: a reference that is NULL in part is not refused here"
                made.findings.append(Finding("foreign key", label, "lost", reason, 3))
            else:
                made.table = replace(made.table, checks=(*made.table.checks, _all_or_none(new, server)))
        keys.append(new)
        made.findings.append(finding)
    made.table = replace(made.table, foreign_keys=tuple(keys))


def _changes_columns(key: ForeignKey) -> bool:
    return key.on_delete == "SET NULL" or key.on_update in ("SET NULL", "CASCADE")


def _all_or_none(key: ForeignKey, server: Server) -> Check:
    """MATCH FULL: either all columns of the reference are NULL, or none."""
    first, *others = (f"({quoted(name, server.dialect)} IS NULL)" for name in key.columns)
    return Check(" AND ".join(f"{first} = {one}" for one in others), f"{key.name[:50]}_full")


def _named(table: Table) -> list[str]:
    """The names that key and UNIQUEs have taken."""
    return [one.name for one in (table.key, *table.uniques) if one is not None and one.name]


def _in_order(key: ForeignKey, parent: Table) -> ForeignKey:
    """InnoDB wants the columns in the order of the parent's key."""
    keys = [parent.key.columns] if parent.key else []
    keys += [unique.columns for unique in parent.uniques]
    keys += [tuple(part.text for part in index.parts) for index in parent.indexes if index.unique]
    order = next((one for one in keys if set(one) == set(key.parent_columns)), key.parent_columns)
    own = dict(zip(key.parent_columns, key.columns, strict=True))
    return replace(key, columns=tuple(own[name] for name in order), parent_columns=order)


def _for_mysql(
    key: ForeignKey, new: ForeignKey, table: Table, finding: Finding
) -> tuple[ForeignKey, Finding]:
    """InnoDB knows no SET DEFAULT and nothing deferred."""
    reasons = []
    required = {column.name for column in table.columns if not column.nullable}
    if "SET NULL" in (key.on_delete, key.on_update) and required & set(new.columns):
        actions = ["NO ACTION" if one == "SET NULL" else one for one in (key.on_delete, key.on_update)]
        new = replace(new, on_delete=actions[0], on_update=actions[1])
        reasons.append("SET NULL on a column that is NOT NULL only refuses; InnoDB wants that said")
    if "SET DEFAULT" in (key.on_delete, key.on_update):
        actions = ["NO ACTION" if one == "SET DEFAULT" else one for one in (new.on_delete, new.on_update)]
        new = replace(new, on_delete=actions[0], on_update=actions[1])
        reasons.append("SET DEFAULT is NO ACTION in InnoDB")
    if key.deferrable:
        reasons.append("checked at once, not at the end of the transaction")
    return new, replace(finding, verdict="converted", reason="; ".join(reasons), level=2) if reasons else finding


def _parent(catalogue: Catalogue, key: ForeignKey) -> Table | None:
    try:
        return catalogue.table(key.parent, key.parent_schema)
    except KeyError:
        return None


def _to(made: PlannedTable, columns: Sequence[str]) -> tuple[str, ...]:
    return tuple(made.planned.names.columns[name][0] for name in columns)


def _unique_there(table: Table, columns: tuple[str, ...]) -> bool:
    keys = [set(table.key.columns)] if table.key else []
    keys += [set(unique.columns) for unique in table.uniques]
    keys += [{part.text for part in index.parts} for index in table.indexes if index.unique and not index.where]
    return set(columns) in keys
