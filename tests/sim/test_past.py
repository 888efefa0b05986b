"""Going back: seeking equals running again, a fork has the same past, and nothing disturbs the live run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_sim.network import Exponential, Fixed, Link, LogNormal, Network, Uniform
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action, ActionError, View
from prayog_sim.world import Invariant, NotDeterministic, World

NAMES = ("n1", "n2", "n3", "n4")


class Busy(Node):
    """A gossip that uses everything a node has: stream, clock, disk, timers, shared and durable state."""

    durable = ("told",)

    def __init__(self) -> None:
        self.told: list[str] = []
        self.same = self.told  # one object under two names
        self.left = 6
        self.heard: dict[str, list[int]] = {}

    def on_start(self, ctx: Ctx) -> None:
        self.heard["disk"] = [len(ctx.disk.read("log"))]
        ctx.set_timer("tick", ctx.rng.randint(500, 2_000))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.left -= 1
        if self.left > 0:
            ctx.set_timer("tick", ctx.rng.randint(500, 2_000))
            ctx.send(ctx.rng.choice(ctx.peers), (ctx.me, self.left))
            ctx.broadcast("all")

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.told.append(src)
        assert self.same is self.told or not self.same
        self.heard.setdefault(src, []).append(ctx.now)
        ctx.disk.append("log", src.encode())
        if ctx.rng.random() < 0.3:
            ctx.disk.fsync("log")
        ctx.gauge("told", len(self.told))


def patient(nodes: Mapping[str, Node]) -> str | None:
    """An invariant that is violated now and then."""
    most = max(len(node.told) for node in nodes.values() if isinstance(node, Busy))
    return f"somebody was told {most} times" if most % 5 == 4 else None


def steps_in_between(run: World, limit: int) -> list[View]:
    """All views of a live run, taken as it goes."""
    views = [run.view()]
    while len(views) <= limit and run.step() is not None:
        views += [run.view()] * (len(run.trace) + 1 - len(views))
    return views


node = st.sampled_from(NAMES)
fault_actions = st.one_of(
    st.builds(lambda n, p: Action("crash", {"node": n, "in_flight": p}), node, st.sampled_from(["keep", "drop"])),
    st.builds(lambda verb, n: Action(verb, {"node": n}), st.sampled_from(["restart", "pause", "resume"]), node),
    st.builds(lambda verb, n: Action(verb, {"node": n}), st.sampled_from(["torn", "losesync"]), node),
    st.builds(
        lambda a, b, p: Action("cut", {"src": a, "dst": b, "in_flight": p}),
        node,
        node,
        st.sampled_from(["keep", "drop"]),
    ),
    st.builds(
        lambda g: Action("partition", {"groups": g}), st.sampled_from(["n1|n2,n3", "n1,n2|n3,n4", "n4|n1,n2,n3"])
    ),
    st.just(Action("heal", {})),
    st.builds(
        lambda n, o, r: Action("skew", {"node": n, "offset": o, "rate": r}),
        node,
        st.integers(-5_000, 5_000),
        st.floats(-0.5, 0.5),
    ),
    st.builds(
        lambda loss, re: Action("link", {"src": "*", "dst": "*", "loss": loss, "reorder": re}),
        st.floats(0, 0.5),
        st.floats(0, 1),
    ),
    st.builds(
        lambda verb, k: Action(verb, {"ident": k}),
        st.sampled_from(["drop", "deliver", "delay", "duplicate"]),
        st.integers(0, 60),
    ),
)
links = st.builds(
    Link,
    st.sampled_from([Fixed(1_000), Uniform(100, 5_000), Exponential(1_000), LogNormal(800)]),
    *(st.sampled_from([0.0, 0.2]) for _ in range(3)),
    st.booleans(),
)
plans = st.lists(st.tuples(st.integers(0, 12), fault_actions), max_size=14)


def live(seed: int, link: Link, plan: list[tuple[int, Action]]) -> tuple[World, list[View]]:
    """A run under `plan` (steps to take, then an action), and its views as they were at the time."""
    run = World(
        dict.fromkeys(NAMES, Busy), seed=seed, network=Network(link), invariants=[Invariant("patient", patient)]
    )
    views = steps_in_between(run, 0)
    for steps, action in [*plan, (500, Action("heal"))]:
        for _ in range(steps):
            if run.step() is None:
                break
            views += [run.view()] * (len(run.trace) + 1 - len(views))
        try:
            run.do(action)
        except ActionError:
            continue
        views += [run.view()] * (len(run.trace) + 1 - len(views))
    return run, views


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1_000), links, plans, st.data())
def test_seeking_and_forking_give_the_same_past_under_any_faults(
    seed: int, link: Link, plan: list[tuple[int, Action]], data: st.DataObject
) -> None:
    run, views = live(seed, link, plan)
    run._World__saves.clear()
    if data.draw(st.booleans(), label="with a checkpoint on the way"):
        run._World__saves = checkpoints(run, data.draw(st.integers(0, len(run.trace) - 1), label="where"))
    starts: list[Any] = []
    start = run._World__from
    run._World__from = lambda save: starts.append(save) or start(save)  # type: ignore[attr-defined,func-returns-value]
    digest, last = run.trace.hash(), len(run.trace) - 1
    for at in data.draw(st.lists(st.integers(-1, last), min_size=1, max_size=6), label="seek to"):
        starts.clear()
        seen, then = run.view(at), views[at + 1]
        kept = run._World__saves
        assert starts.count(None) <= (not kept or kept[0].seq > at + 1)  # the checkpoint was enough
        assert (seen.nodes, seen.flights, seen.cuts) == (then.nodes, then.flights, then.cuts)
        fork = run.fork(at)
        assert list(fork.trace) == list(run.trace)[: len(fork.trace)]
        assert len(fork.trace) - at - 1 <= 1  # the violation of that step comes along
        fork.run(max_steps=20)
        assert list(fork.trace)[: at + 1] == list(run.trace)[: at + 1]
    assert (run.trace.hash(), len(run.trace) - 1) == (digest, last)
    assert run.view() == views[-1]


def checkpoints(run: World, at: int) -> list[Any]:
    """What a world keeps at step `at`, had it been time for a checkpoint."""
    again = run._World__again(at)
    again._World__save_at = 0
    again._World__save()
    return again._World__saves


def test_what_a_checkpoint_holds_is_enough() -> None:
    def small(nodes: Mapping[str, Node]) -> str | None:
        return "n1 was told something" if nodes["n1"].told else None  # type: ignore[attr-defined]

    run = World(dict.fromkeys(NAMES, Busy), 3, invariants=[Invariant("small", small)], strict=True)
    run.run(max_steps=30)
    run.do(Action("crash", {"node": "n2"}))
    run.run(max_steps=10)
    assert any(step.kind == "violation" for step in run.trace)
    run._World__save()
    run.run(max_steps=10)
    run.do(Action("restart", {"node": "n2"}))
    run.run(max_steps=40)
    assert [save.actions for save in run._World__saves] == [1]
    calls = []
    start = run._World__from
    run._World__from = lambda save: calls.append(save) or start(save)  # type: ignore[method-assign,func-returns-value]
    run.view(run._World__saves[0].seq + 30)
    assert calls == run._World__saves


def test_a_long_run_keeps_checkpoints_and_seeks_among_them(gossip: Callable[..., World]) -> None:
    run = gossip(20, rounds=800, network=Network(Link(loss=0.1, duplicate=0.1)))
    run.run(max_steps=5_000)
    run.do(Action("crash", {"node": "n3"}))
    run.run(max_steps=5_000)
    run.do(Action("restart", {"node": "n3"}))
    run.run(max_steps=5_000)
    assert len(run._World__saves) > 2
    twin = gossip(20, rounds=800, network=Network(Link(loss=0.1, duplicate=0.1)))
    twin.run(max_steps=5_000)
    assert run.view(4_999) == twin.view()
    twin.do(Action("crash", {"node": "n3"}))
    twin.run(max_steps=4_500)
    assert run.view(9_500) == twin.view()
    fork = run.fork(9_500)
    fork.run(max_steps=4_000)
    assert run.trace[:9_501] == fork.trace[:9_501]
    fork.do(Action("heal"))
    assert run.trace[-1] != fork.trace[-1]


def test_a_fork_goes_its_own_way(gossip: Callable[..., World]) -> None:
    run = gossip(rounds=20)
    run.run(until_us=30_000)
    fork = run.fork()
    fork.do(Action("partition", {"groups": "n1,n2|n3,n4,n5"}))
    fork.run(until_us=90_000)
    run.run(until_us=90_000)
    assert run.view().cuts == ()
    assert len(fork.actions) == 1
    assert run.actions == []
    assert list(run.trace) != list(fork.trace)


def test_views_share_nothing_with_the_running_nodes() -> None:
    run = World({"n1": Busy, "n2": Busy}, strict=True)
    run.run(max_steps=5)
    view = run.view()
    before = list(view.nodes["n2"].durable["told"])
    run.run()
    assert view.nodes["n2"].durable["told"] == before


def test_nodes_that_pickle_cannot_copy_are_copied_all_the_same() -> None:
    class Local(Busy):  # a class inside a function has no name that pickle could find
        pass

    run = World({"n1": Local, "n2": Local}, strict=True)
    run.run(max_steps=6)
    views = [run.view(i) for i in range(-1, 5)]
    run._World__save()
    assert run._World__saves
    run.run()
    assert [run.view(i) for i in range(-1, 5)] == views


def test_an_engine_that_is_not_deterministic_is_found_out() -> None:
    calls = iter(range(1_000))

    class Ambient(Node):
        def on_start(self, ctx: Ctx) -> None:
            ctx.note(f"call number {next(calls)} in this process")

    run = World({"n1": Ambient, "n2": Ambient}, strict=True)
    run.run()
    with pytest.raises(NotDeterministic, match="step 0 is another one"):
        run.view(0)


def test_a_node_that_keeps_its_ctx_costs_speed_and_no_correctness() -> None:
    class Keeper(Node):
        def on_start(self, ctx: Ctx) -> None:
            self._ctx = ctx

    run = World({"n1": Keeper}, strict=True)
    run.run()
    run._World__save()
    assert run._World__saves == []
    assert run.view(-1).seq == -1


def test_a_subclass_may_call_its_own_what_it_likes() -> None:
    class Named(World):
        def __init__(self, *args: Any, **more: Any) -> None:
            super().__init__(*args, **more)
            for name in ("_state", "_records", "_trace", "_floor", "_saves", "_past", "_shown", "_nodes", "_loop"):
                setattr(self, name, "mine")

        def _advance(self) -> str:
            return "mine"

        _save = _again = _from = _replay = _advance

    plain, named = (kind(dict.fromkeys(NAMES, Busy), 3) for kind in (World, Named))
    for run in (plain, named):
        run.run(max_steps=60)
    assert named.trace.hash() == plain.trace.hash()
    assert named.view(20) == plain.view(20)
    assert isinstance(named.fork(20), Named)
