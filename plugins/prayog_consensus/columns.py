"""The trace as narrow text: one line an event, one column a node, so that a whole failure fits on a page.

In a column stands what the node is: ``L3`` leads in term 3, ``C4`` stands for election, ``·`` follows or waits, ``x``
is down, ``=`` is paused; brackets mark the node at which the event happened.  The form is that of TigerBeetle's VOPR.
All is read from the trace, step after step, so it is the same live, replayed and from a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from prayog_sim.clock import format_us
from prayog_sim.lines import line
from prayog_sim.trace import Effect, Step

__all__ = ["LEGEND", "Columns", "Row", "rows"]

LEGEND = "L leads · C stands for election · x down · = paused · the number is the term, view or epoch"
_CONSEQUENCE = frozenset({
    "leader", "stepdown", "candidate", "commit", "elected", "ok", "fail", "unknown", "overwrite", "stored",
    "fenced", "decided", "split", "merge",
})  # fmt: skip
"""Effects that make a step worth a line even when plain messages are left out."""
_STANDING = frozenset({
    "candidate", "precandidate", "electing", "waiting", "claiming", "looking", "changing", "preparing", "accepting",
})  # fmt: skip
"""States of the tables in which a node wants to lead or to have its value chosen."""
_QUIET = frozenset({"deliver", "timer", "start", "drop"})


@dataclass(frozen=True, slots=True)
class Row:
    """One event.  ``cells`` has a sign per node; ``plain``: a message or timer after which nothing has changed."""

    seq: int
    at: int
    node: str
    cells: tuple[str, ...]
    words: str
    plain: bool

    def text(self, nodes: Sequence[str]) -> str:
        """The line, with columns as wide as the longest name."""
        wide = max(4, *(len(name) + 1 for name in nodes)) if nodes else 4
        marked = (
            f"[{cell}]" if name == self.node else f" {cell} " for name, cell in zip(nodes, self.cells, strict=True)
        )
        return f"{format_us(self.at):>11}  {''.join(cell.ljust(wide + 1) for cell in marked)} {self.words}".rstrip()


class Columns:
    """Feed it every step in order; it tells the line of each."""

    def __init__(self, nodes: Sequence[str]) -> None:
        self.nodes = tuple(nodes)
        self._place = {name: place for place, name in enumerate(self.nodes)}
        self._signs = ["·"] * len(self.nodes)
        self._before: dict[int, str] = {}  # what a paused node was

    def head(self) -> str:
        """The names above the columns."""
        wide = max(4, *(len(name) + 1 for name in self.nodes)) if self.nodes else 4
        return f"{'time':>11}  {''.join(f' {name}'.ljust(wide + 1) for name in self.nodes)} event"

    def feed(self, step: Step) -> Row:
        """The line of the next step."""
        place = self._place.get(step.node)
        if place is not None:
            self._signs[place] = self._sign(step, place)
        plain = step.kind in _QUIET and not any(_tells(effect) for effect in step.effects)
        spoken = replace(step, effects=tuple(effect for effect in step.effects if effect.kind != "edge"))
        return Row(step.seq, step.at, step.node, tuple(self._signs), line(spoken), plain)

    def _sign(self, step: Step, place: int) -> str:
        sign = self._signs[place]
        if step.kind == "crash":
            sign = "x"
        elif step.kind == "restart":
            sign = "·"
        elif step.kind == "pause":
            self._before[place] = sign
            sign = "="
        elif step.kind == "resume":
            sign = self._before.pop(place, "·")
        for effect in step.effects:
            number = effect.data.get("term") or ""
            if effect.kind == "leader":
                sign = f"L{number}"
            elif effect.kind == "candidate":
                sign = f"C{number}"
            elif effect.kind == "stepdown":
                sign = "·"
            elif effect.kind == "edge" and not sign.startswith(("L", "x", "=")):
                if effect.data.get("to") not in _STANDING:
                    sign = "·"
                elif not sign.startswith("C"):
                    sign = "C"
        return sign


def _tells(effect: Effect) -> bool:
    return effect.kind in _CONSEQUENCE or (effect.kind == "edge" and effect.data["from"] != effect.data["to"])


def rows(nodes: Sequence[str], steps: Iterable[Step]) -> list[Row]:
    """All lines."""
    columns = Columns(nodes)
    return [columns.feed(step) for step in steps]
