"""`.lab` scripts: a scenario as a text that a beginner can read, and its parser.

::

    title A rumour and a wall          # header: title, about, minutes, panel, in any order
    about Half the nodes cannot be reached.
    minutes 3
    world nodes=5 seed=7 loss=0.1      # or: session …   the topic's knobs, and the seed
    partition n1,n2|n3,n4,n5           # an action; words fill its arguments in order
    at 150ms crash node=n1             # the same, later (virtual time since the start)
    run until=note count=2 node=n2     # or: run 2s, or: run (until nothing more happens)
    step 3
    check count("note") >= 2           # a named check of the topic, or an expression
    ---                                # what must have been told since the last such block
    n2 heard it from n1

Expected lines end at an empty line; no lines at all mean that nothing may be told.  A comment starts with ``#`` at
the beginning of a word, outside of quotes, except in expected lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from prayog_sim.clock import parse_duration
from prayog_sim.rng import MAX_SEED

__all__ = ["Check", "Command", "Do", "Expect", "RunFor", "Script", "ScriptError", "StepBy", "parse"]


class ScriptError(ValueError):
    """A script has a mistake at `line` and `column` (both from 1) of the file `name`, or cannot go on there."""

    def __init__(self, line: int, column: int, sentence: str, name: str = "") -> None:
        super().__init__(f"{name}:{line}:{column}: {sentence}" if name else f"{line}:{column}: {sentence}")
        self.line = line
        self.column = column
        self.sentence = sentence
        self.name = name


@dataclass(frozen=True, slots=True)
class RunFor:
    """``run``: for `us` µs, or until `until` (a kind of step or effect) was seen `count` times, or to rest."""

    line: int
    column: int
    us: int | None = None
    until: str = ""
    count: int = 1
    node: str = ""


@dataclass(frozen=True, slots=True)
class StepBy:
    """``step N``"""

    line: int
    column: int
    count: int


@dataclass(frozen=True, slots=True)
class Do:
    """An action, now or `at` µs; `words` are arguments without a name."""

    line: int
    column: int
    action: str
    words: tuple[Any, ...]
    args: Mapping[str, Any]
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """``check TEXT``; the text begins at column `at`."""

    line: int
    column: int
    text: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class Expect:
    """The lines that must have been told since the last such block; `line` is that of the dashes."""

    line: int
    column: int
    lines: tuple[str, ...]


Command = RunFor | StepBy | Do | Check | Expect


@dataclass(frozen=True, slots=True)
class Script:
    """A parsed script.  ``params`` are the knobs it sets, without the seed; `text` is the file.

    ``places``: line and column of each knob; under ``""``, of the line that sets them.
    """

    name: str
    title: str
    about: str
    minutes: int
    kind: Literal["world", "session"]
    params: Mapping[str, Any]
    seed: int
    commands: tuple[Command, ...]
    text: str
    places: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    panel: str = ""
    """Id of the panel that is in front when it is opened; empty: the topic's first."""


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of a line: ``key=value`` or a bare value; `column` is where it starts, `at` where the value does."""

    column: int
    at: int
    key: str
    value: Any


def parse(text: str, name: str = "") -> Script:
    """The script in `text`; `name` is the file's name for messages.  Raises `ScriptError`."""
    return _Parser(text, name).script()


class _Parser:
    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.lines = text.splitlines()
        self.number = 0
        self.header: dict[str, str] = {}
        self.kind: Literal["world", "session"] | None = None
        self.params: dict[str, Any] = {}
        self.places: dict[str, tuple[int, int]] = {}
        self.seed = 0
        self.commands: list[Command] = []

    def fail(self, column: int, sentence: str, line: int | None = None) -> ScriptError:
        return ScriptError(self.number if line is None else line, column, sentence, self.name)

    def script(self) -> Script:
        while self.number < len(self.lines):
            row = self.lines[self.number]
            self.number += 1
            body = _without_comment(row)
            if body.strip():
                column = len(body) - len(body.lstrip()) + 1
                verb = body.split()[0]
                self.command(verb, column, column + len(verb), body.rstrip())
        if self.kind is None:
            raise self.fail(1, "a script needs one line that begins with world or session", max(len(self.lines), 1))
        return Script(
            self.name,
            self.header.get("title", ""),
            self.header.get("about", ""),
            int(self.header.get("minutes", "0")),
            self.kind,
            self.params,
            self.seed,
            tuple(self.commands),
            self.text,
            self.places,
            self.header.get("panel", ""),
        )

    def command(self, verb: str, column: int, after: int, body: str) -> None:
        """Parse one line: `verb` starts at `column`, its arguments behind `after`."""
        rest = body[after - 1 :].strip()
        if verb in ("title", "about", "minutes", "panel"):
            self.head(verb, column, after, rest)
        elif verb in ("world", "session"):
            self.setting("world" if verb == "world" else "session", column, self.words(body, after))
        elif self.kind is None:
            raise self.fail(column, f"{verb!r} comes too early: first write the world (or session) line")
        elif verb == "---" or set(verb) == {"-"}:
            if body.strip() != "---":
                raise self.fail(column, "expected lines begin below three dashes that stand alone: ---")
            self.expect(column)
        elif verb == "check":
            if not rest:
                raise self.fail(after, "check needs the name of a check or an expression")
            self.commands.append(Check(self.number, column, rest, body.index(rest, after - 1) + 1))
        elif verb == "at":
            self.later(column, after, body)
        elif verb == "run":
            self.run(column, self.words(body, after))
        elif verb == "step":
            self.step(column, self.words(body, after))
        else:
            self.commands.append(self.action(verb, column, self.words(body, after), None))

    def head(self, verb: str, column: int, after: int, rest: str) -> None:
        if self.kind is not None:
            raise self.fail(column, f"{verb} belongs above the {self.kind} line")
        if verb in self.header:
            raise self.fail(column, f"there is a second {verb}; keep one")
        if not rest:
            raise self.fail(after, f"{verb} needs something behind it")
        if verb == "minutes" and not rest.isdecimal():
            raise self.fail(after + 1, f"minutes is a whole number, not {rest!r}")
        self.header[verb] = rest

    def setting(self, kind: Literal["world", "session"], column: int, words: list[_Word]) -> None:
        if self.kind is not None:
            raise self.fail(column, f"there is a {self.kind} line already; a script has one")
        self.kind = kind
        self.places[""] = (self.number, column)
        for word in words:
            if not word.key:
                raise self.fail(word.column, f"{kind} takes knobs as name=value; found {word.value!r}")
            if word.key in self.places:
                raise self.fail(word.column, f"{word.key}= stands there twice; keep one")
            self.places[word.key] = (self.number, word.column)
            if word.key == "seed":
                if type(word.value) is not int or not 0 <= word.value <= MAX_SEED:
                    raise self.fail(word.at, f"seed is a whole number from 0 to {MAX_SEED:,}, not {word.value!r}")
                self.seed = word.value
            else:
                self.params[word.key] = word.value

    def expect(self, column: int) -> None:
        at, found = self.number, []
        while self.number < len(self.lines) and self.lines[self.number].strip():
            found.append(self.lines[self.number].rstrip())
            self.number += 1
        self.commands.append(Expect(at, column, tuple(found)))

    def later(self, column: int, after: int, body: str) -> None:
        parts = body[after - 1 :].split(maxsplit=2)
        start = len(body) - len(body[after - 1 :].lstrip()) + 1
        if len(parts) < 2:
            raise self.fail(after, "at needs a time and an action, such as: at 150ms crash node=n1")
        at = self.duration(parts[0], start)
        verb_column = body.index(parts[1], start - 1 + len(parts[0])) + 1
        if parts[1] in ("run", "step", "check", "at", "---", "world", "session"):
            raise self.fail(verb_column, f"at takes an action, not {parts[1]!r}")
        words = self.words(body, verb_column + len(parts[1]))
        self.commands.append(self.action(parts[1], verb_column, words, at))

    def run(self, column: int, words: list[_Word]) -> None:
        us, given = None, {word.key: word for word in words if word.key}
        for word in words:
            if not word.key:
                if us is not None or "until" in given:
                    raise self.fail(word.column, f"run takes one time or until=KIND; {word.value!r} is too much")
                us = self.duration(str(word.value), word.column)
            elif word.key not in ("until", "count", "node"):
                raise self.fail(word.column, f"run takes until=, count= and node=, not {word.key!r}")
        if given and "until" not in given:
            first = next(iter(given.values()))
            raise self.fail(first.column, f"{first.key}= goes with until=, such as: run until=note count=2")
        count = given["count"].value if "count" in given else 1
        if type(count) is not int or count < 1:
            raise self.fail(given["count"].at, f"count is a whole number from 1, not {count!r}")
        until, node = (str(given[key].value) if key in given else "" for key in ("until", "node"))
        self.commands.append(RunFor(self.number, column, us, until, count, node))

    def step(self, column: int, words: list[_Word]) -> None:
        count = words[0].value if words else 1
        if len(words) > 1 or (words and (words[0].key or type(count) is not int or count < 1)):
            raise self.fail(words[-1].column, "step takes one whole number from 1, or nothing")
        self.commands.append(StepBy(self.number, column, count))

    def action(self, verb: str, column: int, words: list[_Word], at: int | None) -> Do:
        if not verb.replace("_", "").isalnum():
            raise self.fail(column, f"{verb!r} is no command: expected a word such as run, step, check or an action")
        args: dict[str, Any] = {}
        for word in words:
            if word.key in args:
                raise self.fail(word.column, f"{verb} has {word.key}= twice")
            if word.key:
                args[word.key] = word.value
            elif args:
                raise self.fail(word.column, f"{word.value!r} stands behind name=value; put bare words first")
        return Do(self.number, column, verb, tuple(word.value for word in words if not word.key), args, at)

    def duration(self, text: str, column: int) -> int:
        try:
            us = parse_duration(text)
        except ValueError as error:
            raise self.fail(column, str(error)) from None
        if us < 0:
            raise self.fail(column, f"time does not run backwards: {text}")
        return us

    def words(self, body: str, start: int) -> list[_Word]:
        """The words of `body` from column `start` on."""
        found, i = [], start - 1
        while i < len(body):
            if body[i].isspace():
                i += 1
                continue
            begin, key = i, ""
            while i < len(body) and (body[i].isalnum() or body[i] == "_"):
                i += 1
            if i < len(body) and body[i] == "=" and i > begin:
                key, i = body[begin:i], i + 1
            else:
                i = begin
            value_at = i
            if i < len(body) and body[i] == '"':
                end = body.find('"', i + 1)
                if end < 0:
                    raise self.fail(i + 1, "this quote is never closed")
                value: Any = body[i + 1 : end]
                i = end + 1
                if i < len(body) and not body[i].isspace():
                    raise self.fail(i + 1, "put a space behind the closing quote")
            else:
                while i < len(body) and not body[i].isspace():
                    i += 1
                value = _value(body[value_at:i])
                if key and value == "":
                    raise self.fail(value_at + 1, f'{key}= needs a value; an empty one is written {key}=""')
            found.append(_Word(begin + 1, value_at + 1, key, value))
        return found


def _value(text: str) -> Any:
    """A bare word as a number or yes/no where it is one, else as text."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text) if text[-1:].isdigit() else text
        except ValueError:
            continue
    return text


def _without_comment(row: str) -> str:
    quoted = False
    for i, sign in enumerate(row):
        if sign == '"':
            quoted = not quoted
        elif sign == "#" and not quoted and (i == 0 or row[i - 1].isspace()):
            return row[:i]
    return row
