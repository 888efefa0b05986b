"""Makes the plan of a move: every object of the source gets its place on the target, and a verdict.

Planned once without profiles, to know which types are meant; the values are looked at with those types in mind
(`real.profiling`); planned again with what was found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from prayog_migration.engine.alignment import align
from prayog_migration.engine.columns import PlannedColumns, plan_columns
from prayog_migration.engine.constraints import (
    PlannedTable,
    keyed_columns,
    plan_constraints,
    plan_foreign_keys,
)
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Catalogue, Column, Table, Trigger, UserType
from prayog_migration.engine.names import Namespace
from prayog_migration.engine.plan import Choices, Finding, Plan, Server, TableMove, Verdict
from prayog_migration.engine.profile import TableProfile
from prayog_migration.engine.programs import plan_sequences, plan_views, tell_others, touch_trigger
from prayog_migration.engine.queries import Words
from prayog_migration.engine.rules import RULES, Rule
from prayog_migration.engine.same import same_findings, same_table

__all__ = ["make_plan"]

_MOVED_MODULES = ("fts3", "fts4", "fts5", "rtree", "rtree_i32")
"""Virtual tables whose rows are their own and can be read as a table."""


def make_plan(
    catalogue: Catalogue,
    server: Server,
    profiles: Mapping[str, TableProfile] | None = None,
    rules: Sequence[Rule] = RULES,
    choices: Choices = Choices(),  # noqa: B008 - a frozen value
) -> Plan:
    """The plan for moving everything in `catalogue` to `server`; `profiles` by the table's title."""
    return _Planning(catalogue, server, profiles or {}, rules, choices).plan()


class _Planning:
    def __init__(
        self,
        catalogue: Catalogue,
        server: Server,
        profiles: Mapping[str, TableProfile],
        rules: Sequence[Rule],
        choices: Choices,
    ) -> None:
        self.catalogue, self.server, self.profiles, self.rules = catalogue, server, profiles, rules
        self.choices = choices
        self.same = catalogue.dialect == server.dialect
        folds = server.dialect != "postgresql"
        self.relations: dict[str, Namespace] = {}
        self.type_names = Namespace(server.dialect, folds)
        self.folds = folds
        self.findings: list[Finding] = []
        self.renames: list[tuple[str, str]] = []
        self.made: dict[str, PlannedTable] = {}
        self.triggers: list[Trigger] = []

    def plan(self) -> Plan:
        moving = [table for table in self.catalogue.tables if self._moves(table)]
        names = {table.title: self._name(table.schema, table.name) for table in moving}
        views = {(one.schema, one.name): self._name(one.schema, one.name) for one in self.catalogue.views}
        for table in moving:
            self.made[table.title] = self._table(table, names[table.title])
        shared = Namespace("mysql", folds=True) if self.server.dialect == "mysql" else None
        for table in moving:
            if not self.same:
                plan_foreign_keys(self.catalogue, self.server, table, self.made[table.title], self.made, shared)
        if self.server.dialect == "mysql" and not self.same:
            align(self.made.values())
        moves = tuple(self._move(table) for table in moving)
        view_moves, view_findings = plan_views(self.catalogue, self.server, self._words(moves, views))
        sequences, sequence_findings = plan_sequences(self.catalogue, self.server)
        types: list[UserType] = list(self.catalogue.types) if self.same else []
        for made in self.made.values():
            self.findings += made.planned.findings + made.findings
            self.renames += made.planned.renames
            types += made.planned.types
            self.triggers += made.triggers
        self.findings += view_findings + sequence_findings + tell_others(self.catalogue, self.server)
        return Plan(
            self.catalogue,
            self.server,
            moves,
            view_moves,
            sequences,
            tuple(types),
            self.catalogue.routines if self.same else (),
            self.catalogue.triggers if self.same else tuple(self.triggers),
            tuple(self.findings),
            tuple(self.renames),
        )

    def _space(self, schema: str) -> Namespace:
        """The name space of tables and indexes: one a schema in PostgreSQL, one in all elsewhere."""
        key = schema if self.server.dialect == "postgresql" else ""
        return self.relations.setdefault(key, Namespace(self.server.dialect, self.folds))

    def _name(self, schema: str, name: str) -> str:
        """A name on the target; schemas become a part of it where there are none."""
        keeps = self.server.dialect == "postgresql"
        taken = self._space(schema).take(name if keeps or not schema else f"{schema}_{name}")
        if taken != name:
            self.renames.append((f"{schema}.{name}" if schema else name, taken))
        return taken

    def _moves(self, table: Table) -> bool:
        label = table.title
        if label in self.choices.left_out:
            self.findings.append(Finding("table", label, "lost", "left out by your choice"))
            return False
        if table.kind == "shadow":
            self.findings.append(Finding("table", label, "converted", "kept by a virtual table, moves with it"))
            return False
        if table.kind == "virtual" and (table.engine not in _MOVED_MODULES or "content=" in table.sql.lower()):
            reason = f"a virtual table of {table.engine or 'an unknown module'}: its rows are not its own"
            self.findings.append(Finding("table", label, "lost", reason, 3))
            return False
        if not table.plain_columns:
            reason = "it has no column of its own, so its rows hold nothing that could be copied"
            self.findings.append(Finding("table", label, "lost", reason, 2))
            return False
        if table.kind == "foreign":
            self.findings.append(Finding("table", label, "lost", "its rows live on another server", 3))
            return False
        if table.partitioning and table.partitioning.parent and not self.same:
            reason = f"a part of {table.partitioning.parent}; its rows move with it"
            self.findings.append(Finding("partition", label, "converted", reason, 1))
            return False
        return True

    def _table(self, table: Table, name: str) -> PlannedTable:
        profile = self.profiles.get(table.title)
        planned = plan_columns(
            self.catalogue,
            self.server,
            table,
            name,
            self.rules,
            self.choices,
            profile,
            keyed_columns(table),
            self.type_names,
        )
        if self.same:
            made = PlannedTable(same_table(table, name, planned), planned, list(same_findings(table)))
        else:
            schema = table.schema if self.server.dialect == "postgresql" else ""
            target = Table(name, tuple(planned.columns), schema, next_number=table.next_number, comment=table.comment)
            made = PlannedTable(target, planned)
            self._identity(table, made)
            plan_constraints(self.catalogue, self.server, table, made, self._space(schema))
            self._touched(table, made)
        self._tell(table, made)
        return made

    def _identity(self, table: Table, made: PlannedTable) -> None:
        """Columns that hand out numbers: identity, AUTO_INCREMENT, or INTEGER PRIMARY KEY, whichever there is."""
        dialect, columns = self.server.dialect, list(made.table.columns)
        for place, column in enumerate(table.columns):
            alone = table.key is not None and table.key.columns == (column.name,)
            own = self._own_sequence(column.sequence, alone)
            if not column.identity and not own:
                if column.sequence:
                    columns[place] = self._shared_sequence(table, made, column, columns[place])
                continue
            label = f"{table.title}.{column.name}"
            if dialect == "sqlite" and not alone:
                reason = "only a key hands out numbers by itself on the target: the application has to"
                made.findings.append(Finding("identity", label, "lost", reason, 3))
                columns[place] = replace(columns[place], identity="")
                continue
            kept = column.identity if column.identity in ("always", "by default") else "by default"
            identity = kept if dialect == "postgresql" else "auto"
            columns[place] = replace(columns[place], identity=identity, default=None, nullable=False)
            reason = "the target accepts given numbers too" if column.identity == "always" != identity else ""
            made.findings.append(Finding("identity", label, "converted" if reason else "exact", reason, 0, identity))
            if dialect == "sqlite":
                columns[place] = replace(columns[place], type="INTEGER")
        made.table = replace(made.table, columns=tuple(columns))

    def _own_sequence(self, name: str, alone: bool) -> bool:
        """It belongs to one column, by declaration, or because it feeds a key and nothing else."""
        if not name or self.same:
            return False
        users = [c for table in self.catalogue.tables for c in table.columns if c.sequence == name]
        fed = alone and len(users) == 1
        return fed or any(one.name == name and one.owner for one in self.catalogue.sequences)

    def _shared_sequence(self, table: Table, made: PlannedTable, column: Column, new: Column) -> Column:
        """A default that draws from a sequence of its own, which other columns may draw from too."""
        label = f"{table.title}.{column.name}"
        if self.server.dialect == "postgresql" or self.server.mariadb:
            quoted = column.sequence.replace('"', '""') if self.server.dialect == "postgresql" else column.sequence
            text = f"nextval('\"{quoted}\"')" if self.server.dialect == "postgresql" else f"nextval(`{quoted}`)"
            made.findings.append(Finding("default", label, "converted", becomes=text))
            return replace(new, default=text)
        reason = f"nextval of {column.sequence}: there are no sequences on the target"
        made.findings.append(Finding("default", label, "lost", reason, 3))
        return new

    def _touched(self, table: Table, made: PlannedTable) -> None:
        key = made.table.key.columns if made.table.key else ()
        for column in table.columns:
            if not column.on_update:
                continue
            label, name = f"{table.title}.{column.name}", made.planned.names.columns[column.name][0]
            trigger = touch_trigger(self.server.dialect, made.table.name, name, key)
            if trigger is None:
                reason = f"ON UPDATE {column.on_update} needs a trigger, and without a key none can be written"
                made.findings.append(Finding("on update", label, "lost", reason, 3))
                continue
            made.triggers.append(trigger)
            reason = f"ON UPDATE {column.on_update} becomes a trigger, made last"
            made.findings.append(Finding("on update", label, "converted", reason, 2, trigger.name))

    def _tell(self, table: Table, made: PlannedTable) -> None:
        reasons: list[str] = []
        if self.same:
            self.findings.append(Finding("table", table.title, "exact", becomes=made.table.title))
            return
        if table.kind == "virtual":
            reasons.append(f"a virtual table ({table.engine}) becomes an ordinary one; its search does not move")
        if table.partitioning and table.partitioning.by:
            reasons.append("its partitions become one table, and rows that none of them takes are not refused any more")
        if table.inherits:
            reasons.append(f"it inherits from {', '.join(table.inherits)}; here it stands for itself")
        heirs = [one.title for one in self.catalogue.tables if table.name in one.inherits]
        if heirs:
            reasons.append(f"rows of {', '.join(heirs)}, which inherits from it, are not shown as rows of it here")
        if table.unlogged:
            reasons.append("unlogged at the source, safe here")
        if table.row_security:
            reasons.append("row security does not move")
        if table.comment and self.server.dialect == "sqlite":
            reasons.append("comments do not move")
        if made.table.name != table.name:
            reasons.append(f"renamed to {made.table.name}")
        level = 3 if table.row_security or table.kind == "virtual" else int(bool(reasons))
        verdict: Verdict = "converted" if reasons else "exact"
        self.findings.append(Finding("table", table.title, verdict, "; ".join(reasons), level, made.table.title))

    def _move(self, table: Table) -> TableMove:
        made, profile = self.made[table.title], self.profiles.get(table.title)
        return TableMove(
            table,
            made.table,
            tuple(made.planned.moves),
            profile.rows if profile else 0,
            profile.widest_row if profile else 0,
        )

    def _kinds(self, moves: tuple[TableMove, ...]) -> dict[str, Kind]:
        """Kinds on the target by column name, of names that mean the same in every table."""
        found: dict[str, set[str]] = {}
        kinds: dict[str, Kind] = {}
        for move in moves:
            for column in move.columns:
                found.setdefault(column.target, set()).add(column.target_kind.name)
                kinds[column.target] = column.target_kind
        return {name: kinds[name] for name, several in found.items() if len(several) == 1}

    def _words(self, moves: tuple[TableMove, ...], views: Mapping[tuple[str, str], str]) -> Words:
        """What tables, views and columns are called on the target, for translating views."""
        tables = {(move.source.schema, move.source.name): move.target.name for move in moves}
        columns: dict[str, str] = {}
        for move in moves:
            planned: PlannedColumns = self.made[move.source.title].planned
            columns |= {name: found[0] for name, found in planned.names.columns.items()}
        return Words(self.catalogue.dialect, self.server.dialect, tables | dict(views), columns, self._kinds(moves))
