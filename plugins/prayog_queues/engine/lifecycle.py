"""One message's life, told from the run: created, published, confirmed, stored, leased, expired, effect, acknowledged.

`Lives` keeps for each message the numbers of its steps and what it is now; its story is made when somebody asks.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_sim.clock import format_us
from prayog_sim.trace import Step

__all__ = ["STATES", "Life", "Lives", "Moment", "cloud_event", "words"]

Data = Mapping[str, Any]

STATES: Mapping[str, str] = {
    "sent": "on its way to the broker", "waiting": "waits in its queue", "in hand": "in the hands of a consumer",
    "done": "took effect and is settled", "acted": "took effect, not settled yet", "dead": "in a dead-letter queue",
    "settled": "settled without an effect", "dropped": "thrown away", "refused": "refused by the broker",
}  # fmt: skip


@dataclass(slots=True)
class Life:
    """A message and what became of it so far.  Times are µs; −1: not yet."""

    id: str
    key: str = ""
    number: int = 0
    queue: str = ""
    grave: str = ""
    """The dead-letter queue in which it is."""
    state: str = "sent"
    holder: str = ""
    """Who has it in hand."""
    attempts: int = 0
    effects: int = 0
    deaths: int = 0
    published_us: int = -1
    effect_us: int = -1
    correlation: str = ""
    causation: str = ""
    seqs: array[int] = None  # type: ignore[assignment] # set below

    def __post_init__(self) -> None:
        self.seqs = array("L")

    @property
    def end_to_end_us(self) -> int:
        """From its publishing to its first effect; −1: none yet."""
        return self.effect_us - self.published_us if self.effect_us >= 0 and self.published_us >= 0 else -1


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened to a message: the step, when (µs), a word for the eye, and a sentence."""

    seq: int
    at: int
    title: str
    sentence: str
    tone: str = ""
    """``good``, ``warn``, ``bad`` or nothing."""


_STATE = {
    "stored": "waiting", "deduplicated": "waiting", "returned": "waiting", "failed": "waiting",
    "lease_expired": "waiting", "dead": "dead", "redriven": "waiting", "expired": "dropped", "dropped": "dropped",
    "refused": "refused",
}  # fmt: skip


class Lives:
    """All messages of a run, in the order in which they were published."""

    def __init__(self) -> None:
        self.lives: dict[str, Life] = {}
        self.changes = 0
        """Counts what was told of messages: whoever shows them looks whether it grew."""
        self._caused: dict[str, list[str]] = {}
        self._flows: dict[str, list[str]] = {}

    def take(self, step: Step) -> None:
        """Read one more step."""
        if "message" in step.data:
            self._take(step, step.kind, step.data)
        for effect in step.effects:
            if "message" in effect.data:
                self._take(step, effect.kind, effect.data)

    def _take(self, step: Step, kind: str, data: Data) -> None:
        if kind not in _TOLD or not data["message"]:
            return
        name = data["message"]
        life = self.lives.get(name)
        if life is None:
            life = self.lives[name] = Life(name)
        self.changes += 1
        if not life.seqs or life.seqs[-1] != step.seq:
            life.seqs.append(step.seq)
        if "key" in data:
            life.key, life.number = data["key"], data.get("number", life.number)
        if kind == "publish":
            self._published(life, step, data)
        elif kind == "delivered":
            life.state, life.holder = "in hand", data.get("consumer") or step.node
            life.attempts = max(life.attempts, data.get("attempt", 1))
        elif kind == "effect":
            life.effects += 1
            if life.effect_us < 0:
                life.effect_us = step.at
            life.state = "done" if life.state in ("settled", "done") else "acted"
        elif kind == "acked":
            life.state = "done" if life.effects else "settled"
            life.holder = ""
        elif kind in _STATE:
            self._moved(life, kind, data)

    @staticmethod
    def _moved(life: Life, kind: str, data: Data) -> None:
        queue = data.get("queue", "")
        if kind == "stored" and queue == life.grave:
            return
        if kind in ("dead", "redriven"):
            life.deaths = max(life.deaths, data.get("deaths", life.deaths))
            life.grave = data.get("to", "") if kind == "dead" else ""
        life.state = "done" if life.state == "done" and kind != "redriven" else _STATE[kind]
        life.holder = ""
        life.queue = life.grave or queue or life.queue

    def _published(self, life: Life, step: Step, data: Data) -> None:
        if life.published_us >= 0:
            return
        life.published_us = step.at
        life.correlation, life.causation = data.get("correlation", ""), data.get("causation", "")
        if life.causation:
            self._caused.setdefault(life.causation, []).append(life.id)
        if life.correlation:
            self._flows.setdefault(life.correlation, []).append(life.id)

    # -- asking ------------------------------------------------------------------------------------------------

    def story(self, name: str, trace: Sequence[Step]) -> list[Moment]:
        """What happened to the message `name`, in order."""
        life = self.lives.get(name)
        found: list[Moment] = []
        for seq in life.seqs if life is not None else ():
            step = trace[seq]
            for kind, data in ((step.kind, step.data), *((e.kind, e.data) for e in step.effects)):
                if kind in _TOLD and data.get("message") == name:
                    title, sentence, tone = words(kind, step.node, data)
                    found.append(Moment(seq, step.at, title, sentence, tone))
        return found

    def envelope(self, name: str, trace: Sequence[Step]) -> Message | None:
        """The whole message as its producer sent it; None where the run does not show it (a real one)."""
        life = self.lives.get(name)
        for seq in life.seqs if life is not None else ():
            for effect in trace[seq].effects:
                message = getattr(effect.data.get("msg"), "message", None)
                if isinstance(message, Message) and message.id == name:
                    return message
        return None

    def tree(self, name: str) -> Iterator[tuple[int, str]]:
        """The messages of the flow that `name` belongs to: (depth, id), a cause before what it led to."""
        life = self.lives.get(name)
        if life is None:
            return
        root, seen = life, {life.id}
        while root.causation in self.lives and root.causation not in seen:
            root = self.lives[root.causation]
            seen.add(root.id)
        done: set[str] = set()
        roots = [root.id, *(m for m in self._flows.get(life.correlation, ()) if not self.lives[m].causation)]
        stack = [(0, top) for top in reversed(list(dict.fromkeys(roots)))]
        while stack:
            depth, top = stack.pop()
            if top in done:
                continue
            done.add(top)
            yield depth, top
            stack.extend((depth + 1, child) for child in reversed(self._caused.get(top, ())))

    def select(self, text: str = "", state: str = "") -> list[Life]:
        """The messages whose id or key holds `text`, and that are in `state`; empty means any."""
        text = text.lower()
        return [
            life for life in self.lives.values()
            if (not state or life.state == state) and (not text or text in life.id.lower() or text in life.key.lower())
        ]  # fmt: skip


def words(kind: str, node: str, d: Data) -> tuple[str, str, str]:
    """A word of a run for people: title, sentence, tone."""
    who = d.get("consumer") or node
    again = d.get("attempt", 1)
    match kind:
        case "publish":
            more = f" for the {_nth(again)} time" if again > 1 else ""
            return ("Published again" if again > 1 else "Published", f"{node} sends it to {d.get('to', '')}{more}.", "")
        case "confirmed":
            return "Confirmed", "The broker says that it has it.", "good"
        case "refused":
            return "Refused", f"The broker does not take it: {d.get('why', '')}.", "bad"
        case "unconfirmed":
            return "No answer", "Nobody knows whether the broker has it.", "warn"
        case "stored":
            place = f" at position {d['position']}" if d.get("position", -1) >= 0 else ""
            return "Stored", f"It stands in {d['queue']}{place}.", ""
        case "deduplicated":
            return "Recognised", f"{d.get('queue', 'The broker')} had it already and keeps one.", "good"
        case "delivered":
            lease = d.get("lease_us", 0)
            held = f", leased for {format_us(lease)}" if lease else ""
            tone = "warn" if again > 1 else ""
            return f"Handed to {who}", f"{who} gets it from {d['queue']}, attempt {again}{held}.", tone
        case "began":
            return "Handler runs", f"{who} works on it.", ""
        case "effect":
            stale = d.get("stale")
            what = d.get("what") or "effect"
            late = ", although its lease is over" if stale else ""
            return f"Effect: {what}", f"{who} changes the world{late}.", "warn" if stale else "good"
        case "known":
            return "Known", f"{who} has done it before: no effect.", "good"
        case "failed":
            return "Failed", f"{who} gave up: {d.get('why', '')}.", "warn"
        case "acked":
            return "Acknowledged", f"{who} is done with it.", "good"
        case "stale_ack":
            taken = "and it counted" if d.get("accepted") else "and it was refused"
            return "Late acknowledgement", f"{who} acknowledged after its lease, {taken}.", "warn"
        case "returned":
            delay = d.get("delay_us", 0)
            return "Given back", f"It may be handed out again{f' in {format_us(delay)}' if delay > 0 else ''}.", "warn"
        case "extended":
            return "Lease extended", f"{who} is still at work.", ""
        case "lease_expired":
            return "Lease over", f"{who} did not answer in time; another may get it.", "warn"
        case "expired":
            return "Too old", f"Its time in {d.get('queue', 'the queue')} is over.", "bad"
        case "dead":
            where = f"It is now in {d.get('to') or 'no queue'}."
            return "Put aside", f"Death {d.get('deaths', 1)}, in {d['queue']}: {d.get('reason', '')}. {where}", "bad"
        case "redriven":
            return "Sent back", f"From the dead letters to {d.get('queue', '')}.", ""
        case "dropped":
            told = "Somebody was told." if d.get("told") else "Nobody was told."
            return "Dropped", f"{d.get('queue') or 'The broker'} threw it away ({d.get('why', '')}). {told}", "bad"
        case "spilled":
            return "Spilled", f"{d.get('queue', 'The queue')} is full; it went to disk.", ""
        case "torn":
            cut = "its record is half-written, so recovery cuts the log here"
            return "Torn", f"When the power went, {d.get('whole', 0)} unsynced records were whole; {cut}.", "bad"
        case "rejected":
            return "Rejected", f"{d.get('why', '')}, sent by {d.get('by', '')}.", "bad"
    return kind, "", ""


_TOLD = frozenset({
    "publish", "confirmed", "refused", "unconfirmed", "stored", "deduplicated", "delivered", "began", "effect", "known",
    "failed", "acked", "stale_ack", "returned", "extended", "lease_expired", "expired", "dead", "redriven", "dropped",
    "spilled", "torn", "rejected",
})  # fmt: skip


def _nth(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")



def cloud_event(message: Message) -> list[tuple[str, str]]:
    """`message` by the names of CloudEvents 1.0 and its extensions; what is empty is left out."""
    pairs = [
        ("id", message.id), ("source", message.source), ("type", message.type), ("subject", message.key),
        ("time", format_us(message.time_us)), ("sequence", str(message.number)), ("correlationid", message.correlation),
        ("causationid", message.causation), ("priority", str(message.priority or "")),
        ("dedup id", message.dedup_id), ("time to live", format_us(message.ttl_us) if message.ttl_us else ""),
        ("signature", f"{message.signature[:16]}… (anybody can read the data)" if message.signature else ""),
        *message.headers, ("data", message.body),
    ]  # fmt: skip
    return [(name, value) for name, value in pairs if value]
