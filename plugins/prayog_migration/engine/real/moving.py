"""The big bang: assess, build, load, finish, from a source that nobody writes to.  Live moves use the same parts.

Every step may be begun again after a kill: what was done is noted in the target.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from prayog_migration.engine.model import Catalogue
from prayog_migration.engine.plan import Choices, Plan, Server
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.profile import TableProfile
from prayog_migration.engine.real.build import Builder
from prayog_migration.engine.real.control import Control
from prayog_migration.engine.real.dryrun import dry_run
from prayog_migration.engine.real.loading import Told, load_all
from prayog_migration.engine.real.numbers import set_numbers
from prayog_migration.engine.real.profiling import profile_table
from prayog_migration.engine.real.state import Checkpoint
from prayog_migration.engine.real.store import Store
from prayog_migration.engine.rules import RULES, Rule

__all__ = ["assess", "move", "profile", "server_of"]


def server_of(target: Store) -> Server:
    """Dialect and version of the target; a SQLite file need not be there yet."""
    if target.dialect == "sqlite":
        import sqlite3

        return Server("sqlite", sqlite3.sqlite_version)
    with target.writer() as writer:
        question = "SELECT version()" if target.dialect == "mysql" else "SHOW server_version"
        return Server(target.dialect, str(writer.query(question)[0][0]))


def profile(
    source: Store, plan: Plan, told: Callable[[str, int], None] = lambda table, rows: None, limit: int | None = None
) -> dict[str, TableProfile]:
    """Look at the values of all tables that move; `told` hears the table and its rows so far, and may raise to stop."""
    profiles = {}
    with source.reader() as reader:
        for one in plan.tables:
            title = one.source.title
            profiles[title] = profile_table(source, reader, plan.source, one, plan.target, partial(told, title), limit)
    return profiles


def assess(
    source: Store,
    target: Store,
    rules: Sequence[Rule] = RULES,
    choices: Choices = Choices(),  # noqa: B008 - a frozen value
    try_it: bool = True,
    looked: Callable[[Plan, dict[str, TableProfile]], None] = lambda plan, profiles: None,
) -> Plan:
    """The plan for moving `source` to `target`, from its catalogue and all its values, tried in a scratch database.

    `looked` is told the plan and what was found in the values.
    """
    catalogue: Catalogue = source.catalogue()
    server = server_of(target)
    draft = make_plan(catalogue, server, rules=rules, choices=choices)
    profiles = profile(source, draft)
    plan = make_plan(catalogue, server, profiles, rules, choices)
    looked(plan, profiles)
    return dry_run(target, plan).plan if try_it else plan


def move(
    source: Store,
    target: Store,
    plan: Plan,
    control: Control | None = None,
    told: Told = lambda progress: None,
) -> list[Checkpoint]:
    """Make the target and bring all rows over; the checkpoints of all tables.

    Raises `TargetNotEmpty`, `LoadFailed` and `Cancelled`; called again it goes on where it stopped.
    """
    builder = Builder(target, plan)
    with target.writer() as writer:
        builder.before_rows(writer)
    checkpoints = load_all(source, target, plan, control, told)
    with target.writer() as writer:
        builder.after_rows(writer)
        set_numbers(source.catalogue(), target, plan, writer)
        builder.last(writer)
    return checkpoints
