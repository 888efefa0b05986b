"""Topologies in and out of files: RabbitMQ's definitions, AsyncAPI 3, our own JSON; and what is wrong with one."""

from __future__ import annotations

import json

import pytest

from prayog_queues.engine.definitions import (
    DefinitionError,
    from_asyncapi,
    from_rabbitmq,
    read_any,
    to_asyncapi,
    to_rabbitmq,
    topology_from_json,
    topology_to_json,
)
from prayog_queues.engine.port import Binding, Exchange, Queue, Topology
from prayog_queues.topic import prayog_build, prayog_params
from prayog_sdk.params import ParamError, parse

RABBIT = {
    "rabbit_version": "3.13.2",
    "rabbitmq_version": "3.13.2",
    "users": [{"name": "guest", "password_hash": "secret", "tags": ["administrator"]}],
    "vhosts": [{"name": "/"}],
    "permissions": [{"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
    "policies": [
        {"vhost": "/", "name": "limits", "pattern": "^orders", "apply-to": "queues", "priority": 1,
         "definition": {"max-length": 1000, "overflow": "reject-publish", "message-ttl": 60000}},
        {"vhost": "/", "name": "weaker", "pattern": ".*", "apply-to": "all", "definition": {"max-length": 5}},
    ],
    "queues": [
        {"name": "orders.billing", "vhost": "/", "durable": True, "auto_delete": False,
         "arguments": {"x-queue-type": "quorum", "x-delivery-limit": 4, "x-dead-letter-exchange": "dlx",
                       "x-dead-letter-routing-key": "billing"}},
        {"name": "audit", "vhost": "/", "durable": False, "auto_delete": False,
         "arguments": {"x-max-priority": 10, "x-single-active-consumer": True, "x-queue-mode": "lazy"}},
        {"name": "billing.dead", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}},
        {"name": "clicks", "vhost": "/", "durable": True, "arguments": {"x-queue-type": "stream"}},
    ],
    "exchanges": [
        {"name": "orders", "vhost": "/", "type": "topic", "durable": True, "arguments": {}},
        {"name": "dlx", "vhost": "/", "type": "direct", "durable": True, "arguments": {}},
        {"name": "by_city", "vhost": "/", "type": "headers", "durable": True, "arguments": {}},
        {"name": "later", "vhost": "/", "type": "x-delayed-message", "durable": True, "arguments": {}},
    ],
    "bindings": [
        {"source": "orders", "vhost": "/", "destination": "orders.billing", "destination_type": "queue",
         "routing_key": "order.#", "arguments": {}},
        {"source": "dlx", "vhost": "/", "destination": "billing.dead", "destination_type": "queue",
         "routing_key": "billing", "arguments": {}},
        {"source": "by_city", "vhost": "/", "destination": "audit", "destination_type": "queue", "routing_key": "",
         "arguments": {"x-match": "any", "city": "Pune", "express": "yes"}},
        {"source": "orders", "vhost": "/", "destination": "later", "destination_type": "exchange",
         "routing_key": "#", "arguments": {}},
    ],
}  # fmt: skip

ASYNCAPI = """
asyncapi: 3.0.0
info: {title: Shop, version: 1.0.0}
channels:
  orderPlaced:
    address: shop.order.placed
    messages:
      orderPlaced: {payload: {type: object}}
  payments:
    address: payments
    bindings:
      amqp: {is: queue, queue: {name: payments, durable: false}, bindingVersion: 0.3.0}
  events:
    address: shop.events
    bindings:
      amqp: {is: routingKey, exchange: {name: shopEvents, type: topic}, bindingVersion: 0.3.0}
  clicks:
    address: clicks
    bindings:
      kafka: {topic: site.clicks, partitions: 12, bindingVersion: 0.5.0}
      ws: {}
operations:
  placeOrder:
    action: send
    channel: {$ref: '#/channels/orderPlaced'}
  bill:
    action: receive
    channel: {$ref: '#/channels/orderPlaced'}
  ship:
    action: receive
    channel: {$ref: '#/channels/orderPlaced'}
  watch:
    action: receive
    channel: {$ref: '#/channels/events'}
"""


def test_rabbitmq_definitions_come_in_with_what_policies_and_dead_letter_exchanges_say() -> None:
    read = from_rabbitmq(json.dumps(RABBIT))
    billing, audit, dead, clicks = read.topology.queues
    assert (billing.capacity, billing.full, billing.ttl_us) == (1_000, "drop new", 60_000_000)
    assert (billing.durability, billing.attempts, billing.dead_letters) == ("replicated", 5, "billing.dead")
    assert (audit.durability, audit.priorities, audit.single_active, audit.capacity) == ("memory", True, True, 5)
    assert dead.lease_us == 0
    assert clicks.partitions == 1
    assert Binding("by_city", "audit", "any: city=Pune, express=yes") in read.topology.bindings
    said = " ".join(read.notes)
    for left in ("users: 1", "x-queue-mode", "x-delayed-message", "from exchange to exchange"):
        assert left in said
    assert "secret" not in said + repr(read.topology)


def test_what_goes_out_to_rabbitmq_comes_back() -> None:
    first = from_rabbitmq(json.dumps(RABBIT)).topology
    out = to_rabbitmq(first)
    assert from_rabbitmq(out.text).topology == first
    unable = to_rabbitmq(Topology((Queue("q", backoff_us=1, dedup_us=5, by_key=True, partitions=3),)))
    for word in ("a backoff", "deduplication", "each key", "3 partitions"):
        assert any(word in note for note in unable.notes), word


def test_asyncapi_comes_in() -> None:
    read = from_asyncapi(ASYNCAPI)
    names = {queue.name: queue for queue in read.topology.queues}
    made = {"shop.order.placed.bill", "shop.order.placed.ship", "shopEvents.watch"}
    assert set(names) == {*made, "payments", "site.clicks"}
    assert names["payments"].durability == "memory"
    assert names["site.clicks"].partitions == 12
    assert read.topology.exchanges == (Exchange("shop.order.placed", "fanout"), Exchange("shopEvents", "topic"))
    assert Binding("shopEvents", "shopEvents.watch", "#") in read.topology.bindings
    assert any("ws" in note for note in read.notes)


OWN = Topology(
    (Queue("orders", attempts=5, dead_letters="orders.dead", ttl_us=5_000_000, jitter=0.5), Queue("orders.dead"),
     Queue("a/b~c", by_key=True), Queue("log", 4, "replicated")),
    (Exchange("events", "topic"),),
    (Binding("events", "orders", "order.#"),),
)  # fmt: skip


def test_nothing_is_lost_on_the_way_out_and_back() -> None:
    assert topology_from_json(topology_to_json(OWN)) == OWN
    assert from_asyncapi(to_asyncapi(OWN).text).topology == OWN
    for text in (topology_to_json(OWN), to_asyncapi(OWN).text, to_rabbitmq(OWN).text):
        assert {q.name for q in read_any(text).topology.queues} == {q.name for q in OWN.queues}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is no topology yet"),
        ('{"queues": [{"name": "a"}', "line 1, column 26: this is not JSON"),
        ("[1, 2]", "the document is an object {…}; found list"),
        ('{"queues": []}', "there is no queue in it"),
        ('{"queues": [{}]}', "queues[0].name is a text that is not empty; found None"),
        ('{"queues": [{"name": "a", "ttl": 5}]}', "queues[0] has no field 'ttl'"),
        ('{"queues": [{"name": "a", "attempts": "many"}]}', "queues[0].attempts is int; found 'many'"),
        ('{"queues": [{"name": "a", "full": "explode"}]}', "queues[0].full is one of block, drop new"),
        ('{"queues": [{"name": "a"}, {"name": "a"}]}', "there are two queues called 'a'"),
        ('{"queues": [{"name": "a"}], "bindings": [{"exchange": "x", "queue": "a"}]}', "bindings[0] begins at 'x'"),
        ('{"queues": [{"name": "a"}], "exchanges": [{"name": "x", "kind": "round"}]}', "exchanges[0].kind is one of"),
    ],
)
def test_what_is_wrong_with_our_own_json(text: str, says: str) -> None:
    with pytest.raises(DefinitionError) as error:
        topology_from_json(text)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("asyncapi: 2.6.0\nchannels: {a: {}}", "asyncapi is 3.x here; found 2.6.0"),
        ("asyncapi: 3.0.0\nchannels: {}", "channels is empty"),
        ("asyncapi: 3.0.0\nchannels: [", "line 2, column"),
        ("asyncapi: 3.0.0\nchannels: {a: 5}", "channels.a is an object"),
        ("asyncapi: 3.0.0\nchannels: {a: {}}\noperations: {o: {action: receive, channel: {$ref: '#/channels/b'}}}",
         "operations.o.channel leads to '#/channels/b', and there is no such channel"),
        ("asyncapi: 3.0.0\nchannels: {a: {}}\noperations: {o: {action: eat}}",
         "operations.o.action is send or receive"),
        ("asyncapi: 3.0.0\nchannels: {a: {bindings: {kafka: {partitions: 0}}}}", "partitions is a whole number from 1"),
        ('{"rabbit_version": "3", "queues": [{"name": "a", "arguments": {"x-max-length": -1}}]}',
         "queues[0].arguments.x-max-length is a whole number from 0; found -1"),
        ('{"rabbit_version": "3"}', "is this an export of RabbitMQ’s definitions?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_somebody_elses_file(text: str, says: str) -> None:
    with pytest.raises(DefinitionError) as error:
        read_any(text)
    assert says in str(error.value)


def test_an_imported_topology_runs_and_a_wrong_one_is_refused_at_its_knob() -> None:
    params = parse(prayog_params(), {"kind": "own", "topology": topology_to_json(OWN), "messages": 5, "consumers": 3})
    run = prayog_build(params, 1)
    run.run(until_us=2_000_000)
    assert sum(e.kind == "stored" for step in run.trace for e in step.effects) == 5
    with pytest.raises(ParamError, match="topology: ") as error:
        prayog_build(parse(prayog_params(), {"kind": "own", "topology": "{"}), 1)
    assert error.value.name == "topology"
