"""Lessons and challenges of a topic in a language: the translation beside the English file, step by step.

A file of one name lies in ``lessons/<language>/`` for each language, with the same step ids.  A step that is
missing in a language is shown in English, and its ``lang`` says so.

Rules
1. What an engine must evaluate (``answer``, ``tolerance``, ``check``, ``do``) is taken from the English file where a
   translation leaves it out; a translation may not change it.
2. English decides which lessons and steps there are, and their order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib.resources.abc import Traversable

from prayog_sdk import lessonfile
from prayog_sdk.lessons import Challenge, Lesson, LessonError, LessonStep, Myth
from prayog_sdk.manifest import Manifest

__all__ = ["read_challenges", "read_lessons"]


def read_lessons(manifest: Manifest, lang: str = "en") -> list[Lesson]:
    """The lessons of a topic in `lang`, in order of their file names; raises `LessonError`."""
    english = [lessonfile.lesson(manifest, file, "en") for file in _files(manifest, "lessons", "en")]
    if lang == "en":
        return english
    there = {
        lesson.id: lesson
        for lesson in (lessonfile.lesson(manifest, f, lang) for f in _files(manifest, "lessons", lang))
    }
    return [_merged(lesson, there.get(lesson.id)) for lesson in english]


def read_challenges(manifest: Manifest, lang: str = "en") -> list[Challenge]:
    """The challenges of a topic in `lang`; one that is missing there is English.  Raises `LessonError`."""
    english = [lessonfile.challenge(manifest, file, "en") for file in _files(manifest, "challenges", "en")]
    if lang == "en":
        return english
    base = {challenge.id: challenge for challenge in english}
    there = {}
    for file in _files(manifest, "challenges", lang):
        found = lessonfile.challenge(manifest, file, lang, base)
        there[found.id] = found
    return [there.get(challenge.id, challenge) for challenge in english]


def _files(manifest: Manifest, kind: str, lang: str) -> Sequence[Traversable]:
    folder = manifest.folder.joinpath(kind).joinpath(lang)
    if not folder.is_dir():
        return []
    pages = (file for file in folder.iterdir() if file.name.endswith(".md") and file.name != "topic.md")
    return sorted(pages, key=lambda file: file.name)  # topic.md is the text of the topic's page


def _merged(english: Lesson, other: Lesson | None) -> Lesson:
    if other is None:
        return english
    steps = {step.id: step for step in other.items}
    for step in other.items:
        if step.id not in {s.id for s in english.items}:
            raise LessonError(
                f"the English lesson has no step {step.id!r}; step ids are shared", other.where, step.line
            )
    items = tuple(_merged_step(step, steps[step.id], other) if step.id in steps else step for step in english.items)
    return dataclasses.replace(
        other,
        items=items,
        scenario=other.scenario or english.scenario,
        minutes=other.minutes or english.minutes,
        myth=other.myth or english.myth,
        summary=other.summary or english.summary,
    )


def _merged_step(english: LessonStep, other: LessonStep, lesson: Lesson) -> LessonStep:
    def differs(what: str) -> LessonError:
        return LessonError(
            f"{what} differs from the English step {english.id!r}; leave it out", lesson.where, other.line
        )

    predict, do = english.predict, english.do
    if other.predict is not None and predict is not None:
        mine = other.predict
        for name in ("answer", "tolerance", "before"):
            if getattr(mine, name) not in (getattr(predict, name), "", 0.0):
                raise differs(f"{name} of the prediction")
        if mine.choices and len(mine.choices) != len(predict.choices):
            raise differs("the number of choices")
        predict = dataclasses.replace(
            predict,
            question=mine.question,
            choices=mine.choices or predict.choices,
            unit=mine.unit or predict.unit,
            why=mine.why or predict.why,
        )
    elif other.predict is not None:
        raise differs("the prediction")
    if other.do is not None:
        if do is None or other.do.scenario not in (None, do.scenario) or other.do.action not in (None, do.action):
            raise differs("what is to be done")
        do = dataclasses.replace(do, text=other.do.text, button=other.do.button or do.button)
    if other.check not in (None, english.check):
        raise differs("the check")
    return dataclasses.replace(
        other,
        predict=predict,
        do=do,
        check=english.check,
        hints=other.hints or english.hints,
        myth=_merged_myth(english.myth, other.myth),
    )


def _merged_myth(english: Myth | None, other: Myth | None) -> Myth | None:
    if english is None or other is None:
        return other or english
    return dataclasses.replace(other, source=other.source or english.source)
