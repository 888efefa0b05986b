"""Knobs: a frozen dataclass that becomes the form, the command-line flags and the JSON of a run.

    @dataclass(frozen=True)
    class Params:
        nodes: Annotated[int, Slider(2, 50, title="Nodes")] = 5
        loss: Annotated[float, Slider(0.0, 1.0, step=0.01, unit="share")] = 0.0
        variant: Annotated[str, Choice("correct", "forgets votes")] = "correct"
        verbose: Annotated[bool, Toggle("Note every guard")] = False

Every field has a default, and a marker in `Annotated`.  Values from outside (a form, a flag, a file) go
through `parse`, whose errors are sentences that name the field, the value found and what is allowed.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

__all__ = [
    "Choice", "Code", "Field", "FilePath", "ParamError", "Section", "Slider", "Text", "Toggle", "fields", "flat",
    "parse",
]  # fmt: skip

P = TypeVar("P")


class ParamError(ValueError):
    """A knob has a value that it cannot have; the message is a sentence for the person who set it.

    ``name``: the knob, where it is one alone.
    """

    def __init__(self, sentence: str, name: str = "") -> None:
        super().__init__(sentence)
        self.name = name


@dataclass(frozen=True, slots=True)
class Slider:
    """A number between `low` and `high` (both allowed); `step` is the slider's grain, not a rule."""

    low: float
    high: float
    step: float = 1
    unit: str = ""
    title: str = ""
    help: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True, init=False)
class Choice:
    """One of the given words."""

    choices: tuple[str, ...]
    title: str
    help: str

    def __init__(self, *choices: str, title: str = "", help: str = "") -> None:
        object.__setattr__(self, "choices", choices)
        object.__setattr__(self, "title", title)
        object.__setattr__(self, "help", help)


@dataclass(frozen=True, slots=True)
class Toggle:
    """Yes or no."""

    title: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text of at most `longest` characters."""

    title: str = ""
    help: str = ""
    longest: int = 200


@dataclass(frozen=True, slots=True)
class FilePath:
    """A file of the learner's own; empty means none.  `kinds` are endings such as ``csv``."""

    kinds: tuple[str, ...] = ()
    title: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Code:
    """A Python function of the learner's own, as text; empty: the one that the topic gives to begin with.

    What is to be written, and when, the hook ``prayog_code`` says; it is edited in the panel *Your code*.
    """

    title: str = ""
    help: str = ""
    longest: int = 20_000


@dataclass(frozen=True, slots=True)
class Section:
    """Beside a marker: with this knob a part of the form begins, which folds away under its title.

    It goes on to the next `Section`.  Worth it from about a dozen knobs on; those before the first are always shown.
    """

    title: str


Marker = Slider | Choice | Toggle | Text | FilePath | Code


@dataclass(frozen=True, slots=True)
class Field:
    """One knob, ready for a form or a flag."""

    name: str
    type: type
    marker: Marker
    default: Any
    section: str = ""
    """Title of the part of the form that begins with it; empty: it stands where the one before stands."""

    @property
    def title(self) -> str:
        return self.marker.title or self.name.replace("_", " ").capitalize()


def fields(params: type[Any]) -> tuple[Field, ...]:
    """The knobs of a params dataclass, in order of declaration.

    Raises `TypeError` with a sentence for the topic's author when a field has no marker or no default.
    """
    if not dataclasses.is_dataclass(params):
        raise TypeError(f"{params!r} must be a frozen dataclass: prayog_params returns the class of the knobs")
    hints = typing.get_type_hints(params, include_extras=True)
    found = []
    for field in dataclasses.fields(params):
        hint = hints[field.name]
        markers = [m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Marker)]
        if len(markers) != 1:
            raise TypeError(
                f"{params.__name__}.{field.name} needs one marker, such as Annotated[int, Slider(1, 9)]; "
                f"found {len(markers)}"
            )
        if field.default is dataclasses.MISSING:
            raise TypeError(f"{params.__name__}.{field.name} needs a default value")
        section = next((m.title for m in getattr(hint, "__metadata__", ()) if isinstance(m, Section)), "")
        found.append(Field(field.name, typing.get_args(hint)[0], markers[0], field.default, section))
    return tuple(found)


def parse(params: type[P], values: Mapping[str, Any]) -> P:
    """An instance of `params` from `values` (text or JSON values); what is missing keeps its default.

    Raises `ParamError` naming the field, what was found and what is allowed; unknown names are named too.
    """
    known = {field.name: field for field in fields(params)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        sentence = f"there is no knob {unknown[0]!r}; this topic has: {', '.join(known) or 'none'}"
        raise ParamError(sentence, unknown[0])
    made = {}
    for name, value in values.items():
        try:
            made[name] = _value(known[name], value)
        except ParamError as error:
            error.name = name
            raise
    return params(**made)


def flat(params: Any) -> dict[str, Any]:
    """`params` as a JSON object; `parse` turns it back into an equal value."""
    return {field.name: getattr(params, field.name) for field in fields(type(params))}


def _value(field: Field, value: Any) -> Any:
    marker = field.marker
    if isinstance(marker, Toggle):
        word = str(value).strip().lower()
        if word in ("true", "yes", "on", "1"):
            return True
        if word in ("false", "no", "off", "0"):
            return False
        raise ParamError(f"{field.name} is yes or no; found {value!r}")
    if isinstance(marker, Slider):
        return _number(field, marker, value)
    text = str(value)
    if isinstance(marker, Choice) and text not in marker.choices:
        raise ParamError(f"{field.name} is one of {', '.join(marker.choices)}; found {text!r}")
    if isinstance(marker, Text | Code) and len(text) > marker.longest:
        raise ParamError(f"{field.name} is at most {marker.longest:,} characters long; found {len(text):,}")
    if isinstance(marker, Code):  # the same text from every editor and every system is the same run
        return text.replace("\r\n", "\n").rstrip() + "\n" if text.strip() else ""
    return text


def _plain(number: float) -> str:
    """A bound as people write it: 10,000,000 and 0.05."""
    return f"{number:,.0f}" if float(number).is_integer() else f"{number:g}"


def _number(field: Field, marker: Slider, value: Any) -> int | float:
    allowed = f"a {'whole ' if field.type is int else ''}number from {_plain(marker.low)} to {_plain(marker.high)}"
    if isinstance(value, bool):
        raise ParamError(f"{field.name} is {allowed}; found {value!r}")
    try:
        number = float(str(value).replace("_", ""))
    except ValueError:
        raise ParamError(f"{field.name} is {allowed}; found {value!r}") from None
    if not marker.low <= number <= marker.high or (field.type is int and number != int(number)):
        raise ParamError(f"{field.name} is {allowed}; found {value!r}")
    return int(number) if field.type is int else number
