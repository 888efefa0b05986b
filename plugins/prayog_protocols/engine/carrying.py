"""Which protocol carries what: six needs, three ways, judged by a run each.

A message leaves every so often; each transmission is lost with some probability and takes half a round trip and some
jitter. TCP repeats a lost one after a timer and hands over in order, so what comes behind waits (head-of-line
blocking); QUIC with a stream for each message repeats, too, but only the lost one waits; UDP does neither. A
connection costs round trips before the first message: TCP one (RFC 9293 §3.5), QUIC one (RFC 9000 §7), UDP none.

Rules
1. Loss and jitter of message n are the same for all three ways.
2. Only TCP and QUIC cannot be sent to many at once (RFC 1122 §4.2.3.10).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prayog_sdk.run import Computation, Emit, Facts
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError, Look, NodeView, View
from prayog_sim.trace import Step

__all__ = ["CARDS", "WAYS", "Card", "Carrying", "judged"]

WAYS = ("TCP", "UDP", "QUIC, a stream each")


@dataclass(frozen=True, slots=True)
class Card:
    """What somebody needs."""

    name: str
    text: str
    messages: int
    every_ms: float
    loss: float  # of the link
    round_trip_ms: float
    most_lost: float  # share that may be missing at the end
    most_ms: float  # delay that `share` of the messages must keep
    share: float
    ordered: bool
    to_many: bool = False


CARDS = (
    Card("bank", "A file of payments: none may be missing or out of order.", 200, 2, 0.03, 60, 0, 5_000, 1.0, True),
    Card("call", "A voice call: 1 in 20 packets may be missing; 95 % must come within 150 ms.", 300, 20, 0.03, 80, 0.05,
         150, 0.95, False),
    Card("page", "A page of 60 pictures: all must come, 90 % within 250 ms, in whatever order.", 60, 1, 0.03, 60, 0,
         250, 0.9, False),
    Card("name", "A small question, a small answer: in one round trip; the program asks again by itself.", 1, 1, 0,
         100, 1, 60, 1.0, False),
    Card("game", "Positions of a player, 30 a second: only the newest counts, 95 % within 100 ms.", 300, 33, 0.03, 60,
         0.05, 100, 0.95, False),
    Card("find", "“Which printer is here?” to everybody on the local network at once.", 1, 1, 0, 2, 1, 50, 1.0, False,
         to_many=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How it went."""

    lost: float
    in_time: float
    ordered: bool
    worst_ms: float
    reached: bool


def carry(card: Card, way: str, seed: int) -> Outcome:
    """Send all messages of a card in one way."""
    rng = Rng.derive(seed, "carry", card.name)
    one_way = card.round_trip_ms / 2
    began = 0.0 if way == "UDP" else card.round_trip_ms
    arrivals: list[float | None] = []
    for number in range(card.messages):
        sent, timer = (
            number * card.every_ms + began,
            max(200.0, 2 * card.round_trip_ms),
        )  # Linux's least timer is 200 ms
        fates = [(rng.random() < card.loss, one_way * (1 + 0.2 * rng.random())) for _ in range(8)]
        arrival: float | None = None
        for lost, delay in fates:
            if not lost:
                arrival = sent + delay
                break
            if way == "UDP":
                break
            sent, timer = sent + timer, timer * 2  # RFC 6298 §5.5
        arrivals.append(arrival)
    handed = _in_order(arrivals) if way == "TCP" else arrivals
    delays = [at - number * card.every_ms for number, at in enumerate(handed) if at is not None]
    came = [at for at in handed if at is not None]
    return Outcome(
        1 - len(came) / card.messages, sum(delay <= card.most_ms for delay in delays) / card.messages,
        came == sorted(came), max(delays, default=0.0), not card.to_many or way == "UDP",
    )  # fmt: skip


def _in_order(arrivals: list[float | None]) -> list[float | None]:
    """When each is handed over if none may overtake."""
    handed: list[float | None] = []
    latest = 0.0
    for at in arrivals:
        latest = max(latest, at if at is not None else latest)
        handed.append(latest)
    return handed


def judged(card: Card, outcome: Outcome) -> str:
    """What is wrong with an outcome, in a sentence; empty when the card is satisfied."""
    if not outcome.reached:
        return "A connection has two ends: it cannot be sent to everybody at once."
    if outcome.lost > card.most_lost:
        return f"{outcome.lost:.1%} were lost; at most {card.most_lost:.0%} may be."
    if card.ordered and not outcome.ordered:
        return "They did not come in order."
    if outcome.in_time < card.share:
        return f"Only {outcome.in_time:.0%} came within {card.most_ms:g} ms; {card.share:.0%} must."
    return ""


class Carrying(Computation):
    """Action ``carry``: give a card a protocol, and see."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        super().__init__()
        self.begin("six cards", cards=[card.name for card in CARDS])

    def start(self) -> Facts:
        return {"cards": {}}

    def fold(self, state: Facts, step: Step) -> Facts:
        return {"cards": {**state["cards"], step.data["card"]: dict(step.data)}} if step.kind == "carried" else state

    def show(self, state: Facts, step: Step | None) -> View:
        nodes = {}
        for card in CARDS:
            done: dict[str, Any] = state["cards"].get(card.name, {})
            said = f"{done['way']}: {done['why'] or 'all limits are kept'}" if done else "not chosen yet"
            letter = "?" if not done else "✓" if done["fits"] else "✗"
            nodes[card.name] = NodeView(
                card.name, volatile=done, look=Look("client", letter, -1, f"{card.text} {said}")
            )
        return View(step.seq if step else -1, step.at if step else 0, nodes=nodes, facts=state)

    def perform(self, action: Action) -> Iterator[Emit]:
        name, way = str(action.args.get("card")), str(action.args.get("way"))
        card = next((card for card in CARDS if card.name == name), None)
        if action.name != "carry" or card is None or way not in WAYS:
            raise ActionError(
                f"Choose a card ({', '.join(card.name for card in CARDS)}) and a way ({'; '.join(WAYS)})."
            )
        return self._carry(card, way)

    def _carry(self, card: Card, way: str) -> Iterator[Emit]:
        outcome = carry(card, way, self._seed)
        why = judged(card, outcome)
        yield "carried", card.name, {
            "card": card.name, "way": way, "fits": not why, "why": why, "lost_percent": round(100 * outcome.lost, 2),
            "in_time_percent": round(100 * outcome.in_time, 1), "ordered": outcome.ordered,
            "worst_ms": round(outcome.worst_ms, 1), "text": card.text,
        }  # fmt: skip
