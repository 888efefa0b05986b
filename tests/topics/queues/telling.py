"""Short stories in the words of docs/queues-events.md, told as a run tells them; for tests of what reads runs."""

from __future__ import annotations

from typing import Any

from prayog_sim.trace import Step, Trace


class Story:
    """Appends steps; each method is one word (or the few that always go together)."""

    def __init__(self) -> None:
        self.trace = Trace()
        self.at = 0
        self._numbers: dict[str, int] = {}
        self._of: dict[str, tuple[str, int]] = {}
        self._receipts = 0
        self._attempts: dict[tuple[str, str], int] = {}

    def tell(self, kind: str, node: str, /, **data: Any) -> int:
        """One step; the clock goes on by 1 ms.  Returns its seq."""
        self.at += 1_000
        self.trace.append(Step(len(self.trace), self.at, kind, node, data))
        return len(self.trace) - 1

    def publish(self, message: str, key: str = "k", queue: str = "orders", confirmed: bool = True, **more: Any) -> None:
        """Published, stored, confirmed."""
        if message not in self._of:
            self._numbers[key] = self._numbers.get(key, 0) + 1
            self._of[message] = (key, self._numbers[key])
        number = self._of[message][1]
        self.tell("publish", "p1", message=message, key=key, number=number, to=queue, attempt=1, **more)
        for name in queue.split("+"):
            self.store(message, name)
        if confirmed:
            self.tell("confirmed", "p1", message=message)

    def store(self, message: str, queue: str = "orders", position: int = -1, **more: Any) -> int:
        key, number = self._of.get(message, ("", 0))
        return self.tell(
            "stored", "broker", message=message, key=key, number=number, queue=queue, position=position, **more
        )

    def deliver(self, message: str, to: str = "w1", queue: str = "orders", **more: Any) -> str:
        """Handed out, and the handler began.  Returns the receipt."""
        key, number = self._of.get(message, ("", 0))
        self._receipts += 1
        receipt = f"r{self._receipts}"
        attempt = self._attempts[message, queue] = self._attempts.get((message, queue), 0) + 1
        self.tell(
            "delivered", to, message=message, key=key, number=number, queue=queue, attempt=attempt, receipt=receipt,
            **({"position": -1, "lease_us": 5_000} | more),
        )  # fmt: skip
        self.tell("began", to, message=message, receipt=receipt)
        return receipt

    def effect(self, message: str, receipt: str, by: str = "w1", queue: str = "orders", **more: Any) -> int:
        key, number = self._of.get(message, ("", 0))
        data = {"what": "charge", "stale": False} | more
        return self.tell(
            "effect", by, message=message, key=key, number=number, queue=queue, receipt=receipt, **data
        )

    def ack(self, message: str, receipt: str, by: str = "w1", queue: str = "orders") -> int:
        return self.tell("acked", "broker", message=message, receipt=receipt, queue=queue, consumer=by)

    def handle(self, message: str, by: str = "w1", queue: str = "orders", **more: Any) -> str:
        """From hand-out to acknowledgement, as it should be."""
        receipt = self.deliver(message, by, queue, **more)
        self.effect(message, receipt, by, queue)
        self.ack(message, receipt, by, queue)
        return receipt

    def finish(self) -> int:
        return self.tell("finished", "", published=len(self._of), effects=0)
