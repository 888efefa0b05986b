"""Those who receive: they are handed messages, do the steps that their handler wants, and may be struck at any point.

A hand-out is a `Task` until it is settled.  ``crash_point`` names where a consumer dies; what it had in memory is gone,
what the bank was told stays told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.handlers import CODE, HANDLERS, POINTS, wrong
from prayog_queues.engine.model.sealing import Unreadable, opened
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.producer import key_of, password_of
from prayog_queues.engine.world.task import Task, work_us
from prayog_queues.engine.world.wire import (
    Assigned,
    Beat,
    Bye,
    Charge,
    Charged,
    Closed,
    Extend,
    Fetch,
    Handout,
    Scale,
    Settle,
    Subscribe,
)  # fmt: skip
from prayog_sdk.code.function import Function, events
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Consumer"]

PATIENCE_US = 2_000_000
"""The bank has not answered for so long: the handler gives up."""
OPEN_AFTER, OPEN_US = 5, 1_000_000
"""Circuit breaker: after so many failures in a row nothing is tried for so long."""
MOST_STEPS = 12
"""Of one hand-out: more than there are words."""
LOOK_AGAIN_US = 50_000
"""How long one waits for an earlier number of the same customer before one looks again."""


class Consumer(Node):
    """A consumer of `queue`; with `spare` it rests until it is told to work."""

    actions = ("kill",)
    durable = ("struck", "resting")

    def __init__(self, setup: Setup, queue: str, group: str = "", *, spare: bool = False) -> None:
        self.queue = queue
        self.group = group
        """Of a log; empty where there is only one."""
        self.tasks: dict[str, Task] = {}
        self.buffer: list[Delivery] = []
        """Prefetched, not begun."""
        self.points: dict[str, str] = {}
        """Where the consumer will die, by receipt."""
        self.down = False
        self.resting = spare
        self.done = 0
        self.struck = False
        """The crash at a certain message happens once."""
        self.partitions: tuple[int, ...] = ()
        self.failures = 0
        self.open_until = 0
        self.beating = False
        self.numbers: dict[str, int] = {}
        """The next number of each customer, where messages are put back in order."""
        self._setup = setup
        self._next = HANDLERS[setup.handler]
        self._own: Function | None = CODE.function(setup.code) if self._next is None else None

    # -- coming and going --------------------------------------------------------------------------------------

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("started")
        if not self.resting:
            self._join(ctx)

    def _join(self, ctx: Ctx) -> None:
        setup = self._setup
        credit = 0 if setup.pull else setup.prefetch
        ctx.send("broker", Subscribe(self.queue, credit, password_of(ctx.me), self.group))
        if setup.pull:
            ctx.send("broker", Fetch(self.queue, setup.prefetch))

    def _forget(self, ctx: Ctx) -> None:
        for receipt in self.tasks:
            ctx.cancel_timer(f"work {receipt}")
            ctx.cancel_timer(f"bank {receipt}")
        for name in ("extend", "beat", "closed"):
            ctx.cancel_timer(name)
        self.tasks.clear()
        self.buffer.clear()
        self.points.clear()
        self.numbers.clear()
        self.failures = self.open_until = 0
        self.beating = False

    def _crash(self, ctx: Ctx, point: str) -> None:
        """The process ends here; its operating system hangs up, a dead machine does not."""
        how = self._setup.crash_how
        ctx.emit("crashed", point=point, how=how)
        self._forget(ctx)
        self.down = True
        self.struck = True
        if how == "process":
            ctx.send("broker", Bye())
        ctx.set_timer("restart", 1_000 * self._setup.restart_ms)

    # -- messages ----------------------------------------------------------------------------------------------

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if self.down:
            return
        match msg:
            case Handout():
                self._receive(msg.delivery, ctx)
            case Charged():
                task = self.tasks.get(msg.receipt)
                if task is not None:
                    ctx.cancel_timer(f"bank {msg.receipt}")
                    self._answered(task, msg, ctx)
            case Closed():
                self._forget(ctx)
                if not self.resting:
                    self._join(ctx)
            case Assigned():
                self.partitions = msg.partitions
            case Scale():
                self.resting = not msg.work
                if msg.work:
                    self._join(ctx)
                else:
                    self._leave(ctx)

    def _leave(self, ctx: Ctx) -> None:
        """Stop in an orderly way: finish what is at work, give back what was not begun, then hang up."""
        for delivery in self.buffer:
            ctx.send("broker", Settle("nack", delivery))
        self.buffer.clear()
        if not self.tasks:
            self._forget(ctx)
            ctx.send("broker", Bye())

    def _receive(self, delivery: Delivery, ctx: Ctx) -> None:
        if self.resting:
            if self.tasks:  # else it has hung up, and the broker takes it back by itself
                ctx.send("broker", Settle("nack", delivery))
            return
        point = self._draw(delivery, ctx)
        if point == "before_receive":
            self._crash(ctx, point)
            return
        message = delivery.message
        lease = delivery.lease_until_us
        ctx.emit(
            "delivered", message=message.id, key=message.key, number=message.number, queue=delivery.queue,
            attempt=delivery.attempt, receipt=delivery.receipt, position=delivery.position,
            lease_us=lease - ctx.now if lease is not None else 0, **self._of_log(delivery),
        )  # fmt: skip
        if point == "after_receive":
            self._crash(ctx, point)
            return
        self.buffer.append(delivery)
        if self._setup.heartbeat_ms and not self.beating:
            self.beating = True
            ctx.set_timer("beat", 1_000 * self._setup.heartbeat_ms)
        if point:
            self.points[delivery.receipt] = point
        self._begin(ctx)

    def _of_log(self, delivery: Delivery) -> dict[str, Any]:
        """What is told beside it of a message of a log: its partition, and the group where there are several."""
        if delivery.position < 0:
            return {}
        partition = int(delivery.receipt.rpartition("@")[2].split(":")[1])
        return {"partition": partition, **({"group": self.group} if self.group else {})}

    def _draw(self, delivery: Delivery, ctx: Ctx) -> str:
        """Where the consumer will die with this message, if it will."""
        setup = self._setup
        hit = setup.crash > 0 and ctx.rng.random() * 100 < setup.crash
        if setup.crash_at and not self.struck and delivery.attempt == 1:
            hit = hit or delivery.message.id.rpartition("-")[2] == str(setup.crash_at)
        if not hit:
            return ""
        return ctx.rng.choice(POINTS) if setup.crash_point == "anywhere" else setup.crash_point

    def _begin(self, ctx: Ctx) -> None:
        """Take up as many as may be at work at once."""
        while self.buffer and len(self.tasks) < self._setup.concurrency:
            if self.open_until > ctx.now:
                ctx.set_timer("closed", self.open_until - ctx.now)
                return
            index = self._first_in_order(ctx)
            if index < 0:
                ctx.set_timer("closed", LOOK_AGAIN_US)
                return
            delivery = self.buffer.pop(index)
            task = self.tasks[delivery.receipt] = Task(delivery, self.points.pop(delivery.receipt, ""))
            self._extending(ctx)
            if self._strikes(task, "before_work", ctx):
                return
            ctx.emit("began", message=delivery.message.id, receipt=delivery.receipt)
            self._go_on(task, ctx)

    def _first_in_order(self, ctx: Ctx) -> int:
        """The first that may begin: with `resequence` the one whose number is next for its customer."""
        if not self._setup.resequence:
            return 0
        for index, delivery in enumerate(self.buffer):
            message = delivery.message
            at_work = any(task.delivery.message.key == message.key for task in self.tasks.values())
            if not at_work and message.number <= self.numbers.get(message.key, 1):
                return index
        return -1

    def _extending(self, ctx: Ctx) -> None:
        if self._setup.extend and self._setup.lease_ms and len(self.tasks) == 1:
            ctx.set_timer("extend", 1_000 * self._setup.lease_ms // 3)

    # -- the steps of a handler --------------------------------------------------------------------------------

    def _strikes(self, task: Task, point: str, ctx: Ctx) -> bool:
        if task.point != point:
            return False
        self._crash(ctx, point)
        return True

    def _go_on(self, task: Task, ctx: Ctx) -> None:
        """Ask the handler for the next step and do it; steps that wait go on when they are answered."""
        receipt = task.delivery.receipt
        while len(task.did) < MOST_STEPS:  # a handler that goes round in circles ends here
            step = self._step(task, ctx)
            match step:
                case "work":
                    ctx.set_timer(f"work {receipt}", work_us(self._setup, ctx))
                    return
                case "ask" | "charge" | "record" | "charge and record":
                    self._charge(task, step, ctx)
                    return
                case "ack":
                    if self._strikes(task, "before_ack", ctx):
                        return
                    self._settle(task, "ack", "", ctx)
                    task.did.append("ack")
                    if self._strikes(task, "after_ack", ctx):
                        return
                case "retry" | "park":
                    self._give_up(task, "the handler said so", ctx, park=step == "park")
                    return
                case _:
                    self._finish(task, ctx)
                    return
        self._give_up(task, "its handler does not come to an end", ctx, park=True)

    def _step(self, task: Task, ctx: Ctx) -> str:
        message, attempt = task.delivery.message.id, task.delivery.attempt
        if self._next is not None:
            return self._next(message, attempt, task.did, task.seen)
        assert self._own is not None
        outcome = self._own(message, attempt, list(task.did), task.seen, expect=wrong)
        for kind, data in events(outcome):
            ctx.emit(kind, **data)
        return str(outcome.value) if outcome.mistake is None else "park"

    def _charge(self, task: Task, step: str, ctx: Ctx) -> None:
        delivery = task.delivery
        if delivery.message.body.startswith("aes-siv:"):
            try:
                delivery = delivery._replace(message=opened(delivery.message, key_of("everybody")))
            except Unreadable as error:
                self._give_up(task, str(error), ctx, park=True)
                return
        ctx.send("bank", Charge(step, delivery, delivery.attempt, self.group))
        ctx.set_timer(f"bank {delivery.receipt}", PATIENCE_US)

    def _answered(self, task: Task, msg: Charged, ctx: Ctx) -> None:
        if msg.result == "down":
            self.failures += 1
            if self._setup.breaker and self.failures >= OPEN_AFTER:
                self.open_until = ctx.now + OPEN_US
                ctx.note("the circuit is open: nothing is tried for a second")
            self._give_up(task, "the bank does not answer", ctx)
            return
        self.failures = 0
        if msg.result == "stale":
            self._give_up(task, "the bank has seen a newer receipt", ctx, stale=True)
            return
        task.did.append(msg.step)
        if msg.step == "ask":
            task.seen = msg.result == "known"
        elif "charge" in msg.step and self._strikes(task, "after_effect", ctx):
            return
        if "record" in msg.step and self._strikes(task, "after_record", ctx):
            return
        self._go_on(task, ctx)

    def _settle(self, task: Task, how: str, why: str, ctx: Ctx) -> None:
        task.acked = True
        ctx.send("broker", Settle(how, task.delivery, why))

    def _give_up(self, task: Task, why: str, ctx: Ctx, *, park: bool = False, stale: bool = False) -> None:
        delivery = task.delivery
        ctx.emit("failed", message=delivery.message.id, receipt=delivery.receipt, attempt=delivery.attempt, why=why)
        if not task.acked:
            self._settle(task, "term" if park else "ack" if stale else "nack", "refused" if park else "", ctx)
        self._end(task, ctx)

    def _finish(self, task: Task, ctx: Ctx) -> None:
        message = task.delivery.message
        self.done += 1
        self.numbers[message.key] = max(self.numbers.get(message.key, 1), message.number + 1)
        self._end(task, ctx)

    def _end(self, task: Task, ctx: Ctx) -> None:
        self.tasks.pop(task.delivery.receipt, None)
        ctx.cancel_timer(f"work {task.delivery.receipt}")
        ctx.cancel_timer(f"bank {task.delivery.receipt}")
        if self.resting:
            self._leave(ctx)
            return
        if self._setup.pull:
            ctx.send("broker", Fetch(self.queue, self._setup.prefetch - len(self.tasks) - len(self.buffer)))
        self._begin(ctx)

    # -- time --------------------------------------------------------------------------------------------------

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "restart":
            self.down = False
            self.on_start(ctx)
            return
        if self.down:
            return
        kind, _, receipt = name.partition(" ")
        task = self.tasks.get(receipt)
        if kind == "work" and task is not None:
            if dict(task.delivery.message.headers).get("poison"):
                self._give_up(task, "this message cannot be read", ctx)
                return
            task.did.append("work")
            if not self._strikes(task, "after_work", ctx):
                self._go_on(task, ctx)
        elif kind == "bank" and task is not None:
            self._give_up(task, "the bank did not answer in time", ctx)
        elif kind == "closed":
            self._begin(ctx)
        elif kind == "extend" and (self.tasks or self.buffer):
            self._extend(ctx)
        elif kind == "beat":
            self.beating = bool(self.tasks or self.buffer)
            if self.beating:
                ctx.send("broker", Beat())
                ctx.set_timer("beat", 1_000 * self._setup.heartbeat_ms)

    def _extend(self, ctx: Ctx) -> None:
        """Ask for a new lease on all that is in hand; from now on it counts on having got it."""
        until = ctx.now + 1_000 * self._setup.lease_ms
        for task in self.tasks.values():
            task.delivery = task.delivery._replace(lease_until_us=until)
        self.buffer = [delivery._replace(lease_until_us=until) for delivery in self.buffer]
        held = (*(task.delivery for task in self.tasks.values() if not task.acked), *self.buffer)
        if held:
            ctx.send("broker", Extend(held))
        ctx.set_timer("extend", 1_000 * self._setup.lease_ms // 3)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if self.down:
            raise ActionError(f"{ctx.me} is down already")
        self._crash(ctx, "by hand")

    def look(self) -> Look:
        if self.down:
            return Look("follower", "W", 3, "its process has ended and is started again", "down")
        if self.resting:
            return Look("follower", "W", -1, "rests until it is needed", "rests")
        working = sorted(task.delivery.message.id for task in self.tasks.values())
        sentence = f"takes from {self.queue}, works on {', '.join(working) or 'nothing'}, {len(self.buffer)} wait here"
        if self.partitions:
            sentence += f"; partitions {', '.join(map(str, self.partitions))}"
        return Look("follower", "W", 2, sentence, f"{self.done} done")

    def label(self, msg: Any) -> str:
        match msg:
            case Settle():
                return f"{msg.how} {msg.delivery.message.id}"
            case Charge():
                return f"{msg.step} {msg.delivery.message.id}"
        return type(msg).__name__.lower()
