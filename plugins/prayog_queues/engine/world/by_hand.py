"""What a learner does to the broker's queues and exchanges by hand; each deed ends with a sentence on what was done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.model.log import LogModel
from prayog_queues.engine.port import Exchange, Queue, Topology
from prayog_queues.engine.setup import Setup
from prayog_sim.run import ActionError

__all__ = ["by_hand"]


def by_hand(model: Model, setup: Setup, name: str, args: Mapping[str, Any], now: int) -> str:
    """Do it, or raise `ActionError` or `Unable` with a sentence."""
    queue, exchange = str(args.get("queue") or ""), str(args.get("exchange") or "")
    match name:
        case "bind":
            model.bind(exchange, queue, str(args.get("pattern", "")))
            return f"{exchange} is bound to {queue}"
        case "unbind":
            model.unbind(exchange, queue, str(args.get("pattern", "")))
            return f"{exchange} is no longer bound to {queue}"
        case "declare_queue":
            if not queue:
                raise ActionError("a queue needs a name")
            model.declare(Topology((Queue(queue, lease_us=1_000 * setup.lease_ms),)))
            return f"the queue {queue} is declared"
        case "declare_exchange":
            kind: Any = str(args.get("kind", "direct"))
            if not exchange:
                raise ActionError("an exchange needs a name")
            if kind not in ("direct", "topic", "fanout", "headers"):
                raise ActionError(f"an exchange is direct, topic, fanout or headers; found {kind!r}")
            model.declare(Topology(exchanges=(Exchange(exchange, kind),)))
            return f"the exchange {exchange} is declared"
        case "redrive":
            dead = queue or next((q.dead_letters for q in model.topology.queues if q.dead_letters), "")
            count = model.redrive(dead, now, str(args.get("message") or "")) if dead else 0
            if not count:
                raise ActionError(f"there is nothing to send back in {dead or 'any dead-letter queue'}")
            return f"{count} sent back from {dead}"
        case _:
            return _read_again(model, queue or model.topology.queues[0].name, int(args.get("position") or 0))


def _read_again(model: Model, queue: str, position: int) -> str:
    found = model.queue(queue)
    if not isinstance(found, LogModel):
        raise ActionError(f"{queue} is a queue: what was acknowledged is gone; only a log can be read again")
    for group in list(found.groups):
        found.seek(group, position)
    return f"every group reads {queue} again from {position}"
