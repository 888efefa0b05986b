"""Views, triggers, routines, sequences and everything else: what goes over, and a draft for what cannot."""

from __future__ import annotations

import re
from functools import partial

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from prayog_migration.engine.columns import quoted
from prayog_migration.engine.model import Catalogue, Dialect, Routine, Sequence, Trigger, View
from prayog_migration.engine.plan import Finding, Server, ViewMove
from prayog_migration.engine.queries import Words, translate_query
from prayog_migration.engine.symbols import Untranslatable

__all__ = ["draft_trigger", "plan_sequences", "plan_views", "tell_others", "touch_trigger"]


def plan_views(
    catalogue: Catalogue,
    server: Server,
    words: Words,
) -> tuple[tuple[ViewMove, ...], list[Finding]]:
    """Every view as a draft for the target; `words` says what everything is called there."""
    moves, findings = [], []
    for view in catalogue.views:
        name = words.tables[view.schema, view.name]
        kind = "materialised view" if view.materialised else "view"
        label = f"{view.schema}.{view.name}" if view.schema else view.name
        if catalogue.dialect == server.dialect:
            moves.append(ViewMove(view, view))
            findings.append(Finding(kind, label, "exact"))
            continue
        try:
            query = translate_query(view.query, words)
        except Untranslatable as error:
            moves.append(ViewMove(view, None))
            findings.append(Finding(kind, label, "draft", f"{error}", 3))
            continue
        kept = view.materialised and server.dialect == "postgresql"
        made = View(name, query, columns=view.columns, materialised=kept)
        moves.append(ViewMove(view, made))
        reason = "translated; it is tried on the target before it counts"
        if view.materialised and not kept:
            reason += "; a plain view, computed when it is read"
        findings.append(Finding(kind, label, "draft", reason, 2, name))
    return tuple(moves), findings


def plan_sequences(catalogue: Catalogue, server: Server) -> tuple[tuple[Sequence, ...], list[Finding]]:
    """Sequences of their own; those behind a column live on in its identity."""
    made, findings = [], []
    for one in catalogue.sequences:
        label = f"{one.schema}.{one.name}" if one.schema else one.name
        users = [(table, c.name) for table in catalogue.tables for c in table.columns if c.sequence == one.name]
        feeds = len(users) == 1 and users[0][0].key is not None and users[0][0].key.columns == (users[0][1],)
        owner = one.owner or ((users[0][0].name, users[0][1]) if feeds else None)
        if catalogue.dialect == server.dialect:
            made.append(one)
            findings.append(Finding("sequence", label, "exact"))
        elif owner is not None:
            findings.append(Finding("sequence", label, "converted", f"part of the column {'.'.join(owner)}"))
        elif server.dialect == "postgresql" or server.mariadb:
            made.append(one)
            findings.append(Finding("sequence", label, "converted", becomes=one.name))
        else:
            reason = "there are no sequences on the target; use a table with one row, or AUTO_INCREMENT"
            findings.append(Finding("sequence", label, "lost", reason, 3))
    return tuple(made), findings


def touch_trigger(target: Dialect, table: str, column: str, key: tuple[str, ...]) -> Trigger | None:
    """What MySQL's ON UPDATE CURRENT_TIMESTAMP does, as a trigger; None where it cannot be written."""
    q = partial(quoted, dialect=target)
    name = f"{table}_{column}_touch"
    if target == "postgresql":
        body = (
            f"CREATE FUNCTION {q(name)}() RETURNS trigger LANGUAGE plpgsql AS $wiz$ BEGIN\n"
            f"  IF NEW IS DISTINCT FROM OLD AND NEW.{q(column)} IS NOT DISTINCT FROM OLD.{q(column)} THEN\n"
            f"    NEW.{q(column)} := now();\n  END IF;\n  RETURN NEW;\nEND $wiz$;\n"
            f"CREATE TRIGGER {q(name)} BEFORE UPDATE ON {q(table)} FOR EACH ROW EXECUTE FUNCTION {q(name)}()"
        )
        return Trigger(name, table, "BEFORE", ("UPDATE",), body, routine=name)
    if target == "sqlite" and key:
        same = " AND ".join(f"{q(one)} IS NEW.{q(one)}" for one in key)
        body = (
            f"CREATE TRIGGER {q(name)} AFTER UPDATE ON {q(table)} FOR EACH ROW WHEN NEW.{q(column)} IS OLD.{q(column)} "
            f"BEGIN UPDATE {q(table)} SET {q(column)} = CURRENT_TIMESTAMP WHERE {same}; END"
        )
        return Trigger(name, table, "AFTER", ("UPDATE",), body)
    return None


_RAISE = re.compile(
    r"^\s*SELECT\s+RAISE\s*\(\s*(?:ABORT|FAIL|ROLLBACK)\s*,\s*('(?:[^']|'')*')\s*\)\s*(?:WHERE\s+(.*))?$", re.I | re.S
)
_CASE_RAISE = re.compile(
    r"^\s*SELECT\s+CASE\s+WHEN\s+(.*?)\s+THEN\s+RAISE\s*\(\s*\w+\s*,\s*('(?:[^']|'')*')\s*\)\s*END\s*$", re.I | re.S
)
_GLOT = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}


def draft_trigger(trigger: Trigger, source: Dialect, target: Dialect) -> str:
    """A trigger of SQLite as a function and a trigger of PostgreSQL; for other pairs the original, as a comment.

    A draft: it is shown, and installed only when a person says so.
    """
    original = "\n".join(f"-- {line}" for line in trigger.sql.splitlines())
    if (source, target) != ("sqlite", "postgresql"):
        return f"-- To be written by hand. The original:\n{original}"
    try:
        statements = [_statement(one) for one in _statements(trigger.body)]
        when = _expression(trigger.when) if trigger.when else ""
    except (SqlglotError, ValueError) as error:
        return f"-- To be written by hand ({error}). The original:\n{original}"
    q = partial(quoted, dialect=target)
    returned = "OLD" if trigger.events == ("DELETE",) else "NEW"
    body = "\n".join(f"  {one};" for one in statements)
    columns = f" OF {', '.join(map(q, trigger.columns))}" if trigger.columns else ""
    head = f"CREATE TRIGGER {q(trigger.name)} {trigger.timing} {' OR '.join(trigger.events)}{columns}"
    condition = f" WHEN ({when})" if when else ""
    return (
        f"CREATE FUNCTION {q(trigger.name)}() RETURNS trigger LANGUAGE plpgsql AS $wiz$ BEGIN\n{body}\n"
        f"  RETURN {returned};\nEND $wiz$;\n"
        f"{head} ON {q(trigger.table)} FOR EACH ROW{condition} EXECUTE FUNCTION {q(trigger.name)}()"
    )


def _statements(body: str) -> list[str]:
    return [one.strip() for one in re.findall(r"(?:'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|[^;])+", body) if one.strip()]


def _expression(sql: str) -> str:
    tree = sqlglot.parse_one(f"SELECT {sql}", read="sqlite")
    assert isinstance(tree, exp.Select)
    return str(tree.selects[0].sql(dialect="postgres"))


def _statement(sql: str) -> str:
    if found := _CASE_RAISE.match(sql):
        return f"IF {_expression(found[1])} THEN RAISE EXCEPTION '%', {found[2]}; END IF"
    if found := _RAISE.match(sql):
        raising = f"RAISE EXCEPTION '%', {found[1]}"
        return f"IF {_expression(found[2])} THEN {raising}; END IF" if found[2] else raising
    if sql.upper().startswith("SELECT"):
        return "PERFORM" + sqlglot.transpile(sql, read="sqlite", write="postgres")[0][len("SELECT") :]
    return sqlglot.transpile(sql, read="sqlite", write="postgres")[0]


_SAME_ONLY = {"extension", "schema", "collation", "statistics", "rule", "policy", "statement that could not be read"}


def tell_others(catalogue: Catalogue, server: Server) -> list[Finding]:
    """A verdict for triggers, routines, types, grants and all that is only known by name."""
    same = catalogue.dialect == server.dialect
    found = []
    for trigger in catalogue.triggers:
        reason = "made last, so that it does not fire on copied rows"
        if not same:
            reason = "programs are not translated silently: a draft is shown, and made only if you say so"
        label = f"{trigger.table}.{trigger.name}"
        found.append(Finding("trigger", label, "exact" if same else "draft", reason, 0 if same else 4))
    for routine in catalogue.routines:
        found.append(_routine(routine, same))
    for one in catalogue.types:
        if same:
            found.append(Finding("type", one.name, "exact"))
        else:
            reason = {"enum": "kept with each column", "domain": "its rules are kept with each column"}.get(
                one.kind, "values are stored as their text"
            )
            found.append(Finding("type", one.name, "converted", reason, 1))
    for grant in catalogue.grants:
        what = ", ".join(grant.privileges)
        reason = f"{what} for {grant.grantee}: roles belong to the server; grant them there"
        label = f"{grant.grantee} on {grant.object}"
        found.append(Finding("grant", label, "draft" if same else "lost", reason, 2))
    for other in catalogue.others:
        reason = f"{other.sql}"[:200]
        if other.kind == "pragma":
            reason = "a number in the file's head, of no meaning elsewhere"
            found.append(Finding(other.kind, other.name, "lost", reason, 1))
        elif other.kind == "statistics":
            found.append(Finding(other.kind, other.name, "converted", "the target gathers its own", 0))
        elif other.kind in ("extension", "schema"):
            reason = "" if same else "only what uses it matters"
            found.append(Finding(other.kind, other.name, "exact" if same else "converted", reason, int(not same)))
        else:
            found.append(Finding(other.kind, other.name, "lost", reason or "it is known by its name only", 3))
    return found


def _routine(routine: Routine, same: bool) -> Finding:
    name = f"{routine.name}({routine.arguments})"
    if same and routine.kind != "window function":
        return Finding(routine.kind, name, "exact")
    if same:
        return Finding(routine.kind, name, "lost", "its definition cannot be read back", 3)
    return Finding(routine.kind, name, "draft", f"{routine.language}: to be rewritten by hand", 4)
