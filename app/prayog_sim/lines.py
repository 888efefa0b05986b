"""One line per step: the trace as people read it, in scripts, event lists, logs and the terminal.

`line` says everything (``n1 → n2 RequestVote term=1 · voted for n1``); `told` says only what is worth telling
(``n2 voted for n1``) and nothing at all for a message or a timer at which nobody spoke, so that two seconds of
a busy run fit on a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

from prayog_sim.clock import format_us
from prayog_sim.trace import Effect, Step

__all__ = ["line", "short", "told"]

_PLUMBING = frozenset({"send", "timer", "cancel", "gauge", "disk", "lost", "packet"})
_QUIET = frozenset({"start", "deliver", "timer", "drop"})
_HIDDEN = frozenset(
    {"name", "by", "src", "msg", "ident", "label", "sentence", "text", "node", "invariant", "in_flight"}
)


def short(value: Any, width: int = 40) -> str:
    """`value` in at most `width` characters."""
    if isinstance(value, bool):
        text = "yes" if value else "no"
    elif isinstance(value, tuple | list):
        text = " ".join(short(v, width) for v in value[: width // 2 + 1])  # an item takes two characters or more
    elif isinstance(value, Mapping):
        text = _pairs(islice(value.items(), width // 2), width)
    else:
        text = str(value)
    return text if len(text) <= width else text[: width - 1] + "…"


def line(step: Step, when: bool = False) -> str:
    """`step` in one line; `when` puts the time behind the node: ``n1@3.2 ms → n2 …``.

    What somebody wrote as a sentence stands before the bare values.
    """
    stamp = f"@{format_us(step.at)}" if when else ""
    data = step.data
    values = ""
    if step.kind in ("deliver", "drop") and "src" in data:
        arrow = "→" if step.kind == "deliver" else "✕"
        why = f"({data['why']})" if "why" in data else ""
        words = [f"{data['src']}{stamp}", arrow, step.node, str(data.get("label", "")), why]
    else:
        name = str(data.get("name", ""))
        values = _pairs(((k, v) for k, v in data.items() if k not in _HIDDEN), 30)
        words = [f"{step.node}{stamp}", step.kind, name if name != step.kind else ""]
    head = " ".join(word for word in words if word)
    said = str(data.get("sentence") or data.get("text") or "")
    if said:
        head = f"{head}: {said}" + (f" ({values})" if values else "")
    elif values:
        head = f"{head} {values}".strip()
    return " · ".join([head, *_spoken(step)])


def told(step: Step) -> str:
    """What `step` has to tell; empty for plain messages, timers and starts that nobody asked for."""
    if step.kind not in _QUIET or "by" in step.data:
        return line(step)
    spoken = " · ".join(_spoken(step))
    return spoken and f"{step.node} {spoken}".strip()


def _spoken(step: Step) -> list[str]:
    said = [_say(effect) for effect in step.effects if effect.kind not in _PLUMBING]
    lost = [effect.data for effect in step.effects if effect.kind == "lost"]
    if 0 < len(lost) <= 3:
        said += [f"lost {data['src']} ✕ {data['to']} {data['label']}" for data in lost]
    elif lost:
        said.append(f"lost {len(lost)} messages")
    return said


def _say(effect: Effect) -> str:
    if effect.kind == "note":
        return str(effect.data.get("text", ""))
    return f"{effect.kind} {_pairs(effect.data.items(), 30)}".rstrip()


def _pairs(items: Iterable[tuple[str, Any]], width: int) -> str:
    return " ".join(f"{key}={short(value, width)}" for key, value in items)
