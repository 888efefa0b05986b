"""The guarantee matrix: questions that are tried on a broker, never looked up.  Each is a small experiment on the port.

Rules
1. A probe knows only the port and a way to let time pass, so the same one runs on the simulator and on real brokers.
2. What a broker refuses to have (`Unable`) is the answer ``unable``, with its own sentence.  What only our adapter does
   for it is ``emulated``.
3. Each takes less than 15 seconds on a broker that answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from prayog_queues.engine.envelope import Delivery, Message
from prayog_queues.engine.port import Binding, Broker, BrokerError, Exchange, Queue, Refused, Stale, Topology, Unable

__all__ = ["PROBES", "Answer", "Probe", "Trial", "ask"]

SECOND = 1_000_000
_LEASE = SECOND
_PATIENCE = 10 * SECOND
"""For the first message of a consumer: groups of Kafka take seconds to come together."""
_MOMENT = SECOND // 2

Word = Literal["yes", "no", "unable", "emulated", "absent"]


class Trial(Protocol):
    """A broker on trial, with nothing of others in it."""

    def connect(self, consumer: str) -> Broker:
        """A new connection, to which everything that was declared is declared too."""
        ...

    def declare(self, topology: Topology, consumer: str = "w1") -> Broker:
        """A new connection, and `topology` on it.  Raises `Unable`."""
        ...

    def wait(self, us: int) -> None:
        """Let so much of the broker's time pass."""
        ...

    restart: Callable[[], None] | None
    """``kill -9`` of the broker, and its start; None where it is not ours to kill."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a probe; `sentence` is the evidence."""

    answer: Word
    sentence: str


@dataclass(frozen=True, slots=True)
class Probe:
    """One question with a yes or a no."""

    name: str
    question: str
    trial: Callable[[Trial], Answer]


def ask(probe: Probe, trial: Trial) -> Answer:
    """Try it.  Never raises `BrokerError`."""
    try:
        found = probe.trial(trial)
    except Unable as error:
        return Answer("unable", str(error))
    except BrokerError as error:
        return Answer("no", f"It could not be tried to the end: {error}")
    return found


def _yes(holds: bool, yes: str, no: str) -> Answer:
    return Answer("yes", yes) if holds else Answer("no", no)


def _orders(**more: object) -> Queue:
    return Queue("orders", lease_us=30 * SECOND, **more)  # type: ignore[arg-type] # fields of Queue


def _one(broker: Broker, queue: str = "orders", wait: int = _PATIENCE, consumer: str = "w1") -> Delivery:
    found = broker.fetch(queue, 1, wait, consumer)
    if not found:
        raise BrokerError(f"{queue} handed nothing out.")
    return found[0]


def _emulated(broker: Broker, what: str, answer: Answer) -> Answer:
    """`answer`, or that our adapter did it."""
    why = getattr(broker, "emulates", {}).get(what, "")
    return Answer("emulated", f"{answer.sentence} {why}") if why and answer.answer == "yes" else answer


def _order(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(),)))
    sent = [f"m{n}" for n in range(8)]
    broker.publish_many([Message(name, "asha", number=i + 1) for i, name in enumerate(sent)], "orders")
    got: list[str] = []
    for _ in range(16):
        found = broker.fetch("orders", 2, _MOMENT if got else _PATIENCE, "w1")
        for delivery in found:
            got.append(delivery.message.id)
            broker.ack(delivery)
        if not found or len(got) == len(sent):
            break
    return _yes(got == sent, "Eight messages of one key came to one consumer in their order.", f"They came as {got}.")


def _place(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(),)))
    broker.publish_many([Message(f"m{n}", "asha") for n in (1, 2)], "orders")
    broker.nack(_one(broker))
    again = _one(broker)
    return _yes(
        again.message.id == "m1", "The first was given back, and it was the next to come.",
        "The first was given back, and the second came before it.",
    )  # fmt: skip


def _counted(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(),)))
    broker.publish(Message("m1"), "orders")
    broker.nack(_one(broker))
    attempt = _one(broker).attempt
    told = f"The second hand-out says attempt {attempt}."
    return _emulated(broker, "attempts", _yes(attempt == 2, told, told))


def _lease(trial: Trial) -> Answer:
    broker = trial.declare(Topology((Queue("orders", lease_us=_LEASE),)))
    broker.publish(Message("m1"), "orders")
    _one(broker)
    other = trial.connect("w2")
    trial.wait(_LEASE + _MOMENT)
    found = other.fetch("orders", 1, _MOMENT, "w2")
    return _yes(
        bool(found), "A second after the hand-out another consumer got it, while the first still held it.",
        "Its consumer kept it: nothing ends by time while the connection is open.",
    )  # fmt: skip


def _hung_up(trial: Trial) -> Answer:
    broker = trial.declare(Topology((Queue("orders", lease_us=60 * SECOND),)))
    broker.publish(Message("m1"), "orders")
    _one(broker)
    other = trial.connect("w2")
    broker.close()
    found = other.fetch("orders", 1, _PATIENCE, "w2")
    return _yes(
        bool(found), "The connection of its consumer was closed, and another got it at once.",
        "The connection was closed, and for ten seconds nobody else got it.",
    )  # fmt: skip


def _late_ack(trial: Trial) -> Answer:
    broker = trial.declare(Topology((Queue("orders", lease_us=_LEASE),)))
    broker.publish(Message("m1"), "orders")
    mine = _one(broker)
    other = trial.connect("w2")
    trial.wait(_LEASE + _MOMENT)
    if not other.fetch("orders", 1, 2 * SECOND, "w2"):
        return Answer("unable", "No lease ended, so there is no late acknowledgement.")
    try:
        broker.ack(mine)
    except Stale as error:
        return Answer("yes", f"The first consumer acknowledged when another had it already: {error}")
    return Answer("no", "The first consumer acknowledged when another had it already, and the broker took it.")


def _extended(trial: Trial) -> Answer:
    broker = trial.declare(Topology((Queue("orders", lease_us=_LEASE),)))
    broker.publish(Message("m1"), "orders")
    mine, other = _one(broker), trial.connect("w2")
    for _ in range(4):
        trial.wait(_LEASE // 2)
        mine = broker.extend(mine)
        if other.fetch("orders", 1, 0, "w2"):
            return Answer("no", "It was extended twice in each lease, and another got it all the same.")
    return Answer("yes", "It was held for two leases by extending it, and nobody else got it.")


def _poison(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(attempts=3, dead_letters="dead"), Queue("dead"))))
    broker.publish(Message("m1"), "orders")
    for _ in range(3):
        broker.nack(_one(broker))
    left = broker.fetch("orders", 1, _MOMENT, "w1")
    dead = broker.fetch("dead", 1, _PATIENCE, "w1")
    answer = _yes(
        bool(dead) and not left, "After three attempts it was in the dead-letter queue and nowhere else.",
        "After three attempts it was handed out again." if left else "After three attempts it was nowhere to be had.",
    )  # fmt: skip
    return _emulated(broker, "dead letters", answer)


def _deaths(trial: Trial) -> Answer:
    first, second = _orders(dead_letters="dead"), Queue("dead", dead_letters="cellar")
    broker = trial.declare(Topology((first, second, Queue("cellar"))))
    broker.publish(Message("m1"), "orders")
    for name in ("orders", "dead"):
        broker.term(_one(broker, name), "poison")
    deaths = [death.queue for death in _one(broker, "cellar").message.deaths]
    told = f"Put aside twice, it says that it died in {' and '.join(deaths) or 'no queue'}."
    return _emulated(broker, "dead letters", _yes(deaths == ["orders", "dead"], told, told))


def _delay(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(),)))
    broker.publish(Message("m1"), "orders")
    broker.nack(_one(broker), 2 * SECOND)
    early = broker.fetch("orders", 1, _MOMENT, "w1")
    if early:
        return Answer("no", "Given back for two seconds, it came again at once.")
    _one(broker)
    return _emulated(broker, "delay", Answer("yes", "Given back for two seconds, it came again after them."))


def _looking(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(),)))
    broker.publish(Message("m1"), "orders")
    for _ in range(3):
        if [message.id for message, _ in broker.peek("orders")] != ["m1"]:
            return Answer("no", "Looking did not show the message that is there.")
    attempt = _one(broker).attempt
    told = f"It was looked at three times; the first hand-out says attempt {attempt}."
    return _yes(attempt == 1, told, told)


def _twice(broker: Broker, pause: Callable[[], None]) -> int:
    """Send one id twice with a pause between; how many copies came."""
    message = Message("m1", dedup_id="m1")
    broker.publish(message, "orders")
    pause()
    broker.publish(message, "orders")
    count = 0
    while found := broker.fetch("orders", 2, _MOMENT if count else _PATIENCE, "w1"):
        for delivery in found:
            broker.ack(delivery)
            count += 1
    return count


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _dedup(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(dedup_us=2 * SECOND),)))
    count = _twice(broker, lambda: None)
    told = f"Sent twice within two seconds under one id, it came {_times(count)}."
    return _yes(count == 1, told, told)


def _dedup_over(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(dedup_us=SECOND),)))
    count = _twice(broker, lambda: trial.wait(2 * SECOND))
    told = f"Sent again after the window of one second, it came {_times(count)}."
    return _yes(count == 1, told, told)


def _full(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(capacity=2, full="drop new"),)))
    try:
        for number in range(6):
            broker.publish(Message(f"m{number}"), "orders")
    except Refused as error:
        return _yes(error.why == "full", f"The broker refused and said so: {error}", str(error))
    return Answer("no", "Six messages were confirmed by a queue for two.")


def _expired(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(ttl_us=SECOND, dead_letters="dead"), Queue("dead"))))
    broker.publish(Message("m1"), "orders")
    trial.wait(2 * SECOND)
    came = broker.fetch("orders", 1, _MOMENT, "w1")
    dead = broker.fetch("dead", 1, SECOND, "w1")
    if came:
        return Answer("no", "A second after its time was over it was handed out all the same.")
    return _yes(
        bool(dead), "Too old, it was put into the dead-letter queue.", "Too old, it was gone, and nobody was told."
    )  # fmt: skip


def _urgent(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(priorities=True),)))
    for number, priority in enumerate((0, 0, 9)):
        broker.publish(Message(f"m{number}", priority=priority), "orders")
    trial.wait(_MOMENT)
    first = _one(broker).message.id
    return _yes(first == "m2", "The urgent one, sent last, came first.", f"{first} came first.")


def _keyed(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(by_key=True),)))
    broker.publish_many([Message(f"{key}{n}", key) for key in "ab" for n in (1, 2)], "orders")
    out = sorted(delivery.message.id for delivery in broker.fetch("orders", 4, _PATIENCE, "w1"))
    told = f"With four messages of two customers waiting, {' and '.join(out)} were out at one time."
    return _yes(out == ["a1", "b1"], told, told)


def _copies(trial: Trial) -> Answer:
    queues = (Queue("orders"), Queue("audit"))
    bindings = (Binding("events", "orders"), Binding("events", "audit"))
    broker = trial.declare(Topology(queues, (Exchange("events", "fanout"),), bindings))
    broker.publish(Message("m1"), "events")
    got = [name for name in ("orders", "audit") if broker.fetch(name, 1, _MOMENT, "w1")]
    return _yes(len(got) == 2, "One message came to both queues that are bound.", f"It came to {len(got)} of two.")


def _unroutable(trial: Trial) -> Answer:
    topology = Topology(
        (Queue("orders"),), (Exchange("events", "direct"),), (Binding("events", "orders", "order.placed"),)
    )  # fmt: skip
    broker = trial.declare(topology)
    try:
        broker.publish(Message("m1", type="order.lost"), "events")
    except Refused as error:
        return Answer("yes", f"The producer was told: {error}")
    return Answer("no", "The broker confirmed a message that no queue got.")


def _killed(trial: Trial) -> Answer:
    broker = trial.declare(Topology((_orders(),)))
    if trial.restart is None:
        return Answer("absent", "This broker is not ours to kill.")
    sent = [f"m{n}" for n in range(50)]
    broker.publish_many([Message(name) for name in sent], "orders")
    trial.restart()
    got: set[str] = set()
    again = trial.connect("w1")
    while found := again.fetch("orders", 25, _MOMENT if got else _PATIENCE, "w1"):
        for delivery in found:
            got.add(delivery.message.id)
            again.ack(delivery)
    told = f"Fifty were confirmed, the server was killed, and {len(got)} were there after its start."
    more = " That says nothing about a power loss: the system kept what the process had written."
    return _yes(len(got) == len(sent), told + more, told)


PROBES = (
    Probe("order", "Do messages of one key come in their order?", _order),
    Probe("place", "Does a message that is given back keep its place?", _place),
    Probe("attempts", "Is it counted how often a message was handed out?", _counted),
    Probe("lease", "Does a message come back by itself after a time?", _lease),
    Probe("hung_up", "Does a message come back when its consumer hangs up?", _hung_up),
    Probe("late_ack", "Is a late acknowledgement refused?", _late_ack),
    Probe("extend", "Can a consumer that needs longer keep its message?", _extended),
    Probe("poison", "Is a message that always fails put aside?", _poison),
    Probe("deaths", "Are all deaths of a message written down?", _deaths),
    Probe("delay", "Can a message be given back for later?", _delay),
    Probe("looking", "Can one look without changing anything?", _looking),
    Probe("dedup", "Is a message that is sent twice stored once?", _dedup),
    Probe("dedup_over", "Also when it is sent again after the window?", _dedup_over),
    Probe("full", "Is the producer told when the queue is full?", _full),
    Probe("expired", "Is a message that is too old put aside?", _expired),
    Probe("urgent", "Do urgent messages overtake others?", _urgent),
    Probe("by_key", "Is only one message of a customer out at a time?", _keyed),
    Probe("copies", "Does every subscriber get a copy?", _copies),
    Probe("unroutable", "Is the producer told when nobody gets it?", _unroutable),
    Probe("killed", "Does what was confirmed survive kill -9 of the broker?", _killed),
)
