"""The author's guide names every word that the lab knows: hooks with arguments, keys, directives, verbs, checks."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from prayog_sdk import hookspecs
from prayog_sdk.checks import WORDS
from prayog_sdk.code.allowed import MODULES
from prayog_sdk.code.function import Outcome, events
from prayog_sdk.code.source import Mistake
from prayog_sdk.lessonfile import CHALLENGE_KEYS, DIRECTIVES, LESSON_KEYS
from prayog_sdk.manifest import KEYS
from prayog_sdk.topic import HOOKS
from prayog_sdk.vocabulary import GAUGES
from prayog_sim.faults import BUILTIN_ACTIONS

GUIDE = (Path(__file__).parents[2] / "docs" / "authors.md").read_text(encoding="utf-8")


def chapter(title: str) -> str:
    found = re.search(rf"^## {re.escape(title)}.*?(?=^## [A-Z]|\Z)", GUIDE, re.S | re.M)
    assert found, f"the guide has no chapter {title!r}"
    return found[0]


def rows(text: str) -> dict[str, str]:
    """First column -> whole row of the tables in `text`."""
    return {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("| ")}


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_there_with_its_exact_arguments(hook: str) -> None:
    arguments = ", ".join(inspect.signature(getattr(hookspecs, hook)).parameters)
    assert f"`{hook}({arguments})`" in rows(chapter("The hooks"))


def test_no_hook_is_there_that_is_gone() -> None:
    assert set(re.findall(r"`(prayog_\w+)\(", GUIDE)) == set(HOOKS)


def test_every_key_of_the_card_is_there_and_says_whether_it_is_needed() -> None:
    table = rows(chapter("The card"))
    for key, (must, _) in KEYS.items():
        assert f"| {'yes' if must else 'no'} |" in table[f"`{key}`"]
    assert {name.strip("`") for name in table if name.startswith("`")} == set(KEYS)


def test_every_directive_and_front_matter_key_is_there() -> None:
    text = chapter("Lessons")
    for directive, keys in DIRECTIVES.items():
        row = rows(text)[f"` ```{directive} `"]
        for key in keys:
            assert re.search(rf"`{key}[` ]", row), f"{directive}: {key}"
    for key in LESSON_KEYS:
        assert f"`{key}`" in text
    for key in CHALLENGE_KEYS:
        assert f"`{key}`" in chapter("Challenges")


def test_the_chapter_on_code_names_every_module_and_every_way_to_fail() -> None:
    text = chapter("Code it")
    listed = re.search(r"may import (.*?)\. A run", text, re.S)
    assert listed
    assert re.findall(r"`([\w.]+)`", listed[1]) == sorted(MODULES)
    for kind in get_args(get_type_hints(Mistake)["kind"]):
        assert f"`{kind}`" in text
    for kind, data in events(Outcome(None, Mistake("error", 1, "Line 1: no."), ((1, "x"),))):
        assert f"`{kind}` (" in text
        assert all(f"`{name}`" in text for name in data)


def test_every_word_of_checks_and_scripts_is_there() -> None:
    text = chapter("Checks")
    for word in WORDS:
        assert re.search(rf"`{word}\(", text), word
    for agg in GAUGES:
        assert f"`{agg}`" in text
    for action in BUILTIN_ACTIONS:
        assert f"`{action.name}`" in chapter("Scenarios"), action.name


def test_the_examples_of_checks_compile() -> None:
    from prayog_sdk import checks

    text = chapter("Scenarios") + chapter("Checks")
    examples = re.findall(r"^check (.*\(.*)$|`(first\(\".*? == .*?)`", text, re.M)
    assert len(examples) >= 2
    for example in examples:
        checks.compile("".join(example), {})
