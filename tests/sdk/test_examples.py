"""Topics from outside, of growing size, on the public SDK alone: no Qt, a panel of its own, a real service."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import pytest

from prayog.cli import main
from prayog_sdk import Check, count, last
from prayog_sdk.testing.conformance import check
from prayog_sim.trace import Trace

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
PUBLIC = ("prayog_sdk", "prayog_sim")
UNTOUCHED = "b554ad28b7d4d32d23429b3c6097bde2e4826be66e6cd204db7ddbd1993376d9"


@pytest.mark.parametrize("name", ["smallest", "paneled", "served"])
def test_an_outside_topic_keeps_all_promises(name: str) -> None:
    assert [str(one) for one in check(PLUGINS / name) if one.level == "error"] == []


@pytest.mark.parametrize("name", ["smallest", "paneled", "served", "coded"])
def test_an_outside_topic_imports_no_private_name_and_no_shell(name: str) -> None:
    for file in (PLUGINS / name).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("prayog"):
                assert node.module is not None
                top, *rest = node.module.split(".")
                assert top in (*PUBLIC, f"prayog_{name}")
                assert not any(word.startswith("_") for word in [*rest, *(alias.name for alias in node.names)])


@pytest.mark.parametrize("scenario", ["careful", "careless"])
def test_a_session_of_an_outside_topic_runs_on_the_lab_s_service(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["--profile", str(tmp_path), "run", str(PLUGINS / "served" / "prayog_served" / scenario)])
    told = capsys.readouterr()
    if code == 2 and "postgres" in told.err.lower():
        pytest.skip(f"there is no PostgreSQL here: {told.err.strip()}")
    assert code == 0, told


def test_what_did_not_happen_is_equal_to_nothing() -> None:
    assert not Check("same", "", last("a").x == last("b").x).judge(Trace()).ok
    assert Check("none", "", count("a") == 0).judge(Trace()).ok


def test_a_topic_of_level_1_0_loads_for_ever(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    folder = PLUGINS.parent / "compat" / "api_1_0" / "prayog_compat"
    digest = hashlib.sha256()
    for file in sorted(file for file in folder.rglob("*") if file.is_file() and "__pycache__" not in file.parts):
        digest.update(file.relative_to(folder).as_posix().encode() + file.read_bytes())
    assert digest.hexdigest() == UNTOUCHED, "it is never edited: an author elsewhere has it as it is"
    assert [str(one) for one in check(folder)] == []
    assert main(["--profile", str(tmp_path), "run", str(folder / "rumour"), "--json"]) == 0
    assert '"steps": 205' in capsys.readouterr().out
