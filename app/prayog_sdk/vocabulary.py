"""The words in which checks are written.

    never("two_leaders")
    count("deliver", node="n1") >= 3
    eventually("leader", by="2s") & (gauge("lag", "p99", window="30s") < 100)

An *event* is a step or one of its effects: ``count("leader")`` counts both.  Keyword arguments compare fields of
the event: ``node``, ``at`` (µs), ``seq``, and whatever its data holds.  In Python a test of an event may be a
function: ``always("read", lambda event: event["value"] == 7)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prayog_sdk.claims import (
    CheckError,
    Claim,
    Event,
    Fact,
    Given,
    Quantity,
    Scope,
    Verdict,
    Where,
    call,
    events,
    fits,
    found,
    of_kind,
    short,
)
from prayog_sim.trace import Step, Trace

__all__ = [
    "GAUGES",
    "always",
    "answer",
    "before",
    "count",
    "eventually",
    "first",
    "gauge",
    "in_time",
    "last",
    "never",
    "on_seeds",
    "predicted",
    "used",
]

GAUGES = ("max", "min", "mean", "sum", "last", "p50", "p90", "p95", "p99")
"""How `gauge` can sum up the samples."""


def count(kind: str, where: Where | None = None, /, **fields: Any) -> Quantity:
    """How many events of `kind` there are (that fit)."""
    text = call("count", kind, where, fields)

    def find(scope: Scope) -> Fact:
        seqs = [event.step.seq for event in found(scope.trace, kind, where, fields)]
        path = [(seq, n) for n, seq in enumerate(seqs, 1)]
        return Fact(len(seqs), f"{text} is {len(seqs)}", seqs[-1] if seqs else None, path)

    return Quantity(text, find)


def first(kind: str, where: Where | None = None, /, **fields: Any) -> Quantity:
    """The first event of `kind`; ``.at``, ``.node``, ``.seq`` and its data are its fields.  None: there is none."""
    text = call("first", kind, where, fields)
    return Quantity(text, lambda scope: _event(text, next(found(scope.trace, kind, where, fields), None)))


def last(kind: str, where: Where | None = None, /, **fields: Any) -> Quantity:
    """The last event of `kind`, like `first`."""
    text = call("last", kind, where, fields)

    def find(scope: Scope) -> Fact:
        event = None
        for event in found(scope.trace, kind, where, fields):  # noqa: B007 - the last one is wanted
            pass
        return _event(text, event)

    return Quantity(text, find)


def _event(text: str, event: Event | None) -> Fact:
    if event is None:
        return Fact(None, f"{text} did not happen")
    return Fact(event, f"{text} was {event}", event.step.seq)


def never(kind: str, where: Where | None = None, /, **fields: Any) -> Claim:
    """No event of `kind` (that fits) happens."""
    text = call("never", kind, where, fields)

    def look(scope: Scope) -> Verdict:
        for event in found(scope.trace, kind, where, fields):
            return Verdict(False, f"this must never happen: {event}", event.step.seq, final=True)
        return Verdict(True, f"{_told(kind, where, fields)} never happened")

    return Claim(text, look)


def always(kind: str, where: Where | None = None, /, **fields: Any) -> Claim:
    """Every event of `kind` fits (also when there is none)."""
    text = call("always", kind, where, fields)

    def look(scope: Scope) -> Verdict:
        fitting = sum(1 for _ in found(scope.trace, kind, where, fields))
        for event in of_kind(scope.trace, kind):
            if not fits(event, where, fields):
                return Verdict(False, f"{text} does not hold: {event}", event.step.seq, final=True)
        return Verdict(True, f"{text} holds for all {fitting}")

    return Claim(text, look)


def eventually(kind: str, where: Where | None = None, /, *, by: str | int | None = None, **fields: Any) -> Claim:
    """Some event of `kind` happens, no later than `by` (``"2s"``, ``"150ms"`` or µs) when that is given."""
    limit = _us(by)
    text = call("eventually", kind, where, fields | ({"by": by} if by is not None else {}))

    def look(scope: Scope) -> Verdict:
        event = next(found(scope.trace, kind, where, fields), None)
        if event is None:
            return Verdict(False, f"{_told(kind, where, fields)} did not happen", _end(scope.trace))
        late = limit is not None and event.step.at > limit
        return Verdict(not late, f"{event}{f', later than {by}' if late else ''}", event.step.seq, final=late)

    return Claim(text, look)


def before(a: str, b: str) -> Claim:
    """The first event of kind `a` came before the first of kind `b` (which may still be to come)."""

    def look(scope: Scope) -> Verdict:
        for event in events(scope.trace):
            if event.kind == a:
                return Verdict(True, f"first came {event}", event.step.seq)
            if event.kind == b:
                return Verdict(False, f"{a} should have come first, but: {event}", event.step.seq, final=True)
        return Verdict(False, f"{a} did not happen", _end(scope.trace))

    return Claim(f"before({a!r}, {b!r})", look)


def gauge(name: str, agg: str = "last", /, *, window: str | int | None = None, node: str | None = None) -> Quantity:
    """The samples of gauge `name` summed up by `agg` (`GAUGES`), over the last `window` of the run or all of it."""
    if agg not in GAUGES:
        raise CheckError(f"gauge can give {', '.join(GAUGES)}; not {agg!r}")
    span = _us(window)
    text = call("gauge", name, None, {"agg": agg} | _given(window=window, node=node))

    def find(scope: Scope) -> Fact:
        since = scope.trace[-1].at - span if span is not None and len(scope.trace) else 0
        samples = [
            (event.step.seq, event["value"])
            for event in of_kind(scope.trace, "gauge")
            if event["name"] == name and event.step.at >= since and node in (None, event["node"])
        ]
        if not samples:
            return Fact(None, f"{text}: nothing was measured")
        values = [value for _, value in samples]
        value = _sum_up(values, agg)
        extreme = next((s for s, v in samples if v == value), None) if agg in ("max", "min") else samples[-1][0]
        return Fact(value, f"{text} is {short(value)}", extreme, samples if agg in ("max", "min") else (), agg == "min")

    return Quantity(text, find)


def _sum_up(values: Sequence[Any], agg: str) -> Any:
    if agg.startswith("p"):  # nearest rank: the smallest sample with at least that share at or below it
        return sorted(values)[max(0, -(-len(values) * int(agg[1:]) // 100) - 1)]
    if agg == "mean":
        return sum(values) / len(values)
    if agg == "sum":
        return sum(values)
    return values[-1] if agg == "last" else (max if agg == "max" else min)(values)


def used(action: str = "") -> Quantity:
    """How often the learner did `action` (any action when none is named): the measure of a budget."""
    text = f"used({action!r})" if action else "used()"

    def find(scope: Scope) -> Fact:
        seqs = [s.seq for s in scope.trace if by_hand(s) and action in ("", s.data.get("name"))]
        path = [(seq, n) for n, seq in enumerate(seqs, 1)]
        return Fact(len(seqs), f"{text} is {len(seqs)}", seqs[-1] if seqs else None, path)

    return Quantity(text, find)


def by_hand(step: Step) -> bool:
    """The learner did this (and not the schedule of a scenario)."""
    return bool(step.data.get("by", "hand" if step.kind == "action" else "") == "hand")


def predicted(question: str, *, before: str = "") -> Claim:
    """The prediction was recorded in time: before the first event, or before an event of kind `before` came."""

    def look(scope: Scope) -> Verdict:
        given = scope.answers.get(question)
        if given is None:
            return Verdict(False, f"no prediction was recorded for {question!r}; predict before you look")
        return in_time(scope.trace, given, before)

    return Claim(call("predicted", question, None, {"before": before} if before else {}), look)


def in_time(trace: Trace, given: Given, before: str = "") -> Verdict:
    """Whether an answer is a prediction: nothing but ``start`` steps came earlier, or a `before` event came later."""
    if before:
        later = next((e for e in events(trace[given.at_step :]) if e.kind == before or e["name"] == before), None)
        if later is None:
            return Verdict(False, f"the prediction should come before {before}, and none has come since")
        return Verdict(True, f"predicted before {later}", later.step.seq)
    early = next((step for step in trace[: given.at_step] if step.kind != "start"), None)
    if early is None:
        return Verdict(True, "predicted before the first event")
    return Verdict(
        False, f"the answer came after {Event(early, early.kind, early.data)}; start again and predict first"
    )


def answer(question: str) -> Quantity:
    """What the learner predicted; None where nothing was."""

    def find(scope: Scope) -> Fact:
        given = scope.answers.get(question)
        if given is None:
            return Fact(None, f"no prediction was recorded for {question!r}")
        return Fact(given.value, f"you predicted {short(given.value)}")

    return Quantity(f"answer({question!r})", find)


def on_seeds(n: int, claim: Claim) -> Claim:
    """`claim` holds on `n` seeds, counted up from the run's own; the same actions are replayed on each."""

    def look(scope: Scope) -> Verdict:
        if scope.rerun is None:
            raise CheckError("on_seeds needs a simulated run that can be repeated; a recording cannot")
        for seed in range(scope.seed, scope.seed + n):
            trace = scope.trace if seed == scope.seed else scope.rerun(seed)
            verdict = claim.look(Scope(trace, scope.answers))
            if not verdict.ok:
                return Verdict(False, f"on seed {seed}: {verdict.reason}", verdict.at)
        return Verdict(True, f"{claim.text} on {n} seeds")

    return Claim(f"on_seeds({n}, {claim.text})", look)


def _told(kind: str, where: Where | None, fields: Mapping[str, Any]) -> str:
    """``oracle with same=False``: a kind of event and what is asked of it, in words."""
    asked = [f"{key}={value!r}" for key, value in fields.items()]
    if where is not None:
        asked.insert(0, getattr(where, "text", "…"))
    return f"{kind} with {', '.join(asked)}" if asked else kind


def _given(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _end(trace: Trace) -> int | None:
    return len(trace) - 1 if len(trace) else None


def _us(value: str | int | None) -> int | None:
    if not isinstance(value, str):
        return value
    from prayog_sim.clock import parse_duration

    try:
        return parse_duration(value)
    except ValueError as error:
        raise CheckError(str(error)) from None
