"""The same 200 messages by TCP and by UDP over a link that loses some: which finishes first, and which loses data?

A model of messages, not of segments: a lost message of TCP is sent again after a timer of 200 ms that doubles (RFC
6298 §5.5), what comes behind it waits (RFC 9293 §3.4); UDP (RFC 768) does neither. Windows and congestion are left
out."""

from __future__ import annotations

from collections.abc import Iterator

from prayog_sdk.run import Computation, Emit, Facts
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError, Look, NodeView, View
from prayog_sim.trace import Step

__all__ = ["MESSAGES", "Dropping"]

MESSAGES = 200
_EVERY_MS, _WAY_MS, _TIMER_MS = 5.0, 40.0, 200.0


class Dropping(Computation):
    """Action ``transfer``: all messages, by one protocol, at one loss."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        super().__init__()
        self.begin("link", messages=MESSAGES)

    def start(self) -> Facts:
        return {"runs": {}}

    def fold(self, state: Facts, step: Step) -> Facts:
        if step.kind != "transferred":
            return state
        return {"runs": {**state["runs"], f"{step.data['way']} at {step.data['loss_percent']} %": dict(step.data)}}

    def show(self, state: Facts, step: Step | None) -> View:
        nodes = {}
        for name, run in state["runs"].items():
            said = f"{run['delivered']} of {MESSAGES} arrived; finished after {run['finish_ms']:g} ms"
            nodes[name] = NodeView(name, volatile=run, look=Look("client", name[0], -1, said))
        return View(step.seq if step else -1, step.at if step else 0, nodes=nodes, facts=state)

    def perform(self, action: Action) -> Iterator[Emit]:
        way, loss = str(action.args.get("way", "TCP")), action.args.get("loss", 3)
        if action.name != "transfer" or way not in ("TCP", "UDP"):
            raise ActionError("Transfer by TCP or by UDP.")
        if not str(loss).isdigit() or int(loss) > 50:
            raise ActionError(f"The loss is a whole number of percent from 0 to 50; found {loss!r}.")
        return self._transfer(way, int(loss))

    def _transfer(self, way: str, loss: int) -> Iterator[Emit]:
        rng = Rng.derive(self._seed, "drop")
        delivered = again = waited = 0
        latest = handed = began = 2 * _WAY_MS if way == "TCP" else 0.0
        for number in range(MESSAGES):
            sent, timer, tries = began + number * _EVERY_MS, _TIMER_MS, 1
            fates = [rng.random() for _ in range(8)]
            while tries < len(fates) and fates[tries - 1] < loss / 100 and way == "TCP":
                sent, timer, tries = sent + timer, timer * 2, tries + 1
            lost = fates[tries - 1] < loss / 100
            arrived = sent + _WAY_MS
            handed = max(latest, arrived) if way == "TCP" else arrived
            again += tries - 1
            if not lost:
                delivered, waited, latest = delivered + 1, waited + (handed > arrived), max(latest, handed)
            times = {"arrived_ms": None if lost else arrived, "handed_ms": None if lost else handed}
            yield "message", way, {"number": number, "tries": tries, "lost": lost, **times}
        yield "transferred", way, {
            "way": way, "loss_percent": loss, "delivered": delivered, "again": again, "held_back": waited,
            "finish_ms": round(latest, 1),
        }  # fmt: skip
