"""Promises about lessons and challenges: they are read in every language, and what they name exists."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from prayog_sdk import lessons
from prayog_sdk.checks import CheckError, evaluate
from prayog_sdk.expressions import kinds_in
from prayog_sdk.lessons import Challenge, Lesson, LessonError, LessonStep
from prayog_sdk.scenario import Scenario
from prayog_sdk.specs import world_actions
from prayog_sdk.testing.findings import Case, Finding

__all__ = ["the_lessons"]


def the_lessons(case: Case) -> Iterator[Finding]:
    """Lessons are read in every language, and what they name exists and can be computed."""
    manifest = case.topic.manifest
    folder = manifest.folder.joinpath("lessons")
    there = {item.name for item in folder.iterdir() if item.is_dir()} if folder.is_dir() else set()
    for lang in sorted(there ^ set(manifest.languages)):
        if lang in there:
            yield Finding("warn", "lessons", f"lessons/{lang} is there, but languages in plugin.toml does not name it")
        elif lang != "en" or there:
            yield Finding("warn", "lessons", f"plugin.toml names {lang}, but there is no folder lessons/{lang}")
    for lang in ("en", *sorted(there - {"en"})):
        try:
            read = case.topic.lessons(lang)
            challenges = case.topic.challenges(lang)
        except LessonError as error:
            yield Finding("error", "lessons", error.sentence, f"{error.where}:{error.line}")
            if error.where.startswith("en/"):  # the others are read beside it
                return
            continue
        for lesson in read:
            missing = [step.id for step in lesson.items if step.lang != lang]
            if missing:
                sentence = f"not yet in {lang} (shown in English): {', '.join(missing)}"
                yield Finding("warn", "lessons", sentence, f"{lang}/{lesson.id}")
            for step in lesson.items:
                yield from _lesson_step(case, lesson, step)
        if lang == "en":
            if not read:
                yield Finding("warn", "lessons", "there is no lesson yet", "lessons/en")
            for challenge in challenges:
                yield from _challenge(case, challenge)
            yield from _misspelt(case, read, challenges)


def _lesson_step(case: Case, lesson: Lesson, step: LessonStep) -> Iterator[Finding]:
    topic, where = case.topic, f"{lesson.where}:{step.line}"
    ids = [scenario.id for scenario in case.scenarios]
    for named in (lesson.scenario, (step.do and step.do.scenario) or lesson.scenario):
        if named not in ids:
            if named not in case.spoilt:
                yield Finding("error", "lessons", f"there is no scenario {named!r}; there are: {', '.join(ids)}", where)
            return
    scenario = case.scenarios[ids.index((step.do and step.do.scenario) or lesson.scenario)]
    params = topic.params(scenario.params)
    measures = topic.measures(params)
    told = "\n\n".join([step.body, *step.hints, step.do.text if step.do else ""])
    for name in lessons.live_names(told):
        if name not in measures:
            yield Finding("error", "lessons", f"there is no measure {name!r} for {{{name}}}", where)
    if not lesson.where.startswith("en/"):  # what is judged or done is the English file's, and was looked at there
        return
    if step.check is not None:
        try:
            topic.check(step.check, params)
        except CheckError as error:
            yield Finding("error", "lessons", f"the check {step.check!r}: {error}", where)
    if step.do is not None and step.do.action is not None:
        verbs = {spec.name for spec in (*topic.actions(params), *world_actions())}
        if step.do.action.name not in verbs:
            yield Finding("error", "lessons", f"there is no action {step.do.action.name!r}", where)
    if step.predict is not None:
        yield from _prediction(case, scenario, step.predict, where)


def _prediction(case: Case, scenario: Scenario, predict: lessons.Predict, where: str) -> Iterator[Finding]:
    params = case.topic.params(scenario.params)
    measures, checks = case.topic.measures(params), case.topic.checks(params)
    try:
        evaluate(predict.answer, measures, checks)
        result = case.results.get(scenario.id)
        if result is not None:
            lessons.judge(predict, lessons.Answer(predict.id, None), result.trace, measures, checks)
    except CheckError as error:
        yield Finding("error", "lessons", f"the answer of the prediction {predict.id!r}: {error}", where)


def _misspelt(case: Case, read: Sequence[Lesson], challenges: Sequence[Challenge]) -> Iterator[Finding]:
    """A kind of event that came in no scenario, and is written nearly as one that did."""
    steps = [(f"{lesson.where}:{step.line}", step) for lesson in read for step in lesson.items]
    texts = [(where, text) for where, step in steps for text in (step.check, step.predict and step.predict.answer)]
    texts += [(challenge.where, text) for challenge in challenges for text in challenge.checks]
    texts += [("prayog_checks", repr(check.claim)) for check in case.topic.checks(case.params).values()]
    asked = [(where, text, kind) for where, text in texts for kind in kinds_in(text or "")]
    known = case.kinds()
    if all(scenario.kind == "world" for scenario in case.scenarios):  # what comes on a real component is not known here
        befores = [(where, step.predict.before) for where, step in steps if step.predict and step.predict.before]
        verbs = {spec.name for spec in (*case.topic.actions(case.params), *world_actions())}
        asked += [(where, f"before = {kind!r}", kind) for where, kind in befores if kind not in verbs]
    for where, text, kind in asked:
        near = difflib.get_close_matches(kind, sorted(known), 1, 0.8) if kind not in known else []
        if near:
            sentence = f"{text}: no event {kind!r} came in any scenario; did you mean {near[0]}?"
            yield Finding("warn", "lessons", sentence, where)


def _challenge(case: Case, challenge: Challenge) -> Iterator[Finding]:
    where = challenge.where
    scenario = case.scenario(challenge.scenario)
    if scenario is None:
        if challenge.scenario not in case.spoilt:
            yield Finding("error", "challenges", f"there is no scenario {challenge.scenario!r}", where)
        return
    if scenario.kind == "session":
        yield Finding("error", "challenges", "a challenge is graded by replay, so it needs a simulated scenario", where)
    params = case.topic.params(scenario.params)
    for text in challenge.checks:
        try:
            case.topic.check(text, params)
        except CheckError as error:
            yield Finding("error", "challenges", f"the check {text!r}: {error}", where)
    verbs = {"actions", *(spec.name for spec in (*case.topic.actions(params), *world_actions()))}
    for name in challenge.budget:
        if name not in verbs:
            near = difflib.get_close_matches(name, sorted(verbs), 1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(sorted(verbs))}"
            yield Finding("error", "challenges", f"budget: there is no action {name!r}; {hint}", where)
    names = [knob.name for knob in case.topic.fields()]
    for name in challenge.knobs:
        if name not in names:
            yield Finding("error", "challenges", f"there is no knob {name!r}; there are: {', '.join(names)}", where)
