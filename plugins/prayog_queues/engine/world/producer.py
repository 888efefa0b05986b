"""Those who send: orders of customers, in a rhythm, with or without waiting for the broker's word."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.model.sealing import sealed, signed
from prayog_queues.engine.setup import Setup, customers
from prayog_queues.engine.world.wire import Closed, Confirm, Made, Publish, Room
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["CITIES", "TYPES", "Producer", "key_of", "password_of"]

TYPES = ("order.placed", "order.shipped", "order.cancelled")
CITIES = ("Pune", "Mumbai", "Delhi")
PATIENCE_US = 1_000_000
"""A publish without an answer for so long is sent again, or given up."""
BURST = 20


def key_of(client: str) -> str:
    """The key with which a client signs."""
    return f"key of {client}"


def password_of(client: str) -> str:
    """The password of a client."""
    return f"password of {client}"


class Producer(Node):
    """Number `index` of those that `setup` wants; it sends to `to`."""

    actions = ("publish", "poison", "set_rate")
    durable = ("made", "numbers")

    def __init__(self, setup: Setup, index: int, to: str) -> None:
        self.made = 0
        self.numbers: dict[str, int] = {}
        self.waiting: dict[str, tuple[int, Message, int]] = {}
        """Without an answer: when it was sent, what, the how manieth time."""
        self.blocked: list[Message] = []
        self.rate = setup.rate / setup.producers
        self.due_us = 0
        self.done = False
        self._setup = setup
        self._to = to
        names = customers(setup.keys)
        self._keys = names[index :: setup.producers] or names[:1]
        share, extra = divmod(setup.messages, setup.producers)
        self._quota = share + (index < extra)

    # -- making ------------------------------------------------------------------------------------------------

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("started")
        self._next(ctx)

    def _next(self, ctx: Ctx) -> None:
        """Wait for the moment of the next message."""
        if self.made >= self._quota:
            self._end(ctx)
            return
        ctx.set_timer("make", self._gap(ctx))

    def _gap(self, ctx: Ctx) -> int:
        mean = 1_000_000 / self.rate
        part = self.made / max(self._quota, 1)
        match self._setup.arrivals:
            case "poisson":
                return round(ctx.rng.expovariate(1 / mean))
            case "burst":
                return 0 if self.made % BURST else round(BURST * mean)
            case "ramp":
                return round(mean / (0.2 + 1.8 * part))
            case "sale":
                return round(mean / 5 if 1 / 3 <= part < 2 / 3 else mean)
            case _:
                return round(mean)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "answers":
            self._overdue(ctx)
        elif self._setup.full == "block" and self.blocked:
            if name == "try again":
                self._unblock(ctx)
        elif name == "make":
            self._make(ctx, self._draw(ctx), poisoned=ctx.rng.random() * 100 < self._setup.poison)
            if self._setup.arrivals != "closed":
                self._next(ctx)

    def _draw(self, ctx: Ctx) -> str:
        keys, spread = self._keys, self._setup.spread
        if spread == "hot":
            return keys[0] if ctx.rng.random() < 0.8 or len(keys) == 1 else ctx.rng.choice(keys[1:])
        if spread == "zipf":  # customer i orders 1/i as often as the first
            total = sum(1 / (i + 1) for i in range(len(keys)))
            at = ctx.rng.random() * total
            for i, key in enumerate(keys):
                at -= 1 / (i + 1)
                if at <= 0:
                    return key
        return ctx.rng.choice(keys)

    def _make(self, ctx: Ctx, key: str, *, poisoned: bool = False) -> None:
        setup = self._setup
        self.made += 1
        customer = key
        number = self.numbers[key] = self.numbers.get(key, 0) + 1
        kind = TYPES[(number - 1) % 3]
        if setup.key_by == "order":
            key, number = f"{key} {(number - 1) // 3 + 1}", (number - 1) % 3 + 1
        name = f"{ctx.me}-{self.made}"
        headers = (("city", CITIES[(self.made - 1) % 3]), ("express", "yes" if self.made % 4 == 0 else "no"))
        body = f'{{"order": "{name}", "customer": "{customer}", "rupees": {100 + 7 * self.made % 900}}}'
        message = Message(
            name, key, body, kind, ctx.me, ctx.now, number, (*headers, ("poison", "yes")) if poisoned else headers,
            9 if setup.urgent and ctx.rng.random() * 100 < setup.urgent else 0,
            dedup_id=name if setup.dedup_ms else "", correlation=f"order {name}", causation="",
        )  # fmt: skip
        if setup.encrypted:
            message = sealed(message, key_of("everybody"))
        if setup.door.startswith("signatures"):
            message = signed(message, key_of(ctx.me))
        self._send(ctx, message, 1)

    def _send(self, ctx: Ctx, message: Message, attempt: int) -> None:
        ctx.emit(
            "publish", message=message.id, key=message.key, number=message.number, to=self._to, attempt=attempt,
            correlation=message.correlation, causation=message.causation,
        )  # fmt: skip
        ctx.send("broker", Publish(message, self._to, attempt, password_of(ctx.me)))
        if "attacker" in ctx.peers and self._setup.attacker in ("listens", "replays", "forges and replays"):
            ctx.send("attacker", Publish(message, self._to))  # somebody listens on the wire
        if self._setup.confirms:
            if not self.waiting:
                ctx.set_timer("answers", PATIENCE_US)
            self.waiting[message.id] = (ctx.now, message, attempt)

    # -- answers -----------------------------------------------------------------------------------------------

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Confirm):
            known = self.waiting.pop(msg.id, None)
            if known is None:
                return
            if msg.why == "full" and self._setup.full == "block":
                if not self.blocked:
                    ctx.emit("blocked", queue=self._to)
                    ctx.set_timer("try again", PATIENCE_US)
                self.blocked.append(known[1])
                return
            ctx.emit("refused", message=msg.id, why=msg.why) if msg.why else ctx.emit("confirmed", message=msg.id)
            self._answered(ctx)
        elif isinstance(msg, Room) and self.blocked:
            self._unblock(ctx)
        elif isinstance(msg, Closed) and self.done:
            ctx.send("broker", Made(self.made))

    def _answered(self, ctx: Ctx) -> None:
        if self._setup.arrivals == "closed" and not self.blocked:
            self._next(ctx)
        else:
            self._end(ctx)

    def _unblock(self, ctx: Ctx) -> None:
        waiting, self.blocked = self.blocked, []
        ctx.cancel_timer("try again")
        ctx.emit("unblocked", queue=self._to)
        for message in waiting:
            self._send(ctx, message, 2)
        if self._setup.arrivals != "closed":
            self._next(ctx)

    def _overdue(self, ctx: Ctx) -> None:
        for name, (at, message, attempt) in list(self.waiting.items()):
            if ctx.now - at < PATIENCE_US:
                continue
            del self.waiting[name]
            if attempt > self._setup.resend:
                ctx.emit("unconfirmed", message=name)
                self._answered(ctx)
            else:
                self._send(ctx, message, attempt + 1)
        if self.waiting:
            oldest = min(at for at, _, _ in self.waiting.values())
            ctx.set_timer("answers", max(oldest + PATIENCE_US - ctx.now, 1))

    def _end(self, ctx: Ctx) -> None:
        if self.made >= self._quota and not self.waiting and not self.blocked and not self.done:
            self.done = True
            ctx.send("broker", Made(self.made))

    # -- by hand -----------------------------------------------------------------------------------------------

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if name == "set_rate":
            rate = float(args.get("rate", 0))
            if not 0.01 <= rate <= 10_000:
                raise ActionError(f"rate must be from 0.01 to 10,000 messages a second, not {rate:g}")
            self.rate = rate
            if not self.done and not self.blocked:
                self._next(ctx)
            return
        key = str(args.get("key") or self._keys[0])
        self._quota += 1
        self.done = False
        self._make(ctx, key, poisoned=name == "poison")
        if not self._setup.confirms:
            self._end(ctx)

    def look(self) -> Look:
        left = self._quota - self.made
        state = "is blocked" if self.blocked else f"has {left} to send" if left > 0 else "has sent all"
        sentence = f"made {self.made} messages, {len(self.waiting)} wait for an answer; it {state}"
        return Look("client", "P", 0, sentence, "blocked" if self.blocked else "")

    def label(self, msg: Any) -> str:
        if isinstance(msg, Publish):
            return f"publish {msg.message.id}" + (f" (again, {msg.attempt})" if msg.attempt > 1 else "")
        return type(msg).__name__.lower()


