"""Arguments of actions, from forms and scripts, as the engine wants them; mistakes as sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prayog_sim.run import ActionError

__all__ = ["number", "one_of", "text"]


def text(args: Mapping[str, Any], name: str, default: str | None = None) -> bytes:
    """A key or a value as UTF-8."""
    value = args.get(name, default)
    if value is None or str(value) == "":
        raise ActionError(f"Give a {name}: a word such as {name}=asha.")
    return str(value).encode()


def number(args: Mapping[str, Any], name: str, default: int | None = None, low: int | None = None) -> int:
    """A whole number, at least `low`."""
    value = args.get(name, default)
    try:
        found = int(str(value))
    except ValueError:
        raise ActionError(f"{name} is a whole number; found {value!r}.") from None
    if low is not None and found < low:
        raise ActionError(f"{name} is at least {low}; found {found}.")
    return found


def one_of(args: Mapping[str, Any], name: str, choices: Sequence[str], default: str) -> str:
    """One of `choices`; an empty one stands for `default`."""
    value = str(args.get(name) or default)
    if value not in choices:
        raise ActionError(f"There is no {name} {value!r}; there are: {', '.join(choices)}.")
    return value
