"""Simulation and real processes side by side, from their two traces: how long nobody led, what it cost, and why.

Every figure is measured in both traces by the same function.  What differs is explained by other figures of the real
trace: how late timers fired and how long messages took beyond what the proxy had been told.
"""

from __future__ import annotations

import shutil
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prayog_consensus.engine.raft.measures import most_leaders
from prayog_consensus.engine.sent import kind_of
from prayog_sdk.compare import Comparison, Row
from prayog_sim.clock import format_us
from prayog_sim.trace import Trace

__all__ = ["Loss", "compare", "lateness", "losses", "overtime", "timers"]

_ELECTING = frozenset({"RequestVote", "Vote", "Elect"})
_NEAR = 0.25  # medians that differ by less than this share of the larger are called the same
_GRAIN_US = 2_000  # two grains of the clock that real processes wait by
_NEAR_US = 50_000  # or by less than this


@dataclass(frozen=True, slots=True)
class Loss:
    """A leader was lost at step `seq` by a ``crash`` or ``pause``; after `gap` µs another led.

    ``elections`` is how many candidates stood meanwhile, ``messages`` how many requests and answers for votes.
    """

    seq: int
    kind: str
    gap: int
    elections: int
    messages: int


def losses(trace: Trace) -> list[Loss]:
    """All losses of a leader that another replaced, in order."""
    found: list[Loss] = []
    leader, lost, kind, elections, messages = "", -1, "", 0, 0
    for step in trace:
        if step.kind in ("crash", "error", "pause") and step.node == leader:
            leader, lost, kind, elections, messages = "", step.seq, step.kind, 0, 0
        for effect in step.effects:
            if effect.kind == "leader" and step.node != leader:
                if lost >= 0:
                    found.append(Loss(lost, kind, step.at - trace[lost].at, elections, messages))
                leader, lost = step.node, -1
            elif effect.kind == "candidate":
                elections += 1
            elif effect.kind == "send" and kind_of(effect.data["msg"]) in _ELECTING:
                messages += 1
    return found


def timers(trace: Trace) -> Iterator[int]:
    """How late (µs) each timer fired."""
    due: dict[tuple[str, str], int] = {}
    for step in trace:
        if step.kind == "timer" and (at := due.pop((step.node, step.data["name"]), None)) is not None:
            yield step.at - at
        for effect in step.effects:
            if effect.kind == "timer":
                due[step.node, effect.data["name"]] = effect.data["due"]
            elif effect.kind == "cancel":
                due.pop((step.node, effect.data["name"]), None)
        if step.kind in ("crash", "error", "pause"):
            for key in [key for key in due if key[0] == step.node]:
                del due[key]


def overtime(trace: Trace) -> Iterator[int]:
    """How much longer (µs) each message took than the network had been told."""
    due: dict[int, int] = {}
    asleep: set[str] = set()
    for step in trace:
        if step.kind == "pause":
            asleep.add(step.node)
        if step.kind == "deliver" and (at := due.pop(step.data["ident"], None)) is not None and step.node not in asleep:
            yield step.at - at
        for effect in step.effects:
            if effect.kind == "send" and effect.data.get("arrives") is not None:
                due[effect.data["ident"]] = effect.data["arrives"]


def lateness(trace: Trace, of: Callable[[Trace], Iterator[int]]) -> int:
    """The median of `timers` or `overtime`; 0 when there were none."""
    return round(statistics.median(list(of(trace)) or [0]))


def compare(simulated: Trace, real: Trace) -> Comparison:
    """Gaps without a leader, elections and their messages, and what makes the difference."""
    ours, theirs = losses(simulated), losses(real)
    etcd = _etcd(real)
    rows: list[Row] = []
    if ours and theirs:
        rows += _gaps(ours, theirs, _why_etcd(etcd) if etcd else _why(ours, theirs, real))
        rows += () if etcd else _costs(ours, theirs)  # nobody sees the candidates and votes of etcd
    rows += _fences(simulated, real)
    rows += _answers(simulated, real)
    if not etcd:
        rows += _lateness(simulated, real)
    if not any(effect.kind == "leader" for trace in (simulated, real) for step in trace for effect in step.effects):
        told = (
            f"{_answered(simulated)} questions were answered in the simulation and {_answered(real)} by real processes."
        )
        return Comparison(tuple(rows), told)
    return Comparison(tuple(rows), " ".join(_summary(ours, theirs, etcd)))


def _lateness(simulated: Trace, real: Trace) -> Iterator[Row]:
    """How much later than told timers fired and messages came."""
    yield from (
        Row("A timer fires late by (median)", None, format_us(lateness(simulated, timers)),
            format_us(late := lateness(real, timers)), late < _GRAIN_US,
            "A virtual timer is exact. A real one waits in whole milliseconds (the grain of epoll), then until the "
            "process is woken and it is its turn on a processor."),
        Row("A message takes longer than the network was told by (median)", None,
            format_us(lateness(simulated, overtime)), format_us(longer := lateness(real, overtime)), longer < _GRAIN_US,
            "The proxy adds the delay of the set-up, and waits in whole milliseconds as well. On top come two trips "
            "through loopback, about 0.1 ms each, and the receiver’s turn on a processor."),
    )  # fmt: skip


def _etcd(real: Trace) -> str:
    """The version, when it was an etcd; else empty."""
    return next((str(step.data["etcd"]) for step in real[:1] if "etcd" in step.data), "")


def _why(ours: Sequence[Loss], theirs: Sequence[Loss], real: Trace) -> str:
    return (
        "The gap is the rest of the shortest election timeout, and a round trip for votes. Each real timer is about "
        f"{format_us(lateness(real, timers))} late and each message about {format_us(lateness(real, overtime))} longer "
        "on its way, and a vote is synced to disk (a few ms) before it leaves; the rest is dice: "
        f"{len(ours)} simulated and {len(theirs)} real gaps, each with other random timeouts."
    )


def _why_etcd(version: str) -> str:
    return (
        f"etcd {version} was started with the same election timeout, and it draws from it as we do: between once and "
        "twice. But it counts in heartbeats, five to the shortest timeout, so that timeouts are drawn alike more often "
        "and votes split more often. Its votes and its first entry are synced to disk before it counts as leader here. "
        "Its messages take none of the set-up’s delay, and it is looked at every 5 ms."
    )


def _gaps(ours: Sequence[Loss], theirs: Sequence[Loss], why: str) -> Iterator[Row]:
    sim, got = ([loss.gap for loss in found] for found in (ours, theirs))
    for name, pick in (("shortest", min), ("median", statistics.median), ("longest", max)):
        a, b = round(pick(sim)), round(pick(got))
        near = abs(a - b) <= max(_NEAR_US, _NEAR * max(a, b))
        yield Row(f"Without a leader, {name}", None, format_us(a), format_us(b), near, why if name == "median" else (
            "One gap of a few: an extreme varies from run to run more than the median. A split vote makes it long."
        ))  # fmt: skip


def _costs(ours: Sequence[Loss], theirs: Sequence[Loss]) -> Iterator[Row]:
    for name, part, why in (
        ("Candidates for each loss", lambda loss: loss.elections,
         "More than one means that two timers ran out within one trip of a message, or that a vote was split."),
        ("Messages for votes, for each candidate", lambda loss: loss.messages / max(1, loss.elections),
         "A candidate asks all others, and those that run answer; whoever is down or asleep does not. Answers that "
         "come after the election was won are not counted, and how many do depends on the order of arrival."),
    ):  # fmt: skip
        a, b = (round(statistics.mean(map(part, found)), 1) for found in (ours, theirs))
        if a or b:  # some algorithms have no candidates that say so
            yield Row(name, None, a, b, abs(a - b) <= 0.25 * max(a, b), why)


def _fences(simulated: Trace, real: Trace) -> Iterator[Row]:
    """What storage behind a stale leader took and refused."""
    both = (simulated, real)
    for kind, name, why in (
        ("fenced", "Writes of a stale leader that the storage refused",
         "It depends on whether the leader was stopped between its check and its write; with a token it is refused "
         "whenever it comes."),
        ("overwritten", "Writes of a stale leader that were stored over newer ones",
         "Without a token it depends only on when the leader was stopped."),
    ):  # fmt: skip
        a, b = (sum(effect.kind == kind for step in trace for effect in step.effects) for trace in both)
        if a or b:
            yield Row(name, None, a, b, a == b, why)
    most, really = (most_leaders(trace) for trace in both)
    if any(step.kind == "pause" for trace in both for step in trace):
        yield Row("Most servers that believed at one moment that they lead", None, most, really, most == really,
                  "A stopped leader believes that it leads until it hears of a newer term.")  # fmt: skip


def _answers(simulated: Trace, real: Trace) -> Iterator[Row]:
    """What clients were told."""
    a, b = (_answered(trace) for trace in (simulated, real))
    if a or b:
        yield Row("Questions of clients that were answered", None, a, b, a == b,
                  "Clients ask as long as the run lasts, and a real run lasts a little longer or shorter; whoever asks "
                  "only a number of questions asks the same in both.")  # fmt: skip


def _answered(trace: Trace) -> int:
    return sum(effect.kind == "ok" for step in trace for effect in step.effects)


def _summary(ours: Sequence[Loss], theirs: Sequence[Loss], etcd: str) -> Iterator[str]:
    real = f"etcd {etcd}" if etcd else "real processes"
    if not ours or not theirs:
        yield (
            f"A leader was lost and replaced {len(ours)} times in the simulation and {len(theirs)} times in {real}; "
            "kill the leader in both to compare how long nobody leads."
        )
    else:
        a, b = (format_us(round(statistics.median(loss.gap for loss in found))) for found in (ours, theirs))
        yield f"Nobody led for {a} in the simulation and for {b} in {real} (medians of {len(ours)} and {len(theirs)})."
    if etcd:
        return
    if shutil.which("etcd") is None:
        yield "No etcd was found on this machine, so it was not compared with one."
    else:
        yield "There is an etcd on this machine: the scenario “The leader of etcd dies” does the same to it."
