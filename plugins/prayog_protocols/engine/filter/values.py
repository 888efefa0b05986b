"""Values of a filter, read as the field's kind wants them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from prayog_protocols.engine.filter.language import FieldName, FilterError, Literal
from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.spec import Field, Kind

__all__ = ["Network", "field_named", "read", "seconds"]

_NUMBERS = (Kind.UINT, Kind.INT, Kind.BOOL, Kind.FRAME)
_TIMES = (Kind.DURATION, Kind.TIME)


@dataclass(frozen=True, slots=True)
class Network:
    """Addresses that begin alike."""

    value: int
    mask: int

    def __contains__(self, address: int | bytes) -> bool:
        number = int.from_bytes(address, "big") if isinstance(address, bytes) else address
        return number & self.mask == self.value


def field_named(registry: Registry, name: FieldName) -> Field:
    """The field of a name; raises `FilterError` with the nearest names."""
    field = registry.fields.get(name.name)
    if field is None:
        near = difflib.get_close_matches(name.name, registry.fields, 3, 0.6)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise FilterError(name.column, f"There is no field {name.name!r}.{hint}")
    return field


def seconds(text: str) -> int | None:
    """Nanoseconds of a number of seconds."""
    found = re.fullmatch(r"(-?)(\d+)(?:\.(\d{1,9}))?", text)
    if not found:
        return None
    number = int(found[2]) * 10**9 + int((found[3] or "").ljust(9, "0"))
    return -number if found[1] else number


def read(field: Field, literal: Literal, op: str) -> Any:
    """The literal as a value to compare with the field's; raises `FilterError`."""
    text, kind = literal.text, field.kind
    article = "an" if kind.value[0] in "aeiouI" else "a"
    wrong = FilterError(literal.column, f"{field.name} is {article} {kind.value}; {text!r} is none.")
    if op == "matches":
        try:
            return re.compile(text, re.IGNORECASE)
        except re.error as problem:
            raise FilterError(literal.column, f"This is no regular expression: {problem}.") from None
    if kind in _NUMBERS:
        return _number(field, literal, wrong)
    if kind is Kind.IPV4:
        return _network(text, IPv4Network, 32, wrong)
    if kind is Kind.IPV6:
        return _network(text, IPv6Network, 128, wrong)
    if kind is Kind.REAL:
        try:
            return float(text)
        except ValueError:
            raise wrong from None
    if kind in _TIMES:
        moment = seconds(text)
        if moment is None:
            raise FilterError(literal.column, f"{field.name} is a time: write seconds, as in 0.25.")
        return moment
    if kind in (Kind.BYTES, Kind.MAC) and not literal.quoted:
        return _bytes(text, wrong)
    if kind is Kind.BYTES:
        return text.encode()
    if kind is Kind.MAC:
        raise wrong
    if kind in (Kind.NONE, Kind.PROTOCOL) and op != "contains":
        raise FilterError(
            literal.column, f"{field.name} has no value of its own; write it alone to ask whether it is there."
        )
    if kind in (Kind.NONE, Kind.PROTOCOL):
        return text.encode() if literal.quoted else _bytes(text, wrong)
    return text


def _number(field: Field, literal: Literal, wrong: FilterError) -> int:
    text = literal.text
    if text.lower() in ("true", "false"):
        return int(text.lower() == "true")
    try:
        return int(text, 0)
    except ValueError:
        pass
    for number, name in field.values.items():
        if str(name).lower().split(",")[0] == text.lower() or str(name).lower() == text.lower():
            return int(number)
    raise wrong


def _bytes(text: str, wrong: FilterError) -> bytes:
    try:
        return bytes.fromhex(re.sub(r"[:.\-]", "", text.removeprefix("0x")))
    except ValueError:
        raise wrong from None


def _network(
    text: str, kind: Callable[..., IPv4Network] | Callable[..., IPv6Network], width: int, wrong: FilterError
) -> Network | int | bytes:  # fmt: skip
    try:
        network = kind(text, strict=False)
    except ValueError:
        raise wrong from None
    first = int(network.network_address)
    if network.prefixlen == width:
        return first if width == 32 else first.to_bytes(16, "big")
    return Network(first, int(network.netmask))
