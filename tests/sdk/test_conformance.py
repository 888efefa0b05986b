"""The smallest topic and the template keep all promises; each promise is broken once, and found."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from prayog_sdk.specs import PanelSpec
from prayog_sdk.templates import NameProblem, create
from prayog_sdk.testing import conformance, findings, offered, played
from prayog_sdk.testing.conformance import check
from prayog_sdk.testing.source import chancy, contrast, hand_made_colours, unknown_imports

SMALLEST = Path(__file__).parents[1] / "plugins" / "smallest"

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_the_smallest_topic_keeps_all_promises() -> None:
    assert check(SMALLEST) == []


def test_a_new_topic_keeps_all_promises_and_is_small(tmp_path: Path) -> None:
    made = create("two_words", tmp_path)
    assert made == tmp_path / "prayog_two_words"
    assert check(made) == []
    code = [line for file in made.glob("*.py") for line in file.read_text().splitlines() if line.strip()]
    assert len(code) < 95
    assert not [file for file in made.rglob("*") if file.is_file() and "NAME" in file.read_text()]
    with pytest.raises(NameProblem, match="is there already"):
        create("two_words", tmp_path)
    with pytest.raises(NameProblem, match="lower-case"):
        create("Two-Words", tmp_path)


def edit(file: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        text = (folder / file).read_text()
        assert old in text, f"{file} holds no {old!r}"
        (folder / file).write_text(text.replace(old, new))

    return apply


LESSON = "lessons/en/01-rumour.md"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edit("plugin.toml", "summary", "sumary"), "summary is missing"),
        (edit("topic.py", "def prayog_build", "def prayog_biuld"), "did you mean prayog_build"),
        (edit("topic.py", "Slider(2, 30", "Slider(6, 30"), "a default is not allowed by its own marker"),
        (edit("topic.py", '"Everyone heard the rumour"', '""'), "the check 'everyone_knows' has no title"),
        (edit("topic.py", '{"rounds": 0}', '{"rounds": 19}'), "everyone_knows does not catch it on 20 seeds"),
        (edit("topic.py", ">= params.nodes - 1", ">= params.nodes"), "fails for the good engine too"),
        (edit("topic.py", "import annotations", "import annotations\nimport PySide6"), "out of reach here"),
        (edit("engine.py", "import annotations", "import annotations\nif 0:\n    import scipy.stats"), "imports scipy"),
        (edit("engine.py", 'ctx.emit("heard"', 'ctx.emit("heard", place=hash("x")'), "differs between two processes"),
        (edit("engine.py", "self.rounds -= 1", "self.rounds = None"), "the engine failed at step"),
        (edit("engine.py", '"knows the rumour" if self.knows else "has not heard it"', '""'), "say its state in words"),
        (edit("scenarios/rumour.lab", "nodes=5", "nodes=500"), "nodes"),
        (edit("scenarios/rumour.lab", "run 2s", "run 2"), "not a duration"),
        (edit("scenarios/rumour.lab", "run 2s", "run 1ms"), "the check everyone_knows fails"),
        (edit("scenarios/rumour.lab", "about", "# about"), "“about …” are needed"),
        (edit("scenarios/rumour.lab", "run 2s", "run 2s\n---\nn9 flew away\n"), "“n9 flew away”"),
        (edit("plugin.toml", "minutes = 5", 'opening = "rumor"'), "there is no scenario 'rumor'; did you mean rumour?"),
        (edit("plugin.toml", "minutes = 5", 'icon = "mapp"'), "there is no icon 'mapp'; did you mean map?"),
        (edit("plugin.toml", "minutes = 5", 'needs = ["webengin"]'), "did you mean webengine?"),
        (edit("scenarios/rumour.lab", "minutes", "panel spacetimes\nminutes"), "did you mean spacetime?"),
        (edit("engine.py", "def look(self) -> Look:", "def look(self) -> Look:\n        1 / 0"), "look() failed: Zero"),
        (edit("engine.py", '_timer("tell", ROUND_US)', '_timer("tell", 0.1)'), "write whole microseconds"),
        (edit("engine.py", 'ctx.peers), "rumour")', "ctx.peers), object())"), "which no trace can hold"),
        (edit("engine.py", "if self.rounds", "while True: pass\n        if self.rounds"), "look for a loop without"),
        (edit(LESSON, "```predict", "```predct"), "there is no directive 'predct'"),
        (edit(LESSON, "```\n\n```do", "\n```do"), "this block has no end"),
        (edit("challenges/en/1-few-words.md", "knobs", "budget = { carsh = 1 }\nknobs"), "did you mean crash?"),
        (edit(LESSON, '"everyone_knows"', '"everyone_know"'), "did you mean everyone_knows?"),
        (edit(LESSON, "{messages}", "{mesages}"), "there is no measure 'mesages'"),
        (edit(LESSON, '"5 to 20" if', '"5 to 10" if'), "which is not one of"),
        (edit(LESSON, 'scenario = "rumour"', 'scenario = "rumor"'), "there is no scenario 'rumor'"),
        (edit("lessons/hi-Latn/01-rumour.md", "## hear:", "## suno:"), "no step 'suno'"),
        (edit(LESSON, 'text = "Press', 'action = { name = "fly" }\ntext = "Press'), "there is no action 'fly'"),
    ],
)
def test_every_broken_promise_is_found(
    tmp_path: Path, change: Callable[[Path], None], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if words not in ("out of reach here", "differs between two processes"):  # processes cost time, twice each
        here = [promise for promise in conformance.PROMISES if promise is not played.determinism]
        monkeypatch.setattr(conformance, "PROMISES", here)
    monkeypatch.setattr(findings, "PATIENCE_S", 0.3)
    folder = create("probe", tmp_path)
    change(folder)
    errors = [str(finding) for finding in check(folder) if finding.level == "error"]
    assert any(words in error for error in errors), errors


@pytest.mark.parametrize(
    "change",
    [
        edit("scenarios/rumour.lab", "run 2s", "run 2"),
        edit("scenarios/rumour.lab", "nodes=5", "nodez=5"),
        edit("scenarios/rumour.lab", "run 2s", "fly n1"),
        edit("engine.py", "self.rounds -= 1", "self.roundz -= 1"),
        edit(LESSON, 'kind = "choice"', 'kind = "chioce"'),
        edit(LESSON, '"everyone_knows"', '"everyone_know"'),
        edit("engine.py", "self.knows = True", "from prayog_sdk.qt import theme\n            self.knows = bool(theme)"),
    ],
)
def test_one_mistake_is_told_once(tmp_path: Path, change: Callable[[Path], None]) -> None:
    folder = create("probe", tmp_path)
    change(folder)
    assert len(check(folder)) == 1, check(folder)


def test_a_panel_must_not_take_the_id_of_a_stock_panel() -> None:
    ids = ["events", "ring", "ring", "canvas"]
    told = [
        offered._panel(PanelSpec("events", "Mine", "json:Panel"), ids),
        offered._panel(PanelSpec("ring", "Mine", "canvas"), ids),
        offered._panel(PanelSpec("lost", "Mine", "nowhere.at_all:Panel"), ids),
        offered._panel(PanelSpec("canvas", "Mine", "canvas"), ids),
    ]
    assert [("stock" in text, "two" in text, "no module" in text) for text in told] == [
        (True, False, False), (False, True, False), (False, False, True), (False, False, False),
    ]  # fmt: skip


def test_a_view_that_changes_afterwards_is_found(tmp_path: Path) -> None:
    folder = create("probe", tmp_path)
    engine = (folder / "engine.py").read_text()
    engine = re.sub(r"class Gossiper", "SHARED = []\n\n\nclass Gossiper", engine)
    engine = engine.replace(
        "self.rounds -= 1", "self.rounds -= 1\n            SHARED.append(1)\n            self.seen = len(SHARED)"
    )
    (folder / "engine.py").write_text(engine)
    assert any("not what a new run shows" in str(finding) for finding in check(folder))


def test_missing_translations_are_a_warning(tmp_path: Path) -> None:
    folder = create("probe", tmp_path)
    (folder / "lessons" / "hi-Latn" / "01-rumour.md").write_text('+++\ntitle = "Ek afwah"\n+++\n## hear: Kya?\n')
    (folder / LESSON).write_text((folder / LESSON).read_text() + "\n## more: More\nText.\n")
    assert [str(finding) for finding in check(folder)] == [
        "warn: hi-Latn/rumour: not yet in hi-Latn (shown in English): more"
    ]


def test_a_kind_of_event_that_is_nearly_one_of_the_topic_is_a_warning(tmp_path: Path) -> None:
    folder = create("probe", tmp_path)
    lesson = (folder / LESSON).read_text()
    (folder / LESSON).write_text(lesson.replace('"everyone_knows"', "\"eventually('haerd') or never('crash')\""))
    told = [str(finding) for finding in check(folder) if "no event" in str(finding)]
    assert len(told) == 1, told
    assert "no event 'haerd' came in any scenario; did you mean heard?" in told[0]


def test_a_misspelt_event_of_a_check_in_python_or_before_a_prediction_is_a_warning(tmp_path: Path) -> None:
    folder = create("probe", tmp_path)
    edit("topic.py", '[Check("everyone', '[Check("quiet", "Nobody heard", never("haerd")), Check("everyone')(folder)
    edit("topic.py", "import Check,", "import Check, never,")(folder)
    edit(LESSON, 'kind = "choice"', 'kind = "choice"\nbefore = "heart"')(folder)
    told = [str(finding) for finding in check(folder)]
    assert any("never('haerd'): no event 'haerd'" in each for each in told), told
    assert any("before = 'heart': no event 'heart'" in each and "did you mean heard?" in each for each in told), told


def test_a_trace_that_differs_names_the_lines_that_may_be_why(tmp_path: Path) -> None:
    folder = create("probe", tmp_path)
    engine = (folder / "engine.py").read_text()
    (folder / "engine.py").write_text(
        engine + "\n\ndef f(x):\n    import random\n    for one in {1, 2}:\n        hash(one)\n    return {1, 2}\n"
    )
    line = engine.count("\n")
    assert chancy(folder) == [
        f"engine.py:{line + 4} (import random)", f"engine.py:{line + 5} (a walk over a set)",
        f"engine.py:{line + 6} (hash())",
    ]  # fmt: skip


def test_a_durable_attribute_that_no_node_has_is_a_warning(tmp_path: Path) -> None:
    folder = create("probe", tmp_path)
    edit("engine.py", 'durable = ("knows",)', 'durable = ("knwos",)')(folder)
    assert [str(finding) for finding in check(folder)] == [
        "warn: Gossiper.durable names 'knwos', an attribute that no such node has"
    ]


def test_a_panel_class_that_is_not_there_is_found_without_importing_it() -> None:
    told = offered._panel(PanelSpec("mine", "Mine", "prayog_sdk.qt.gauges:Gauges_"), ["mine"])
    assert "prayog_sdk.qt.gauges has no class 'Gauges_'" in told


def test_no_hook_can_stop_the_suite(tmp_path: Path) -> None:
    folder = create("probe", tmp_path)
    edit("topic.py", "    return [Check(", "    1 / 0\n    return [Check(")(folder)
    findings = [str(finding) for finding in check(folder)]
    assert any(re.search(r"topic\.py:\d+: ZeroDivisionError", finding) for finding in findings)


def test_every_promise_is_explained() -> None:
    assert all(promise.__doc__ for promise in conformance.PROMISES)


def test_an_import_that_is_tried_is_no_dependency(tmp_path: Path) -> None:
    made = create("one", tmp_path)
    with (made / "engine.py").open("a") as engine:
        engine.write("\ntry:\n    import scipy\nexcept ImportError:\n    scipy = None\n")
    assert list(unknown_imports(made)) == []


def test_a_colour_of_a_panel_must_be_seen_in_both_themes(tmp_path: Path) -> None:
    made = create("one", tmp_path)
    (made / "panels").mkdir()
    (made / "panels" / "own.py").write_text('PALE, GREY, DEEP = "#fff3b0", "#808080", "#101820"\n')
    found = [(colour, theme) for colour, theme, *_ in hand_made_colours(made)]
    assert found == [("#fff3b0", "light"), ("#101820", "dark")]
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
