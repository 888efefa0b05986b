"""The author's guide does what it says: every snippet in it is run, and a stranger who follows it has a topic."""

from __future__ import annotations

import argparse
import inspect
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent
from typing import Annotated, Any

import pytest

import prayog_sdk
from prayog import kit
from prayog.cli import main, parser
from prayog_sdk import CodeSpec, Ctx, Node, Trace
from prayog_sdk.code.function import events
from prayog_sdk.manifest import read_folder
from prayog_sdk.templates import create
from prayog_sdk.testing.conformance import check
from prayog_sdk.topic import Topic
from prayog_sim.script import parse

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "authors.md").read_text(encoding="utf-8")
SNIPPETS = [found[1] for found in re.findall(r"^(`{3,4})[a-z]*\n(.*?)^\1$", GUIDE, re.S | re.M)]


def snippet(beginning: str) -> str:
    found = [each for each in SNIPPETS if each.lstrip().startswith(beginning)]
    assert len(found) == 1, f"{len(found)} snippets begin with {beginning!r}"
    return found[0]


TRIED = (
    "prayog new", "prayog_bully/", "actions = (", "@hookimpl\ndef prayog_actions", "title Shouted", "## shout",
    "class Halving", "[trusted]", "# A comment", "Check(", "ctx.emit(", "+++", "SPEC =",
)  # fmt: skip


def test_every_snippet_is_tried_below() -> None:
    assert len(SNIPPETS) == len(TRIED)
    assert all(snippet(each) for each in TRIED)


def test_the_commands_of_the_first_ten_minutes_do_what_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in snippet("prayog new").splitlines():
        words = shlex.split(line, comments=True)[1:]
        if words[0] == "dev":  # opens the window: tests/shell/test_author.py
            parser().parse_args(words)
        else:
            assert main(["--profile", str(tmp_path / "profile"), *words]) == 0, line
    told = capsys.readouterr().out
    assert "Bully: keeps its promises." in told
    assert list(tmp_path.glob("prayog_bully-*.whl"))
    for line in snippet("prayog_bully/").splitlines()[1:]:
        path = line.split()[0]
        if path != "panels/":  # only for those who draw
            assert list((tmp_path / "prayog_bully").glob(path.removesuffix(";"))), path


def test_the_first_change_works(tmp_path: Path) -> None:
    made = create("gossip", tmp_path)

    def edit(file: str, change: Callable[[str], str]) -> None:
        (made / file).write_text(change((made / file).read_text(encoding="utf-8")), encoding="utf-8")

    engine, durable = snippet("actions = ("), '    durable = ("knows",)\n'
    edit("engine.py", lambda text: text.replace(durable, durable + engine).replace("Ctx, L", "ActionError, Ctx, L"))
    hook = snippet("@hookimpl\ndef prayog_actions")
    edit("topic.py", lambda text: text.replace("sdk import Check", "sdk import ActionSpec, Arg, Check") + f"\n\n{hook}")
    (made / "scenarios" / "shouted.lab").write_text(snippet("title Shouted"), encoding="utf-8")
    edit("lessons/en/01-rumour.md", lambda text: f"{text}\n{snippet('## shout')}")
    found = [str(finding) for finding in check(made)]
    assert found == ["warn: hi-Latn/rumour: not yet in hi-Latn (shown in English): shout"]


def test_the_computation_finds_its_number() -> None:
    scope: dict[str, Any] = {}
    _run(snippet("class Halving"), scope)
    run = scope["Halving"](wanted=11, most=100)
    run.do(prayog_sdk.Action("look", {}))
    while run.step() is not None:
        pass
    assert run.state == {"low": 11, "high": 11}
    assert run.view(-1).facts == {"low": 0, "high": 100}


def _run(text: str, scope: dict[str, Any]) -> None:
    """`text` with every name of the SDK and what annotations need."""
    names = {name: getattr(prayog_sdk, name) for name in dir(prayog_sdk)}
    scope.update(names | {"Iterator": Iterator, "Mapping": Mapping, "Any": Any} | scope)
    exec(compile(text, "authors.md", "exec"), scope)


def test_what_a_teacher_pins_is_read(tmp_path: Path) -> None:
    (tmp_path / "kit.toml").write_text(snippet("[trusted]"), encoding="utf-8")
    assert list(kit.read(tmp_path / "kit.toml").trusted) == ["prayog_bully-0.1.0-py3-none-any.whl"]


def test_the_script_and_the_lesson_are_read(tmp_path: Path) -> None:
    script = parse(snippet("# A comment"), "guide.lab")
    assert script.title == "Split vote"
    assert script.params == {"nodes": 5, "loss": 0.1}
    made = create("gossip", tmp_path)
    (made / "lessons" / "en" / "01-rumour.md").write_text(snippet("+++"), encoding="utf-8")
    assert [finding for finding in check(made) if finding.level == "error" and "hi-Latn" not in finding.where] == []


def test_the_check_in_python_judges_a_trace() -> None:
    scope: dict[str, Any] = {}
    _run(f"found = {snippet('Check(')}", scope)
    assert not scope["found"].judge(Trace()).ok


def test_the_words_of_a_history_are_understood() -> None:
    ctx = Ctx("c1")
    _run(snippet("ctx.emit("), {"ctx": ctx})
    assert [effect[1] for effect in ctx.effects] == ["invoke", "ok", "fail", "unknown"]


def test_the_function_of_the_learner_is_called() -> None:
    starter = 'def pick_compaction(levels):\n    """The tables to merge."""\n    print("here")\n    return levels[:1]\n'
    head, word, engine = snippet("SPEC =").partition("pick = ")
    scope: dict[str, Any] = {"STARTER": starter, "dataclass": dataclass, "Annotated": Annotated, "events": events}
    _run(head, scope)
    assert isinstance(scope["SPEC"], CodeSpec)
    assert scope["prayog_code"](scope["Params"]("yours")) is scope["SPEC"]
    assert scope["prayog_code"](scope["Params"]()) is None
    body = f"def engine(params, levels, a_list_of_tables, use):\n{indent(word + engine, '    ')}"
    exec(compile(body, "authors.md", "exec"), scope)
    used: list[Any] = []
    told = list(scope["engine"](scope["Params"]("yours"), [[1], [2]], lambda value: "", used.append))
    assert used == [[[1]]]
    assert [kind for kind, *_ in told] == ["printed"]


# -- compared with the code ------------------------------------------------------------------------------------------


def _commands() -> dict[str, argparse.ArgumentParser]:
    actions = (each for each in parser()._actions if isinstance(each, argparse._SubParsersAction))
    return {name: each for action in actions for name, each in action.choices.items()}


COMMON = {"--profile", "--temp-profile", "--kit", "--safe"}


def test_every_command_and_flag_is_in_the_guide() -> None:
    rows = {row[1]: row[2] for row in re.findall(r"^\| `prayog ((\w+)[^`]*)` \|([^|]*)\|", GUIDE, re.M)}
    assert set(rows) == set(_commands())
    for name, command in _commands().items():
        flags = {flag for action in command._actions for flag in action.option_strings} - {"-h", "--help"} - COMMON
        assert set(re.findall(r"`(--[\w-]+)`", rows[name])) == flags, name


@pytest.mark.parametrize("file", ["authors.md", "../README.md"])
def test_every_command_line_in_the_documents_can_be_typed(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / file).read_text(encoding="utf-8")
    lines = re.findall(r"`(?:prayog|python3 lab\.py) ([a-z][^`\n]*)`", text)
    lines += re.findall(r"^ *(?:prayog|python3 lab\.py) ([a-z][^#\n]*)", text, re.M)
    assert len(lines) > (file == "authors.md") * 10
    for line in lines:
        words = re.sub(r"[\[\]…]", "", line).replace(" N", " 3").replace("knob=value", "nodes=5").split()
        if words[0] in ("test", "bench") or words[1:] == []:  # of lab.py alone; only spoken of
            continue
        if words[0] == "sweep" and "--seeds" not in words:
            words += ["--seeds", "3"]
        try:
            parser().parse_args(words)
        except SystemExit:
            pytest.fail(f"{file}: {line!r} cannot be typed: {capsys.readouterr().err}")
        except ValueError as error:
            pytest.fail(f"{file}: {line!r} cannot be typed: {error}")


def test_handlers_and_words_of_the_engine_are_in_the_guide() -> None:
    handlers = dict.fromkeys(re.findall(r"^\| `(\w+)\(([^)]*)\)` \| (?:when|for)", GUIDE, re.M))
    said = {name: [word.strip() for word in arguments.split(",") if word] for name, arguments in handlers}
    methods = {name: each for name, each in vars(Node).items() if inspect.isfunction(each)}
    assert said == {name: list(inspect.signature(each).parameters)[1:] for name, each in methods.items()}
    table = GUIDE.partition("| word of `ctx`")[2].partition("\n\n")[0]
    words = {name for cell in re.findall(r"^\| ([^|]*) \|", table, re.M) for name in re.findall(r"`(\w+)", cell)}
    public = {name for name in [*vars(Ctx), *Ctx.__slots__] if not name.startswith("_")}
    assert words == public - {"effects"}


def test_what_a_topic_may_need_is_in_the_guide() -> None:
    from prayog_sdk.services.urls import KINDS

    row = next(line for line in GUIDE.splitlines() if line.startswith("| `needs`"))
    assert set(re.findall(r"`(\w+)`", row.partition("]`:")[2])) == {"webengine", "postgres", *KINDS}


def test_the_stock_panels_are_named_as_they_are(tmp_path: Path) -> None:
    from prayog_sdk.testing.offered import STOCK

    named = re.search(r"those of the stock panels \((.*?)\)", GUIDE, re.S)
    assert named
    assert set(re.findall(r"`(\w+)`", named[1])) <= set(STOCK)


def test_a_topic_that_was_followed_to_its_end_is_a_card_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = create("gossip", tmp_path / "mine")
    assert main(["pack", str(made), "--out", str(tmp_path / "other" / "topics")]) == 0
    capsys.readouterr()
    assert main(["--profile", str(tmp_path / "other"), "list"]) == 0
    assert "gossip/rumour" in capsys.readouterr().out
    assert Topic.load(read_folder(made)).id == "gossip"
    sys.modules.pop("prayog_gossip", None)
