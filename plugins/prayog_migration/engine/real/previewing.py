"""What the plan would make, in SQL on both sides, and whether the target takes it; nothing is made."""

from __future__ import annotations

from typing import Any

from prayog_migration.engine.ddl import statements
from prayog_migration.engine.ddl_mysql import MysqlWords
from prayog_migration.engine.ddl_postgres import PostgresWords
from prayog_migration.engine.ddl_sqlite import SqliteWords
from prayog_migration.engine.model import Table
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.profile import TableProfile
from prayog_migration.engine.real.dryrun import dry_run
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.store import Store

__all__ = ["preview", "tell_profiles"]


def preview(job: Job) -> None:
    """Tell ``ddl`` for each table (``source``, ``target``: SQL) and for what is not of one table; then ``dryrun``."""
    plan = job.the_plan
    source = _words(job.source, plan)
    made: dict[str, list[str]] = {}
    for one in statements(plan, job.target.name):
        made.setdefault(one.table, []).append(one.sql.rstrip("; \n") + ";")
    for move in plan.tables:
        there = made.pop(move.target.title, [])
        job.say("ddl", move.source.title, source=_sql(source, move.source), target="\n".join(there))
    rest = [sql for some in made.values() for sql in some]
    if rest:
        old = [view.source.sql or view.source.query for view in plan.views]
        old += [trigger.sql for trigger in plan.source.triggers]
        job.say("ddl", "", source="\n".join(sql.rstrip("; \n") + ";" for sql in old if sql), target="\n".join(rest))
    tried = dry_run(job.target, plan, lambda what: job.say("building", what))
    count = sum(1 for _ in statements(plan, job.target.name))
    job.say("dryrun", "", ok=not tried.refused, statements=count, refused=[list(one) for one in tried.refused])


def tell_profiles(job: Job, plan: Plan, profiles: dict[str, TableProfile]) -> None:
    """Tell ``profiled`` for each table: for each column its types, policy, classes of values, misfits and samples."""
    for move in plan.tables:
        profile = profiles.get(move.source.title)
        if profile is None:
            continue
        columns: list[list[Any]] = []
        for one in move.columns:
            seen = profile.columns[one.source]
            samples = [[sample.value, sample.reason] for sample in seen.samples]
            columns.append(
                [one.source, one.source_type, one.target_type, one.policy, dict(seen.classes), seen.misfit, samples]
            )
        job.say("profiled", move.source.title, rows=profile.rows, complete=profile.complete, columns=columns)


def _sql(words: PostgresWords | SqliteWords | MysqlWords, table: Table) -> str:
    """How the source made the table; written anew where it keeps no text of it."""
    if table.sql:
        return table.sql.rstrip("; \n") + ";"
    lines = [words.table(table)]
    lines += [words.unique(table, one) for one in table.uniques]
    lines += [words.index(table, one) for one in table.indexes]
    lines += [words.foreign_key(table, one) for one in table.foreign_keys]
    return "\n".join(line.rstrip("; \n") + ";" for line in lines if line)


def _words(store: Store, plan: Plan) -> PostgresWords | SqliteWords | MysqlWords:
    if store.dialect == "postgresql":
        return PostgresWords(store.name, plan.source.sequences)
    if store.dialect == "sqlite":
        return SqliteWords(store.name, same=True)
    return MysqlWords(store.name, plan.source.mariadb, same=True)
