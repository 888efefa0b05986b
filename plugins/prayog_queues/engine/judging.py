"""The judge: reads the words of a run, simulated or real, and says what was lost, doubled or put out of order.

It reads each step once (`Judge.take`) and can be asked at any time (`Judge.verdict`): a panel feeds it as the run
goes on.  The words and the definitions are those of ``docs/queues-events.md``.

Rules
1. Judged is a message in a queue: a fan-out stores one message in several queues, and each owes its own effect.  What
   goes to a dead-letter or retry queue still belongs to the queue where it was stored first.  Each group of a log
   that names itself (``group``) owes its own.
2. Lost: confirmed, no effect, and neither waiting, nor in somebody's hands, nor in a dead-letter queue.  What the run
   still held when it said that it was finished is lost as well.
3. The order of a key is the order of its first effects: a repeated effect is a duplicate and nothing else.
4. A hand-out is over when it failed, was given back, or its consumer crashed, and else when both its effect and its
   acknowledgement came: whoever acknowledges first is still at work.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prayog_queues.engine.places import DEAD, GONE, THERE, Hand, Place, Places, named
from prayog_queues.engine.verdict import KINDS, Finding, Verdict, tell
from prayog_sim.trace import Step

__all__ = ["Judge", "judge"]

Data = Mapping[str, Any]


class Judge:
    """Reads a run step by step; shows at most `most` findings of a kind (all are counted)."""

    def __init__(self, most: int = 200) -> None:
        self.most = most
        self.seen = 0
        """Steps read."""
        self._places = Places()
        self._sent = self._places.sent
        self._owing = self._places.owing
        self._unplaced: dict[str, None] = {}
        self._unsure: dict[str, None] = {}
        self._unpromised: dict[str, None] = {}
        """Published, and neither confirmed nor refused nor done yet."""
        self._hands: dict[str, Hand] = {}
        self._largest: dict[str, dict[str, tuple[int, int, str]]] = {}
        self._logs: dict[tuple[str, int], dict[int, str]] = {}
        self._committed: dict[tuple[str, int], int] = {}
        self._counts = dict.fromkeys(KINDS, 0)
        self._found: dict[str, list[Finding]] = {kind: [] for kind in KINDS}
        self._published = self._confirmed = self._effects = self._dropped = 0
        self._deliveries = self._redelivered = self._rejected = self._attempts = 0
        self._finished = -1
        self._read: dict[str, Callable[[int, str, Data], None]] = {
            "publish": self._publish, "confirmed": self._confirm, "refused": self._refuse,
            "unconfirmed": self._unconfirm, "stored": self._store, "deduplicated": self._deduplicate,
            "delivered": self._deliver, "began": self._begin, "effect": self._effect, "known": self._know,
            "failed": self._end, "returned": self._end, "acked": self._ack, "stale_ack": self._late_ack,
            "dead": self._bury, "redriven": self._redrive, "dropped": self._drop, "committed": self._commit,
            "crashed": self._crash, "crash": self._crash, "finished": self._finish,
        }  # fmt: skip

    def take(self, step: Step) -> None:
        """Read one more step with its effects."""
        self.seen += 1
        reader = self._read.get(step.kind)
        if reader is not None:
            reader(step.seq, step.node, step.data)
        for effect in step.effects:
            reader = self._read.get(effect.kind)
            if reader is not None:
                reader(step.seq, step.node, effect.data)

    def read(self, steps: Iterable[Step]) -> Judge:
        """Read many."""
        for step in steps:
            self.take(step)
        return self

    # -- the producer ------------------------------------------------------------------------------------------

    def _publish(self, seq: int, node: str, data: Data) -> None:
        sent = self._places.of(data["message"])
        if sent.published < 0:
            self._published += 1
            sent.published = seq
        sent.refused = -1
        if sent.confirmed < 0:
            self._unpromised[data["message"]] = None

    def _confirm(self, seq: int, node: str, data: Data) -> None:
        message = data["message"]
        sent = self._places.of(message)
        if sent.confirmed < 0:
            self._confirmed += 1
            sent.confirmed = seq
            self._unpromised.pop(message, None)
            self._unsure.pop(message, None)
            if sent.place is None:
                self._unplaced[message] = None

    def _refuse(self, seq: int, node: str, data: Data) -> None:
        self._places.of(data["message"]).refused = seq
        self._unpromised.pop(data["message"], None)

    def _unconfirm(self, seq: int, node: str, data: Data) -> None:
        sent = self._places.of(data["message"])
        if sent.confirmed < 0:
            sent.unsure = seq
            self._unsure[data["message"]] = None

    # -- the broker --------------------------------------------------------------------------------------------

    def _store(self, seq: int, node: str, data: Data) -> None:
        message, queue = data["message"], data["queue"]
        sent = self._places.of(message)
        place = sent.place
        if place is None or (place.queue != queue and (sent.others is None or queue not in sent.others)):
            place = self._places.new(sent, message, queue, data, seq)
            self._unplaced.pop(message, None)
        elif place.queue != queue:
            place = sent.others[queue]  # type: ignore[index] # asked above
        if place.queue == queue:
            place.state = THERE
        position = data.get("position", -1)
        if position >= 0:
            place.partition, place.position = data.get("partition", 0), position
            self._logs.setdefault((queue, place.partition), {})[position] = message

    def _deduplicate(self, seq: int, node: str, data: Data) -> None:
        """It stands there already, under this id or another: nothing is owed for this sending."""
        self._unplaced.pop(data["message"], None)
        self._places.of(data["message"]).refused = -1

    def _bury(self, seq: int, node: str, data: Data) -> None:
        place, to = self._places.find(data, seq), data.get("to", "")
        place.gone, place.how = seq, "put aside"
        if not to:
            place.state = GONE
            return
        place.state = DEAD
        sent = self._places.of(data["message"])
        if to != place.queue:
            self._places.alias(sent, to, place)

    def _redrive(self, seq: int, node: str, data: Data) -> None:
        self._places.find(data, seq).state = THERE

    def _drop(self, seq: int, node: str, data: Data) -> None:
        place = self._places.find(data, seq)
        self._unplaced.pop(data["message"], None)
        place.state, place.gone, place.how = GONE, seq, f"dropped ({data.get('why', 'no reason given')})"
        self._dropped += 1
        if not data.get("told", False):
            steps = (place.stored, seq) if place.stored < seq else (seq,)
            self._note("silent", place, steps, why=data.get("why", ""))

    def _commit(self, seq: int, node: str, data: Data) -> None:
        """A group's offset: everything before it counts as done."""
        queue, partition, position = data["queue"], data.get("partition", 0), data["position"]
        name = named(data)
        log = self._logs.get((queue, partition), {})
        for done in range(self._committed.get((name, partition), min(log, default=0)), position):
            if done in log:
                place = self._places.at(log[done], name, data, seq)
                if place.state == THERE:
                    place.state, place.gone, place.how = GONE, seq, "committed"
        self._committed[name, partition] = position

    # -- the consumer ------------------------------------------------------------------------------------------

    def _deliver(self, seq: int, node: str, data: Data) -> None:
        place = self._places.find(data, seq)
        self._deliveries += 1
        attempt = data.get("attempt", 1)
        if attempt > 1:
            self._redelivered += 1
            self._attempts = max(self._attempts, attempt)
        elif not self._attempts:
            self._attempts = 1
        self._hands[data["receipt"]] = Hand(place, data.get("consumer") or node, seq)
        place.held += 1

    def _begin(self, seq: int, node: str, data: Data) -> None:
        receipt = data["receipt"]
        hand = self._hands.get(receipt)
        if hand is None:
            return
        hand.began = seq
        place = hand.place
        if place.out:
            still = tuple(other for other in place.out if other in self._hands and other != receipt)
            if still:
                first = self._hands[still[0]]
                self._note("overlap", place, (first.delivered, hand.delivered, seq), (first.consumer, hand.consumer))
            place.out = (*still, receipt)
        else:
            place.out = (receipt,)

    def _effect(self, seq: int, node: str, data: Data) -> None:
        self._effects += 1
        message = data["message"]
        sent = self._sent.get(message)
        place = self._places.find(data, seq)
        hand = self._hands.get(data.get("receipt", ""))
        if hand is not None:
            hand.done = True
            if hand.acked or place.position >= 0:
                self._close(data["receipt"], hand)
        if sent is None or sent.published < 0:
            self._note("unexpected", place, (seq,))
        elif sent.refused >= 0 and sent.confirmed < 0:
            self._note("unexpected", place, (sent.refused, seq), why="refused")
        if data.get("stale"):
            self._note("stale_effect", place, (hand.delivered, seq) if hand is not None else (seq,))
        what = data.get("what", "")
        if not place.effects:
            self._owing.pop(place, None)
            self._unpromised.pop(message, None)
            place.first, place.what = seq, what
            self._order(place, seq)
        elif what == place.what or (what in place.what and isinstance(place.what, set)):
            steps = (place.first, hand.delivered, seq) if hand is not None else (place.first, seq)
            self._note("duplicate", place, steps, why=what)
        elif isinstance(place.what, set):
            place.what.add(what)
        else:
            place.what = {place.what, what}
        place.effects += 1

    def _order(self, place: Place, seq: int) -> None:
        if place.number <= 0:
            return
        keys = self._largest.get(place.queue)
        if keys is None:
            keys = self._largest[place.queue] = {}
        before = keys.get(place.key)
        if before is None or before[0] < place.number:
            keys[place.key] = (place.number, seq, place.message)
        else:
            self._note("reordered", place, (before[1], seq), (before[2],))

    def _know(self, seq: int, node: str, data: Data) -> None:
        hand = self._hands.get(data.get("receipt", ""))
        if hand is not None:
            hand.done = True
            if hand.acked or hand.place.position >= 0:
                self._close(data["receipt"], hand)

    def _ack(self, seq: int, node: str, data: Data) -> None:
        receipt = data["receipt"]
        hand = self._hands.get(receipt)
        if hand is not None:
            place = hand.place
            hand.acked = True
            if hand.done:
                del self._hands[receipt]
                place.held -= 1
        else:
            place = self._places.find(data, seq)
        if place.state != GONE:
            place.state, place.gone, place.how = GONE, seq, "acknowledged"

    def _late_ack(self, seq: int, node: str, data: Data) -> None:
        hand = self._hands.get(data["receipt"])
        place = hand.place if hand is not None else self._places.find(data, seq)
        if data.get("accepted"):
            self._note("stale_ack", place, (hand.delivered, seq) if hand is not None else (seq,))
            if place.state != GONE:
                place.state, place.gone, place.how = GONE, seq, "acknowledged late"
        else:
            self._rejected += 1
        self._end(seq, node, data)

    def _end(self, seq: int, node: str, data: Data) -> None:
        hand = self._hands.get(data["receipt"])
        if hand is not None:
            self._close(data["receipt"], hand)

    def _close(self, receipt: str, hand: Hand) -> None:
        del self._hands[receipt]
        hand.place.held -= 1

    def _crash(self, seq: int, node: str, data: Data) -> None:
        who = data.get("consumer") or node or data.get("node", "")
        for receipt, hand in [(r, h) for r, h in self._hands.items() if h.consumer == who]:
            self._close(receipt, hand)

    def _finish(self, seq: int, node: str, data: Data) -> None:
        self._finished = seq

    # -- the verdict -------------------------------------------------------------------------------------------

    def _note(self, kind: str, place: Place, seqs: tuple[int, ...], who: tuple[str, ...] = (), why: str = "") -> None:
        self._counts[kind] += 1
        found = self._found[kind]
        if len(found) < self.most:
            found.append(_finding(kind, place, seqs, who, why))

    def verdict(self) -> Verdict:
        """What is known after the steps that were read; the judge can go on reading."""
        counts = dict(self._counts)
        found = {kind: list(list_) for kind, list_ in self._found.items()}
        waiting = dead = 0

        def note(kind: str, place: Place, seqs: tuple[int, ...], why: str = "") -> None:
            counts[kind] += 1
            if len(found[kind]) < self.most:
                found[kind].append(_finding(kind, place, seqs, (), why))

        for place in self._owing:
            sent = self._sent[place.message]
            if place.state == DEAD:
                dead += 1
            elif sent.confirmed < 0:
                continue
            elif self._finished > place.stored or (place.state == GONE and not place.held):
                gone = place.gone if place.state == GONE else self._finished
                why = place.how if place.state == GONE else "not there any more"
                note("lost", place, tuple(dict.fromkeys((max(sent.published, 0), sent.confirmed, gone))), why)
            else:
                waiting += 1
        for message in self._unplaced:
            sent = self._sent[message]
            if self._finished > sent.confirmed:
                seqs = (max(sent.published, 0), sent.confirmed, self._finished)
                note("lost", Place(message, "", "", 0, -1), seqs, "never stored")
        for message in self._unsure:
            sent = self._sent[message]
            place_ = sent.place
            if place_ is not None and place_.effects:
                note("recovered", place_, tuple(sorted((max(sent.published, 0), sent.unsure, place_.first))))
        over = [self._sent[message] for message in self._unpromised]
        over = [sent for sent in over if self._finished >= sent.published]
        missing = sum(sent.place is None or sent.place.state != DEAD for sent in over)
        findings = tuple(finding for kind in KINDS for finding in found[kind])
        steps = {kind: list_[0].seqs[-1] for kind, list_ in found.items() if list_}
        return Verdict(
            counts, findings, self._published, self._confirmed, self._effects, waiting, dead, self._dropped,
            self._deliveries, self._redelivered, self._rejected, self._attempts, self._finished >= 0, steps, missing,
        )  # fmt: skip


def _finding(kind: str, place: Place, seqs: tuple[int, ...], who: tuple[str, ...], why: str) -> Finding:
    sentence = tell(kind, place.message, place.queue, place.key, place.number, who, why)
    return Finding(kind, place.message, place.queue, place.key, seqs, sentence)


def judge(trace: Iterable[Step]) -> Verdict:
    """The verdict on a whole run (or on its beginning: a slice of the trace)."""
    return Judge().read(trace).verdict()
