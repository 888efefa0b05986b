"""A workshop's kit: what a teacher wrote into `kit.toml`, so that everybody in the room sees the same lab.

It is read from a stick and never written.  What it says holds while the lab is started with ``--kit``; a learner's own
settings and files stay as they are.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Kit", "KitProblem", "read"]


class KitProblem(ValueError):
    """The file cannot be used; the message is a sentence for whoever wrote it."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What the workshop shows.  An empty value leaves the lab as it is without a kit."""

    folder: Path
    """Where `kit.toml` lies; wheels of topics in its `topics/` are found as if they were in the profile."""
    title: str = ""
    topics: tuple[str, ...] = ()
    """Ids of the topics that are shown, in the order of their cards."""
    open: str = ""
    """``TOPIC/SCENARIO`` to open first."""
    seed: int | None = None
    """Of that scenario, instead of its own."""
    language: str = ""
    simple: bool = False
    """For a room of newcomers: the rail shows only Home, Topics and Challenges, text is larger unless the learner has
    settings already, and beside a scenario without a lesson there is no set-up to get lost in."""
    trusted: Mapping[str, str] = field(default_factory=dict)
    """SHA-256 of wheels that may be opened without asking, by file name."""


_KINDS: Mapping[str, tuple[type, str]] = {
    "title": (str, "a text"), "topics": (list, "a list of ids"), "open": (str, "TOPIC/SCENARIO"),
    "seed": (int, "a whole number"), "language": (str, "a language such as en"), "simple": (bool, "true or false"),
    "trusted": (dict, "a table of file names and SHA-256"),
}  # fmt: skip


def read(path: Path) -> Kit:
    """The kit in the file `path`; raises `KitProblem`, which says what was expected, what was found and where."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise KitProblem(f"The kit {path} cannot be read: {error.strerror or error}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise KitProblem(f"The kit {path} is not TOML: {error}.") from error
    for name, value in values.items():
        _look_at(path, name, value)
    values["topics"] = tuple(values.get("topics", ()))
    return Kit(path.resolve().parent, **values)


def _look_at(path: Path, name: str, value: Any) -> None:
    from prayog.settings import CHOICES

    if name not in _KINDS:
        raise KitProblem(f"The kit {path} has a key {name!r}; it may have {', '.join(_KINDS)}.")
    kind, words = _KINDS[name]
    wrong = not isinstance(value, kind) or (kind is int and isinstance(value, bool))
    wrong = wrong or (name == "topics" and not all(isinstance(one, str) for one in value))
    wrong = wrong or (name == "open" and value != "" and not re.fullmatch(r"[^/]+/[^/]+", value))
    if wrong:
        raise KitProblem(f"{name} in the kit {path} must be {words}; found {value!r}.")
    languages = CHOICES["language"]
    if name == "language" and value and value not in languages:
        raise KitProblem(f"language in the kit {path} must be one of {', '.join(languages)}; found {value!r}.")
    for file, digest in value.items() if name == "trusted" else ():
        if not re.fullmatch(r"[0-9a-f]{64}", str(digest)):
            raise KitProblem(f"trusted in the kit {path} gives no SHA-256 (64 hexadecimal digits) for {file}.")
