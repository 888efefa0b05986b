"""Where every message is now, and how much runs along each edge: what the picture of the flow is drawn from.

A place is named by its sort and its name: ``p:p1`` a producer, ``x:events`` an exchange, ``q:orders`` a queue,
``c:w1`` a consumer, ``e:charge`` the world outside, in which effects happen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from prayog_queues.engine.port import Binding, Exchange, Queue, Topology
from prayog_queues.engine.tokens import Edge, Token
from prayog_sim.trace import Step

__all__ = ["TRAVEL_US", "Edge", "Flow", "Token"]

TRAVEL_US = 80_000
"""A token is drawn on its way for so long after it moved: the real way is too short to be seen."""
_KEEP = 600
"""Moves that are remembered for drawing."""

Data = Mapping[str, Any]


class Flow:
    """Reads a run; `topology` is what is declared as long as the run itself does not say it."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.direct = False
        """There is no broker: orders go from producer to consumer."""
        self.producers: dict[str, None] = {}
        self.consumers: dict[str, str] = {}
        """Name → the place it takes from."""
        self.outside: dict[str, int] = {}
        """What happened in the world: sort of effect → how often."""
        self.waiting: dict[str, dict[str, Token]] = {}
        self.hands: dict[str, dict[str, Token]] = {}
        self.edges: dict[tuple[str, str], Edge] = {}
        self.moves: deque[tuple[int, str, str, Token, int, bool]] = deque(maxlen=_KEEP)
        """(when, from, to, token, its attempt then, its lease was over), the latest last."""
        self.published: dict[str, int] = {}
        """Messages sent, by where to."""
        self.down: set[str] = set()
        self.parts: dict[str, dict[int, int]] = {}
        """Queue → partition → messages stored."""
        self.owners: dict[str, dict[int, str]] = {}
        """Queue → partition → who reads it."""
        self.effects: dict[str, int] = {}
        """Message and queue → effects so far (a second is a duplicate)."""
        self.doubled: dict[str, int] = {}
        """Sort of effect → messages to which it happened more than once."""
        self.keys: dict[str, int] = {}
        """Keys in the order in which they came: the number chooses the colour."""
        self.deepest = 1
        """The most that ever waited in one queue."""
        self._tokens: dict[str, Token] = {}
        self._to: dict[str, tuple[str, str]] = {}
        self._by_receipt: dict[str, Token] = {}
        self._homes: dict[str, str] = {}
        self._orphans: set[str] = set()
        """Hand-outs whose consumer died."""

    # -- reading -----------------------------------------------------------------------------------------------

    def take(self, step: Step) -> None:
        """Read one more step."""
        if step.kind == "action":
            self._acted(step.data)
        elif step.kind == "crash":
            self._crashed(step.node)
        elif step.kind in ("restart", "start"):
            self.down.discard(step.node)
        self._one(step.kind, step.node, step.data, step.at)
        for effect in step.effects:
            self._one(effect.kind, step.node, effect.data, step.at)

    def _one(self, kind: str, node: str, data: Data, at: int) -> None:
        match kind:
            case "publish":
                self.producers.setdefault(node)
                to = data["to"]
                self.published[to] = self.published.get(to, 0) + 1
                self._to[data["message"]] = (node, to)
                self.keys.setdefault(data.get("key", ""), len(self.keys))
                if not self.direct:
                    self._edge(f"p:{node}", self.target(to), at)
            case "stored":
                self._stored(data, at)
            case "delivered":
                self._delivered(data, data.get("consumer") or node, at)
            case "effect":
                self._effect(data, data.get("consumer") or node, at)
            case "acked" | "dropped" | "expired":
                self._gone(data)
            case "returned" | "lease_expired" | "failed":
                self._back(kind, data, at)
            case "stale_ack":
                self._release(data["receipt"])
            case "dead":
                self._dead(data)
            case "declared":
                self._declared(data)
            case "redriven":
                self._gone({**data, "queue": self._homes.get(data["message"], "")})
            case "crashed":
                self._crashed(node)
            case "started":
                self.down.discard(node)
            case "assigned":
                who = data.get("consumer") or node
                owners = self.owners.setdefault(data["queue"], {})
                for part in [p for p, owner in owners.items() if owner == who]:
                    del owners[part]
                owners.update(dict.fromkeys(data["partitions"], who))
                self.consumers.setdefault(who, f"q:{data['queue']}")

    def target(self, to: str) -> str:
        """The place that a producer sends to."""
        return f"x:{to}" if any(e.name == to for e in self.topology.exchanges) else f"q:{to}"

    def _edge(self, a: str, b: str, at: int) -> None:
        edge = self.edges.get((a, b))
        if edge is None:
            edge = self.edges[a, b] = Edge()
        edge.add(at)

    def _move(self, token: Token, to: str, at: int) -> None:
        token.before, token.place, token.moved_us = token.place, to, at
        self.moves.append((at, token.before, to, token, token.attempt, token.expired))

    def _stored(self, data: Data, at: int) -> None:
        message, queue = data["message"], data["queue"]
        node, to = self._to.get(message, ("", queue))
        came = self._homes.pop(f"{message}\0{queue}", "")
        source = came or (f"x:{to}" if to != queue else f"p:{node}" if node else f"q:{queue}")
        place = f"q:{queue}"
        token = Token(message, data.get("key", ""), data.get("number", 0), queue, source, source, at)
        self._tokens[f"{message}\0{queue}"] = token
        self._move(token, place, at)
        if source[0] in "xq" and source != place:
            self._edge(source, place, at)
        waiting = self.waiting.setdefault(queue, {})
        waiting[message] = token
        self.deepest = max(self.deepest, len(waiting))
        if data.get("position", -1) >= 0:
            parts = self.parts.setdefault(queue, {})
            part = data.get("partition", 0)
            parts[part] = parts.get(part, 0) + 1

    def _delivered(self, data: Data, who: str, at: int) -> None:
        message, queue = data["message"], data["queue"]
        if self.direct:
            source = f"p:{self._to.get(message, ('', ''))[0]}"
            self.consumers.setdefault(who, source)
            self._edge(source, f"c:{who}", at)
            call = Token(message, data.get("key", ""), data.get("number", 0), queue, source, source, at)
            call.attempt = data.get("attempt", 1)
            self._move(call, f"c:{who}", at)
            self._by_receipt[data["receipt"]] = call
            return
        token = self.waiting.get(queue, {}).pop(message, None) or self._tokens.get(f"{message}\0{queue}")
        if token is None:
            token = Token(message, data.get("key", ""), data.get("number", 0), queue, f"q:{queue}", f"q:{queue}", at)
        elif token.place[:2] == "c:":  # a second hand has it while the first one still works: draw both
            first, token = token, Token(message, token.key, token.number, queue, f"q:{queue}", f"q:{queue}", at)
            first.expired = True
        self._tokens[f"{message}\0{queue}"] = token
        self.consumers[who] = f"q:{queue}"
        token.attempt = data.get("attempt", 1)
        self._edge(f"q:{queue}", f"c:{who}", at)
        self._move(token, f"c:{who}", at)
        self.hands.setdefault(who, {})[data["receipt"]] = token
        self._by_receipt[data["receipt"]] = token

    def _effect(self, data: Data, who: str, at: int) -> None:
        what = data.get("what") or "effect"
        self.outside[what] = self.outside.get(what, 0) + 1
        name = f"{data['message']}\0{data.get('queue', '')}\0{what}"
        self.effects[name] = self.effects.get(name, 0) + 1
        if self.effects[name] == 2:
            self.doubled[what] = self.doubled.get(what, 0) + 1
        self._edge(f"c:{who}", f"e:{what}", at)
        token = self._by_receipt.get(data.get("receipt", ""))
        if token is not None:
            self.moves.append((at, f"c:{who}", f"e:{what}", token, token.attempt, bool(data.get("stale"))))

    def _gone(self, data: Data) -> None:
        message, queue = data["message"], data.get("queue", "")
        self.waiting.get(queue, {}).pop(message, None)
        self._release(data.get("receipt", ""))
        self._tokens.pop(f"{message}\0{queue}", None)

    def _release(self, receipt: str) -> Token | None:
        token = self._by_receipt.pop(receipt, None)
        if token is not None and token.place[:2] == "c:":
            held = self.hands.get(token.place[2:], {})
            held.pop(receipt, None)
        return token

    def _crashed(self, who: str) -> None:
        """It is down.  A log takes nothing back, it is read again; a queue keeps the lease until its end."""
        self.down.add(who)
        for receipt in list(self.hands.get(who, ())):
            if self.consumers.get(who, "")[2:] in self.parts:
                self._release(receipt)
            else:
                self._orphans.add(receipt)

    def _back(self, kind: str, data: Data, at: int) -> None:
        token = self._by_receipt.get(data["receipt"])
        if token is None or token.place[:2] != "c:":
            return
        if kind == "lease_expired" and data["receipt"] not in self._orphans:
            token.expired = True
            copy = Token(token.message, token.key, token.number, token.queue, token.place, token.place, at)
            copy.attempt = token.attempt
        else:
            self._release(data["receipt"])
            copy = token
        if self._tokens.get(f"{token.message}\0{token.queue}") is not token:
            return
        self._tokens[f"{token.message}\0{token.queue}"] = copy
        self._move(copy, f"q:{token.queue}", at)
        self.waiting.setdefault(token.queue, {})[token.message] = copy

    def _dead(self, data: Data) -> None:
        self._gone(data)
        if data.get("to"):
            self._homes[f"{data['message']}\0{data['to']}"] = f"q:{data['queue']}"
            self._homes[data["message"]] = data["to"]

    # -- the topology ------------------------------------------------------------------------------------------

    def _declared(self, data: Data) -> None:
        """What the broker of this run has, whatever the knobs beside it say."""
        known = {queue.name: queue for queue in self.topology.queues}
        queues = tuple(
            known.get(name, Queue(name, partitions, dead_letters=grave)) for name, grave, partitions in data["queues"]
        )
        exchanges = tuple(Exchange(name, kind) for name, kind in data["exchanges"])
        self.topology = Topology(queues, exchanges, tuple(Binding(*binding) for binding in data["bindings"]))
        self.direct = not queues

    def _acted(self, data: Data) -> None:
        """What the learner declared or bound."""
        name, known = data.get("name"), self.topology
        exchange, queue = data.get("exchange", ""), data.get("queue", "")
        binding = Binding(exchange, queue, data.get("pattern", "") or "")
        if name == "bind" and binding not in known.bindings:
            self.topology = replace(known, bindings=(*known.bindings, binding))
        elif name == "unbind":
            self.topology = replace(known, bindings=tuple(b for b in known.bindings if b != binding))
        elif name == "declare_queue" and queue and all(q.name != queue for q in known.queues):
            self.topology = replace(known, queues=(*known.queues, Queue(queue)))
        elif name == "declare_exchange" and exchange and all(e.name != exchange for e in known.exchanges):
            kind = data.get("kind", "topic")
            self.topology = replace(known, exchanges=(*known.exchanges, Exchange(exchange, kind)))

    # -- asking ------------------------------------------------------------------------------------------------

    def depth(self, queue: str) -> int:
        """Messages that wait there."""
        return len(self.waiting.get(queue, ()))

    def held(self, consumer: str) -> int:
        """Messages that a consumer has in hand."""
        return len(self.hands.get(consumer, ()))

    def idle(self, binding: Binding) -> bool:
        """Messages went to its exchange, and none of them to its queue: it matches nothing."""
        edge = self.edges.get((f"x:{binding.exchange}", f"q:{binding.queue}"))
        return self.published.get(binding.exchange, 0) > 0 and edge is None

    def queues(self) -> list[str]:
        """All queues, declared or seen, those for dead letters last."""
        dead = {q.dead_letters for q in self.topology.queues if q.dead_letters}
        names = dict.fromkeys([*(q.name for q in self.topology.queues), *self.waiting])
        return [n for n in names if n not in dead] + sorted(dead)

    def dead_letters(self) -> dict[str, str]:
        """Dead-letter queue → the queue it belongs to."""
        return {q.dead_letters: q.name for q in self.topology.queues if q.dead_letters}
