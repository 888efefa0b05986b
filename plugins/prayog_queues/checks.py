"""Verdicts of this topic, each a pure function of the trace, with the step that proves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from prayog_queues.engine.verdict import KINDS
from prayog_queues.words import judged, told
from prayog_sdk.checks import Check, Verdict, eventually, never
from prayog_sim.trace import Trace

__all__ = ["CHECKS"]


def _none(name: str, title: str, *kinds: str, help: str = "") -> Check:
    """A check that the judge finds nothing of these kinds."""

    def look(trace: Trace) -> Verdict:
        verdict = judged(trace)
        bad = [finding for kind in kinds for finding in verdict.of(kind)]
        if not bad:
            return Verdict(True, verdict.sentence())
        first = min(bad, key=lambda finding: finding.seqs[-1])
        return Verdict(False, first.sentence, first.seqs[-1])

    return Check(name, title, look, help or " ".join(KINDS[kind].means for kind in kinds))


def _rule(name: str, title: str, look: Callable[[Trace], Verdict], help: str) -> Check:
    return Check(name, title, look, help)


def _deaths_kept(trace: Trace) -> Verdict:
    """A message that dies again has one death more."""
    deaths: dict[str, int] = {}
    for word in told(trace, "dead"):
        message, now = word.data["message"], word.data["deaths"]
        if now != deaths.get(message, 0) + 1:
            return Verdict(False, f"{message} died again, and only {now} of its deaths is written down", word.seq)
        deaths[message] = now
    return Verdict(True, "every death was written down")


def _attempts_counted(trace: Trace) -> Verdict:
    """The broker's count of hand-outs is the number of hand-outs."""
    seen: Counter[tuple[str, str]] = Counter()
    struck = any(True for _ in told(trace, "lost", "drop", "crash", "crashed"))  # then some never arrived
    for word in told(trace, "delivered", "redriven"):
        if word.kind == "redriven":
            seen[word.data["message"], word.data["queue"]] = 0
            continue
        place = (word.data["message"], word.data["queue"])
        seen[place] += 1
        attempt, known = word.data["attempt"], seen[place]
        if attempt > known and not struck:
            return Verdict(False, f"{place[0]} says attempt {attempt}, and was handed out {known} times", word.seq)
    return Verdict(True, "attempts are hand-outs, and nothing else")


def _one_reader(trace: Trace) -> Verdict:
    """Whoever is handed a message of a log has its partition in that generation of the group."""
    owner: dict[tuple[str, str, int], str] = {}
    for word in told(trace, "assigned", "delivered"):
        queue = f"{word.data['queue']}/{word.data.get('group', '')}"
        if word.kind == "assigned":
            for part in word.data["partitions"]:
                owner[queue, str(word.data["generation"]), part] = word.data.get("consumer", word.node)
            continue
        if word.data["position"] < 0:
            continue
        generation, part, _ = str(word.data["receipt"]).rpartition("@")[2].split(":")
        reader = owner.get((queue, generation, int(part)))
        if reader not in (None, word.node):
            sentence = f"{word.node} reads partition {part}, which belongs to {reader} in generation {generation}"
            return Verdict(False, sentence, word.seq)
    return Verdict(True, "every partition was read by its owner alone")


CHECKS: list[Check] = [
    Check("finished", "All work was done", eventually("finished"),
          "Liveness: nobody passes by stopping the consumers."),
    _none("nothing_lost", "Nothing that was confirmed was lost", "lost"),
    _none("once_each", "No effect happened twice", "duplicate"),
    _none("in_order", "Each customer’s messages took effect in order", "reordered"),
    _none("told", "Nothing was dropped in silence", "silent"),
    _none("one_at_a_time", "No message was in two hands at once", "overlap"),
    _none("no_stale_effect", "Nothing was done under a lease that was over", "stale_effect"),
    _none("no_stale_ack", "No late acknowledgement counted", "stale_ack"),
    _none("none_unexpected", "Nothing happened that nobody asked for", "unexpected"),
    _none("effectively_once", "Each message had its effect, once", "lost", "duplicate", "unexpected"),
    _rule("deaths_kept", "Deaths are only ever added", _deaths_kept, "RabbitMQ 4.1 overwrote the first: #15385."),
    _rule("one_reader", "Each partition has one reader in its group", _one_reader,
          "Apache Kafka documentation 4.5: the order in a partition depends on it."),
    _rule("attempts_counted", "Looking does not count as handing out", _attempts_counted,
          "Peeking raises the delivery count in more than one tool, and can bury a message."),
    Check("no_mistake", "Your function answered every call", never("code_error")),
]  # fmt: skip
