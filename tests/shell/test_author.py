"""`prayog dev`: what is saved is shown at the step where its author was, and a mistake is a card until it is mended."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from prayog.cli import main
from prayog.paths import Profile
from prayog.ui.place import Place
from prayog_sdk.qt.panel import Panel
from prayog_sdk.qt.state import ProblemCard
from prayog_sdk.templates import create

from .room import words

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from prayog.ui.window import Window

SMALLEST = Path(__file__).resolve().parents[1] / "plugins" / "smallest" / "prayog_smallest"


def test_a_save_shows_the_topic_anew_at_the_same_step(
    profile: Profile, open_lab: Callable[..., Window], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    own = profile.folder / "being_written" / SMALLEST.name
    shutil.copytree(SMALLEST, own, ignore=shutil.ignore_patterns("__pycache__"))
    window = open_lab(own=own)
    stage = window.stage

    def ready() -> bool:
        return stage.bench is not None and stage.bench.driver.branch is not None and not stage.bench.runs.busy

    qtbot.waitUntil(ready, timeout=20_000)
    assert stage.bench is not None
    for _ in range(9):
        stage.bench.driver.step()
    stage.bench.driver.back()
    at, first = stage.bench.driver.at, stage.bench
    assert at > 3
    engine = own / "engine.py"
    good = engine.read_text(encoding="utf-8")

    engine.write_text(good + "\nCHANGED = True\n", encoding="utf-8")
    qtbot.waitUntil(lambda: ready() and stage.bench is not first, timeout=20_000)
    assert sys.modules["prayog_smallest.engine"].CHANGED
    qtbot.waitUntil(lambda: stage.bench is not None and stage.bench.driver.at == at, timeout=5_000)

    def card() -> str:
        found = stage.findChild(ProblemCard)
        return words(found) if found is not None and found.isVisible() else ""

    def mended(file: Path, text: str) -> None:
        file.write_text(text, encoding="utf-8")
        qtbot.waitUntil(ready, timeout=20_000)
        qtbot.waitUntil(lambda: stage.bench is not None and stage.bench.driver.at == at, timeout=5_000)

    engine.write_text("def broken(:\n", encoding="utf-8")
    qtbot.waitUntil(lambda: "SyntaxError" in card(), timeout=20_000)
    mended(engine, good)

    plugin = own / "plugin.toml"
    right = plugin.read_text(encoding="utf-8")
    plugin.write_text(right.replace("summary", "sumary"), encoding="utf-8")
    qtbot.waitUntil(lambda: "summary is missing" in card(), timeout=20_000)
    mended(plugin, right)

    scenario = own / "scenarios" / "rumour.lab"
    script = scenario.read_text(encoding="utf-8")
    scenario.write_text(script.replace("nodes=", "nodez="), encoding="utf-8")
    qtbot.waitUntil(lambda: "There is no knob 'nodez'" in card(), timeout=20_000)
    mended(scenario, script)

    before = stage.bench
    engine.write_text(good.replace("ctx.send(", "ctx.sent("), encoding="utf-8")  # the run is cut short, and says why
    qtbot.waitUntil(lambda: ready() and stage.bench is not before, timeout=20_000)
    qtbot.waitUntil(lambda: stage.bench is not None and "crashed in engine.py" in words(stage.bench.bar), timeout=5_000)
    assert stage.bench is not None
    assert stage.bench.driver.at < at
    mended(engine, good)


def test_a_folder_without_a_topic_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dev", str(tmp_path)]) == 2
    assert "There is no plugin.toml in" in capsys.readouterr().err


def test_a_panel_of_a_topic_from_outside_draws_what_it_gathered(
    profile: Profile, open_lab: Callable[..., Window], qtbot: QtBot
) -> None:
    source = SMALLEST.parents[1] / "paneled" / "prayog_paneled"
    shutil.copytree(source, profile.topics / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    window = open_lab()
    window.go(Place("scenario", "paneled", "round"))
    stage = window.stage
    qtbot.waitUntil(lambda: stage.bench is not None and stage.bench.driver.branch is not None, timeout=20_000)
    assert stage.bench is not None
    driver = stage.bench.driver
    for _ in range(20):
        driver.step()
    stage.bench.docks.dock("turns").raise_()  # a panel is made when it is first seen
    qtbot.waitUntil(lambda: "Turns" in [type(panel).__name__ for panel in window.findChildren(Panel)], timeout=10_000)
    turns = next(panel for panel in window.findChildren(Panel) if type(panel).__name__ == "Turns")
    driver.step()
    assert window.findChild(ProblemCard) is None
    assert turns.outline().startswith("n1 had the token")
    driver.seek(0)
    assert turns.outline() == "n1 had the token 1 times."


def test_a_panel_that_raises_while_it_is_painted_is_a_card_and_the_window_goes_on(
    profile: Profile, open_lab: Callable[..., Window], qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prayog.catalog.strict", lambda: False)
    source = SMALLEST.parents[1] / "paneled" / "prayog_paneled"
    own = profile.topics / source.name
    shutil.copytree(source, own, ignore=shutil.ignore_patterns("__pycache__"))
    panel = own / "panels" / "turns.py"
    panel.write_text(panel.read_text(encoding="utf-8").replace("look.accent", "look.acent"), encoding="utf-8")
    window = open_lab()
    window.go(Place("scenario", "paneled", "round"))
    stage = window.stage
    qtbot.waitUntil(lambda: stage.bench is not None and stage.bench.driver.branch is not None, timeout=20_000)
    assert stage.bench is not None
    stage.bench.docks.dock("turns").raise_()
    stage.bench.driver.step()  # now there is a bar to paint

    def card() -> str:
        return " ".join(words(found) for found in window.findChildren(ProblemCard) if found.isVisible())

    qtbot.waitUntil(lambda: "no attribute 'acent'" in card(), timeout=10_000)
    stage.bench.driver.step()


def test_a_run_without_a_window_ends_a_loop_without_an_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prayog.cli_run._STEP_S", 0.3)
    made = create("probe", tmp_path)
    engine = made / "engine.py"
    endless = engine.read_text(encoding="utf-8").replace("if self.rounds", "while True: pass\n        if self.rounds")
    engine.write_text(endless, encoding="utf-8")
    assert main(["--profile", str(tmp_path / "profile"), "run", str(made / "rumour")]) == 1
    assert "look for a loop without an end" in capsys.readouterr().out
