"""Settings: what a learner chose, kept as one small JSON file that is read before anything heavy is loaded.

Rules
1. Reading never fails: a damaged file is set aside under a new name, a value that cannot be is replaced by its
   default, and both are said in sentences.
2. Keys that this version does not know are kept when the file is written, so that an older lab does no harm.
3. Writing is atomic: a new file is written and takes the old one's place.
4. No password is ever written: an address of a service that holds one is left out when the file is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prayog.paths import free_name

__all__ = ["CHOICES", "TEXT_PERCENTS", "Loaded", "Settings", "SettingsProblem", "load", "save"]

TEXT_PERCENTS = (80, 90, 100, 110, 125, 150, 175, 200)
CHOICES: Mapping[str, tuple[str, ...]] = {
    "theme": ("system", "light", "dark"),
    "motion": ("system", "full", "reduced"),
    "language": ("en", "hi-Latn"),
    "announcements": ("off", "important", "all"),
}

_LISTS = {"disabled": "topics", "trusted": "SHA-256 digests"}


class SettingsProblem(RuntimeError):
    """The settings could not be written; the message is a sentence for the learner."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings with their defaults.  Change one with `dataclasses.replace` and write with `save`.

    ``text_percent`` is a size relative to the system's, 80 to 200.  ``services`` maps a service's name to the
    address under which the learner has it running, such as ``redis`` to ``redis://127.0.0.1:6379``.
    ``data_folder`` is where the learner's own files and saved runs go; empty means the profile.
    """

    theme: str = "system"
    text_percent: int = 100
    motion: str = "system"
    language: str = "en"
    announcements: str = "important"
    data_folder: str = ""
    services: Mapping[str, str] = field(default_factory=dict)
    disabled: tuple[str, ...] = ()
    """Ids of topics that the learner turned off."""
    trusted: tuple[str, ...] = ()
    """SHA-256 of the wheels that the learner said may be opened."""
    other: Mapping[str, Any] = field(default_factory=dict)
    """Keys found in the file that this version does not know; they are written back as they were."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was read, and sentences about what could not be."""

    settings: Settings
    sentences: tuple[str, ...] = ()


def load(path: Path, set_aside: bool = True) -> Loaded:
    """The settings in `path`; the defaults when it is not there, cannot be read or makes no sense.

    A damaged file is set aside, unless `set_aside` is False (for those who only look).
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return Loaded(Settings())
    except OSError as error:
        return Loaded(Settings(), (f"The settings in {path} cannot be read ({error.strerror}); defaults are used.",))
    try:
        values = json.loads(text)
        if not isinstance(values, dict):
            raise ValueError("not an object")
    except ValueError:
        return Loaded(Settings(), (_set_aside(path) if set_aside else f"The settings in {path} are damaged.",))
    return _from_json(values)


def save(path: Path, settings: Settings) -> None:
    """Write `settings` so that a reader sees the old file or the new one, never half of one.

    Raises `SettingsProblem` with a sentence when the disk is full or the folder may not be written to.
    """
    values = {**settings.other, **{f.name: getattr(settings, f.name) for f in fields(settings) if f.name != "other"}}
    values["services"] = {k: v for k, v in settings.services.items() if not urlsplit(v).password}
    text = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink()
        raise SettingsProblem(f"The settings could not be written to {path}: {error.strerror or error}.") from error


def _from_json(values: dict[str, Any]) -> Loaded:
    good: dict[str, Any] = {}
    sentences = []
    known = {f.name for f in fields(Settings)} - {"other"}
    for name in sorted(known & set(values)):
        problem = _problem(name, values[name])
        if problem:
            sentences.append(f"{problem}; the default is used.")
        else:
            good[name] = tuple(values[name]) if isinstance(values[name], list) else values[name]
    return Loaded(Settings(**good, other={k: v for k, v in values.items() if k not in known}), tuple(sentences))


def _problem(name: str, value: Any) -> str:
    if name in CHOICES:
        wanted = CHOICES[name]
        return "" if value in wanted else f"The setting {name} is one of {', '.join(wanted)}; found {value!r}"
    if name == "text_percent":
        fits = isinstance(value, int) and not isinstance(value, bool) and 80 <= value <= 200
        return "" if fits else f"The setting text_percent is a whole number from 80 to 200; found {value!r}"
    if name == "services":
        fits = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
        return "" if fits else f"The setting services maps names to addresses; found {value!r}"
    if name in _LISTS:
        fits = isinstance(value, list) and all(isinstance(v, str) for v in value)
        return "" if fits else f"The setting {name} is a list of {_LISTS[name]}; found {value!r}"
    return "" if isinstance(value, str) else f"The setting {name} is a text; found {value!r}"


def _set_aside(path: Path) -> str:
    aside = free_name(path, "damaged")
    try:
        path.rename(aside)
    except OSError as error:
        return f"The settings in {path} are damaged and could not be set aside ({error.strerror}); defaults are used."
    return f"The settings were damaged; they were set aside as {aside.name} and the defaults are used."
