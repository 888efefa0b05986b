"""A counter-example is an ordinary run: shown, stepped through, made short, and never something else."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, ClassVar

import pytest

from prayog_sim.clock import ms
from prayog_sim.explorer import (
    Bounds,
    Choice,
    Explorer,
    NotReplayed,
    Path,
    Property,
    Snapshot,
    System,
    minimise,
    replay,
    walk,
    wander,
)
from prayog_sim.lines import line
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action
from sim.explorer import models, protocols


def counter_example(system: System, name: str) -> Path[Any]:
    path = Explorer(system).run()[name].path
    assert path is not None
    return path


FORGETFUL = (protocols.voters(3, forgets=True), Bounds(within=protocols.terms(2), crashes=1), [protocols.ONE_LEADER])


def test_a_forgotten_vote_elects_two_and_the_world_shows_how() -> None:
    system = System(*FORGETFUL)
    world = replay(system, counter_example(system, "one leader per term"))
    assert [line(step) for step in world.trace if step.kind != "start"] == [
        "n1 timer election",
        "n1 → n2 Ask term=1",
        "n2 → n1 Grant term=1 · leader term=1",
        "n2 crash",
        "n2 restart",
        "n3 timer election",
        "n3 → n2 Ask term=1",
        "n2 → n3 Grant term=1 · leader term=1",
        "violation one leader per term: n1 and n3 both lead term 1",
    ]
    assert [step.at for step in world.trace if step.kind == "deliver"] == [ms(20), ms(30), ms(70), ms(80)]
    assert world.view(5).nodes["n1"].look.role == ""
    assert world.fork(4).trace[-1] == world.trace[4]
    assert world.run(max_steps=50) == 50  # and it can be run on from there


def test_the_same_path_gives_the_same_trace_in_another_model() -> None:
    path = counter_example(System(*FORGETFUL), "one leader per term")
    assert replay(System(*FORGETFUL), path).trace.hash() == replay(System(*FORGETFUL), path).trace.hash()


@pytest.mark.parametrize("network", ["ordered", "unordered", "unordered-duplicating"])
@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_explorer_can_do_a_world_can_do(network: Any, seed: int) -> None:
    bounds = Bounds(network, drops=2, duplicates=2, crashes=2, within=protocols.terms(6))
    system = System(protocols.voters(3), bounds)
    steps = count()
    found = wander(system, lambda state: next(steps) >= 25, seed=seed)
    assert found is not None
    world = replay(system, found, network=Network(Link(Fixed(ms(3)))))
    last = system.snapshot(walk(system, found)[-1])
    for name, node in world.view().nodes.items():
        assert node.status == last.status[name]
        assert {**node.durable, **node.volatile} == vars(last.nodes[name])


class Random(Node):
    """Rolls a die each time."""

    def __init__(self) -> None:
        self.rolls: tuple[int, ...] = ()

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("roll", ctx.rng.randint(100, 100_000))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.rolls = (*self.rolls, ctx.rng.randint(1, 6))
        if len(self.rolls) < 3:
            ctx.set_timer("roll", 1_000)


def test_a_path_with_draws_is_replayed_under_a_seed_that_draws_the_same() -> None:
    wanted: Property[Snapshot] = Property("sometimes", "541", lambda seen: seen.nodes["n1"].rolls == (5, 4, 1))  # type: ignore[attr-defined]
    system = System({"n1": Random}, properties=[wanted])
    path = counter_example(system, "541")
    assert [str(choice) for choice in path.actions] == [
        "n1 timer roll (draw 5)",
        "n1 timer roll (draw 4)",
        "n1 timer roll",
    ]
    world = replay(system, path)
    assert world.view().nodes["n1"].volatile["rolls"] == (5, 4, 1)
    assert world.seed > 0


def test_a_world_that_does_something_else_is_not_handed_out() -> None:
    system = System(*FORGETFUL)
    path = counter_example(system, "one leader per term")
    system.nodes = protocols.voters(3, forgets=False)  # as if the engine were not deterministic
    with pytest.raises(NotReplayed, match=r"after choice 4 \(n2 crash\), n2.vote is 'n1' in the world and ''"):
        replay(system, path)


def test_a_walk_goes_astray_and_is_made_short() -> None:
    system = System(protocols.two_phase(3, hasty=True), Bounds("unordered-duplicating"), [protocols.CONSISTENT])
    consistent = system.properties[1].test
    found = wander(system, lambda state: not consistent(state), seed=1)
    assert found is not None
    short = minimise(system, found, lambda state: not consistent(state))
    assert len(short.actions) < len(found.actions)
    assert len(short.actions) == len(counter_example(system, "consistent").actions) == 9
    trace = replay(system, short).trace
    assert trace[-1].kind == "violation"
    times = [step.at for step in trace if step.kind in ("deliver", "timer")]
    assert times == [100 * place for place in range(1, 10)]  # µs: timers of 1 ms leave no room for more


def test_every_choice_of_a_minimised_path_is_needed() -> None:
    model = models.ChangRoberts(3, forward_all=True)
    found = wander(model, lambda state: not model.correct(state), seed=3)
    assert found is not None
    short = minimise(model, found, lambda state: not model.correct(state))
    for place in range(len(short.actions)):
        less = Path(short.start, short.actions[:place] + short.actions[place + 1 :])
        with pytest.raises(ValueError, match="nothing to minimise"):
            minimise(model, less, lambda state: not model.correct(state))


class Clerk(Node):
    """Files what it is asked to through a message to itself, on disk; a second time it slips."""

    actions: ClassVar[tuple[str, ...]] = ("file",)

    def __init__(self) -> None:
        self.filed = 0

    def on_start(self, ctx: Ctx) -> None:
        self.filed = len(ctx.disk.read("files"))

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        ctx.send(ctx.me, args["paper"])

    def on_message(self, src: str, msg: str, ctx: Ctx) -> None:
        ctx.disk.append("files", msg.encode())
        if self.filed:
            raise RuntimeError("the drawer is full")
        ctx.disk.fsync("files")
        self.filed += 1


def test_actions_messages_to_oneself_disks_and_failures_are_replayed_too() -> None:
    asks = tuple(Action("file", {"node": "clerk", "paper": paper}) for paper in "ab")
    system = System({"clerk": Clerk, "other": Clerk}, Bounds(crashes=1, actions=asks))
    path = counter_example(system, "no handler fails")
    assert [str(choice) for choice in path.actions] == [
        "clerk action file paper=a",
        "deliver clerk → clerk a",
        "clerk action file paper=b",
        "deliver clerk → clerk b",
    ]
    world = replay(system, path)
    assert world.trace[-1].kind == "error"
    assert world.view().nodes["clerk"].status == "down"
    crashed = Path(0, (*path.actions[:2], Choice("crash", "clerk"), Choice("restart", "clerk")))
    assert replay(system, crashed).view().nodes["clerk"].volatile["filed"] == 1
