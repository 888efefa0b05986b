"""The fault buttons: what goes wrong in real migrations, made to happen now.

Everything here works from outside the worker, as the world does: through the network, the servers, the disk and other
people's connections.

Rules
1. A fault that cannot be made here says so, and why; it is never shown as if it had happened.
2. A full disk is made by a rule on the target that answers as the server does when the disk is full (PostgreSQL's
   SQLSTATE 53100, MySQL's error 1114): a lab that fills the learner's real disk would be no help.
3. `heal` takes back everything that can be taken back.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from prayog_migration.engine.model import PREFIX, Table
from prayog_migration.engine.real.conductor import Conductor, Report
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.triggers import GUARD, LOG
from prayog_sdk.services.postgres import EmbeddedPostgres

__all__ = ["FAULTS", "CannotBreak", "Faults"]

FAULTS = (
    "kill", "zombie", "cut", "stall", "lose_commit", "fill_disk", "stop_target", "poison", "add_column", "lose_log",
)  # fmt: skip
_FULL = f"{PREFIX}_full"
_ZOMBIE_SLEEPS_S = 2.0
_DOWN_S = 1.5


class CannotBreak(Exception):
    """This fault cannot be made here; the sentence says why."""


class Faults:
    """Breaks the surroundings of one migration; `server` is the target's when it is the lab's own."""

    def __init__(self, conductor: Conductor, report: Report, server: EmbeddedPostgres | None = None) -> None:
        self._conductor = conductor
        self._report = report
        self._server = server
        self._source: Store = open_store(conductor.order.source, conductor.order.source_schema)
        self._target: Store = open_store(conductor.order.target, conductor.order.target_schema)
        self._count = 0

    def make(self, what: str) -> None:
        """Let `what` happen.  Raises `CannotBreak`."""
        makers: dict[str, Callable[[], str]] = {
            "kill": self._kill, "zombie": self._zombie, "cut": self._cut, "stall": self._stall,
            "lose_commit": self._lose_commit, "fill_disk": self._fill, "stop_target": self._stop_target,
            "poison": self._poison, "add_column": self._add_column, "lose_log": self._lose_log,
        }  # fmt: skip
        if what not in makers:
            raise CannotBreak(f"No fault is called {what!r}; there are: {', '.join(makers)}.")
        sentence = makers[what]()
        if sentence:
            self._report("injected", what, {"sentence": sentence})

    def heal(self) -> None:
        """Everything that was broken works again."""
        for proxy in self._conductor.proxies.values():
            proxy.heal()
        self._conductor.thaw()
        if self._server is not None:
            self._server.url()
        self._empty()
        self._report("injected", "heal", {"sentence": "Network, disk and servers are well again."})

    # -- the wizard itself -------------------------------------------------------------------------------------

    def _kill(self) -> str:
        if self._conductor.worker_pid is None:
            raise CannotBreak("No worker runs now; begin a step first.")
        self._conductor.kill_worker()
        return ""

    def _zombie(self) -> str:
        if self._conductor.worker_pid is None:
            raise CannotBreak("No worker runs now; begin a step first.")
        self._conductor.freeze_worker()
        time.sleep(_ZOMBIE_SLEEPS_S)
        self._conductor.thaw()
        return ""

    # -- the network -------------------------------------------------------------------------------------------

    def _proxies(self) -> Sequence[Any]:
        found = list(self._conductor.proxies.values())
        if not found:
            raise CannotBreak("Both sides are files here, so there is no network to break.")
        return found

    def _cut(self) -> str:
        for proxy in self._proxies():
            proxy.cut()
        return "Every connection of the wizard broke, and new ones are refused until it heals."

    def _stall(self) -> str:
        for proxy in self._proxies():
            proxy.stall()
        return "Connections stay up, but nothing comes through them any more until it heals."

    def _lose_commit(self) -> str:
        self._proxies()
        proxy = self._conductor.proxies.get("target")
        if proxy is None:
            raise CannotBreak("The target is a file here: its commits do not go over a network.")
        proxy.lose_answer_to(b"COMMIT")
        return "The next COMMIT reaches the target, and its answer is lost: was it done or not?"

    # -- servers and disks -------------------------------------------------------------------------------------

    def _stop_target(self) -> str:
        if self._server is None:
            raise CannotBreak("The target is not a server of the lab's own, so the lab does not stop it.")
        self._server.crash()
        time.sleep(_DOWN_S)
        self._server.url()
        return f"The target's server stopped without a farewell, and was started again {_DOWN_S:g} s later."

    def _fill(self) -> str:
        tables = self._target_tables()
        if self._target.dialect == "sqlite":
            raise CannotBreak(
                "The target is a file, which can only be stopped from growing by filling your own disk: not done."
            )
        with contextlib.closing(self._target.connect()) as connection, connection.cursor() as cursor:
            if self._target.dialect == "postgresql":
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {self._target.name(_FULL)}() RETURNS trigger LANGUAGE plpgsql AS $$"
                    " BEGIN RAISE EXCEPTION 'could not extend file: No space left on device (the lab says so)'"
                    " USING ERRCODE = '53100'; END $$"
                )
            for number, table in enumerate(tables):
                cursor.execute(self._full(number, table))
                if self._target.dialect == "postgresql":
                    name = self._target.name(table.name, table.schema)
                    cursor.execute(f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER {_FULL}")
        return "The target answers every insert as it does when its disk is full."

    def _full(self, number: int, table: Table) -> str:
        name = self._target.name(table.name, table.schema)
        if self._target.dialect == "postgresql":
            return (
                f"CREATE OR REPLACE TRIGGER {_FULL} BEFORE INSERT ON {name}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {self._target.name(_FULL)}()"
            )
        return (
            f"CREATE TRIGGER IF NOT EXISTS {self._target.name(f'{_FULL}_{number}', table.schema)} BEFORE INSERT"
            f" ON {name} FOR EACH ROW SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114,"
            " MESSAGE_TEXT = 'The table is full (so the lab says)'"
        )

    def _empty(self) -> None:
        """There is room again."""
        if self._target.dialect == "sqlite":
            return
        with contextlib.closing(self._target.connect()) as connection, connection.cursor() as cursor:
            for number, table in enumerate(self._target_tables()):
                if self._target.dialect == "postgresql":
                    cursor.execute(f"DROP TRIGGER IF EXISTS {_FULL} ON {self._target.name(table.name, table.schema)}")
                else:
                    name = self._target.name(f"{_FULL}_{number}", table.schema)
                    cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            if self._target.dialect == "postgresql":
                cursor.execute(f"DROP FUNCTION IF EXISTS {self._target.name(_FULL)}()")

    def _target_tables(self) -> list[Table]:
        return [table for table in self._target.catalogue().tables if table.kind == "table"]

    # -- the source's people -----------------------------------------------------------------------------------

    def _on_source(self, *statements: tuple[str, tuple[Any, ...]]) -> int:
        mark = "?" if self._source.dialect == "sqlite" else "%s"
        changed = 0
        with (
            contextlib.closing(self._source.connect()) as connection,
            contextlib.closing(connection.cursor()) as cursor,
        ):
            for sql, values in statements:
                if values:
                    cursor.execute(sql.replace("?", mark), values)
                else:
                    cursor.execute(sql)
                changed = cursor.rowcount
        return changed

    def _poison(self) -> str:
        """One row with a value that the target's type does not take."""
        for table in self._source.catalogue().tables:
            if table.kind != "table" or table.key is None:
                continue
            name, key = self._source.name(table.name, table.schema), self._source.quote(table.key.columns[0])
            one = f"(SELECT k FROM (SELECT max({key}) AS k FROM {name}) AS x)"
            for column in table.plain_columns:
                poison = self._poison_for(column.type.lower())
                if poison is None or column.name in table.key.columns or self._constrained(table, column.name):
                    continue
                value, what = poison
                changed = self._on_source(
                    (f"UPDATE {name} SET {self._source.quote(column.name)} = ? WHERE {key} = {one}", (value,))
                )
                if changed:
                    where = f"{column.name} of the last row of {table.title}"
                    return f"There is {what} in {where} now, which the target does not take."
        raise CannotBreak("No column was found whose values the target could refuse.")

    def _poison_for(self, kind: str) -> tuple[Any, str] | None:
        texts = any(word in kind for word in ("text", "char", "clob"))
        if self._target.dialect == "postgresql" and self._source.dialect != "postgresql" and texts:
            return "a\0b", "a NUL character"
        if self._source.dialect == "sqlite" and any(word in kind for word in ("numeric", "decimal", "date", "time")):
            return "मुफ़्त", "a word"
        if self._source.dialect == "postgresql" and kind.startswith("double"):
            return "NaN", "NaN (no number)"
        return None

    def _constrained(self, table: Table, name: str) -> bool:
        """A rule of the source itself would refuse it."""
        return any(name in check.expression for check in table.checks) or any(
            name in unique.columns for unique in table.uniques
        )

    def _add_column(self) -> str:
        table = next((one for one in self._source.catalogue().tables if one.kind == "table"), None)
        if table is None:
            raise CannotBreak("The source has no table.")
        taken = {column.name for column in table.columns}
        name = next(f"gst_{n}" for n in range(1, 100) if f"gst_{n}" not in taken)
        sql = f"ALTER TABLE {self._source.name(table.name, table.schema)} ADD COLUMN {name} VARCHAR(15)"
        with (
            contextlib.closing(self._source.connect()) as connection,
            contextlib.closing(connection.cursor()) as cursor,
        ):
            cursor.execute(sql.replace("main.", "") if self._source.dialect == "sqlite" else sql)
        return f"Somebody added the column {name} to {table.title} on the source."

    def _lose_log(self) -> str:
        """What the source keeps for us is thrown away by somebody."""
        tag = f"{PREFIX}_{self._conductor.order.tag}_forward"
        with (
            contextlib.closing(self._source.connect()) as connection,
            contextlib.closing(connection.cursor()) as cursor,
        ):
            if self._source.dialect == "sqlite":
                if not cursor.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (GUARD,)).fetchone():
                    raise CannotBreak("No log of changes is kept; copy first.")
                cursor.execute(f"DROP TRIGGER {GUARD}")
                cursor.execute(f"DELETE FROM {LOG}")
                return "Somebody dropped the guard of the log of changes on the source, and emptied the log."
            if self._source.dialect == "postgresql":
                cursor.execute("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", (tag,))
                row = cursor.fetchone()
                if row is None:
                    raise CannotBreak("No replication slot is there; copy first.")
                if row[0] is not None:
                    cursor.execute("SELECT pg_terminate_backend(%s, 5000)", (row[0],))
                cursor.execute("SELECT pg_drop_replication_slot(%s)", (tag,))
                return "Somebody dropped the replication slot on the source."
            cursor.execute("FLUSH BINARY LOGS")
            for _ in range(60):  # as long as the server believes that somebody reads one, it keeps it
                cursor.execute("SHOW BINARY LOGS")
                names = [row[0] for row in cursor.fetchall()]
                if len(names) == 1:
                    return "Somebody purged the binlog of the source."
                cursor.execute(f"PURGE BINARY LOGS TO '{names[-1]}'")
                time.sleep(0.05)
            raise CannotBreak("The server keeps its binlog, because somebody reads it just now. Try again.")
