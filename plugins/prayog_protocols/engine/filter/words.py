"""A filter in words, and what could be written next."""

from __future__ import annotations

import re
from dataclasses import dataclass

from prayog_protocols.engine.filter.language import (
    FUNCTIONS,
    And,
    Call,
    Compare,
    Entity,
    FieldName,
    FilterError,
    Inside,
    Literal,
    Not,
    Or,
    Present,
    Range,
    Slice,
    Tree,
    parse,
    tokens,
)
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.spec import Kind

__all__ = ["Suggestion", "complete", "explain"]

_SAID = {
    "==": "is", "!=": "is never", "===": "is always", "!==": "is not always", "<": "is less than", "<=": "is at most",
    ">": "is more than", ">=": "is at least", "contains": "contains", "matches": "fits the pattern",
    "&": "shares a bit with",
}  # fmt: skip


_ALIASES = {"port": "port (either)", "addr": "address (either)", "host": "host (either)"}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Something that fits at the cursor: it replaces the text from `start` to `end`."""

    text: str
    meaning: str
    start: int
    end: int


def explain(text: str, registry: Registry = REGISTRY) -> str:
    """What a filter asks for, as a sentence.  Raises `FilterError`."""
    tree = parse(text)
    if tree is None:
        return "All packets."
    return f"Packets {_clause(registry, tree)}."


def _clause(registry: Registry, tree: Tree, inside: bool = False) -> str:
    match tree:
        case And(left, right):
            words = f"{_clause(registry, left, True)} and {_clause(registry, right, True)}"
            return f"({words})" if inside and isinstance(left, Or) else words
        case Or(left, right):
            words = f"{_clause(registry, left)} or {_clause(registry, right)}"
            return f"({words})" if inside else words
        case Not(Present(of, _)):
            return f"without {_entity(registry, of)}"
        case Not(of):
            return f"for which this does not hold: {_clause(registry, of, True)}"
        case Present(of, _):
            return f"with {_entity(registry, of)}"
        case Inside(left, members, _):
            return f"whose {_entity(registry, left)} is {' or '.join(_member(member) for member in members)}"
        case Compare("==" | "!=" as op, FieldName(name, _), Literal(text, False, _), _) if _is_flag(registry, name):
            on = (text.lower() not in ("0", "false")) == (op == "==")
            return f"whose {_entity(registry, FieldName(name, 0))} is {'set' if on else 'not set'}"
        case Compare(op, left, right, _):
            value = _entity(registry, right) + _stands_for(registry, left, right)
            return f"whose {_entity(registry, left)} {_SAID[op]} {value}"


def _is_flag(registry: Registry, name: str) -> bool:
    return name in registry.fields and registry.fields[name].kind is Kind.BOOL


def _stands_for(registry: Registry, left: Entity, right: Entity) -> str:
    """What a number stands for, in brackets, where the field says so."""
    if not isinstance(left, FieldName) or not isinstance(right, Literal) or left.name not in registry.fields:
        return ""
    known = {str(value): meaning for value, meaning in registry.fields[left.name].values.items()}
    try:
        meaning = known.get(str(int(right.text, 0)), "")
    except ValueError:
        return ""
    return f" ({meaning})" if meaning else ""


def _member(member: Literal | Range) -> str:
    if isinstance(member, Range):
        return f"{member.low.text} to {member.high.text}"
    return f"“{member.text}”" if member.quoted else member.text


def _entity(registry: Registry, entity: Entity) -> str:
    match entity:
        case FieldName(name, _):
            field = registry.fields.get(name)
            if field is None:
                return name
            protocol = registry.protocols.get(name.partition(".")[0])
            short = (protocol.short or protocol.title) if protocol is not None else ""
            if field.kind is Kind.PROTOCOL:
                return short
            other = _ALIASES.get(name.rpartition(".")[2], "") if name in field.aliases else ""
            label = other or field.label[:1].lower() + field.label[1:]
            return f"{short} {label}".strip()
        case Slice(of, ranges, _):
            parts = ", ".join(_part(first, size) for first, size in ranges)
            return f"{_entity(registry, of)} ({parts})"
        case Call(function, of, _):
            names = {
                "len": "length of",
                "count": "number of",
                "upper": "upper-case",
                "lower": "lower-case",
                "string": "text of",
            }
            return f"{names[function]} {_entity(registry, of)}"
        case Literal(text, quoted, _):
            return f"“{text}”" if quoted else text


def _part(first: int, size: int | None) -> str:
    if size == 1:
        return f"byte {first}"
    return f"bytes {first} to the end" if size is None else f"bytes {first} to {first + size - 1}"


def complete(text: str, cursor: int, registry: Registry = REGISTRY, most: int = 50) -> list[Suggestion]:
    """What could stand at the cursor: fields by the letters before it, operators after a field, then known values."""
    before = text[:cursor]
    found = re.search(r"[\w.\-]*\Z", before)
    stem = found.group() if found else ""
    start = cursor - len(stem)
    try:
        words = tokens(before[:start])[:-1]
    except FilterError:
        return []
    last = words[-1] if words else None
    if (
        last is not None
        and last.kind == "op"
        and last.text in {"==", "!=", "===", "!==", ",", "{", "in"}
        and len(words) > 1
    ):
        values = _values(registry, [word.text for word in words if word.kind == "name"][-1:], stem, start, cursor)
        if values:
            return values[:most]
    if (last is not None and last.kind in ("name", "literal", "text")) or (
        last is not None and last.text in ("]", ")", "}")
    ):
        options = _operators(last.kind == "name" or last.text == "]")
        return [Suggestion(name, meaning, start, cursor) for name, meaning in options if name.startswith(stem)]
    names = [name for name in registry.named(stem) if name]
    # Shorter names first: "tcp.port" before "tcp.options.mss_val".
    names.sort(key=lambda name: (name.count("."), name))
    suggestions = [Suggestion(name, _entity(registry, FieldName(name, 0)), start, cursor) for name in names[:most]]
    suggestions += [
        Suggestion(f"{name}(", "a function", start, cursor) for name in FUNCTIONS if stem and name.startswith(stem)
    ]
    return suggestions[:most]


def _operators(field: bool) -> list[tuple[str, str]]:
    compare = [("==", "is"), ("!=", "is never"), (">", "is more than"), ("<", "is less than"), (">=", "is at least"),
               ("<=", "is at most"), ("contains", "contains"), ("matches", "fits the pattern"),
               ("in", "is one of")]  # fmt: skip
    join = [("and", "and"), ("or", "or")]
    return compare + join if field else join


def _values(registry: Registry, names: list[str], stem: str, start: int, cursor: int) -> list[Suggestion]:
    field = registry.fields.get(names[0]) if names else None
    if field is None:
        return []
    found = []
    for value, meaning in field.values.items():
        text = f'"{value}"' if isinstance(value, str) else hex(value) if field.hex else str(value)
        if text.strip('"').lower().startswith(stem.lower()):
            found.append(Suggestion(text, str(meaning), start, cursor))
    return found
