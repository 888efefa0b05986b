"""A MariaDB of the lab's own."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pymysql
import pytest

from prayog_sdk.services import ServiceMissing, Services

HERE = shutil.which("mariadbd") is not None and shutil.which("mariadb-install-db") is not None


def ask(url: str, sql: str) -> object:
    parts = urlsplit(url)
    connection = pymysql.connect(host=parts.hostname or "", port=parts.port or 0, user="root")
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
        return row[0] if row else None


@pytest.mark.skipif(not HERE, reason="no MariaDB server is installed")
def test_it_starts_keeps_its_data_and_leaves_no_process(tmp_path: Path) -> None:
    services = Services(tmp_path, {})
    own = services.own_mariadb("test")
    assert own.probe().status == "ready"
    assert services.own_mariadb("test") is own
    try:
        url = own.url()
        assert own.url() == url
        assert own.probe().status == "running"
        assert ask(url, "SELECT @@log_bin AND @@binlog_format = 'ROW'") == 1
        ask(url, "CREATE DATABASE kept")
        pid = own.pid
    finally:
        services.close()
    assert pid is not None
    assert not psutil.pid_exists(pid)
    try:
        assert ask(own.url(), "SHOW DATABASES LIKE 'kept'") == "kept"
    finally:
        services.close()


def test_where_it_is_missing_a_sentence_says_what_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    own = Services(tmp_path, {}).own_mariadb("test")
    assert own.probe().status == "missing"
    with pytest.raises(ServiceMissing, match=r"mariadbd is not on this machine\. Install MariaDB"):
        own.url()
