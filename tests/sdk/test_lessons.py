"""Lesson files: steps, directives, languages side by side, mistakes with a place, predictions judged by traces."""

from __future__ import annotations

from pathlib import Path

import pytest

from prayog_sdk.checks import CheckError
from prayog_sdk.languages import read_challenges, read_lessons
from prayog_sdk.lessons import (
    Answer,
    LessonError,
    Predict,
    judge,
    live_names,
)
from prayog_sdk.manifest import Manifest
from prayog_sim.run import Action
from prayog_sim.trace import Step, Trace

ENGLISH = """\
+++
title = "A rumour"
minutes = 3
scenario = "rumour"
+++
Gossip is old.

## hear: Who hears it first?
n1 knows it.  {messages} messages so far, `{not_this}`.

```python
## not: a step
```

```predict
question = "Does n5 hear it?"
choices = ["yes", "no"]
answer = 'count("heard", node="n5") > 0'
why = "Because gossip is random."
```

```hint
text = "Look at n5."
```

## crash: Stop n1
```do
text = "Stop n1."
action = { name = "crash", args = { node = "n1" } }
button = "Stop n1"
```
```predict
question = "How many still hear it?"
kind = "number"
answer = 'count("heard")'
tolerance = 0.5
```
```check
expression = 'count("heard") >= 2'
```
```myth
says = "A rumour dies with its source."
truth = "It lives on in everyone who heard it."
source = "Demers 1987, section 1.4"
```
"""
HINGLISH = """\
+++
title = "Ek afwah"
+++
## hear: Sabse pehle kaun sunta hai?
n1 ko pata hai.
```predict
question = "Kya n5 sunega?"
choices = ["haan", "nahi"]
```
"""


@pytest.fixture
def topic(tmp_path: Path) -> Manifest:
    for lang, text in (("en", ENGLISH), ("hi-Latn", HINGLISH)):
        folder = tmp_path / "lessons" / lang
        folder.mkdir(parents=True)
        (folder / "01-rumour.md").write_text(text)
    return Manifest("gossip", (1, 0), "Gossip", "…", "prayog_gossip.topic", folder=tmp_path)


def test_a_lesson_is_read(topic: Manifest) -> None:
    (lesson,) = read_lessons(topic)
    assert (lesson.id, lesson.title, lesson.minutes, lesson.scenario) == ("rumour", "A rumour", 3, "rumour")
    hear, crash = lesson.items
    assert (hear.id, hear.title, hear.hints) == ("hear", "Who hears it first?", ("Look at n5.",))
    assert hear.body.startswith("Gossip is old.\n\nn1 knows it.")
    assert "## not: a step" in hear.body
    assert "predict" not in hear.body
    assert hear.predict is not None
    assert (hear.predict.id, hear.predict.choices, hear.predict.before) == ("hear", ("yes", "no"), "")
    assert crash.do is not None
    assert crash.do.action == Action("crash", {"node": "n1"})
    assert crash.predict is not None
    assert crash.predict.before == "crash"
    assert crash.check == 'count("heard") >= 2'
    assert crash.myth is not None


def test_a_translation_keeps_what_the_engine_needs_and_marks_what_is_missing(topic: Manifest) -> None:
    (lesson,) = read_lessons(topic, "hi-Latn")
    hear, crash = lesson.items
    assert (lesson.title, lesson.scenario, lesson.lang) == ("Ek afwah", "rumour", "hi-Latn")
    assert (hear.lang, crash.lang, crash.title) == ("hi-Latn", "en", "Stop n1")
    assert hear.predict is not None
    assert (hear.predict.question, hear.predict.keys) == ("Kya n5 sunega?", ("yes", "no"))
    trace = Trace([Step(0, 0, "heard", "n5", {})])
    assert judge(hear.predict, Answer("hear", "haan"), trace, {}).reason == "You said haan; it is haan."
    assert judge(hear.predict, Answer("hear", "yes"), trace, {}).ok
    assert not judge(hear.predict, Answer("hear", "nahi"), trace, {}).ok


def test_a_myth_in_another_language_keeps_its_source(topic: Manifest) -> None:
    step = '## crash: Band karein\n```myth\nsays = "Afwah mar jaati hai."\ntruth = "Woh zinda rehti hai."\n```\n'
    (topic.folder / "lessons" / "hi-Latn" / "01-rumour.md").write_text(HINGLISH + step)  # type: ignore[operator]
    myth = read_lessons(topic, "hi-Latn")[0].items[1].myth
    assert myth is not None
    assert (myth.says, myth.source) == ("Afwah mar jaati hai.", "Demers 1987, section 1.4")


@pytest.mark.parametrize("lang", ["en", "hi-Latn"])
def test_a_lesson_without_translation_is_english(topic: Manifest, lang: str) -> None:
    (topic.folder / "lessons" / "hi-Latn" / "01-rumour.md").unlink()  # type: ignore[operator]
    assert [lesson.lang for lesson in read_lessons(topic, lang)] == ["en"]


def _line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(
    ("old", "new", "at", "words"),
    [
        ("+++\ntitle", "title", "title", "first line must be +++"),
        ("minutes = 3", "minute = 3", "minute = 3", "no key 'minute'"),
        ("minutes = 3", 'minutes = "3"', 'minutes = "3"', "whole number"),
        ('title = "A rumour"', "title = A rumour", "title = A", "not TOML"),
        ("## crash: Stop n1", "## Stop n1", "## Stop", "begins with its id"),
        ("## crash: Stop n1", "## hear: Stop n1", "## hear: Stop", "two steps called 'hear'"),
        ('choices = ["yes", "no"]', 'choices = ["yes"]', 'choices = ["yes"]', "at least two"),
        ('choices = ["yes", "no"]', 'choises = ["yes", "no"]', "choises", "no key 'choises'"),
        ('kind = "number"', 'kind = "count"', 'kind = "count"', "choice, number or order"),
        ("action = {", 'scenario = "x"\naction = {', "action = {", "either opens"),
        ("action = { name", "action = { nam", "action = {", "write action = { name"),
        ("```hint", "```hints", "```hints", "no directive 'hints'"),
        ('source = "Demers', 'sauce = "Demers', "sauce", "no key 'sauce'"),
        ("expression = 'count", "expression = count", "expression = count", "not TOML"),
    ],
)
def test_mistakes_name_file_and_line(topic: Manifest, old: str, new: str, at: str, words: str) -> None:
    text = ENGLISH.replace(old, new, 1)
    assert text != ENGLISH
    (topic.folder / "lessons" / "en" / "01-rumour.md").write_text(text)  # type: ignore[operator]
    with pytest.raises(LessonError) as caught:
        read_lessons(topic)
    assert words in caught.value.sentence
    assert caught.value.where == "en/01-rumour.md"
    assert caught.value.line == _line_of(text, at)


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ("## extra: Mehr\n", "no step 'extra'"),
        ("## crash: Band karein\n```check\nexpression = 'count(\"heard\") >= 1'\n```\n", "check differs"),
        ('## crash: Band karein\n```do\ntext = "…"\naction = { name = "pause" }\n```\n', "to be done differs"),
        ('## crash: Band\n```predict\nquestion = "?"\nkind = "number"\ntolerance = 9\n```\n', "tolerance"),
    ],
)
def test_a_translation_may_not_change_the_lesson(topic: Manifest, added: str, words: str) -> None:
    (topic.folder / "lessons" / "hi-Latn" / "01-rumour.md").write_text(HINGLISH + added)  # type: ignore[operator]
    with pytest.raises(LessonError, match=words):
        read_lessons(topic, "hi-Latn")


TRACE = Trace([Step(0, 0, "start", "n1", {}), Step(1, 5, "heard", "n2", {}), Step(2, 9, "heard", "n3", {})])


@pytest.mark.parametrize(("said", "ok"), [(2, True), (3, True), (1, True), (3.5, False), ("two", False)])
def test_numbers_are_near_within_the_tolerance(said: object, ok: bool) -> None:
    question = Predict("q", "How many?", "number", unit="nodes", answer='count("heard")', tolerance=0.5)
    verdict = judge(question, Answer("q", said), TRACE, {})
    assert verdict.ok is ok
    assert verdict.reason == f"You said {said} nodes; it is 2 nodes."


def test_orders_and_late_answers() -> None:
    question = Predict("q", "Who first?", "order", ("n3", "n2"), answer="order", keys=("n3", "n2"))
    measures = {"order": lambda trace: [step.node for step in trace if step.kind == "heard"]}
    assert judge(question, Answer("q", ["n2", "n3"], 1), TRACE, measures).ok
    late = judge(question, Answer("q", ["n2", "n3"], 2), TRACE, measures)
    assert not late.ok
    assert "It does not count: the answer came after heard" in late.reason


def test_a_question_whose_answer_is_no_choice_is_the_authors_mistake() -> None:
    question = Predict("q", "?", "choice", ("few", "many"), answer='"lots"', keys=("few", "many"))
    with pytest.raises(CheckError, match="not one of: few, many"):
        judge(question, Answer("q", "few"), TRACE, {})


def test_live_numbers_are_found_outside_code() -> None:
    text = "{moved} of {total}, `{code}`\n```\n{block}\n```\n{moved}"
    assert live_names(text) == ["moved", "total"]


CHALLENGE = """\
+++
title = "Quiet"
goal = "Everyone hears it with at most 20 messages."
scenario = "rumour"
checks = ['count("heard") >= 4', "quiet"]
seeds = [1, 2, 3]
budget = { actions = 6, crash = 1 }
knobs = ["fanout"]
until = "10s"
+++
Find the smallest fanout.
```hint
text = "Try 2."
```
"""


def test_challenges(topic: Manifest) -> None:
    folder: Path = topic.folder / "challenges"  # type: ignore[operator, assignment]
    (folder / "en").mkdir(parents=True)
    (folder / "en" / "quiet.md").write_text(CHALLENGE)
    (challenge,) = read_challenges(topic, "hi-Latn")
    assert challenge.seeds == (1, 2, 3)
    assert challenge.budget == {"actions": 6, "crash": 1}
    assert challenge.until_us == 10_000_000
    assert (challenge.body, challenge.hints, challenge.lang) == ("Find the smallest fanout.", ("Try 2.",), "en")
    (folder / "hi-Latn").mkdir()
    (folder / "hi-Latn" / "quiet.md").write_text('+++\ntitle = "Shaant"\ngoal = "Sab sunein."\n+++\n')
    (translated,) = read_challenges(topic, "hi-Latn")
    assert (translated.title, translated.checks) == ("Shaant", challenge.checks)
    (folder / "en" / "quiet.md").write_text(CHALLENGE.replace('"10s"', '"ten"'))
    with pytest.raises(LessonError, match=r"quiet\.md:9: .ten. is not a duration"):
        read_challenges(topic)
