"""Opening a topic: one plugin manager each, and every mistake in the hooks is a sentence that helps."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prayog_sdk.manifest import read_folder
from prayog_sdk.params import ParamError
from prayog_sdk.specs import ActionSpec, Arg
from prayog_sdk.topic import Topic, TopicError
from prayog_sim.run import Action

CARD = 'id = "probe"\napi = "1.0"\ntitle = "Probe"\nsummary = "…"\nmodule = "prayog_probe.topic"\n'
HEAD = """\
from dataclasses import dataclass
from typing import Annotated
from prayog_sdk import Check, Computation, Slider, Verdict, hookimpl

@dataclass(frozen=True)
class Params:
    size: Annotated[int, Slider(1, 9)] = 3

class Counting(Computation):
    def start(self): return {}
    def fold(self, state, step): return state
    def perform(self, action): return iter([("tick", "", {})])

"""
PARAMS = "@hookimpl\ndef prayog_params(): return Params\n"
BUILD = "@hookimpl\ndef prayog_build(params, seed): return Counting()\n"

Make = Callable[[str], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def write(hooks: str, card: str = CARD) -> Path:
        folder = tmp_path / "prayog_probe"
        folder.mkdir(exist_ok=True)
        (folder / "plugin.toml").write_text(card)
        (folder / "__init__.py").write_text("")
        (folder / "topic.py").write_text(HEAD + hooks)
        return folder

    return write


def test_a_topic_opens_builds_and_closes(make: Make, topic_of: Callable[[Path], Topic]) -> None:
    topic = topic_of(make(PARAMS + BUILD))
    params = topic.params({"size": "4"})
    assert params.size == 4
    assert topic.build(params, 1).view().seq == -1
    assert (topic.has_build, topic.has_session) == (True, False)
    assert topic.checks(params) == {} == topic.measures(params)
    assert topic.compare(topic.build(params, 1).trace, topic.build(params, 1).trace) is None
    with pytest.raises(ParamError, match="size"):
        topic.params({"size": 99})
    with pytest.raises(TopicError, match="no runs on a real component"):
        topic.session(params, 1, None)  # type: ignore[arg-type]
    topic.close()
    assert "prayog_probe" not in sys.modules
    topic.close()


def test_a_topic_that_fails_leaves_the_way_to_its_neighbours(make: Make, topic_of: Callable[[Path], Topic]) -> None:
    folder = make(PARAMS + BUILD)
    (folder / "later.py").write_text("HERE = True\n")
    bad = folder.parent / "prayog_bad"
    bad.mkdir()
    (bad / "plugin.toml").write_text(CARD.replace("probe", "bad"))
    (bad / "__init__.py").write_text("")
    (bad / "topic.py").write_text("import a_library_that_nobody_has\n")
    topic = topic_of(folder)
    with pytest.raises(TopicError, match="a_library_that_nobody_has"):
        Topic.load(read_folder(bad))
    assert importlib.import_module("prayog_probe.later").HERE  # a panel is imported when it is first shown
    topic.close()
    assert str(folder.parent) not in sys.path


def test_what_a_run_keeps_cannot_be_overwritten_by_a_topic(make: Make, topic_of: Callable[[Path], Topic]) -> None:
    names = ("work", "state", "kept", "todo", "news", "worker", "started", "record", "append")
    own = "    def __init__(self):\n        super().__init__()\n" + "".join(
        f"        self._{name} = {name!r}\n" for name in names
    )
    folder = make(PARAMS + BUILD)
    topic_file = folder / "topic.py"
    topic_file.write_text(
        topic_file.read_text().replace("    def start(self): return {}\n", own + "    def start(self): return {}\n")
    )
    topic = topic_of(folder)
    run = topic.build(topic.params(), 1)
    run.do(Action("count"))
    while run.step() is not None:
        pass
    assert [step.kind for step in run.trace] == ["action", "tick"]
    assert run.view(0).seq == 0


@pytest.mark.parametrize(
    ("hooks", "words"),
    [
        (
            PARAMS + BUILD.replace("prayog_build", "prayog_biuld"),
            "there is no hook prayog_biuld; did you mean prayog_build?",
        ),
        (PARAMS + BUILD.replace("@hookimpl\n", ""), "prayog_build is not marked as a hook; write @hookimpl above it"),
        (
            PARAMS + BUILD.replace("seed", "sed"),
            "prayog_build has no argument 'sed'; it may use: params, seed, progress",
        ),
        (PARAMS, "neither prayog_build nor prayog_session"),
        (BUILD, "has no prayog_params"),
        (BUILD + "@hookimpl\ndef prayog_params(): return Params()\n", "must return the dataclass itself"),
        (PARAMS.replace("Params", "int") + BUILD, "must be a frozen dataclass"),
        (PARAMS + BUILD + "import no_such_module\n", "No module named 'no_such_module'"),
        (PARAMS + BUILD + "1 / 0\n", "ZeroDivisionError: division by zero"),
    ],
)
def test_mistakes_are_sentences(make: Make, hooks: str, words: str) -> None:
    with pytest.raises(TopicError) as caught:
        Topic.load(read_folder(make(hooks)))
    assert words in str(caught.value)
    assert "prayog_probe" not in sys.modules


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        ("prayog_checks(): return 5", "prayog_checks must return a list of Check; it returned 5"),
        ("prayog_checks(): return [1]", "must return a list of Check"),
        (
            'prayog_checks(): return [Check("a", "A", lambda t: Verdict(True, "")) for _ in "12"]',
            "two entries called 'a'",
        ),
        ("prayog_measures(): return [1]", "must return a dict"),
    ],
)
def test_wrong_answers_of_hooks_are_sentences(
    make: Make, topic_of: Callable[[Path], Topic], hook: str, words: str
) -> None:
    topic = topic_of(make(f"{PARAMS}{BUILD}@hookimpl\ndef {hook}\n"))
    ask = topic.measures if "measures" in hook else topic.checks
    with pytest.raises(TopicError, match=words):
        ask(topic.params())


def test_a_run_that_is_none_is_a_sentence(make: Make, topic_of: Callable[[Path], Topic]) -> None:
    topic = topic_of(make(PARAMS + BUILD.replace("Counting()", "7")))
    with pytest.raises(TopicError, match="prayog_build must return a run"):
        topic.build(topic.params(), 1)


def test_an_edited_topic_is_read_again(make: Make, topic_of: Callable[[Path], Topic]) -> None:
    topic_of(make(PARAMS + BUILD)).close()
    folder = make((PARAMS + BUILD).replace("return Params", "return Params ") + "CHANGED = True\n")
    assert topic_of(folder).module.CHANGED


def test_a_package_in_the_way_is_named_and_left_alone(make: Make) -> None:
    folder = make(PARAMS + BUILD, CARD.replace("prayog_probe", "json"))
    folder = folder.rename(folder.with_name("json"))
    with pytest.raises(TopicError, match="another package called json is in the way"):
        Topic.load(read_folder(folder))
    assert sys.modules["json"].dumps


def test_another_api_is_refused(make: Make) -> None:
    with pytest.raises(TopicError, match="Update the lab"):
        Topic.load(read_folder(make(PARAMS + BUILD, CARD.replace("1.0", "1.9"))))


def test_importing_the_sdk_is_cheap() -> None:
    code = (
        "import sys; before = set(sys.modules); import prayog_sdk; "
        "print(sorted(m for m in set(sys.modules) - before if m.startswith(('prayog', 'pluggy', 'PySide6'))))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['prayog_sdk']"


def test_every_exported_name_exists() -> None:
    import prayog_sdk

    for name in dir(prayog_sdk):
        assert getattr(prayog_sdk, name) is not None
    with pytest.raises(AttributeError):
        prayog_sdk.Wrold  # type: ignore[attr-defined] # noqa: B018


def test_an_argument_may_not_hide_the_name_of_its_action() -> None:
    with pytest.raises(ValueError, match="the action paint has an argument called name"):
        ActionSpec("paint", "Paint", args=(Arg("name", "text"),))
