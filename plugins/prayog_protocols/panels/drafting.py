"""The model of the packet editor: layers of fields, each automatic, set by hand, or wrong on purpose.  No Qt.

Rules
1. `Draughts.build` never fails: what does not fit is said, and the bytes stay as they were.
2. A field that was worked out anew is told, so that the learner sees what depends on what.
3. Options, records, lines and headers are lists of entries (`entries`), which can be changed, added and removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from prayog_protocols.engine.building import BuildError, Built, Draft, Force, build, drafts_of
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.spec import Block, Choose, Field, Item, Kind, When
from prayog_protocols.engine.tree import Node
from prayog_protocols.panels import entries
from prayog_protocols.panels.entries import Entry

__all__ = ["SETTINGS", "Draughts", "Row", "read_value"]

SETTINGS = ("auto", "manual", "wrong")


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the form."""

    layer: int
    field: Field
    setting: str
    value: str
    changed: bool  # since the packet that editing began with
    part: bool = False  # within the bits of the field above


@dataclass(slots=True)
class Draughts:
    """A packet on the bench."""

    link: int = 1
    layers: list[Draft | bytes] = field(default_factory=list)
    data: bytes = b""
    original: bytes = b""
    problem: str = ""
    recomputed: tuple[str, ...] = ()  # names of fields whose value followed from the last change
    _built: Built | None = None
    _first: dict[tuple[int, str], Any] = field(default_factory=dict)

    @classmethod
    def of(cls, data: bytes, link: int) -> Draughts:
        """Edit a packet."""
        made = cls(link=link, original=data, data=data, layers=drafts_of(REGISTRY, data, link))
        made._build()
        made._first = made._values()
        return made

    def set(self, layer: int, key: str, value: Any, setting: str) -> None:
        """Change one field: `value` as `read_value` gives it."""
        draft = self.layers[layer]
        assert isinstance(draft, Draft)
        values = {name: each for name, each in draft.values.items() if name != key}
        if setting == "manual":
            values[key] = value
        elif setting == "wrong":
            values[key] = Force(value)
        before = self.layers[layer]
        self.layers[layer] = Draft(draft.protocol, values)
        if not self._build((layer, key)):
            self.layers[layer] = before

    def lists(self, layer: int) -> Iterator[Entry]:
        """The lists of a layer, entry by entry."""
        draft = self.layers[layer]
        if isinstance(draft, Draft):
            now = {key: value for (number, key), value in self._values().items() if number == layer}
            yield from entries.entries(layer, draft.protocol, draft.values, now)

    def set_entry(self, entry: Entry, text: str, setting: str = "manual") -> None:
        """Change a value in a list.  Raises `ValueError` with a sentence."""
        values = self._given(entry)
        if entry.field is not None:
            value = read_value(entry.field, text)
            value = None if setting == "auto" else Force(value) if setting == "wrong" else value
        else:
            value = entries.read(entry, entries.value_at(values, entry.path), text)
        self._replace(entry.layer, entries.changed(values, entry.path, value))

    def add_entry(self, entry: Entry) -> None:
        """One more entry, like the given one."""
        path = next(entry.path[:n] for n in range(len(entry.path), 0, -1)
                    if n == 1 or isinstance(entry.path[n - 1], int) or entry.path[n - 1] == "headers")  # fmt: skip
        self._replace(entry.layer, entries.with_copy(self._given(entry), path)[0])

    def remove_entry(self, entry: Entry) -> None:
        """Take the entry out of its list."""
        last = max((n for n, step in enumerate(entry.path) if isinstance(step, int)), default=-1)
        if last >= 0:
            self._replace(entry.layer, entries.without(self._given(entry), entry.path[: last + 1]))

    def _given(self, entry: Entry) -> dict[str, Any]:
        """The settings of an entry's layer, with its list among them."""
        draft, key = self.layers[entry.layer], entry.path[0]
        assert isinstance(draft, Draft)
        return {str(key): self._values().get((entry.layer, str(key)), []), **draft.values}

    def _replace(self, layer: int, values: dict[str, Any]) -> None:
        before = self.layers[layer]
        assert isinstance(before, Draft)
        self.layers[layer] = Draft(before.protocol, values)
        if not self._build():
            self.layers[layer] = before

    def set_bytes(self, data: bytes) -> None:
        """The learner changed the bytes themselves: what they say is read anew."""
        self.data, self.layers = data, drafts_of(REGISTRY, data, self.link)
        self.problem, self.recomputed = "", ()
        self._build()

    def rows(self) -> Iterator[Row]:
        """The fields of all layers, in order."""
        now = self._values()
        for number, draft in enumerate(self.layers):
            if isinstance(draft, bytes):
                continue
            for one, part in _fields(REGISTRY.protocols[draft.protocol].items):
                if (number, one.key) not in now:
                    continue
                value = now[number, one.key]
                given = draft.values.get(one.key)
                setting = "wrong" if isinstance(given, Force) else "manual" if given is not None else "auto"
                changed = (number, one.key) in self._first and self._first[number, one.key] != value
                yield Row(number, one, setting, _shown(one, value), changed, part)

    def differences(self) -> list[str]:
        """What is different from the packet that editing began with, in words."""
        told = [f"{self._short(row.layer)} {row.field.label}: "
                f"{_shown(row.field, self._first[row.layer, row.field.key])} → {row.value}"
                for row in self.rows() if row.changed and not row.part]  # fmt: skip
        for (layer, key), value in self._values().items():
            before = self._first.get((layer, key))
            if isinstance(value, list | dict) and before is not None and before != value:
                told.append(f"{self._short(layer)} {entries.difference(key, before, value)}")
        return told

    def _short(self, layer: int) -> str:
        return REGISTRY.protocols[self._name(layer)].short or self._name(layer)

    def _name(self, layer: int) -> str:
        draft = self.layers[layer]
        return draft.protocol if isinstance(draft, Draft) else "data"

    def _values(self) -> dict[tuple[int, str], Any]:
        found: dict[tuple[int, str], Any] = {}
        built = iter(self._built.layers if self._built is not None else ())
        for number, draft in enumerate(self.layers):
            if isinstance(draft, Draft):
                layer = next(built, None)
                found |= {(number, key): value for key, value in (layer.values if layer is not None else {}).items()}
        return found

    def _build(self, cause: tuple[int, str] | None = None) -> bool:
        before = self._values()
        try:
            built = build(REGISTRY, self.layers)
        except (BuildError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            self.problem = str(error) or "This packet cannot be built."
            return False
        self.problem, self._built, self.data = "", built, built.data
        now = self._values()
        names = {(row.layer, row.field.key): row.field.label for row in self.rows() if not row.part}
        self.recomputed = tuple(
            names[place]
            for place, value in now.items()
            if place in names and place != cause and before.get(place, value) != value
        )
        return True


def _fields(items: tuple[Item, ...]) -> Iterator[tuple[Field, bool]]:
    for item in items:
        match item:
            case Field():
                yield item, False
                yield from ((part, True) for part in item.parts)
            case When() | Block() if not getattr(item, "key", ""):
                yield from _fields(item.items)
            case Choose():
                for case in (*item.cases.values(), item.other):
                    yield from _fields(case)
            case _:
                pass


def _shown(one: Field, value: Any) -> str:
    if isinstance(value, list | dict):
        return "…"
    try:
        return literal(Node(one, 0, 0, one.bits, value))
    except (TypeError, ValueError, AttributeError):
        return str(value)


def read_value(one: Field, text: str) -> Any:
    """What the learner typed, as a value of the field.  Raises `ValueError` with a sentence."""
    text = text.strip()
    match one.kind:
        case Kind.UINT | Kind.INT | Kind.BOOL | Kind.FRAME:
            known = {str(name).lower(): number for number, name in one.values.items()}
            if text.lower() in known:
                return known[text.lower()]
            if one.kind is Kind.BOOL and text.lower() in ("set", "not set"):
                return int(text.lower() == "set")
            try:
                return int(text.replace(",", ""), 0)
            except ValueError:
                raise ValueError(f"{one.label} is a number, such as 64 or 0x40; found {text!r}.") from None
        case Kind.BYTES:
            try:
                return bytes.fromhex(text.replace(":", ""))
            except ValueError:
                raise ValueError(f"{one.label} is bytes in hexadecimal, such as 01:ff; found {text!r}.") from None
        case Kind.REAL:
            return float(text)
    return text
