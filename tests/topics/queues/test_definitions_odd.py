"""Files that somebody wrote by hand or a machine wrote badly: a sentence for each, and never anything else."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from prayog_queues.engine.definitions import DefinitionError, read_any, to_asyncapi, topology_from_json
from prayog_queues.engine.envelope import Message
from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.port import Refused

RABBIT: dict[str, Any] = {
    "rabbit_version": "3.10.8", "users": [{"name": "guest"}], "vhosts": [{"name": "/"}],
    "policies": [{"pattern": "^o", "priority": 1, "apply-to": "queues", "definition": {"max-length": 5}}],
    "queues": [
        {"name": "orders", "durable": True, "arguments": {
            "x-message-ttl": 1_000, "x-dead-letter-exchange": "dlx", "x-queue-type": "quorum", "x-delivery-limit": 3}},
        {"name": "dead", "durable": False, "arguments": {}},
    ],
    "exchanges": [{"name": "events", "type": "topic"}, {"name": "dlx", "type": "fanout"}],
    "bindings": [
        {"source": "events", "destination": "orders", "destination_type": "queue", "routing_key": "a.#"},
        {"source": "dlx", "destination": "dead", "arguments": {"x-match": "any", "k": "v"}},
    ],
}  # fmt: skip
OWN: dict[str, Any] = {
    "queues": [{"name": "a", "ttl_us": 5, "jitter": 0.5, "full": "spill"}, {"name": "b", "partitions": 3}],
    "exchanges": [{"name": "e", "kind": "topic"}], "bindings": [{"exchange": "e", "queue": "a", "pattern": "#"}],
}  # fmt: skip
ASYNC: dict[str, Any] = yaml.safe_load(to_asyncapi(topology_from_json(json.dumps(OWN))).text)
ASYNC["channels"]["x"] = {"address": "x", "bindings": {"kafka": {"partitions": 3, "topic": "t"}, "mqtt": {}}}
ASYNC["channels"]["y"] = {"bindings": {"amqp": {"is": "queue", "queue": {"name": "q", "durable": True}}}}
ODD: tuple[Any, ...] = (
    None, 0, -1, 1.5, True, False, "", "x", [], {}, [1], [[]], {"a": 1}, ["x"], {"name": []}, 10**30, float("nan"),
    "[[",
)  # fmt: skip


def places(thing: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if here:
        yield here
    inside = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for key, value in inside:
        yield from places(value, (*here, key))


def spoilt(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """One or two values are gone, odd, or under a name that is none."""
    made = copy.deepcopy(document)
    for _ in range(rng.randint(1, 2)):
        *way, last = rng.choice(list(places(made)))
        holder: Any = made
        for key in way:
            holder = holder[key]
        what = rng.random()
        if what < 0.15:
            del holder[last]
        elif what < 0.25 and isinstance(holder, dict):
            holder[rng.choice(["zz", 5, None, True])] = rng.choice(ODD)
        else:
            holder[last] = copy.deepcopy(rng.choice(ODD))
    return made


@pytest.mark.parametrize("document", [RABBIT, OWN, ASYNC], ids=["rabbitmq", "own", "asyncapi"])
def test_a_spoilt_document_is_a_sentence_or_a_topology_that_runs(document: dict[str, Any]) -> None:
    rng, taken = random.Random(7), 0
    for n in range(250):
        made = spoilt(document, rng)
        try:
            topology = read_any(json.dumps(made) if n % 2 else yaml.safe_dump(made)).topology
        except DefinitionError:
            continue
        taken += 1
        model = Model(topology)
        for to in (*topology.queues, *topology.exchanges):
            with contextlib.suppress(Refused):  # one that holds nothing is full
                model.publish(Message("m", type="a.b"), to.name, 0)
    assert taken > 10


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"queues": [{"name": "a", "capacity": ' + "9" * 5_000 + "}]}", "cannot be read"),
        ('{"queues": [{"name": "a", "partitions": 1000000000}]}', "from 0 to 1,000; found 1000000000"),
        ('{"queues": [{"name": "a", "lease_us": -1}]}', r"queues\[0\].lease_us is a whole number from 0"),
        ('{"queues": [{"name": "a", "jitter": 2}]}', "a share from 0 to 1"),
        ("queues:\n- name: 2024-99-99\n", "cannot be read"),
        ("queues:\n- name: a\n  5: b\n", "has a name that is no text: 5"),
        ('{"rabbit_version": "3", "queues": [{"name": "a"}], "policies": [{"priority": "high"}]}', "priority"),
        ('{"rabbit_version": "3", "queues": 7}', "queues is a list"),
        ('{"users": 7, "queues": [{"name": "a"}]}', "users is a list"),
        ("asyncapi: 3.0.0\nchannels:\n  a:\n    address: [&a [x, x], *a]\n", "address is a text"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(DefinitionError, match=words):
        read_any(text)


def test_a_policy_that_cannot_be_read_is_noted_and_the_default_exchange_is_known() -> None:
    document = RABBIT | {
        "policies": [{"pattern": "((", "definition": {"max-length": 5}}],
        "bindings": [{"source": "", "destination": "orders", "destination_type": "queue", "routing_key": "orders"}],
    }
    found = read_any(json.dumps(document))
    assert "policies[0]: its pattern cannot be read; left out" in found.notes
    assert found.topology.bindings == ()
