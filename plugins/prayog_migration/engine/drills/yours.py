"""The learner's own `apply(table, memory, change)`: changes that come twice, late or after a restart must do no harm.

Why it exists: at-least-once delivery is what brokers and slots give; exactly once is made by the one who applies.

Rules
1. Changes of one key are numbered 1, 2, 3 … and come for the first time in that order; keys are mixed in any order.
2. After that any change may come again, at any time, also long after newer ones of its key.
3. The function gets the target's table and a memory of its own, both dicts, and changes them in place.
4. After every call the table must be what the changes so far say, each counted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prayog_sdk.code.function import events
from prayog_sdk.run import Computation, Emit
from prayog_sdk.specs import CodeSpec
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step

__all__ = ["APPLY", "YourApply", "stream"]

STARTER = '''\
def apply(table, memory, change):
    """Bring one change of the shop's stock into the table.

    table     item -> how many there are; change it in place
    memory    a dict of your own, kept between the calls
    change    change.item     such as "atta"
              change.number   1, 2, 3 ... of this item, in the order in which they happened
              change.what     "set", "add" or "remove"
              change.amount   for set and add

    A change may come again, at any time: once is enough.  "remove" takes the item
    out of the table.  Returns nothing.
    """
    if change.what == "set":
        table[change.item] = change.amount
    elif change.what == "add":
        table[change.item] = table.get(change.item, 0) + change.amount
    else:
        del table[change.item]
'''
APPLY = CodeSpec(
    "apply", "code", "An apply that may be repeated",
    "Whatever comes twice or late: after every change the table is what the changes say, each counted once.",
    STARTER, steps=2_000,
)  # fmt: skip
ITEMS = ("atta", "chai", "dal", "ghee", "rice", "sugar")


class Item:
    """A change as the learner's function sees it."""

    __slots__ = ("amount", "item", "number", "what")

    def __init__(self, item: str, number: int, what: str, amount: int) -> None:
        self.item, self.number, self.what, self.amount = item, number, what, amount

    def __repr__(self) -> str:
        return f"{self.item} {self.number}: {self.what}{f' {self.amount}' if self.what != 'remove' else ''}"


def stream(seed: int, count: int) -> list[tuple[Item, bool]]:
    """Changes as they arrive, and whether each is the first of its kind; the same seed gives the same."""
    rng = Rng.derive(seed, "stream")
    number: dict[str, int] = {}
    there: set[str] = set()
    sent: list[Item] = []
    arrived: list[tuple[Item, bool]] = []
    while len(arrived) < count:
        if sent and rng.random() < 0.3:
            arrived.append((rng.choice(sent[-12:]), False))
            continue
        if len(sent) > 8 and rng.random() < 0.05:  # a restart: the last ones come again, in their order
            arrived += [(change, False) for change in sent[-rng.randint(3, 8) :]]
            continue
        item = rng.choice(ITEMS)
        number[item] = number.get(item, 0) + 1
        what = "set" if item not in there else rng.choice(("set", "add", "add", "remove"))
        there.add(item) if what != "remove" else there.discard(item)
        change = Item(item, number[item], what, rng.randint(1, 50))
        sent.append(change)
        arrived.append((change, True))
    return arrived


def expected(table: dict[str, int], change: Item) -> None:
    """What one change does when it counts."""
    if change.what == "set":
        table[change.item] = change.amount
    elif change.what == "add":
        table[change.item] += change.amount
    else:
        del table[change.item]


class YourApply(Computation):
    """Calls the learner's function for each change of a stream."""

    def __init__(self, code: str, seed: int) -> None:
        super().__init__()
        self._seed = seed
        self._function = APPLY.function(code)

    def start(self) -> Mapping[str, Any]:
        return {"table": {}, "expected": {}, "right": True}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        if step.kind != "applied":
            return state
        return {"table": step.data["table"], "expected": step.data["expected"], "right": step.data["right"]}

    def perform(self, action: Action) -> Iterator[Emit]:
        if action.name != "play":
            raise ActionError(f"This drill knows the action play only, not {action.name}.")
        count = int(action.args.get("count") or 120)
        if not 1 <= count <= 2_000:
            raise ActionError(f"The stream has 1 to 2,000 changes; {count} were asked for.")
        return self._play(count)

    def _play(self, count: int) -> Iterator[Emit]:
        table: dict[Any, Any] = {}
        memory: dict[Any, Any] = {}
        truth: dict[str, int] = {}
        wrong = 0
        for change, new in stream(self._seed, count):
            if new:
                expected(truth, change)
            given = Item(change.item, change.number, change.what, change.amount)
            outcome = self._function(table, memory, given, expect=_nothing)
            for kind, data in events(outcome):
                yield kind, change.item, data
            right = table == truth
            wrong += not right
            yield "applied", change.item, {
                "change": repr(change), "again": not new, "right": right, "table": _shown(table),
                "expected": dict(truth),
            }  # fmt: skip
            if outcome.mistake is not None:
                return
        yield "played", "", {"count": count, "wrong": wrong}


def _nothing(value: Any) -> str:
    return "" if value is None else f"must return nothing and change the table in place; it returned {value!r:.60}."


def _shown(table: Mapping[Any, Any]) -> dict[str, Any]:
    """A learner may put anything into a table; the trace holds plain values."""
    return {
        str(key)[:40]: value if isinstance(value, bool | int | float | str) else repr(value)[:40]
        for key, value in table.items()
    }
