"""The import contracts of `pyproject.toml` hold, and each of them notices when it does not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

VIOLATIONS = {  # contract -> (file, the import that breaks it)
    "layers": ("app/prayog_sdk/specs.py", "import prayog.paths"),
    "topic": ("plugins/prayog_location/engine/__init__.py", "import prayog_location.topic"),
    "kernel": ("app/prayog_sim/trace.py", "import numpy"),
    "determinism": ("plugins/prayog_location/engine/__init__.py", "def now():\n    import time"),
    "engines": ("plugins/prayog_location/engine/__init__.py", "import sqlite3"),
    "real": ("plugins/prayog_location/topic.py", "import redis"),
    "qt-topics": ("plugins/prayog_location/topic.py", "import PySide6.QtCore"),
    "qt-sdk": ("app/prayog_sdk/manifest.py", "import PySide6.QtCore"),
    "qt-door": ("app/prayog_sdk/params.py", "import prayog_sdk.qt.theme"),
    "qt-shell": ("app/prayog/catalog/guard.py", "import PySide6.QtWidgets"),
    "sqlalchemy": ("app/prayog/settings.py", "import sqlalchemy"),
}


def contracts() -> dict[str, str]:
    """id -> name of every contract."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["id"]: contract["name"] for contract in table["tool"]["importlinter"]["contracts"]}


def lint(folder: Path) -> dict[str, bool]:
    """Whether each contract is kept by the code in `folder`."""
    roots = os.pathsep.join(str(folder / root) for root in ("app", "plugins", "resources"))
    linter = Path(sys.executable).with_name("lint-imports")
    environ = os.environ | {"PYTHONPATH": roots, "COLUMNS": "300"}
    command = [linter, "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    summary = [line.split(" (")[0].strip() for line in done.stdout.splitlines()]
    kept = {key: f"{name} KEPT" in summary for key, name in contracts().items()}
    broken = {key: f"{name} BROKEN" in summary for key, name in contracts().items()}
    assert all(kept[key] != broken[key] for key in kept), done.stdout + done.stderr
    return kept


def test_the_contracts_hold() -> None:
    kept = lint(ROOT)
    assert all(kept.values()), f"broken: {[key for key in kept if not kept[key]]}; see `lint-imports`"


def test_each_contract_notices_when_it_is_broken(tmp_path: Path) -> None:
    assert set(VIOLATIONS) == set(contracts())
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for root in ("app", "plugins", "resources"):
        for file in (ROOT / root).rglob("*.py"):
            copy = tmp_path / file.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, copy)
    for file, line in VIOLATIONS.values():
        with (tmp_path / file).open("a", encoding="utf-8") as text:
            text.write(f"\n{line}\n")
    assert [key for key, kept in lint(tmp_path).items() if kept] == []
