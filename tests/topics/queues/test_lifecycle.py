"""One message's life, where messages are, and Little's law: what is read from a run for the panels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prayog_queues.engine.flow import Flow
from prayog_queues.engine.lifecycle import Lives, cloud_event
from prayog_queues.engine.port import Binding, Exchange, Queue, Topology
from prayog_queues.engine.queueing import Load, percentile
from prayog_queues.engine.setup import Setup, topology_of
from prayog_queues.engine.world.build import build
from prayog_sdk.qt.gauges import Gauges
from prayog_sdk.specs import SeriesSpec
from prayog_sim.trace import Trace

from .telling import Story


def read(story: Story) -> Lives:
    lives = Lives()
    for step in story.trace:
        lives.take(step)
    return lives


def ran(seed: int = 7, **knobs: object) -> tuple[Setup, Trace]:
    setup = replace(Setup(), **knobs)  # type: ignore[arg-type] # names of fields
    world = build(setup, seed)
    while world.busy and len(world.trace) < 40_000:
        world.step()
        if any(effect.kind == "finished" for effect in world.trace[-1].effects):
            break
    return setup, world.trace


def test_a_life_with_two_leases() -> None:
    story = Story()
    story.publish("x", "asha")
    slow = story.deliver("x", "w2")
    story.tell("lease_expired", "broker", message="x", receipt=slow, queue="orders", consumer="w2")
    story.handle("x", "w1")
    story.tell("stale_ack", "broker", message="x", receipt=slow, accepted=False, consumer="w2")
    lives = read(story)
    titles = [moment.title for moment in lives.story("x", story.trace)]
    assert titles == [
        "Published", "Stored", "Confirmed", "Handed to w2", "Handler runs", "Lease over", "Handed to w1",
        "Handler runs", "Effect: charge", "Acknowledged", "Late acknowledgement",
    ]  # fmt: skip
    life = lives.lives["x"]
    assert (life.key, life.state, life.attempts, life.effects, life.queue) == ("asha", "done", 2, 1, "orders")
    assert life.end_to_end_us == story.trace[lives.story("x", story.trace)[8].seq].at - story.trace[0].at
    assert "attempt 2" in lives.story("x", story.trace)[6].sentence
    assert lives.story("nobody", story.trace) == []


def test_deaths_are_told_one_by_one_and_the_grave_is_no_queue() -> None:
    story = Story()
    story.publish("x")
    for death in (1, 2):
        receipt = story.deliver("x")
        story.tell("failed", "w1", message="x", receipt=receipt, attempt=1, why="it cannot be read")
        story.tell("dead", "broker", message="x", queue="orders", to="orders.dead", reason="attempts", attempts=1,
                   deaths=death)  # fmt: skip
        story.store("x", "orders.dead")
        assert (read(story).lives["x"].state, read(story).lives["x"].queue) == ("dead", "orders.dead")
        story.tell("redriven", "broker", message="x", queue="orders", deaths=death)
        story.store("x", "orders")
    life = read(story).lives["x"]
    assert (life.state, life.deaths, life.queue) == ("waiting", 2, "orders")
    told = [moment.sentence for moment in read(story).story("x", story.trace) if moment.title == "Put aside"]
    assert told == [f"Death {n}, in orders: attempts. It is now in orders.dead." for n in (1, 2)]


def test_a_flow_is_a_tree_of_causes() -> None:
    story = Story()
    story.publish("order", correlation="flow 1")
    story.publish("charge", correlation="flow 1", causation="order")
    story.publish("mail", correlation="flow 1", causation="charge")
    story.publish("stock", correlation="flow 1", causation="order")
    story.publish("other", correlation="flow 2")
    tree = [(0, "order"), (1, "charge"), (2, "mail"), (1, "stock")]
    for name in ("order", "mail", "stock"):
        assert list(read(story).tree(name)) == tree
    assert list(read(story).tree("other")) == [(0, "other")]


def test_messages_are_found_by_id_key_and_state() -> None:
    story = Story()
    story.publish("p1-1", "asha")
    story.publish("p1-2", "ravi")
    story.handle("p1-1")
    lives = read(story)
    assert [life.id for life in lives.select("ASHA")] == ["p1-1"]
    assert [life.id for life in lives.select(state="waiting")] == ["p1-2"]
    assert [life.id for life in lives.select("p1")] == ["p1-1", "p1-2"]


def test_littles_law_holds_over_a_run_that_begins_and_ends_empty() -> None:
    _, trace = ran(messages=200, rate=30.0, arrivals="poisson", consumers=2, work_ms=40.0)
    load = Load()
    for step in trace:
        load.take(step)
    steady = [now for now in load.course if 1_500_000 < now.at < 6_000_000]
    assert len(steady) > 40
    observed = sum(now.observed for now in steady) / len(steady)
    predicted = sum(now.predicted for now in steady) / len(steady)
    assert observed == pytest.approx(predicted, rel=0.1)
    assert len(load.ends) == 200
    end = load.now(trace[-1].at)
    assert (end.depth, end.in_hand, end.lag, end.eta_us) == (0, 0, 0, -1)


def test_a_queue_that_grows_has_no_end_and_says_so() -> None:
    _, trace = ran(messages=400, rate=100.0, work_ms=20.0, consumers=1)
    load = Load()
    for step in trace:
        load.take(step)
    growing = load.at(2_000_000)
    assert growing is not None
    assert growing.depth > 50
    assert growing.eta_us == -1
    draining = load.at(6_500_000)
    assert draining is not None
    assert draining.eta_us > 0
    assert draining.predicted < draining.observed


def test_percentiles_are_nearest_rank() -> None:
    assert [percentile(list(range(1, 101)), p) for p in (50, 95, 99)] == [50, 95, 99]
    assert percentile([7], 99) == 7
    assert percentile([], 50) == -1


def test_the_flow_knows_where_messages_are() -> None:
    setup, trace = ran(messages=60, crash=10.0, consumers=2)
    flow = Flow(topology_of(setup)[0])
    for step in trace:
        flow.take(step)
    assert flow.depth("orders") == 0
    assert all(not flow.held(name) for name in flow.consumers)
    assert flow.outside["charge"] == sum(effect.kind == "effect" for step in trace for effect in step.effects)
    assert flow.doubled["charge"] > 0
    assert flow.edges["p:p1", "q:orders"].count == 60


def test_a_binding_that_matches_nothing_is_idle_and_edits_are_read() -> None:
    known = Topology((Queue("a"), Queue("b")), (Exchange("events", "topic"),), (Binding("events", "a", "#"),))
    story = Story()
    story.tell("action", "", name="bind", exchange="events", queue="b", pattern="nothing.*")
    story.tell("action", "", name="declare_queue", queue="c")
    story.tell("action", "", name="declare_exchange", exchange="more", kind="fanout")
    story.tell("publish", "p1", message="x", key="k", number=1, to="events", attempt=1)
    story.store("x", "a")
    flow = Flow(known)
    for step in story.trace:
        flow.take(step)
    assert [(b.queue, flow.idle(b)) for b in flow.topology.bindings] == [("a", False), ("b", True)]
    assert flow.queues() == ["a", "b", "c"]
    assert flow.topology.exchanges[-1] == Exchange("more", "fanout")
    story.tell("action", "", name="unbind", exchange="events", queue="b", pattern="nothing.*")
    flow.take(story.trace[-1])
    assert [b.queue for b in flow.topology.bindings] == ["a"]


def test_a_message_is_shown_as_a_cloud_event() -> None:
    _, trace = ran(messages=3, rate=50.0)
    lives = Lives()
    for step in trace:
        lives.take(step)
    message = lives.envelope("p1-1", trace)
    assert message is not None
    shown = dict(cloud_event(message))
    assert (shown["id"], shown["source"], shown["subject"]) == ("p1-1", "p1", message.key)
    assert '"order": "p1-1"' in shown["data"]
    assert "signature" not in shown
    assert lives.envelope("nobody", trace) is None


def test_the_gauges_of_a_real_run_are_curves_too() -> None:
    """A session has no effects: its gauges are steps."""
    story = Story()
    for value in (3, 5):
        story.tell("gauge", "broker", name="depth", value=value)
    gauges = Gauges((SeriesSpec("depth", "Waiting"),))
    for step in story.trace:
        gauges.add(step)
    assert [list(curve.values) for curve in gauges.of(SeriesSpec("depth", "Waiting"))] == [[3, 5]]


def test_a_dead_consumer_holds_its_lease_and_not_longer() -> None:
    story = Story()
    story.publish("x")
    receipt = story.deliver("x", "w1")
    story.tell("crashed", "w1", point="before_work", how="process")
    flow = Flow(Topology((Queue("orders"),)))
    for step in story.trace:
        flow.take(step)
    assert (flow.held("w1"), flow.depth("orders"), flow.down) == (1, 0, {"w1"})
    story.tell("lease_expired", "broker", message="x", receipt=receipt, queue="orders", consumer="w1")
    flow.take(story.trace[-1])
    assert (flow.held("w1"), flow.depth("orders")) == (0, 1)
