"""`plugin.toml`: all that is known about a topic before it is opened, read without importing anything.

The catalogue, ``prayog list`` and the installer show this card; a topic whose card is wrong is a grey card with
the sentence and the line, and everything else goes on.

Rules
1. Reading a manifest imports nothing and runs nothing of the topic.
2. An unknown key is an error (it is a misspelt key), unless the topic was written for another API.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal

from prayog_sdk import API

__all__ = ["KEYS", "Manifest", "ManifestError", "Problem", "Source", "incompatible", "read", "read_folder"]

Source = Literal["built-in", "entry point", "folder", "wheel"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that went wrong with a topic, ready to be shown: ``stage`` is ``manifest``, ``needs``, ``load``, …"""

    stage: str
    sentence: str
    where: str = ""
    traceback: str = ""


class ManifestError(ValueError):
    """`plugin.toml` cannot be used; ``str(error)`` is ``where:line: sentence``."""

    def __init__(self, sentence: str, where: str, line: int = 0) -> None:
        super().__init__(f"{where}:{line}: {sentence}" if line else f"{where}: {sentence}")
        self.sentence = sentence
        self.where = where
        self.line = line

    def problem(self) -> Problem:
        """The error as a `Problem` for a card."""
        return Problem("manifest", self.sentence, f"{self.where}:{self.line}" if self.line else self.where)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The card of a topic.

    ``module`` is the dotted name of the module with the hooks.  ``needs`` names capabilities (``webengine``) and
    services (``postgres``) without which a part of the topic is missing.  ``folder`` holds ``scenarios/``,
    ``lessons/`` and ``challenges/``.  ``minutes`` is the time a learner needs for all lessons.
    ``opening`` is the scenario to begin with.
    """

    id: str
    api: tuple[int, int]
    title: str
    summary: str
    module: str
    order: int = 100
    version: str = "0.1.0"
    needs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    authors: tuple[str, ...] = ()
    minutes: int = 0
    icon: str = ""
    opening: str = ""
    folder: Traversable = Path()
    source: Source = "folder"


def _id(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", value):
        raise ValueError('a short word of lower-case letters, digits and _, such as "gossip"')
    return value


def _api(value: Any) -> tuple[int, int]:
    if not isinstance(value, str) or not re.fullmatch(r"\d+\.\d+", value):
        raise ValueError(f'a version such as "{API[0]}.{API[1]}"')
    major, minor = value.split(".")
    return int(major), int(minor)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("some text")
    return value.strip()


def _module(value: Any) -> str:
    if not isinstance(value, str) or not all(part.isidentifier() for part in value.split(".")):
        raise ValueError('a dotted module name such as "prayog_gossip.topic"')
    return value


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a whole number, 0 or more")
    return value


def _words(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise ValueError('a list of words such as ["postgres", "redis"]')
    return tuple(value)


def _languages(value: Any) -> tuple[str, ...]:
    words = _words(value)
    if "en" not in words:
        raise ValueError('a list with "en" in it: English is what a missing translation falls back to')
    return words


KEYS: Mapping[str, tuple[bool, Callable[[Any], Any]]] = {
    "id": (True, _id),
    "api": (True, _api),
    "title": (True, _text),
    "summary": (True, _text),
    "module": (True, _module),
    "order": (False, _number),
    "version": (False, _text),
    "needs": (False, _words),
    "languages": (False, _languages),
    "authors": (False, _words),
    "minutes": (False, _number),
    "icon": (False, _text),
    "opening": (False, _text),
}
"""Every key of `plugin.toml`: whether it must be there, and what reads its value."""


def read(data: bytes, where: str, *, folder: Traversable = Path(), source: Source = "folder") -> Manifest:
    """The manifest in `data`; `where` names the file in errors.

    Raises `ManifestError` with a sentence and, where there is one, the line.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestError("this file is not UTF-8 text; save it as UTF-8", where) from error
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"this is not TOML: {toml_reason(error)}", where, toml_line(error)) from error

    missing = [key for key, (must, _) in KEYS.items() if must and key not in table]
    if missing:
        raise ManifestError(
            f"{_and(missing)} {'is' if len(missing) == 1 else 'are'} missing; add, for example: "
            f"{missing[0]} = {_EXAMPLES[missing[0]]}",
            where,
        )
    values = {}
    for key, (_, parse) in KEYS.items():
        if key in table:
            try:
                values[key] = parse(table[key])
            except ValueError as error:
                raise ManifestError(
                    f"{key} must be {error}; found {table[key]!r}", where, key_line(text, key)
                ) from None
    manifest = Manifest(**values, folder=folder, source=source)
    unknown = [key for key in table if key not in KEYS]
    if unknown and not incompatible(manifest):
        near = difflib.get_close_matches(unknown[0], KEYS, 1)
        hint = f"did you mean {near[0]}?" if near else f"the keys are: {', '.join(KEYS)}"
        raise ManifestError(f"there is no key {unknown[0]!r}; {hint}", where, key_line(text, unknown[0]))
    return manifest


def read_folder(folder: Path, source: Source = "folder") -> Manifest:
    """The manifest of the topic in `folder`, which may also hold the topic's package one level down."""
    places = [folder, *sorted(p for p in folder.iterdir() if p.is_dir())] if folder.is_dir() else []
    for place in places:
        file = place / "plugin.toml"
        if file.is_file():
            return read(file.read_bytes(), str(file), folder=place, source=source)
    raise ManifestError(
        "there is no plugin.toml here; name the folder of a topic, or make one with `prayog new NAME`", str(folder)
    )


def incompatible(manifest: Manifest) -> str | None:
    """Why this lab cannot run the topic, as a sentence that says which side to update; None when it can."""
    major, minor = manifest.api
    made = f"“{manifest.title}” was made for level {major}.{minor}; this lab speaks {API[0]}.{API[1]}."
    if (major, minor) > API:
        return f"{made} Update the lab."
    if major < API[0]:
        return f"{made} Ask its authors for a newer version."
    return None


_EXAMPLES = {
    "id": '"gossip"',
    "api": f'"{API[0]}.{API[1]}"',
    "title": '"Gossip"',
    "summary": '"How a rumour reaches everyone."',
    "module": '"prayog_gossip.topic"',
}


def toml_line(error: tomllib.TOMLDecodeError) -> int:
    """The line that the TOML reader complained about, 0 when it did not say."""
    found = re.search(r"at line (\d+)", str(error))
    return int(found[1]) if found else 0


def toml_reason(error: tomllib.TOMLDecodeError) -> str:
    """The TOML reader's complaint without the place, in lower case."""
    reason = re.sub(r" \(at .*\)$", "", str(error))
    return reason[:1].lower() + reason[1:]


def key_line(text: str, key: str) -> int:
    """The line on which `key` is set in TOML `text`, 0 when it is not found."""
    pattern = re.compile(rf"\s*(\[+\s*)?[\"']?{re.escape(key)}[\"']?\s*[=\].]")
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 0)


def _and(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
