"""Lessons and challenges: Markdown files with TOML in front and fenced directives inside.

    +++
    title = "A rumour"
    minutes = 3
    scenario = "rumour"
    +++
    ## hear: Who hears it first?
    Node n1 knows a rumour.  {messages} messages were sent so far.

    ```predict
    question = "How many nodes know it after 2 s?"
    kind = "number"
    answer = 'count("heard")'
    ```
    ```check
    expression = 'count("heard") >= 5'
    ```

`lessonfile` reads such a file, `languages` puts the languages side by side.

Rules
1. Reading a lesson imports nothing of the topic: names of checks and measures are compared by `judge` and by
   the conformance suite.
2. Whether a prediction came true is decided by the trace, never by the author.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prayog_sdk.checks import Check, CheckError, Measure, Verdict, evaluate
from prayog_sdk.claims import Given, Scope, short
from prayog_sdk.vocabulary import in_time
from prayog_sim.run import Action
from prayog_sim.trace import Trace

__all__ = [
    "LIVE",
    "Answer",
    "Challenge",
    "Do",
    "Lesson",
    "LessonError",
    "LessonStep",
    "Myth",
    "Predict",
    "judge",
    "live_names",
]

Kind = Literal["choice", "number", "order"]


class LessonError(ValueError):
    """A lesson or challenge file has a mistake; ``str(error)`` is ``file:line: sentence``."""

    def __init__(self, sentence: str, where: str, line: int) -> None:
        super().__init__(f"{where}:{line}: {sentence}")
        self.sentence = sentence
        self.where = where
        self.line = line


@dataclass(frozen=True, slots=True)
class Predict:
    """A question that is answered before it is seen.

    ``answer`` is a measure's name or an expression.  For ``choice`` it gives the text of a choice (in English), or
    True/False for choices that begin with yes and no.  For ``number``, ``tolerance`` is the share of the true value
    by which a prediction may be off (0.2: ±20 %).  For ``order`` it gives the list of the choices.  ``keys`` are the
    English choices: they are what answers mean in every language.  ``before``: the kind of event, or the action,
    before which the answer must be given; empty: before the first event.  ``why`` is shown after the comparison.
    """

    id: str
    question: str
    kind: Kind = "choice"
    choices: tuple[str, ...] = ()
    unit: str = ""
    answer: str = ""
    tolerance: float = 0.0
    why: str = ""
    before: str = ""
    keys: tuple[str, ...] = ()

    def key(self, value: Any) -> Any:
        """`value` with the texts of choices replaced by their keys."""
        if isinstance(value, list | tuple):
            return [self.key(item) for item in value]
        return dict(zip(self.choices, self.keys, strict=True)).get(value, value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Do:
    """Something to do: open `scenario`, do `action`, or (with neither) what the text says.  ``button`` is its label."""

    text: str
    scenario: str | None = None
    action: Action | None = None
    button: str = ""


@dataclass(frozen=True, slots=True)
class Myth:
    """A common claim that is wrong (`says`), the precise statement (`truth`) and where that is written (`source`)."""

    says: str
    truth: str
    source: str


@dataclass(frozen=True, slots=True)
class LessonStep:
    """One step.  ``body`` is Markdown; ``check`` a check's name or an expression; ``lang`` the language it is in.

    ``line`` is the line of its heading, for messages to the author.
    """

    id: str
    title: str
    body: str = ""
    predict: Predict | None = None
    do: Do | None = None
    check: str | None = None
    hints: tuple[str, ...] = ()
    myth: Myth | None = None
    lang: str = "en"
    line: int = 0


@dataclass(frozen=True, slots=True)
class _Item:
    """What a topic offers to learn or to prove, in one language, beside one of its scenarios."""

    id: str
    title: str
    minutes: int
    scenario: str
    lang: str
    topic_id: str


@dataclass(frozen=True, slots=True)
class Lesson(_Item):
    """A lesson in one language.  ``myth`` is the wrong claim it disproves, in a line; empty for none."""

    items: tuple[LessonStep, ...]
    myth: str = ""
    summary: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Challenge(_Item):
    """A goal with a budget, graded by replay on published seeds (`prayog_sdk.grading`).

    ``checks`` are names or expressions; all must hold on every seed.  ``budget`` limits actions by name, ``actions``
    limits them all.  ``knobs`` are the ones a learner may change.  ``until_us``: when the run is judged; None: when the
    learner handed in.  ``played``: each seed is the learner's own deeds again, or the scenario's script to its end
    (where the knobs, such as code of the learner's, are all that counts).
    """

    goal: str
    checks: tuple[str, ...]
    seeds: tuple[int, ...]
    budget: Mapping[str, int] = field(default_factory=dict)
    knobs: tuple[str, ...] = ()
    until_us: int | None = None
    played: Literal["deeds", "script"] = "deeds"
    body: str = ""
    hints: tuple[str, ...] = ()
    where: str = ""

    @property
    def seeds_in_words(self) -> str:
        """The published seeds: ``1 to 5 and 9``."""
        runs: list[list[int]] = []
        for seed in self.seeds:
            if runs and seed == runs[-1][1] + 1:
                runs[-1][1] = seed
            else:
                runs.append([seed, seed])
        parts = [
            f"{low} to {high}" if high > low + 1 else f"{low}, {high}" if high > low else f"{low}" for low, high in runs
        ]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


@dataclass(frozen=True, slots=True)
class Answer:
    """A learner's prediction: ``value`` (text of a choice, number, or list of texts), recorded at ``at_step`` steps."""

    predict_id: str
    value: Any
    at_step: int = 0


def judge(
    predict: Predict,
    answer: Answer,
    trace: Trace,
    measures: Mapping[str, Measure],
    names: Mapping[str, Check] | None = None,
) -> Verdict:
    """Compare a prediction with the trace: right or wrong, what really happened, and the step that shows it.

    Raises `CheckError` when the question's ``answer`` is written wrongly.
    """
    given: Given = dataclasses.replace(answer, value=predict.key(answer.value))
    fact = evaluate(predict.answer, measures, names).find(Scope(trace, {answer.predict_id: given}))
    if fact.value is None:
        return Verdict(False, fact.why or "nothing has happened yet that answers this", fact.at)
    true = _as_choice(predict, fact.value)
    told = f"You said {_say(predict, given.value)}; it is {_say(predict, true)}."
    right = _near(given.value, true, predict.tolerance) if predict.kind == "number" else given.value == true
    timely = in_time(trace, given, predict.before)
    if not timely.ok:
        return Verdict(False, f"{told} It does not count: {timely.reason}.", fact.at)
    return Verdict(right, told, fact.at)


def _as_choice(predict: Predict, value: Any) -> Any:
    if predict.kind == "number":
        if not isinstance(value, int | float):
            raise CheckError(f"{predict.answer} gives {short(value)}; the question {predict.id!r} asks for a number")
        return value
    if predict.kind == "order":
        value = list(value) if isinstance(value, list | tuple) else value
        if not isinstance(value, list) or sorted(value) != sorted(predict.keys):
            raise CheckError(f"{predict.answer} gives {short(value)}, not an order of: {', '.join(predict.keys)}")
        return value
    if isinstance(value, bool):
        value = next((k for k in predict.keys if re.match("yes" if value else "no", k, re.I)), value)
    value = value if isinstance(value, str) else short(value)
    if value not in predict.keys:
        raise CheckError(f"{predict.answer} gives {value!r}, which is not one of: {', '.join(predict.keys)}")
    return value


def _near(said: Any, true: float, tolerance: float) -> bool:
    return isinstance(said, int | float) and abs(said - true) <= tolerance * abs(true) + 1e-12


def _say(predict: Predict, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_say(predict, item) for item in value)
    text = dict(zip(predict.keys, predict.choices, strict=True)).get(value, short(value))
    return f"{text} {predict.unit}".strip() if predict.kind == "number" else text


LIVE = re.compile(r"(?<![\\{])\{([a-z_][a-z0-9_]*)\}(?!\})")
"""A live number in a text: ``{moved}``, but not ``{{moved}}``."""


def live_names(text: str) -> list[str]:
    """The measures that `text` shows as live numbers, as in ``{moved}`` (not inside code)."""
    return list(dict.fromkeys(match[1] for part in _prose(text) for match in LIVE.finditer(part)))


_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.S)


def _prose(text: str) -> Iterator[str]:
    return iter(_CODE.split(text)[::2])
