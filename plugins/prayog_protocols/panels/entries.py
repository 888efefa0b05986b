"""Lists inside a layer of the packet editor: options, records, lines and headers, entry by entry.  No Qt.

A list is found where the builder keeps it among the values of its layer.  A *path* leads from there to one value:
``("options", 0, "mss_val")``, ``("lines", 2)``, ``("message", "headers", 1)``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from prayog_protocols.engine.building import Force
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.showing import literal
from prayog_protocols.engine.spec import Field, Kind, fields_of
from prayog_protocols.engine.tree import Node

__all__ = ["Entry", "Way", "changed", "difference", "entries", "read", "shown", "value_at", "with_copy", "without"]

Way = tuple[str | int, ...]
_TITLES = {"lines": "Lines", "headers": "Headers", "start": "First line"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the form below a list: the list itself, an entry, or a value in an entry."""

    layer: int
    path: Way
    label: str
    value: str
    setting: str  # "auto", "manual", "wrong"; empty where there is nothing to set
    field: Field | None = None
    text: bool = False  # edited as text

    @property
    def depth(self) -> int:
        """How far it is below the layer."""
        return len(self.path)

    @property
    def editable(self) -> bool:
        """A value, not a branch."""
        return self.text or self.field is not None


def entries(layer: int, protocol: str, given: Mapping[str, Any], built: Mapping[str, Any]) -> Iterator[Entry]:
    """The lists of a layer: `given` are the settings, `built` all values, also those worked out."""
    fields = {one.key: one for one in fields_of(REGISTRY.protocols[protocol].items)}
    for key, value in built.items():
        if isinstance(value, list | dict) and not isinstance(given.get(key), Force):
            yield from _branch(layer, (key,), value, given.get(key, value), fields)


def _branch(layer: int, path: Way, value: Any, given: Any, fields: Mapping[str, Field]) -> Iterator[Entry]:
    name = str(path[-1])
    title = _TITLES.get(name, name.replace("_", " ").capitalize())
    if isinstance(value, dict):
        for key, one in value.items():
            if isinstance(one, str):
                yield Entry(layer, (*path, key), _TITLES.get(key, key.capitalize()), one, "manual", text=True)
            elif isinstance(one, list):
                yield from _branch(layer, (*path, key), one, one, fields)
        return
    yield Entry(layer, path, title, f"{len(value)} of them", "")
    for number, one in enumerate(value):
        here = (*path, number)
        mine = given[number] if isinstance(given, list) and number < len(given) else {}
        if isinstance(one, str):
            yield Entry(layer, here, f"{number + 1}", one, "manual", text=True)
        elif isinstance(one, tuple) and len(one) == 2:
            yield Entry(layer, here, f"{number + 1}", f"{one[0]}: {one[1]}", "manual", text=True)
        elif isinstance(one, dict):
            first = next((key for key in one if key in fields), "")
            yield Entry(layer, here, f"{number + 1}", shown(fields[first], one[first]) if first else "", "")
            for key, worth in one.items():
                if key in fields and not isinstance(worth, list | dict):
                    set_by_hand = mine.get(key) if isinstance(mine, dict) else None
                    setting = "wrong" if isinstance(set_by_hand, Force) else "auto" if set_by_hand is None else "manual"
                    field = fields[key]
                    yield Entry(layer, (*here, key), field.label or field.name, shown(field, worth), setting, field)


def read(entry: Entry, before: Any, text: str) -> Any:
    """What was typed for a line of text, in the form that `before` has.  Raises `ValueError` with a sentence."""
    if isinstance(before, tuple):
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise ValueError(f"A header is a name, a colon and a value, such as Host: shop.example; found {text!r}.")
        return name.strip(), value.strip()
    if "\n" in text or "\r" in text:
        raise ValueError("One line only; add another entry for the next.")
    return text


def value_at(values: Mapping[str, Any], path: Way) -> Any:
    """The value at the end of a path."""
    found: Any = values
    for step in path:
        found = found[step]
    return found


def changed(values: Mapping[str, Any], path: Way, value: Any) -> dict[str, Any]:
    """The values with another one at the end of a path; None there: whatever is worked out."""
    new = deepcopy(dict(values))
    place = value_at(new, path[:-1])
    if value is None:
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value
    return new


def with_copy(values: Mapping[str, Any], path: Way) -> tuple[dict[str, Any], Way]:
    """One more entry in a list, like the one at the path (or the last one), and where it is."""
    new = deepcopy(dict(values))
    found = value_at(new, path)
    if isinstance(found, list):
        at = len(found)
        found.append(deepcopy(found[-1]) if found else {})
        return new, (*path, at)
    row = value_at(new, path[:-1])
    at = int(path[-1]) + 1
    row.insert(at, deepcopy(found))
    return new, (*path[:-1], at)


def without(values: Mapping[str, Any], path: Way) -> dict[str, Any]:
    """The values without one entry of a list."""
    new = deepcopy(dict(values))
    del value_at(new, path[:-1])[path[-1]]
    return new


def difference(key: str, before: Any, now: Any) -> str:
    """What changed in a list, in words."""
    title = _TITLES.get(key, key.replace("_", " ")).lower()
    if isinstance(before, dict) and isinstance(now, dict):
        found = next((name for name in now if before.get(name) != now[name]), "")
        return difference(found, before.get(found), now[found]) if found else title
    if not isinstance(before, list) or not isinstance(now, list):
        return f"{title}: {before} → {now}"
    if len(before) != len(now):
        return f"{title}: {len(before)} of them → {len(now)}"
    at = next(n for n, (a, b) in enumerate(zip(before, now, strict=True)) if a != b)
    if isinstance(now[at], dict):
        return f"{title}: number {at + 1} is another one"
    a, b = (": ".join(one) if isinstance(one, tuple) else str(one) for one in (before[at], now[at]))
    return f"{title}: {a} → {b}"


def shown(field: Field, value: Any) -> str:
    """A value in words."""
    value = value.value if isinstance(value, Force) else value
    if field.kind is Kind.NONE:
        return ""
    try:
        return literal(Node(field, 0, 0, field.bits, value))
    except (TypeError, ValueError, AttributeError):
        return str(value)
