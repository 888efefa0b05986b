"""A message of a run as a test: a `.lab` script that plays to its end and checks what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prayog_queues.engine.lifecycle import Life
from prayog_sim.run import TimedAction

__all__ = ["as_test"]


def as_test(
    life: Life, knobs: Mapping[str, Any], seed: int, actions: Sequence[TimedAction], end_us: int, kind: str = "world"
) -> str:
    """The script: the same knobs (those that are not the default), seed and actions, and a claim about `life`."""
    lines = [f"title What became of {life.id}", f"about {life.id} of {life.key or 'nobody'}: {life.state}."]
    written = {name: _word(value) for name, value in knobs.items()}
    lines += [f"# {name} cannot be written here: save the run instead." for name, word in written.items() if not word]
    words = " ".join(f"{name}={word}" for name, word in written.items() if word)
    lines.append(f"{kind} {words} seed={seed}".replace("  ", " "))
    for timed in actions:
        args = {name: value for name, value in timed.action.args.items() if value not in ("", None)}
        given = " ".join(f"{name}={_word(value)}" for name, value in args.items())
        lines.append(f"at {timed.at}us {timed.action.name} {given}".rstrip())
    lines.append(f"run {end_us}us")
    lines.append(f'check count("effect", message="{life.id}") == {life.effects}')
    if life.state == "dead":
        lines.append(f'check count("dead", message="{life.id}") >= 1')
    return "\n".join(lines) + "\n"


def _word(value: Any) -> str:
    """A value as a script writes it; "" for what it cannot say (a quote, several lines)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f"{value:g}" if isinstance(value, float) else str(value)
    if '"' in text or "\n" in text:
        return ""
    return f'"{text}"' if not text or any(c in text for c in " #=") else text
