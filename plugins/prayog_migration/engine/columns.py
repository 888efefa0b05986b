"""Columns of the target: type, default, generated expression, and the CHECKs that keep what a type no longer keeps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from prayog_migration.engine.advice import Advice, advise
from prayog_migration.engine.defaults import literal, translate_default
from prayog_migration.engine.expressions import Names, Untranslatable, translate
from prayog_migration.engine.fitting import bounds
from prayog_migration.engine.kind_of import kind_of
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Catalogue, Check, Column, Dialect, Table, UserType, title
from prayog_migration.engine.names import Namespace
from prayog_migration.engine.plan import Choices, ColumnMove, Finding, Server
from prayog_migration.engine.profile import ColumnProfile, TableProfile
from prayog_migration.engine.rules import Rule, choose, for_type

__all__ = ["PlannedColumns", "ignores_case", "plan_columns", "quoted"]

_KEY_CHARACTERS = 768
"""InnoDB's longest key of 3072 bytes, in characters of utf8mb4."""

_NUMBER_CHARACTERS = 25
"""A number that became text has at most so many."""
_UNKEYED = {"longtext": "varchar(255)", "longblob": "varbinary(255)"}

_NOCASE = {True: "utf8mb4_general_nopad_ci", False: "utf8mb4_0900_ai_ci"}
"""What stands in for SQLite's NOCASE, by whether the server is MariaDB; they ignore accents too."""


@dataclass(slots=True)
class PlannedColumns:
    """The columns of one table, and what else they need; ``nulls``: source columns that hold NULL."""

    names: Names
    columns: list[Column] = field(default_factory=list)
    moves: list[ColumnMove] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    types: list[UserType] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    renames: list[tuple[str, str]] = field(default_factory=list)
    nulls: set[str] = field(default_factory=set)


def quoted(name: str, dialect: Dialect) -> str:
    """An identifier in quotes."""
    return "`" + name.replace("`", "``") + "`" if dialect == "mysql" else '"' + name.replace('"', '""') + '"'


@dataclass(slots=True)
class _Context:
    catalogue: Catalogue
    server: Server
    table: Table
    target_name: str
    rules: Sequence[Rule]
    choices: Choices
    profile: TableProfile | None
    keyed: dict[str, int]
    type_names: Namespace

    @property
    def source(self) -> Dialect:
        return self.catalogue.dialect

    @property
    def target(self) -> Dialect:
        return self.server.dialect


def plan_columns(
    catalogue: Catalogue,
    server: Server,
    table: Table,
    target_name: str,
    rules: Sequence[Rule],
    choices: Choices,
    profile: TableProfile | None,
    keyed: dict[str, int],
    type_names: Namespace,
) -> PlannedColumns:
    """Plan all columns of `table`; ``keyed`` says in how many-part keys or indexes a column is at most."""
    context = _Context(catalogue, server, table, target_name, rules, choices, profile, keyed, type_names)
    space = Namespace(server.dialect, folds=server.dialect != "postgresql")
    known: dict[str, tuple[str, Kind, Kind]] = {}
    nocase = frozenset(c.name.lower() for c in table.columns if ignores_case(catalogue, table, c))
    planned = PlannedColumns(Names(catalogue.dialect, server.dialect, known, nocase))
    for column in table.columns:
        name = column.name if catalogue.dialect == server.dialect else space.take(column.name)
        if name != column.name:
            planned.renames.append((f"{table.title}.{column.name}", name))
        type_, kind, to, advice = _typed(context, column, planned)
        known[column.name] = (name, kind, to)
        planned.columns.append(replace(_bare(column, name), type=type_, values=to.values))
        if column.generated is None:
            planned.moves.append(ColumnMove(column.name, name, kind, column.type, type_, to, advice.policy))
    for place, column in enumerate(table.columns):
        planned.columns[place] = _finished(context, column, planned.columns[place], planned)
    _tell_case(context, planned)
    return planned


def _bare(column: Column, name: str) -> Column:
    return Column(name, nullable=column.nullable, identity=column.identity, comment=column.comment)


def ignores_case(catalogue: Catalogue, table: Table, column: Column) -> bool:
    """The source compares the column's texts without regard to case."""
    collation = column.collation.lower()
    if collation == "nocase" or collation.endswith("_ci"):
        return True
    return catalogue.dialect == "postgresql" and kind_of(catalogue, table, column).type == "citext"


def _tell_case(context: _Context, planned: PlannedColumns) -> None:
    """What comparing without case becomes; that of keys and UNIQUEs is told with them."""
    found = [name for name, (_, kind, to) in planned.names.columns.items()
             if name.lower() in planned.names.nocase and kind.name == to.name == "text"]  # fmt: skip
    if not found or context.source == context.target:
        return
    reason = {
        "postgresql": "texts differ by case and by spaces at the end here, except where an index keeps them unique",
        "sqlite": "COLLATE NOCASE, which folds ASCII letters only, and counts accents and spaces at the end",
        "mysql": "a collation that ignores case, and accents too",
    }[context.target]
    label = f"{context.table.title}: {', '.join(found)}"
    planned.findings.append(Finding("collation", label, "converted", f"compared without regard to case; {reason}", 1))


def _typed(context: _Context, column: Column, planned: PlannedColumns) -> tuple[str, Kind, Kind, Advice]:
    """The column's type on the target, its kinds here and there, and what was advised."""
    path = f"{context.table.title}.{column.name}"
    kind = kind_of(context.catalogue, context.table, column)
    keyed = column.name in context.keyed
    rules = [Rule(context.target, type_, column=path) for at, type_ in context.choices.types if at == path]
    rules += [
        rule for rule in (for_type(context.target, *pair) for pair in context.choices.rules)
        if rule.fits(context.source, kind, column.type, path, keyed, context.server.mariadb)
    ]  # fmt: skip
    if context.source == context.target:
        chosen = choose([*rules, *context.rules], context.source, context.target, kind, column.type, path)
        if chosen.type == column.type:
            planned.findings.append(Finding("column", path, "exact", becomes=column.type))
            return column.type, kind, kind, Advice()
    chosen = choose(
        [*rules, *context.rules], context.source, context.target, kind, column.type, path, keyed, context.server.mariadb
    )
    profile = context.profile.columns.get(column.name) if context.profile else None
    type_ = chosen.type if rules else _sized_key(context, column, chosen.type, profile)
    type_ = _enum(context, column, kind, type_, planned)
    to = _target_kind(context, type_, kind, planned)
    advice = Advice()
    if profile is not None:
        advice = advise(profile, context.source, kind, context.target, to, column.nullable)
        if rules or column.identity:  # no wider type hands out numbers
            advice = replace(advice, type="")
        if advice.type:
            type_ = advice.type
            if keyed and context.target == "mysql" and type_ in _UNKEYED:
                type_ = _sized_key(context, column, _UNKEYED[type_], profile)
            to = _target_kind(context, type_, kind, planned)
        if profile.classes["null"]:
            planned.nulls.add(column.name)
    policy = dict(context.choices.policies).get(path, advice.policy)
    reason = "; ".join(filter(None, (chosen.reason if not advice.type else "", advice.reason)))
    verdict = "converted" if reason else chosen.verdict
    misfit = bool(profile and profile.misfit and not advice.type)
    planned.findings.append(Finding("column", path, verdict, reason, 2 if misfit else int(bool(reason)), type_))
    return type_, kind, to, replace(advice, policy=policy)


def _target_kind(context: _Context, type_: str, kind: Kind, planned: PlannedColumns) -> Kind:
    target = Catalogue(context.target, context.server.version, types=tuple(planned.types))
    table = Table(context.target_name, ())
    to = kind_of(target, table, Column("", type_, values=kind.values if kind.name in ("enum", "set") else ()))
    if kind.name == "set" and to.name == "array":
        to = replace(to, values=kind.values)
    return to


def _sized_key(context: _Context, column: Column, type_: str, profile: ColumnProfile | None) -> str:
    """MySQL indexes no text without a length: the longest value says which is enough."""
    found = re.fullmatch(r"(varchar|varbinary)\(255\)", type_)
    if not found or profile is None or context.target != "mysql" or column.name not in context.keyed:
        return type_
    limit = _KEY_CHARACTERS // max(1, context.keyed[column.name])
    longest = max(profile.longest, _NUMBER_CHARACTERS) if found[1] == "varchar" else profile.widest
    if longest > limit:
        return "longtext" if found[1] == "varchar" else "longblob"
    return f"{found[1]}({min(limit, max(255, 2 * longest))})"


def _enum(context: _Context, column: Column, kind: Kind, type_: str, planned: PlannedColumns) -> str:
    if type_ != "enum":
        return type_
    if context.target == "mysql":
        return "enum(" + ",".join(literal(value, "mysql", Kind("text")) for value in kind.values) + ")"
    name = context.type_names.take(f"{context.target_name}_{column.name}")
    planned.types.append(UserType(name, "enum", labels=kind.values))
    return quoted(name, "postgresql")


def _finished(context: _Context, column: Column, made: Column, planned: PlannedColumns) -> Column:
    """Default, generated expression, identity and CHECKs, now that all columns are known."""
    path = f"{context.table.title}.{column.name}"
    name, kind, to = planned.names.columns[column.name]
    if context.source == context.target:
        return replace(column, name=name, type=made.type)
    domains = _domains(context, column)
    if column.generated is not None:
        made = _generated(context, column, made, planned)
    default = next((one for one in (column.default, *(d.default for d in domains)) if one is not None), None)
    if default is not None and not column.identity and not column.sequence:
        try:
            text = translate_default(default, planned.names, kind, to)
            made = replace(made, default=None if text == "NULL" else text)
            planned.findings.append(Finding("default", path, "converted", becomes=text))
        except Untranslatable as error:
            planned.findings.append(Finding("default", path, "lost", f"{default}: {error}", 3))
    for domain in domains:
        made = replace(made, nullable=made.nullable and domain.nullable)
        _domain_checks(column, domain, planned)
    planned.checks += [Check(text, "", name) for text in _kept(context, name, kind, to, bool(column.identity))]
    if column.conflict and column.conflict != "ABORT":
        reason = f"ON CONFLICT {column.conflict} on NOT NULL: the target refuses the row instead"
        planned.findings.append(Finding("conflict clause", path, "lost", reason, 3))
    folds = ignores_case(context.catalogue, context.table, column)
    if folds and to.name == "text" and context.target != "postgresql":
        made = replace(made, collation="NOCASE" if context.target == "sqlite" else _NOCASE[context.server.mariadb])
    plain = column.collation.lower() in ("", "binary", "c") or column.collation.lower().endswith("_bin")
    if not folds and not plain:
        reason = f"collation {column.collation}: text is compared and sorted as the target does"
        made = replace(made, collation="")
        planned.findings.append(Finding("collation", path, "converted", reason, 1))
    if column.invisible:
        planned.findings.append(Finding("column", path, "converted", "invisible at the source; visible here", 1))
    return made


def _domains(context: _Context, column: Column) -> list[UserType]:
    """The domain that is the column's type, and those it is made of."""
    found: list[UserType] = []
    if context.source == "postgresql":
        named = {title(one.schema, one.name): one for one in context.catalogue.types if one.kind == "domain"}
        one = named.get(column.type.replace('"', ""))
        while one is not None:
            found.append(one)
            one = named.get(one.base.replace('"', ""))
    return found


def _domain_checks(column: Column, domain: UserType, planned: PlannedColumns) -> None:
    name, kind, to = planned.names.columns[column.name]
    names = Names(planned.names.source, planned.names.target, {"value": (name, kind, to), "VALUE": (name, kind, to)})
    for check in domain.checks:
        try:
            planned.checks.append(Check(translate(check.expression, names, True), "", name))
        except Untranslatable as error:
            planned.findings.append(Finding("check", f"{domain.name}.{check.name}", "lost", str(error), 3))


def _generated(context: _Context, column: Column, made: Column, planned: PlannedColumns) -> Column:
    path = f"{context.table.title}.{column.name}"
    names = planned.names
    if context.target == "postgresql":  # there a generated column may not use another one
        types = dict(zip(names.columns, (one.type for one in planned.columns), strict=True))
        others = {c.name: (c.generated, types[c.name]) for c in context.table.columns if c.generated and c != column}
        names = replace(names, formulas=others)
    try:
        text = translate(column.generated or "", names)
    except Untranslatable as error:
        reason = f"{column.generated}: {error} Its values are copied into a plain column"
        planned.findings.append(Finding("generated column", path, "lost", reason, 3))
        _, kind, to = planned.names.columns[column.name]
        planned.moves.append(ColumnMove(column.name, made.name, kind, column.type, made.type, to))
        return made
    stored = column.stored or context.target == "postgresql"
    told = ["computed when written, not when read"] if stored and not column.stored else []
    reason = "; ".join((*sorted(names.notes), *told))
    planned.findings.append(Finding("generated column", path, "converted", reason, 0, text))
    return replace(made, generated=text, stored=stored)


def _kept(context: _Context, name: str, kind: Kind, to: Kind, numbered: bool) -> list[str]:
    """CHECKs for what the source's type kept and the target's does not."""
    column, target = quoted(name, context.target), context.target
    made = []
    if kind.unsigned and not to.unsigned and to.name in ("integer", "decimal", "real"):
        high = 2 ** (kind.size or 64) - 1
        if to.type == "DECIMAL_TEXT":
            made.append(f"{column} NOT LIKE '-%'")
            return made
        tops = kind.name == "integer" and (to.name == "decimal" or (to.size or 64) > (kind.size or 64))
        made.append(f"{column} BETWEEN 0 AND {high}" if tops else f"{column} >= 0")
    if kind.name == "integer" and target == "sqlite" and not kind.unsigned and not numbered:
        made.append(f"typeof({column}) IN ('integer', 'null')")
    if kind.name == to.name == "integer" and not kind.unsigned and (to.size or 64) > (kind.size or 64) and not numbered:
        low, high = bounds(kind)
        made.append(f"{column} BETWEEN {low} AND {high}")
    if kind.name == "decimal" and kind.size and target == "sqlite" and to.type != "DECIMAL_TEXT":
        made.append(f"abs({column}) < {10 ** (kind.size - (kind.scale or 0))}")
    if kind.name == "year" and to.name == "integer" and target != "mysql":
        made.append(f"{column} = 0 OR {column} BETWEEN 1901 AND 2155")
    if kind.name == "set" and to.name == "array":
        made.append(f"{column} <@ ARRAY[{', '.join(literal(v, target, Kind('text')) for v in kind.values)}]::text[]")
    if kind.name == "enum" and to.name == "text":
        made.append(f"{column} IN ({', '.join(literal(value, target, Kind('text')) for value in kind.values)})")
    if kind.name == "json" and target == "sqlite":
        made.append(f"{column} IS NULL OR json_valid({column})")
    if kind.name == "boolean" and target in ("sqlite", "mysql") and to.name == "boolean" and kind.size is None:
        made.append(f"{column} IN (0, 1)")
    sized = kind.name == "text" and kind.size is not None and context.source != "sqlite"
    if sized and target == "postgresql" and kind.size == 0:
        made.append(f"{column} = ''")
    if sized and (target == "sqlite" or (target == "mysql" and to.size is None)):
        made.append(f"{'length' if target == 'sqlite' else 'char_length'}({column}) <= {kind.size}")
    return made
