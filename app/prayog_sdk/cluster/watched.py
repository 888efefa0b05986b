"""The invariants of a world, judged on real processes too.

An invariant looks at all attributes of all nodes at one moment, also at those that nobody draws.  So where there are
invariants, a node's journal says which attributes a step changed, and here a copy of every node is kept up to date, in
the order of the trace.  That order follows the vector clocks, so the copies are always a *consistent cut* (F. Mattern,
"Virtual time and global states of distributed systems", 1989): a state that the system could have been in, and in
which the invariants must hold.

Rules
1. The attributes are pickled.  A journal is a file in a folder of this lab's own, written by processes that it started
   from the same code; nothing that came over a socket gets there but as a value (see `codec`).
2. An attribute that cannot be pickled makes its node unknown: then nothing is judged any more, and a sentence says so.
"""

from __future__ import annotations

import base64
import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prayog_sim.loop import Invariant, violations
from prayog_sim.node import Node

__all__ = ["Attributes", "Watch"]

_FIXED = (str, int, float, bool, bytes, tuple, frozenset, type(None))
_UNKNOWN = ""


class Attributes:
    """(In the node's process.)  Compares a node with what it was at the last call."""

    def __init__(self) -> None:
        self._raw: dict[str, Any] = {}
        self._said: dict[str, str] = {}

    def changes(self, node: Node) -> dict[str, str]:
        """The attributes that changed, each as a pickle in base 64; empty for one that has none."""
        found: dict[str, str] = {}
        for name, value in vars(node).items():
            if name in self._raw and self._raw[name] is value and isinstance(value, _FIXED):
                continue
            self._raw[name] = value
            said = _pickled(value)
            if self._said.get(name) != said:
                self._said[name] = found[name] = said
        return found


def _pickled(value: Any) -> str:
    try:
        return base64.b64encode(pickle.dumps(value, pickle.HIGHEST_PROTOCOL)).decode()
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError):
        return _UNKNOWN


class Watch:
    """(In the lab.)  Copies of the nodes that `factories` make, and what of `invariants` they violate."""

    def __init__(self, factories: Mapping[str, Callable[[], Node]], invariants: Iterable[Invariant]) -> None:
        self._factories = factories
        self._invariants = tuple(invariants)
        self._nodes = {name: factory() for name, factory in factories.items()} if self._invariants else {}
        self._broken: frozenset[str] = frozenset()
        self.blind = ""
        """Why nothing can be judged any more; empty while it can."""

    def __bool__(self) -> bool:
        """Whether there is anything to judge."""
        return bool(self._invariants)

    def note(self, name: str, changes: Mapping[str, str]) -> None:
        """After a step of `name`, these attributes are others."""
        node = self._nodes.get(name)
        if node is None:
            return
        for attribute, said in changes.items():
            if said == _UNKNOWN:
                self.blind = f"{name}.{attribute} cannot be written down, so what must hold is not judged from here on"
            else:
                setattr(node, attribute, pickle.loads(base64.b64decode(said)))

    def died(self, name: str) -> None:
        """The process of `name` is gone: what is left is durable."""
        old = self._nodes.get(name)
        if old is None:
            return
        fresh = self._nodes[name] = self._factories[name]()
        for attribute in old.durable:
            if hasattr(old, attribute):
                setattr(fresh, attribute, getattr(old, attribute))

    def news(self) -> dict[str, str]:
        """The invariants that are violated now and were not before, each with a sentence."""
        if self.blind:
            return {}
        wrong = violations(self._invariants, self._nodes)
        news = {name: said for name, said in wrong.items() if name not in self._broken}
        self._broken = frozenset(wrong)
        return news
