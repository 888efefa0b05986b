"""The house is built as the design says: source roots, packages, entry points, locks, and no traces of a machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOTS = ("app", "plugins", "resources")
LOCKS = ("requirements.lock", "requirements-bench.lock", "packaging/shipped.lock", "packaging/build.lock")


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def on_disk() -> dict[str, str]:
    """package -> path below the project."""
    return {
        folder.name: f"{root}/{folder.name}"
        for root in ROOTS
        for folder in (ROOT / root).iterdir()
        if folder.is_dir() and folder.name != "__pycache__" and not folder.name.startswith(".")
    }


def topics() -> set[str]:
    return {name for name, path in on_disk().items() if path.startswith("plugins/")}


def test_the_roots_are_no_packages() -> None:
    assert [root for root in ROOTS if (ROOT / root / "__init__.py").exists()] == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {file.parent for root in ROOTS for file in (ROOT / root).rglob("*.py")}
    lacking = [str(folder.relative_to(ROOT)) for folder in sorted(folders) if not (folder / "__init__.py").exists()]
    assert lacking == []


def test_the_wheel_holds_every_package() -> None:
    built = project()["tool"]["hatch"]["build"]
    assert sorted(built["targets"]["wheel"]["packages"]) == sorted(on_disk().values())
    assert tuple(built["dev-mode-dirs"]) == ROOTS


def test_every_topic_is_registered_with_its_manifest() -> None:
    points = project()["project"]["entry-points"]["prayog.topics"]
    assert {value.partition(":")[0] for value in points.values()} == topics()
    for name, value in points.items():
        package, _, file = value.partition(":")
        manifest = tomllib.loads((ROOT / "plugins" / package / file).read_text(encoding="utf-8"))
        assert manifest["id"] == name
        assert manifest["module"].startswith(f"{package}.")


def test_the_checkers_look_at_every_package() -> None:
    tools = project()["tool"]
    assert set(tools["mypy"]["packages"]) == set(on_disk())
    assert set(tools["importlinter"]["root_packages"]) == set(on_disk())
    contracts = {contract["id"]: contract for contract in tools["importlinter"]["contracts"]}
    beside = {name.strip() for name in contracts["layers"]["layers"][0].split("|")}
    assert beside == topics() | {"prayog"}
    for contract in ("real", "qt-topics"):
        assert set(contracts[contract]["source_modules"]) == topics()
    assert set(contracts["topic"]["containers"]) == topics()


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    blocks = re.split(r"\n(?=[\w.-]+==)", text)
    assert len(blocks) > 40
    assert [block.partition("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_locks_fit_the_project_file() -> None:
    wanted = project()["project"]
    extras = wanted["optional-dependencies"]
    for lock, needs in (
        ("requirements.lock", [*wanted["dependencies"], *extras["web"], *extras["webrtc"], *extras["test"]]),
        ("requirements-bench.lock", [*wanted["dependencies"], *extras["bench"]]),
        ("packaging/shipped.lock", [*wanted["dependencies"], *extras["web"], *extras["webrtc"]]),
        ("packaging/build.lock", [*wanted["dependencies"], *extras["package"]]),
    ):
        there = {name.lower() for name in re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.MULTILINE)}
        names = {re.split(r"[\[<>=!;]", need)[0].strip().lower() for need in needs}
        assert names - there == set(), f"run packaging/lock.py: {lock} is older than pyproject.toml"


@pytest.mark.parametrize("other", LOCKS[1:])
def test_the_locks_agree(other: str) -> None:
    lab, there = pins(LOCKS[0]), pins(other)
    differ = [name for name in lab.keys() & there.keys() if lab[name] != there[name]]
    assert differ == [], "what is measured and shipped must be what is tested: run packaging/lock.py"


def pins(lock: str) -> dict[str, set[str]]:
    """name -> the versions it is pinned to, each with its condition."""
    found: dict[str, set[str]] = {}
    for name, pin in re.findall(r"^([\w.-]+)==([^\\\n]+)", (ROOT / lock).read_text(encoding="utf-8"), re.MULTILINE):
        found.setdefault(name, set()).add(pin.strip())
    return found


def test_no_file_holds_a_path_or_a_name_of_a_machine() -> None:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("this copy of the project is no git checkout, so there is no list of its files")
    pattern = re.compile(rb"(?<![\w.])/(?:home/\w|root/\w|Users/\w|work/)|[A-Z]:\\\\?Users\\|@[\w-]+\.local\b")
    found = []
    for name in filter(None, tracked.stdout.split("\0")):
        file = ROOT / name
        if file.is_file() and file != Path(__file__):
            found += [f"{name}: {match[0].decode(errors='replace')}" for match in pattern.finditer(file.read_bytes())]
    assert found == []
