"""Scenarios: `.lab` files as entries of the menu.  Saved runs (`.prayog`) are read and written by `saved`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any, Literal

from prayog_sdk.manifest import Manifest
from prayog_sdk.saved import SavedError, SavedRun, open_run, read_run

if TYPE_CHECKING:
    from prayog_sim.script import Script

__all__ = [
    "SavedError", "SavedRun", "Scenario", "ScenarioError", "files", "open_run", "read", "read_all", "read_good",
    "read_run",
]  # fmt: skip


class ScenarioError(ValueError):
    """A `.lab` file has a mistake; ``str(error)`` is ``file:line:column: sentence``."""

    def __init__(self, sentence: str, where: str, line: int, column: int) -> None:
        super().__init__(f"{where}:{line}:{column}: {sentence}")
        self.sentence = sentence
        self.where = where
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Scenario:
    """One entry of the menu: a set-up, and the script that plays it.

    ``params`` are the knobs that the script sets, as it wrote them; `Topic.params` checks them.
    """

    id: str
    title: str
    about: str
    minutes: int
    kind: Literal["world", "session"]
    params: dict[str, Any] = field(compare=False)
    seed: int
    script: Script = field(compare=False, repr=False)
    path: Traversable = field(compare=False)
    panel: str = ""
    """Id of the panel that it is about, or empty: that one is in front when it is opened."""


def read(file: Traversable) -> Scenario:
    """The scenario in a `.lab` file.  Raises `ScenarioError`."""
    from prayog_sim.script import ScriptError, parse

    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ScenarioError("this file is not UTF-8 text; save it as UTF-8", file.name, 1, 1) from None
    try:
        script = parse(text, file.name)
    except ScriptError as error:
        raise ScenarioError(error.sentence, file.name, error.line, error.column) from error
    name = file.name.removesuffix(".lab")
    return Scenario(
        id=name,
        title=script.title or name.replace("_", " ").capitalize(),
        about=script.about,
        minutes=script.minutes,
        kind=script.kind,
        params=dict(script.params),
        seed=script.seed,
        script=script,
        path=file,
        panel=script.panel,
    )


def files(manifest: Manifest) -> dict[str, Traversable]:
    """The files of a topic's scenarios by id, in order; they are not read, so one with a mistake hides no other."""
    folder = manifest.folder.joinpath("scenarios")
    if not folder.is_dir():
        return {}
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".lab")), key=lambda file: file.name)
    return {file.name.removesuffix(".lab"): file for file in found}


def read_all(manifest: Manifest) -> list[Scenario]:
    """The scenarios of a topic, in order of their file names.  Raises `ScenarioError`."""
    return [read(file) for file in files(manifest).values()]


def read_good(manifest: Manifest, failed: Callable[[ScenarioError | OSError], object]) -> list[Scenario]:
    """The scenarios that can be read; what is wrong with the others goes to `failed`."""
    good = []
    for file in files(manifest).values():
        try:
            good.append(read(file))
        except (ScenarioError, OSError) as error:
            failed(error)
    return good
