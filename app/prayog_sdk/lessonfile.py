"""Reads one lesson or challenge file: front matter, steps, directives.  Errors name the file and the line."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Any

from prayog_sdk.lessons import Challenge, Do, Lesson, LessonError, LessonStep, Myth, Predict
from prayog_sdk.manifest import Manifest, key_line, toml_line, toml_reason
from prayog_sim.run import Action

__all__ = ["CHALLENGE_KEYS", "DIRECTIVES", "LESSON_KEYS", "challenge", "lesson"]

LESSON_KEYS = ("id", "title", "minutes", "scenario", "myth", "summary")
"""Keys of a lesson's front matter."""
CHALLENGE_KEYS = (
    "id", "title", "minutes", "scenario", "goal", "checks", "seeds", "budget", "knobs", "until", "played",
)  # fmt: skip
"""Keys of a challenge's front matter."""
DIRECTIVES: Mapping[str, tuple[str, ...]] = {
    "predict": ("id", "question", "kind", "choices", "unit", "answer", "tolerance", "why", "before"),
    "do": ("text", "scenario", "action", "button"),
    "check": ("name", "expression"),
    "hint": ("text",),
    "myth": ("says", "truth", "source"),
}
"""Every directive with its keys."""

_STEP = re.compile(r"## +([a-z][a-z0-9_-]*): +(\S.*)$")
_FENCE = re.compile(r"(`{3,}|~{3,}) *([\w-]*)")


@dataclass(slots=True)
class _Table:
    """A TOML table with its place in the file, and readers that complain in sentences."""

    values: dict[str, Any]
    text: str
    where: str
    line: int  # of the first line of `text`
    name: str

    def fail(self, sentence: str, key: str = "") -> LessonError:
        offset = key_line(self.text, key) if key else 0
        return LessonError(sentence, self.where, self.line + max(0, offset - 1))

    def known(self, keys: tuple[str, ...]) -> None:
        for key in self.values:
            if key not in keys:
                raise self.fail(f"{self.name} has no key {key!r}; it has: {', '.join(keys)}", key)

    def get(self, key: str, kind: type, default: Any = None) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise self.fail(f"{self.name} needs {key} = …")
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            words = {str: "a text in quotes", int: "a whole number", float: "a number", list: "a list", dict: "a table"}
            raise self.fail(f"{key} must be {words[kind]}; found {value!r}", key)
        return value.strip() if isinstance(value, str) else value

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.get(key, list, [])
        if not all(isinstance(value, str) and value for value in values):
            raise self.fail(f"{key} must be a list of texts in quotes", key)
        return tuple(values)


def lesson(manifest: Manifest, file: Traversable, lang: str) -> Lesson:
    """The lesson in `file`.  Raises `LessonError`."""
    front, body, first = _front(file, f"{lang}/{file.name}")
    front.known(LESSON_KEYS)
    steps = _steps(body, first, front.where, lang, translated=lang != "en")
    if not steps:
        raise LessonError("a lesson needs at least one step: a line such as “## first: A title”", front.where, first)
    return Lesson(
        id=front.get("id", str, _stem(file)),
        title=front.get("title", str),
        minutes=front.get("minutes", int, 0),
        scenario=front.get("scenario", str, "" if lang != "en" else None),
        lang=lang,
        topic_id=manifest.id,
        items=tuple(steps),
        myth=front.get("myth", str, ""),
        summary=front.get("summary", str, ""),
        where=front.where,
    )


def challenge(
    manifest: Manifest, file: Traversable, lang: str, english: Mapping[str, Challenge] | None = None
) -> Challenge:
    """The challenge in `file`; a translation needs `english` and keeps its checks, seeds and budget."""
    front, body, first = _front(file, f"{lang}/{file.name}")
    front.known(CHALLENGE_KEYS)
    text, blocks = _blocks(body, first, front.where)
    for block in blocks:
        if block.name != "hint":
            raise block.fail(f"a challenge can hold ```hint; ```{block.name} belongs into a lesson")
    words = {
        "title": front.get("title", str),
        "goal": front.get("goal", str),
        "body": text,
        "hints": tuple(block.get("text", str) for block in blocks),
        "where": front.where,
        "lang": lang,
    }
    name = front.get("id", str, _stem(file))
    if english is not None:
        base = english.get(name)
        if base is None:
            raise front.fail(f"there is no English challenge {name!r}; the file must have the same name", "id")
        return dataclasses.replace(base, **words)
    checks, seeds = front.texts("checks"), _seeds(front)
    if not checks:
        raise front.fail('a challenge needs checks = ["…"]: names of checks, or expressions', "checks")
    played = front.get("played", str, "deeds")
    if played not in ("deeds", "script"):
        raise front.fail(f'played is "deeds" (what the learner did) or "script"; found {played!r}', "played")
    budget = front.get("budget", dict, {})
    if not all(isinstance(value, int) and value >= 0 for value in budget.values()):
        raise front.fail("budget must give whole numbers: {actions = 6, add_shard = 2}", "budget")
    return Challenge(
        id=name,
        minutes=front.get("minutes", int, 0),
        scenario=front.get("scenario", str),
        topic_id=manifest.id,
        checks=checks,
        seeds=seeds,
        budget=budget,
        knobs=front.texts("knobs"),
        until_us=_until(front),
        played=played,
        **words,
    )


def _seeds(front: _Table) -> tuple[int, ...]:
    """A list of numbers, or a text such as ``1-200``."""
    given = front.values.get("seeds", [1])
    if isinstance(given, str) and (found := re.fullmatch(r"(\d+) *[-–] *(\d+)", given.strip())):
        seeds = tuple(range(int(found[1]), int(found[2]) + 1))
    elif isinstance(given, list) and all(type(seed) is int for seed in given):
        seeds = tuple(given)
    else:
        seeds = ()
    if not seeds:
        raise front.fail('seeds must be a list of whole numbers such as [1, 2, 3], or a text such as "1-200"', "seeds")
    return seeds


def _until(front: _Table) -> int | None:
    text = front.get("until", str, "")
    if not text:
        return None
    from prayog_sim.clock import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise front.fail(str(error), "until") from None


def _stem(file: Traversable) -> str:
    return re.sub(r"^\d+[-_ ]", "", file.name.removesuffix(".md"))


def _front(file: Traversable, where: str) -> tuple[_Table, list[str], int]:
    try:
        lines = file.read_bytes().decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise LessonError("this file is not UTF-8 text; save it as UTF-8", where, 1) from None
    if not lines or lines[0].rstrip() != "+++":
        raise LessonError("the first line must be +++; TOML follows, up to another +++", where, 1)
    end = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "+++"), None)
    if end is None:
        raise LessonError("the front matter has no end: a line with +++ is missing", where, 1)
    front = _toml("\n".join(lines[1:end]), where, 2, "the front matter")
    return front, lines[end + 1 :], end + 2


def _toml(text: str, where: str, line: int, name: str) -> _Table:
    try:
        return _Table(tomllib.loads(text), text, where, line, name)
    except tomllib.TOMLDecodeError as error:
        at = line + max(0, toml_line(error) - 1)
        raise LessonError(f"{name} is not TOML: {toml_reason(error)}", where, at) from None


def _blocks(lines: list[str], first: int, where: str) -> tuple[str, list[_Table]]:
    """Markdown without the directives, and the directives in order."""
    text: list[str] = []
    blocks: list[_Table] = []
    number = 0
    while number < len(lines):
        fence = _FENCE.match(lines[number])
        if fence is None:
            text.append(lines[number])
            number += 1
            continue
        end = next((n for n in range(number + 1, len(lines)) if lines[n].rstrip() == fence[1]), None)
        inner = lines[number + 1 : end] if fence[2] in DIRECTIVES else []
        if end is None or any(_opens(line, fence[1]) for line in inner):
            raise LessonError(f"this block has no end: a line with {fence[1]} is missing", where, first + number)
        if fence[2] in DIRECTIVES:
            table = _toml("\n".join(lines[number + 1 : end]), where, first + number + 1, fence[2])
            table.known(DIRECTIVES[fence[2]])
            blocks.append(table)
        elif _meant(fence[2]):
            sentence = f"there is no directive {fence[2]!r}; they are: {', '.join(DIRECTIVES)}"
            raise LessonError(sentence, where, first + number)
        else:
            text += lines[number : end + 1]
        number = end + 1
    return "\n".join(text).strip(), blocks


def _opens(line: str, fence: str) -> bool:
    """`line` opens another directive, so the one before it was not closed."""
    found = _FENCE.match(line)
    return found is not None and found[1] == fence and found[2] in DIRECTIVES


def _meant(word: str) -> bool:
    """`word` after a fence was probably meant for a directive; it would be shown as a block of code."""
    if re.fullmatch("predictions?|dos?|todo", word):
        return True
    return len(word) > 3 and bool(difflib.get_close_matches(word, DIRECTIVES, 1, 0.75))


def _steps(lines: list[str], first: int, where: str, lang: str, *, translated: bool) -> list[LessonStep]:
    heads: list[int] = []
    fence = ""
    for n, line in enumerate(lines):
        found = _FENCE.match(line)
        if found and not fence:
            fence = found[1]
        elif fence and line.rstrip() == fence:
            fence = ""
        elif not fence and line.startswith("## "):
            heads.append(n)
    steps: list[LessonStep] = []
    opening = "\n".join(lines[: heads[0]]).strip() if heads else ""
    for n, end in zip(heads, [*heads[1:], len(lines)], strict=True):
        head = _STEP.match(lines[n])
        if head is None:
            raise LessonError(
                "a step begins with its id: “## step-id: Title” (lower case, digits, - and _)", where, first + n
            )
        if any(step.id == head[1] for step in steps):
            raise LessonError(f"there are two steps called {head[1]!r}; ids must differ", where, first + n)
        step = _step(head, lines[n + 1 : end], first + n, where, lang, translated)
        if opening and not steps:
            step = dataclasses.replace(step, body=f"{opening}\n\n{step.body}".strip())
        steps.append(step)
    return steps


def _step(head: re.Match[str], lines: list[str], line: int, where: str, lang: str, translated: bool) -> LessonStep:
    body, blocks = _blocks(lines, line + 1, where)
    parts: dict[str, Any] = {}
    hints: list[str] = []
    for block in blocks:
        if block.name == "hint":
            hints.append(block.get("text", str))
        elif block.name in parts:
            raise block.fail(f"a step has one ```{block.name}; make a second step for the other")
        else:
            parts[block.name] = _READERS[block.name](block, head[1], translated)
    predict, do = parts.get("predict"), parts.get("do")
    if predict and do and do.action and not predict.before:
        parts["predict"] = dataclasses.replace(predict, before=do.action.name)
    return LessonStep(head[1], head[2].strip(), body, hints=tuple(hints), lang=lang, line=line, **parts)


def _predict(block: _Table, step: str, translated: bool) -> Predict:
    kind = block.get("kind", str, "choice")
    if kind not in ("choice", "number", "order"):
        raise block.fail(f"kind must be choice, number or order; found {kind!r}", "kind")
    choices = block.texts("choices")
    if kind != "number" and len(choices) < 2 and not (translated and not choices):
        raise block.fail(f'a {kind} needs at least two choices = ["…", "…"]', "choices")
    words = [choice for choice in choices if not re.fullmatch(r"-?\d+(\.\d+)?", choice)]
    if kind == "number" and words:
        raise block.fail(f"the guesses at a number must be numbers; found {words[0]!r}", "choices")
    if len(set(choices)) != len(choices):
        raise block.fail("two choices are the same", "choices")
    return Predict(
        id=block.get("id", str, step),
        question=block.get("question", str),
        kind=kind,
        choices=choices,
        unit=block.get("unit", str, ""),
        answer=block.get("answer", str, "" if translated else None),
        tolerance=block.get("tolerance", float, 0.0),
        why=block.get("why", str, ""),
        before=block.get("before", str, ""),
        keys=choices,
    )


def _do(block: _Table, step: str, translated: bool) -> Do:
    asked = block.get("action", dict, {})
    action = None
    if asked:
        name, args = asked.get("name"), asked.get("args", {})
        if not isinstance(name, str) or not isinstance(args, dict) or set(asked) - {"name", "args"}:
            raise block.fail('write action = { name = "crash", args = { node = "n1" } }', "action")
        action = Action(name, args)
    scenario = block.get("scenario", str, "")
    if action and scenario:
        raise block.fail("a step either opens a scenario or does an action", "action")
    return Do(block.get("text", str), scenario or None, action, block.get("button", str, ""))


def _check(block: _Table, step: str, translated: bool) -> str:
    if len(block.values) != 1:
        raise block.fail("a check has one line: name = \"…\" (a check of the topic) or expression = '…'")
    key = next(iter(block.values))
    return str(block.get(key, str))


def _myth(block: _Table, step: str, translated: bool) -> Myth:
    return Myth(block.get("says", str), block.get("truth", str), block.get("source", str, "" if translated else None))


_READERS: Mapping[str, Callable[[_Table, str, bool], Any]] = {
    "predict": _predict, "do": _do, "check": _check, "myth": _myth,
}  # fmt: skip
