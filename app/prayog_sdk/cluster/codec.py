"""Messages as JSON text: the only form in which they cross a socket.

A message is a value (text, number, tuple, frozen dataclass, …), and only such values are read back.  Nothing that
arrives at a socket can name code: a class is accepted when it is a dataclass or an enumeration of a package that the
cluster was started with, and reading never imports a module.

Tuples are JSON lists.  Whatever JSON has no form for is an object with the key ``!``.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
from collections.abc import Collection
from typing import Any

__all__ = ["CodecError", "decode", "encode"]

_PLAIN = frozenset({type(None), bool, int, float, str})
_BOXES: dict[str, Any] = {"list": list, "set": set, "frozenset": frozenset}


class CodecError(ValueError):
    """A value cannot be sent, or what came is no value; the message is a sentence."""


def encode(value: Any) -> Any:
    """`value` in terms of JSON.  Raises `CodecError` for what is no value."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        return [encode(item) for item in value]
    if kind is dict:
        return {"!": "dict", "v": [[encode(key), encode(item)] for key, item in value.items()]}
    if kind.__name__ in _BOXES and kind is _BOXES[kind.__name__]:
        items = [encode(item) for item in value]
        return {"!": kind.__name__, "v": items if kind is list else sorted(items, key=repr)}
    if kind is bytes:
        return {"!": "bytes", "v": value.hex()}
    if isinstance(value, enum.Enum):
        return {"!": _name(kind), "e": value.name}
    if dataclasses.is_dataclass(value):
        return {"!": _name(kind), "v": {f.name: encode(getattr(value, f.name)) for f in dataclasses.fields(value)}}
    raise CodecError(f"a {kind.__name__} cannot be sent to another process: use text, numbers, tuples and dataclasses")


def decode(data: Any, packages: Collection[str]) -> Any:
    """The value of which `encode` made `data`; classes only from `packages`.  Raises `CodecError`."""
    if type(data) in _PLAIN:
        return data
    if isinstance(data, list):
        return tuple(decode(item, packages) for item in data)
    if not isinstance(data, dict) or not isinstance(data.get("!"), str):
        raise CodecError(f"this is no encoded value: {data!r:.80}")
    tag: str
    inner: Any
    tag, inner = data["!"], data.get("v", ())
    try:
        if tag == "dict":
            return {decode(key, packages): decode(item, packages) for key, item in inner}
        if tag == "bytes":
            return bytes.fromhex(inner)
        if tag in _BOXES:
            return _BOXES[tag](decode(item, packages) for item in inner)
        kind = _find(tag, packages)
        if issubclass(kind, enum.Enum):
            return kind[data["e"]]
        return kind(**{str(name): decode(item, packages) for name, item in inner.items()})
    except CodecError:
        raise
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise CodecError(f"this is no encoded {tag}: {error}") from error


def _name(kind: type) -> str:
    if "<" in kind.__qualname__:
        raise CodecError(f"{kind.__qualname__} is made inside a function; another process cannot find such a class")
    return f"{kind.__module__}:{kind.__qualname__}"


def _find(name: str, packages: Collection[str]) -> Any:
    module, _, path = name.partition(":")
    if not any(module == package or module.startswith(f"{package}.") for package in packages):
        raise CodecError(f"{name} is not a class of this cluster, whose messages are of {', '.join(sorted(packages))}")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = getattr(found, part, None)
    if not isinstance(found, type) or not (dataclasses.is_dataclass(found) or issubclass(found, enum.Enum)):
        raise CodecError(f"{name} is no dataclass or enumeration that this process knows")
    if f"{found.__module__}:{found.__qualname__}" != name:
        raise CodecError(f"{name} is another class under a second name")
    return found
