"""`lab.py`: installs once, begins again after an interruption, and speaks in sentences, also to an old Python."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Machine:
    """`lab.py` in a folder of its own, with commands that are noted instead of run."""

    def __init__(self, lab: ModuleType, folder: Path) -> None:
        self.lab = lab
        self.venv = folder / ".venv"
        self.ran: list[list[str]] = []
        self.codes: dict[str, int] = {}

    def run(self, *command: object) -> int:
        words = [str(word) for word in command]
        self.ran.append(words)
        if words[1:3] == ["-m", "venv"]:
            self.lab.PYTHON.parent.mkdir(parents=True)  # type: ignore[attr-defined]
            self.lab.PYTHON.touch()  # type: ignore[attr-defined]
        return next((code for word, code in self.codes.items() if word in words), 0)

    def start(self, *arguments: str) -> Any:
        self.ran.clear()
        return self.lab.main(list(arguments))

    @property
    def installed(self) -> list[str]:
        """What pip was asked for: locks, and ``-e``."""
        return [words[-1 if "-r" in words else -2] for words in self.ran if "pip" in words]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    spec = importlib.util.spec_from_file_location("lab_under_test", ROOT / "lab.py")
    assert spec is not None
    assert spec.loader is not None
    lab = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lab)
    for name in ("pyproject.toml", "requirements.lock", "requirements-bench.lock"):
        (tmp_path / name).write_text(f"# {name}\n")
    found = Machine(lab, tmp_path)
    monkeypatch.setattr(lab, "ROOT", tmp_path)
    monkeypatch.setattr(lab, "VENV", found.venv)
    monkeypatch.setattr(lab, "PYTHON", found.venv / "bin" / "python")
    monkeypatch.setattr(lab, "run", found.run)
    monkeypatch.setattr(lab, "hand_over", lambda command: found.ran.append(command) or 0)
    monkeypatch.setenv("QT_QPA_PLATFORM", os.environ.get("QT_QPA_PLATFORM", ""))
    monkeypatch.setenv("QTWEBENGINE_DISABLE_SANDBOX", "")
    return found


def test_an_old_python_can_read_the_file() -> None:
    source = (ROOT / "lab.py").read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 6))
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_an_old_python_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("sys.version_info", (3, 9, 2))
    assert machine.start() == 2
    assert "needs Python 3.11 or newer; this is Python 3.9" in capsys.readouterr().err


def test_the_second_start_installs_nothing(machine: Machine) -> None:
    assert machine.start("list") == 0
    assert [Path(what).name for what in machine.installed] == ["requirements.lock", "-e"]
    assert all("--require-hashes" in words for words in machine.ran if "-r" in words)
    assert machine.start("list", "--json") == 0
    assert machine.ran == [[str(machine.lab.PYTHON), "-m", "prayog", "list", "--json"]]  # type: ignore[attr-defined]
    (machine.venv.parent / "pyproject.toml").write_text("changed")
    machine.start()
    assert len(machine.installed) == 2


@pytest.mark.parametrize("broken", ["-r", "-e"])
def test_an_installation_that_failed_is_begun_again(machine: Machine, broken: str, capsys: Any) -> None:
    machine.codes[broken] = 1
    assert machine.start() == 2
    assert "the lines above say why" in capsys.readouterr().err
    (machine.venv / "half").touch()
    machine.codes.clear()
    assert machine.start() == 0
    assert not (machine.venv / "half").exists()
    assert len(machine.installed) == 2


def test_a_venv_of_another_python_is_replaced(machine: Machine) -> None:
    machine.start()
    (machine.venv / "made-by").write_text("Python 3.2")
    (machine.venv / "lab-stamp").write_text("of then")
    (machine.venv / "old").touch()
    machine.start()
    assert not (machine.venv / "old").exists()


def test_a_wheelhouse_makes_the_network_needless(machine: Machine) -> None:
    (machine.venv.parent / "wheelhouse").mkdir()
    machine.start()
    assert all("--no-index" in words for words in machine.ran if "pip" in words)


def test_a_python_without_venv_is_told_what_brings_it(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert machine.start() == 2
    assert f"apt-get install python3.{sys.version_info[1]}-venv" in capsys.readouterr().err


def test_testing_stops_at_the_first_failure(machine: Machine) -> None:
    assert machine.start("test", "-k", "gossip") == 0
    known = ("ruff", "mypy", "lint-imports", "pytest")
    tools = [next(name for name in known if name in " ".join(words)) for words in machine.ran[3:]]
    assert tools == ["ruff", "mypy", "lint-imports", "pytest"]
    assert machine.ran[-1][-2:] == ["-k", "gossip"]
    assert os.environ["QT_QPA_PLATFORM"] == "offscreen"
    machine.codes["mypy"] = 3
    assert machine.start("test") == 3
    assert len(machine.ran) == 2


def test_benchmarks_install_their_peers(machine: Machine) -> None:
    bench = machine.venv.parent / "tests" / "bench"
    bench.mkdir(parents=True)
    (bench / "bench_kernel.py").touch()
    assert machine.start("bench") == 0
    assert [Path(what).name for what in machine.installed] == ["requirements.lock", "-e", "requirements-bench.lock"]
    assert machine.ran[-1][-1].endswith("bench_kernel.py")
    machine.codes[str(bench / "bench_kernel.py")] = 1
    assert machine.start("bench") == 1
    assert machine.installed == []
