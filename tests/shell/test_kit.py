"""A workshop's kit decides what is shown; a wheel of a topic is made, asked about once, and opened."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QPushButton, QTabBar

from prayog.catalog import find
from prayog.cli import main
from prayog.kit import KitProblem, read
from prayog.paths import Profile
from prayog.ui.place import Place
from prayog.ui.rail import RailButton
from prayog_sdk.qt.state import EmptyState

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from prayog.ui.window import Window

SMALLEST = Path(__file__).resolve().parents[1] / "plugins" / "smallest"


@pytest.fixture
def wheel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """The smallest topic as a wheel, and its SHA-256 as `prayog pack` printed it."""
    assert main(["pack", str(SMALLEST), "--out", str(tmp_path / "out")]) == 0
    digest = next(line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("SHA-256"))
    return next((tmp_path / "out").glob("*.whl")), digest


def kit(folder: Path, text: str) -> Path:
    path = folder / "kit.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("topics = writes", "not TOML"),
        ('opne = "a/b"', "has a key 'opne'"),
        ('open = "writes"', "must be TOPIC/SCENARIO; found 'writes'"),
        ("simple = 1", "must be true or false; found 1"),
        ("seed = true", "must be a whole number"),
        ('language = "fr"', "one of en, hi-Latn; found 'fr'"),
        ('[trusted]\n"a.whl" = "12"', "no SHA-256 (64 hexadecimal digits) for a.whl"),
    ],
)
def test_a_mistake_in_the_kit_is_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(KitProblem) as caught:
        read(kit(tmp_path, text))
    assert said in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_the_topics_of_a_kit_are_shown_in_its_order(tmp_path: Path, wheel: tuple[Path, str]) -> None:
    (tmp_path / "topics").mkdir()
    wheel[0].rename(tmp_path / "topics" / wheel[0].name)
    shown = find(Profile(tmp_path / "profile"), kit=read(kit(tmp_path, 'topics = ["smallest", "writes"]')))
    assert [(one.id, one.source) for one in shown] == [("smallest", "wheel"), ("writes", "built-in")]
    assert not any(one.problems for one in shown)


def test_packing_twice_gives_the_same_bytes_and_overwrites_nothing(
    tmp_path: Path, wheel: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", str(SMALLEST), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / wheel[0].name).read_bytes() == wheel[0].read_bytes()
    assert main(["pack", str(SMALLEST), "--out", str(tmp_path / "again")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert all("tests/" not in name and "__pycache__" not in name for name in zipfile.ZipFile(wheel[0]).namelist())


def test_a_wheel_is_asked_about_once(
    profile: Profile, wheel: tuple[Path, str], open_lab: Callable[..., Window], qtbot: QtBot
) -> None:
    profile.topics.mkdir()
    wheel[0].rename(profile.topics / wheel[0].name)
    window = open_lab()
    window.go(Place("scenario", "smallest", "rumour"))
    asked = window.stage.currentWidget()
    assert isinstance(asked, EmptyState)
    assert wheel[1] in asked.accessibleDescription().replace(" ", "")
    assert window.desk.registry.tops == {}  # nothing of it was imported for the question
    next(button for button in asked.findChildren(QPushButton) if button.text() == "Open it").click()
    qtbot.waitUntil(lambda: window.stage.bench is not None, timeout=20_000)
    assert window.desk.unknown_wheel("smallest") is None
    assert wheel[1] in profile.settings.read_text(encoding="utf-8")


def test_a_pinned_wheel_opens_at_once_with_the_kit_s_seed(
    profile: Profile, wheel: tuple[Path, str], open_lab: Callable[..., Window], qtbot: QtBot
) -> None:
    beside = profile.folder / "kit"
    (beside / "topics").mkdir(parents=True)
    wheel[0].rename(beside / "topics" / wheel[0].name)
    text = f'title = "Room 4"\nopen = "smallest/rumour"\nseed = 99\nsimple = true\n[trusted]\n"w" = "{wheel[1]}"\n'
    window = open_lab(kit=read(kit(beside, text)))
    stage = window.stage
    qtbot.waitUntil(lambda: stage.bench is not None and stage.bench.driver.branch is not None, timeout=20_000)
    assert stage.bench is not None
    branch = stage.bench.driver.branch
    assert branch is not None
    assert branch.seed == 99
    assert window.windowTitle() == "Room 4"
    shown = {button.text() for button in window.rail.findChildren(RailButton) if not button.isHidden()}
    assert shown == {"Home", "Topics", "Challenges", "Bench", "Find", "Settings"}
    assert window.desk.settings.text_percent == 125
    tabs = stage.bench.sidebar.findChild(QTabBar)
    assert tabs is not None

    def there() -> set[str]:
        return {tabs.tabText(i) for i in range(tabs.count()) if tabs.isTabVisible(i)}

    assert there() == {"Lesson", "Inspector", "Checks"}
    window.go(Place("lesson", "smallest", "rumour"))
    qtbot.waitUntil(lambda: "Set-up" in there(), timeout=5_000)
