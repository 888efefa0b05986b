"""`docs/licences.md` names every package of the lock files, and nothing that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = (
    "Packages in the lab", "Packages for development", "Packages for benchmarks",
    "Packages for building installers and kits",
)  # fmt: skip
LOCKS = ("requirements.lock", "requirements-bench.lock", "packaging/shipped.lock", "packaging/build.lock")


def locked(lock: str) -> set[str]:
    return {name.lower() for name in re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.MULTILINE)}


def listed() -> set[str]:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    names: set[str] = set()
    for section in SECTIONS:
        table = text.partition(f"## {section}\n")[2].partition("\n## ")[0]
        rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("|")][2:]
        names |= {name.strip().lower() for row in rows for name in row.split(",")}
    return names


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_listed(lock: str) -> None:
    missing = sorted(locked(lock) - listed())
    assert not missing, f"docs/licences.md says nothing about {', '.join(missing)}"


def test_nothing_is_listed_that_is_not_locked() -> None:
    gone = sorted(listed() - set().union(*map(locked, LOCKS)))
    assert not gone, f"docs/licences.md still lists {', '.join(gone)}"


def test_our_licence_is_the_one_in_the_project_file() -> None:
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert '\nlicense = "MIT"\n' in (ROOT / "pyproject.toml").read_text()
