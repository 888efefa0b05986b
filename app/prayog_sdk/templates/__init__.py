"""What `prayog new NAME` makes: the smallest topic, three files without Qt, that runs, draws, teaches and checks.

Files end in ``.in``; in them and in their paths ``NAME`` stands for the topic's id and ``TITLE`` for its title.
"""

from __future__ import annotations

import importlib.resources
import re
from importlib.resources.abc import Traversable
from pathlib import Path

__all__ = ["NameProblem", "create"]


class NameProblem(ValueError):
    """A topic cannot be made under this name or here; the message is a sentence for its author."""


def create(name: str, folder: Path) -> Path:
    """Make the topic `name` as ``folder/prayog_<name>`` and return that folder.

    Raises `NameProblem` when the name is not an id, or when the folder is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise NameProblem(
            f"{name!r} cannot be a topic’s name: use lower-case letters, digits and _, such as leader_election"
        )
    target = folder / f"prayog_{name}"
    if target.exists():
        raise NameProblem(f"{target} is there already; choose another name, or another folder with --dir")
    values = {"NAME": name, "TITLE": name.replace("_", " ").capitalize()}
    _copy(importlib.resources.files(__name__).joinpath("topic"), target, values)
    return target


def _copy(source: Traversable, target: Path, values: dict[str, str]) -> None:
    target.mkdir(parents=True)
    for item in source.iterdir():
        if item.is_dir():
            _copy(item, target / item.name, values)
        elif item.name.endswith(".in"):
            text = item.read_text(encoding="utf-8")
            for word, value in values.items():
                text = text.replace(word, value)
            (target / item.name.removesuffix(".in")).write_text(text, encoding="utf-8", newline="\n")
