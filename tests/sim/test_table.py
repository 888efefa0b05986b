"""A state machine as a table drives its node, draws itself and knows what was not tried."""

from __future__ import annotations

from typing import Any

import pytest

from prayog_sim.node import Ctx, Node
from prayog_sim.table import Row, Table, TableError
from prayog_sim.world import World

PHONE = Table(
    "idle",
    (
        Row("idle", "ring", "busy", when="muted", why="nobody hears it"),
        Row("idle", "ring", "ringing", do="start_bell"),
        Row("ringing", "lift", "talking"),
        Row("talking", "hang up", "idle"),
        Row("busy", "hang up", "idle"),
    ),
)


class Phone(Node):
    durable = ("state",)

    def __init__(self) -> None:
        self.state = PHONE.start
        self.bells = 0

    def muted(self, ctx: Ctx) -> bool:
        return self.bells > 0

    def start_bell(self, ctx: Ctx) -> None:
        self.bells += 1

    def on_start(self, ctx: Ctx) -> None:
        for event in ("ring", "lift", "hang up", "ring"):
            PHONE.fire(self, event, ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        PHONE.fire(self, msg, ctx)


def test_the_table_drives_the_node_and_every_edge_is_in_the_trace() -> None:
    run = World({"n1": Phone}, strict=True)
    run.run()
    edges = [(effect.data["from"], effect.data["to"]) for effect in run.trace[0].effects]
    assert edges == [("idle", "ringing"), ("ringing", "talking"), ("talking", "idle"), ("idle", "busy")]
    assert run.view().nodes["n1"].durable == {"state": "busy"}
    assert PHONE.untried([run.trace]) == (Row("busy", "hang up", "idle"),)
    assert PHONE.states == ("idle", "busy", "ringing", "talking")
    assert PHONE.events == ("ring", "lift", "hang up")


def test_an_event_that_no_row_knows_is_a_mistake() -> None:
    with pytest.raises(TableError, match="idle does not know the event 'lift'; it knows ring"):
        PHONE.fire(Phone(), "lift", Ctx("n1"))


def test_a_table_with_a_useless_row_is_refused() -> None:
    with pytest.raises(TableError, match=r"a \+ x → c is never reached: a row above always fits"):
        Table("a", (Row("a", "x", "b"), Row("a", "x", "c")))
    with pytest.raises(TableError, match="no way leads from a to c, d"):
        Table("a", (Row("a", "x", "b"), Row("c", "x", "d")))
    guarded = Table("a", (Row("a", "x", "b", when="never"),))
    owner = Phone()
    owner.state, owner.never = "a", lambda ctx: False  # type: ignore[attr-defined]
    with pytest.raises(TableError, match="a cannot take 'x' now: none of never holds"):
        guarded.fire(owner, "x", Ctx("n1"))
